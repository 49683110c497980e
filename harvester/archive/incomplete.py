"""Which stretches of upload time are incomplete, as checkpoint, manifest and `status --json` hold them.

A stretch is incomplete where Flickr claims photos that no question reaches, however often it is read. Where more than
a fifth of all that is claimed is missing, so is each stretch that shows fewer photos than are claimed of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from harvester.archive.checkpoint.facts import Reread
from harvester.archive.checkpoint.state import State
from harvester.archive.comparison import Difference, find_difference
from harvester.archive.folder import is_at_limit
from harvester.jobs.model import Account, Search, Source
from harvester.jobs.values import stamp
from harvester.listing.stretch import Stretch
from harvester.listing.sweep import read_stretch_again

_MOST_TOLD = 5
_WAY_ON = "Run the same again, or `harvester resume`, to read that stretch again."
_PAST_LIMIT = "Run the same without a limit, or with a larger one, to read that stretch again."


class IncompleteStretch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of upload time, both ends inclusive, in ISO time. `claimed` is None where Flickr tells no number."""

    after: str
    before: str
    claimed: int | None
    found: int
    note: str
    """A sentence that names the stretch, and says what to do."""


def find_incomplete(source: Source, state: State) -> list[Stretch]:
    """The stretches of which photos are missing, oldest first; none where the archive misses none."""
    found, wide = _find_parts(source, state)
    now = [_build_whole(source, state, wide)] if wide else _join_same(found)
    known = {(stretch.since, stretch.until) for stretch in now}
    before = [stretch for stretch in _list_reread(state) if (stretch.since, stretch.until) not in known]
    return sorted([*now, *before], key=lambda stretch: (stretch.since, stretch.until))


def take_up_incomplete(source: Source, state: State) -> None:
    """Have incomplete stretches read again, and nothing else. Within a transaction.

    They count as incomplete until they are read to their end. Where no part of the search tells where photos are
    missing, the pipeline asks for the claim first.
    """
    found, wide = _find_parts(source, state)
    state.note(replace(state.facts, reread=list(map(_pack, find_incomplete(source, state)))))
    if found and not wide:
        state.replace_stretches(found, map(read_stretch_again, found))


def is_update_left(state: State) -> bool:
    """Whether the last update ended without all that it was to bring."""
    return bool(state.facts.updated) and (bool(state.count_unfetched()) or is_kept_back(state))


def is_kept_back(state: State) -> bool:
    """Whether the last run has seen that Flickr keeps photos back: of a stretch of time, or of what it once showed."""
    return bool(state.facts.withheld or read_incomplete(state))


def _find_parts(source: Source, state: State) -> tuple[list[Stretch], Difference | None]:
    """The incomplete stretches, each part for itself; a difference that they do not explain."""
    difference = _find_claim(source, state)
    wide = difference if difference is not None and difference.is_wide else None
    found = [s for s in state.stretches() if not s.whole or (wide is not None and _count_missing(s))]
    is_told = wide is None or wide.is_explained_by(sum(map(_count_missing, found)))
    return found, None if is_told else wide


def _find_claim(source: Source, state: State) -> Difference | None:
    """What the listing claims beyond what is there. A photostream claims it by stretches; its owner's count is more."""
    if not isinstance(source, Account):
        return find_difference(source, state)
    there, expected = state.count_seen(), state.facts.expected
    if expected is not None and there >= expected:
        return None  # as many as the owner has
    missing = sum(map(_count_missing, state.stretches()))
    return Difference(there + missing, there) if missing and not state.sweeps() else None


def _list_reread(state: State) -> list[Stretch]:
    """The stretches whose reading was taken up and has not come to its end."""
    return [Stretch(**known, whole=False) for known in state.facts.reread or ()] if state.sweeps() else []


def _pack(stretch: Stretch) -> Reread:
    return {
        "since": stretch.since,
        "until": stretch.until,
        "reported": stretch.reported,
        "found": stretch.found,
        "note": stretch.note,
    }


def describe_incomplete(stretches: Iterable[Stretch], state: State) -> list[IncompleteStretch]:
    """The stretches of an archive as they are written and shown."""
    way_on = _PAST_LIMIT if is_at_limit(state) else _WAY_ON
    return [
        IncompleteStretch(
            after=stamp(s.since),
            before=stamp(s.until),
            claimed=s.reported,
            found=s.found,
            note=f"{_tell(s)} {way_on}",
        )
        for s in stretches
    ]


def write_incomplete(source: Source, state: State) -> None:
    """Remember the incomplete stretches as they are now. Within a transaction."""
    found = msgspec.to_builtins(describe_incomplete(find_incomplete(source, state), state))
    known = state.facts
    state.note(replace(known, incomplete_stretches=found, reread=known.reread if state.sweeps() else None))


def read_incomplete(state: State) -> list[IncompleteStretch]:
    """The incomplete stretches as the last run has left them, oldest first."""
    known = state.facts.incomplete_stretches
    if known is None:  # a checkpoint of an older version
        return describe_incomplete(_join_same(s for s in state.stretches() if not s.whole), state)
    return msgspec.convert(known, list[IncompleteStretch])


def list_notes(stretches: Iterable[Stretch], state: State) -> list[str]:
    """A few sentences on incomplete stretches, for the end of a run."""
    notes = [stretch.note for stretch in describe_incomplete(stretches, state)]
    more = len(notes) - _MOST_TOLD
    return notes if more <= 0 else [*notes[:_MOST_TOLD], f"{more:,} more stretches are incomplete: see manifest.json."]


def _count_missing(stretch: Stretch) -> int:
    """Photos that Flickr claims of a stretch that was read again and again, beyond those that it has shown."""
    return max(0, (stretch.reported or 0) - stretch.found) if stretch.note else 0


def _join_same(stretches: Iterable[Stretch]) -> list[Stretch]:
    """One for each stretch: a second that was read in parts has several."""
    joined: dict[tuple[int, int], Stretch] = {}
    for stretch in stretches:
        known = joined.get((stretch.since, stretch.until))
        is_claimed = known is not None and known.reported is not None and stretch.reported is not None
        joined[stretch.since, stretch.until] = (
            stretch
            if known is None
            else replace(
                known,
                found=known.found + stretch.found,
                reported=(known.reported or 0) + (stretch.reported or 0) if is_claimed else None,
            )
        )
    return [joined[key] for key in sorted(joined)]


def _build_whole(source: Source, state: State, difference: Difference) -> Stretch:
    """All that was asked for, where no part of it tells where photos are missing."""
    since = source.upload_span[0] if isinstance(source, Search) else None
    return Stretch(
        since=since or 0,
        until=state.facts.horizon or 0,
        reported=difference.claimed,
        found=difference.there,
        whole=False,
    )


def _tell(stretch: Stretch) -> str:
    """`Flickr keeps photos back that were uploaded from 2014-03-01 12:00 to 12:05 (UTC): …, 20 were found.`."""
    reason = f" ({stretch.note})" if stretch.note else ""
    claimed = stretch.reported
    numbers = (
        f"it claims {claimed:,}, {stretch.found:,} were found"
        if claimed is not None and claimed > stretch.found
        else f"{stretch.found:,} were found"
    )
    where = f"that were uploaded {tell_dates(stretch.since, stretch.until)} (UTC)"
    return f"Flickr keeps photos back {where}: {numbers}{reason}."


def tell_dates(since: int, until: int) -> str:
    """A stretch of time in words: `from 2014-03-01 12:00 to 12:05`; with seconds, where the minutes are not full."""
    if since == until:
        return f"at {_moment(since, '%Y-%m-%d %H:%M:%S')}"
    clock = "%H:%M:%S" if since % 60 or until % 60 else "%H:%M"
    is_one_day = _moment(since, "%Y-%m-%d") == _moment(until, "%Y-%m-%d")
    end = _moment(until, clock if is_one_day else f"%Y-%m-%d {clock}")
    return f"from {_moment(since, f'%Y-%m-%d {clock}')} to {end}" if since > 0 else f"until {end}"


def _moment(second: int, form: str) -> str:
    return datetime.fromtimestamp(second, UTC).strftime(form)
