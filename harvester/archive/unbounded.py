"""Archives of geographic searches that were begun without a first second of upload.

Earlier versions sent none where none was asked for, and Flickr then shows the last 12 hours only (see
`harvester.flickr.geo`). How much of such a search was listed cannot be told, so it is listed once more.
"""

from __future__ import annotations

from dataclasses import replace

from harvester.archive.checkpoint.state import State
from harvester.flickr.geo import needs_bound
from harvester.jobs.model import Search, Source
from harvester.listing.roots import find_roots
from harvester.listing.sweep import OPEN_END

AGAIN = "An earlier version saw only the last 12 hours of this geographic search: it is listed from the beginning now"


def mark_bounded(state: State) -> None:
    """The searches of this checkpoint have a first second of upload. Within a transaction."""
    state.note(replace(state.facts, bounded=True))


def is_cut_off(source: Source, state: State) -> bool:
    """Whether Flickr has shown the last 12 hours only of what this checkpoint lists."""
    found = state.facts.arguments
    if state.facts.bounded or found is None or not isinstance(source, Search):
        return False
    return not source.upload_span[0] and needs_bound(found)


def list_again(source: Source, state: State) -> bool:
    """Have a search listed again of which Flickr has shown the last 12 hours only; whether that was needed."""
    if state.facts.bounded:
        return False
    is_cut, known = is_cut_off(source, state), state.facts
    with state.changing():
        mark_bounded(state)
        if is_cut:
            state.drop_listing()
            for sweep in find_roots(source, known.arguments or {}, horizon=known.horizon or OPEN_END).sweeps:
                state.add_sweep(sweep)
            state.note(replace(state.facts, expected=None, finished=False))
    return is_cut
