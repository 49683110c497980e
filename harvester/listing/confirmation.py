"""Decides whether repeated readings of a doubtful piece agree, so that Flickr's claim counts as wrong. Pure."""

from __future__ import annotations

from harvester.listing.stretch import Piece, Sweep

_MANY, _FEW = 5_000, 20
_LATE = 2
"""Photos that may have come into the window without a lie: found late by Flickr, or made public."""
_USUAL = 5
"""One photo in so many may be withheld from one reading and not from the next."""
MOST_NEEDED = 8


def is_belied(sweep: Sweep, total: int | None) -> bool:
    """Whether a total is higher than the one before leaves room for, by more than what may have come in between.

    The windows of a sweep end at seconds that are past, so that nothing is uploaded into them.
    """
    behind, expected = sweep.behind, sweep.expected
    if total is None or behind is None or expected is None or behind.moved or sweep.grows:
        return False
    return total > expected + max(_LATE, total // 100)


def compare(before: Sweep | None, doubt: Piece) -> tuple[int, int, int]:
    """Photos that all readings have shown, the most that one has, and how many readings in a row agree."""
    if before is None:
        return doubt.found, doubt.found, 0
    best = max(doubt.found, before.best)
    is_agreed = not doubt.fresh and best - best // 1000 <= doubt.found <= before.best
    return max(doubt.found, before.known + doubt.fresh), best, before.agreed + 1 if is_agreed else 0


def is_belittled(sweep: Sweep, piece: Piece) -> bool:
    """Whether a second reading shows hardly anything of what the ones before have shown, by whatever total.

    A search that fails in passing answers that nothing matches: that settles no doubt.
    """
    lost = sweep.best - piece.found
    is_same = sweep.origin == (piece.since, piece.until) and not sweep.is_filtered
    return is_same and lost > 0 and (not piece.found or (lost > _LATE and lost * _USUAL > sweep.best))


def is_confirmed(before: Sweep, doubt: Piece, known: int) -> bool:
    """Whether two readings claim the same, and no more than is known."""
    is_steady = doubt.reported == before.claimed is not None and not doubt.moved and not doubt.fresh
    return is_steady and (doubt.reported or 0) <= known


def find_claim(sweep: Sweep, doubt: Piece) -> int | None:
    """What a first reading claims; None where that may have changed within it."""
    return None if doubt.moved or sweep.grows else doubt.reported


def count_needed(found: int, reported: int | None, *, lied: bool) -> int:
    """Readings in a row that must agree before a claim counts as wrong: few photos are soon left out by chance.

    Totals that were seen to lie have no weight against a second reading.
    """
    if found >= _MANY or lied:
        return 1
    if reported is None:
        return 2
    return 4 if found >= _FEW else MOST_NEEDED
