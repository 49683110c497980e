"""Which harvest of a fleet gets the next thread of the cluster. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a harvest has of the cluster."""

    at_work: int
    """Its tasks under way."""
    most: int
    """As many could be: one for each shard that is left."""
    seconds: float
    """How long threads have worked for it."""


def choose_next(shares: Sequence[Share]) -> int | None:
    """The place of the harvest whose turn it is; None where none has a use for a thread.

    The fewest tasks under way come first, so each harvest has as many threads as any other that can use them. Where
    there are more harvests than threads, the one for which threads have worked the shortest comes first.
    """
    open_ones = [place for place, share in enumerate(shares) if share.at_work < share.most]
    return min(open_ones, key=lambda place: (shares[place].at_work, shares[place].seconds), default=None)
