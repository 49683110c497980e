"""Faults on request: each failure of Flickr that is on record, and the errors of its listings."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

KINDS = (
    "429", "429 wait", "500", "502", "503", "reset", "truncated", "empty", "html", "xml", "105", "201", "0", "10",
)  # fmt: skip
"""A status, a broken answer, or the code of a `stat: fail`; all are passing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Shares of answers, from 0 to 1, that go wrong in each way."""

    any: float = 0.0
    """Spread evenly over KINDS."""
    kinds: tuple[str, ...] = KINDS
    hung: float = 0.0
    """Of answers that never come, over a connection that stays. Not among KINDS: each costs a client its patience."""
    outage: bool = False
    """Every answer is 503."""
    drift: float = 0.0
    """Of searches before which one photo is deleted and another uploaded."""
    unstable_order: float = 0.0
    """Of pages whose last rows change places with the first of the next."""
    short_pages: float = 0.0
    empty_pages: float = 0.0
    wrong_totals: float = 0.0
    widened_windows: bool = False
    cap_error: bool = False
    """Code 20 past the cap, instead of repeats."""

    def draw(self, rng: Random) -> str | None:
        """What goes wrong with this call."""
        if self.outage:
            return "503"
        if self.hung and rng.random() < self.hung:
            return "hung"
        return rng.choice(self.kinds) if self.any and rng.random() < self.any else None

    def shuffle(self, ordered: list[int], *, edge: int, rng: Random) -> list[int]:
        """Rows around the border of a page, in no certain order."""
        if not self.unstable_order or rng.random() >= self.unstable_order:
            return ordered
        low, high = max(0, edge - 4), min(len(ordered), edge + 4)
        middle = ordered[low:high]
        rng.shuffle(middle)
        return [*ordered[:low], *middle, *ordered[high:]]

    def thin(self, numbers: list[int], *, rng: Random) -> list[int]:
        """A page that comes short, or empty."""
        if self.empty_pages and rng.random() < self.empty_pages:
            return []
        if self.short_pages and rng.random() < self.short_pages:
            return [n for n in numbers if rng.random() < 0.9]
        return numbers

    def misstate(self, total: int, *, rng: Random) -> int | str | None:
        """The total as claimed: texts and numbers have both been recorded, an empty text was reported."""
        if self.wrong_totals and rng.random() < self.wrong_totals:
            return rng.choice([max(0, total - 37), total + 750, str(total + 11), "", None])
        return str(total) if total % 2 else total
