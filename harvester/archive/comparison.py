"""What Flickr has claimed of a search or an account, beside what is there in the end.

Flickr's totals are known to be off, mostly too high and by up to a fifth: they count photos that nobody is shown
(gallery-dl#116; the windows of openverse-catalog#1041). So a difference is always told, with both numbers, but the
harvest counts as incomplete only where more than a fifth is missing. What a person, a set or a pool claims may count
photos that only others see, so it makes no harvest incomplete.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from harvester.archive.checkpoint.comparison import Comparison
from harvester.archive.checkpoint.state import State
from harvester.archive.checkpoint.withdrawn import count_unshown
from harvester.archive.folder import is_at_limit
from harvester.jobs.model import Account, Photos, Search, Source
from harvester.listing.stretch import WIDEST_FUZZ

_USUAL = 5
"""One in so many photos of a claim may be missing in a harvest that is complete."""


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """A claim that is larger than what is there."""

    claimed: int
    there: int
    counts_hidden: bool = False
    """The claim counts photos that not everybody is shown."""

    @property
    def missing(self) -> int:
        """Photos that Flickr claims and does not show."""
        return self.claimed - self.there

    @property
    def is_wide(self) -> bool:
        """Whether more is missing than Flickr's totals are known to be off."""
        return not self.counts_hidden and self.missing * _USUAL > self.claimed

    def is_explained_by(self, missing: int) -> bool:
        """Whether without these missing photos the totals would be off by no more than is usual."""
        return (self.missing - missing) * _USUAL <= self.claimed

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        told = f"Flickr claimed {self.claimed:,}, {self.there:,} are there"
        if self.counts_hidden:
            return f"{told}: the others may be private, not safe, or deleted."
        if self.is_wide:
            return f"{told}: that is more than its totals are usually off. Run the same again to read it once more."
        return f"{told}: what its totals point at was read again, and no new photo came."


def find_difference(source: Source, state: State) -> Difference | None:
    """The difference of a search that is listed to its end; None where there is none, or none can be told.

    A limit that ends a listing leaves a sweep. One that comes later changes nothing about what is missing.
    """
    claimed = state.facts.expected
    if not isinstance(source, Search) or claimed is None or state.facts.arguments is None or state.sweeps():
        return None
    since, until = source.upload_span
    if until is not None and until - (since or 0) < WIDEST_FUZZ:
        return None  # a wider window was asked: its total counts photos around it
    there = state.count_seen() + state.count_unfetched(without_line=True)  # listed, and not yet to be had
    return Difference(claimed, there) if there < claimed else None


def _find_hidden(source: Source, state: State) -> Difference | None:
    """The difference of a source that is no search, read to its end; None where there is none, or none can be told."""
    claimed, arguments = state.facts.expected, state.facts.arguments
    is_read = arguments is not None and not state.sweeps() and not state.walks()
    if not is_read or claimed is None or is_at_limit(state) or not _claims_own_photos(source):
        return None
    there = state.count_there() if isinstance(source, Account) and isinstance(state, Comparison) else state.count_seen()
    there += state.count_unfetched(without_line=True) - count_unshown(state) * isinstance(source, Account)
    return Difference(claimed, there, counts_hidden=True) if there < claimed else None


def _claims_own_photos(source: Source) -> bool:
    """Whether what is claimed counts the photos that are harvested."""
    if isinstance(source, Account):
        return "photos" in source.kinds and not source.hydrated and not source.is_bounded
    return not isinstance(source, Search | Photos)


def is_credible(claimed: int, state: State) -> bool:
    """Whether a claim that comes last counts all photos that the listing has shown, or nearly all.

    A search that fails in passing answers that nothing matches, or hardly anything.
    """
    shown = state.count_seen()
    return (shown - claimed) * _USUAL <= shown


def read_difference(state: State) -> Difference | None:
    """The difference as the last run has left it."""
    known = state.facts.difference
    return msgspec.convert(known, Difference) if known else None


def write_difference(source: Source, state: State) -> None:
    """Remember the difference as it is now."""
    found = find_difference(source, state) or _find_hidden(source, state)
    state.note(replace(state.facts, difference=msgspec.to_builtins(found) if found else None))


def is_unexplained(source: Source, state: State, *, always: bool) -> bool:
    """Whether more is missing than the stretches tell of that were read again and again; `always`, if anything is.

    Where totals contradict each other, and what they point at was read again, no more is asked of them than usual.
    """
    difference = find_difference(source, state)
    if always:
        return difference is not None
    noted = [stretch for stretch in state.stretches() if stretch.note]
    if difference is not None and not difference.is_wide and any(stretch.is_contradicted for stretch in noted):
        return False
    told = sum(max(0, (stretch.reported or 0) - stretch.found) for stretch in noted)
    return difference is not None and difference.missing > told
