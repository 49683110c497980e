"""A look at a key's quota from outside: a copy of the ledger is read, no lock is taken and nothing is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from harvester.errors import CannotWrite
from harvester.quota import ledger
from harvester.quota.counting import count_period, state_folder
from harvester.quota.ledger import SECOND, Ledger
from harvester.quota.rate import Rate
from harvester.quota.shared_ledger import SIZE, Clocks, name_ledger

SLICES = 60
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is left of a quota, and when the rest comes back."""

    left: int
    limit: int
    period: float
    """Seconds."""
    frees_in: float
    """Seconds until a call may go; 0 where one may now."""
    slices: tuple[int, ...]
    """Calls that come back in each sixtieth of the period from now on."""

    @property
    def whole_in(self) -> float:
        """Seconds until all are back, to a sixtieth of the period; those in flight are not counted."""
        last = max((n for n, calls in enumerate(self.slices, 1) if calls), default=0)
        return last * self.period / SLICES


def glance(
    account: str, quota: Rate | None, *, folder: Path | None = None, clocks: Clocks | None = None
) -> Glance | None:
    """The quota of an account at this moment; None without a quota, or where its ledger cannot be read."""
    if quota is None:
        return None
    try:
        path = name_ledger(account, folder or state_folder())
    except CannotWrite:
        return None
    if not path.exists():  # nobody has made a call
        return _tell([], quota, used=0, wait=0)
    for _ in range(_TRIES):
        if (words := _copy(path)) is not None:
            return _read(words, quota, clocks or Clocks())
    return None


def _copy(path: Path) -> memoryview | None:
    """The words of the ledger, if it is a sound one: it may be in the middle of a change."""
    try:
        data = bytearray(path.read_bytes()[:SIZE])
    except OSError:
        return None
    if len(data) < SIZE:
        return None
    words = memoryview(data).cast("q")
    return words if ledger.is_sound(words) else None


def _read(words: memoryview, quota: Rate, clocks: Clocks) -> Glance:
    ledger.set_clock(words, since_boot=clocks.since_boot(), wall=clocks.wall(), boot=clocks.boot)
    now = clocks.since_boot() + words[ledger.OFFSET]
    view = Ledger(words, owner=1, calls=int(quota.calls), period=count_period(quota))
    used = view.used(now)
    return _tell(view.returns(now), quota, used=used, wait=view.wait(now))


def _tell(returns: list[tuple[int, int]], quota: Rate, *, used: int, wait: int) -> Glance:
    slices = [0] * SLICES
    for when, calls in returns:
        slices[min(math.floor(when / SECOND / quota.period * SLICES), SLICES - 1)] += calls
    return Glance(
        left=int(quota.calls) - used,
        limit=int(quota.calls),
        period=quota.period,
        frees_in=wait / SECOND,
        slices=tuple(slices),
    )
