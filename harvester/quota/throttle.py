"""How fast calls may go: the quota, which Flickr sets, and the pace, which the user does.

The quota is kept in a ledger that all processes of the user share (`ledger.py`), the pace by each process for
itself. A call goes when both let it go at the same moment, so neither holds anything while the other waits:
after an hour's wait for the quota no burst follows that the pace forbids.

    async with open_throttle(key, quota=Rate.parse("3600/h"), pace=Rate.parse("5/s")) as throttle:
        slot = await throttle.acquire()  # and send at once
        try: ...
        finally: throttle.done(slot)  # as soon as the answer begins
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias
from weakref import WeakKeyDictionary, WeakValueDictionary

from aiolimiter import AsyncLimiter

from harvester.quota.counting import Ledger, open_count
from harvester.quota.ledger import ASK_AGAIN, SECOND
from harvester.quota.place import Place
from harvester.quota.rate import Rate
from harvester.quota.shared_ledger import Clocks


class Slot:
    """A call that may go. It counts until it is given to `Throttle.done`, so give it back in a `finally`."""

    open = True


QUANTUM = 0.002
"""uvloop's timers tick in milliseconds, and shorter ones spin: sleep this long and let several calls go."""
SLACK = 0.008
"""How late a timer may be without loss of pace. It is also how much of the pace may go at once: at 5,000 calls a
second 41, at 100 and less never two."""
PARTS = 1024
WORTH_TELLING = 1.0
HELD_FOR = 0.1
"""Whoever is first in line while calls are held back asks again after so many seconds."""


class Pace:
    """aiolimiter's leaky bucket, made to say how long to wait.

    Its depth is what matters: with a whole period's calls it lets twice the rate through at first, with one
    call it loses the lateness of every timer (half the rate at 1,000 calls a second).
    """

    def __init__(self, rate: Rate) -> None:
        depth = 1 + rate.per_second * SLACK
        self._limiter = AsyncLimiter(depth, depth / rate.per_second)
        self._per_second = rate.per_second

    def wait(self) -> float:
        """Seconds until a call may go."""
        if self._limiter.has_capacity():
            return 0.0
        # The bucket does not say how long; it says whether a part of a call would fit.
        fits = bisect_left(range(1, PARTS), True, key=lambda part: not self._limiter.has_capacity(part / PARTS))
        return (PARTS - fits) / PARTS / self._per_second

    async def spend(self) -> None:
        """Takes the call that `wait` said may go; this does not wait."""
        await self._limiter.acquire()


_Paces: TypeAlias = WeakValueDictionary[tuple[str, Rate], Pace]
_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, _Paces] = WeakKeyDictionary()


def find_pace(key: str, rate: Rate) -> Pace:
    """The pace of a key, which all throttles of it in this event loop share as long as one of them lasts."""
    known = _paces.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    pace = known.get((key, rate)) or Pace(rate)
    known[key, rate] = pace
    return pace


# Many attributes: it joins pace and ledger, and keeps the line of those who wait.
class Throttle:
    """Lets calls go, first come first served. For one event loop; `open_throttle` makes it."""

    def __init__(
        self,
        ledger: Ledger | None,
        *,
        quota: Rate | None,
        pace: Pace | None,
        sleep: Callable[[float], Awaitable[object]],
        on_wait: Callable[[float], object],
        may_send: Callable[[], bool] | None = None,
    ) -> None:
        self.may_send = may_send
        """Says, just before a call is sent, whether it still may be; None where a call that was let go always may."""
        self._ledger = ledger
        self._quota = quota
        self._pace = pace
        self._sleep = sleep
        self._on_wait = on_wait
        self._told = 0.0
        self._turn = asyncio.Lock()
        self._queued = 0
        self._is_held = False

    def __repr__(self) -> str:
        return f"<Throttle {self._ledger!r}, {self._queued} waiting>"

    async def acquire(self) -> Slot:
        """Waits until a call may go. Whatever ends the wait, cancelling or an error of `sleep`, costs no call."""
        if self._queued or self._try():
            await self._wait_in_line()
        if self._pace:
            await self._pace.spend()
        return Slot()

    def acquire_now(self) -> Slot | None:
        """A call that may go at this moment; None where `acquire` would have to be awaited."""
        if self._pace or self._queued or (self._ledger and self._ledger.take()):
            return None
        return Slot()

    def done(self, slot: Slot, *, sent: bool = True) -> None:
        """The call has arrived: its answer has begun, or it failed.

        `sent=False` gives it back: it surely never left this machine (no address, no connection).
        """
        if slot.open:
            slot.open = False
            if self._ledger:
                self._ledger.done(sent=sent)

    def used(self) -> int | None:
        """Calls inside the window of this moment, of all processes; None without a quota."""
        return self._ledger.used() if self._ledger else None

    def left(self) -> int | None:
        """Calls that the quota would let go at this moment; None without a quota."""
        used = self.used()
        return None if used is None or self._quota is None else int(self._quota.calls) - used

    def free_at(self) -> float | None:
        """Seconds until the quota lets a call go; None without a quota."""
        return self._ledger.wait() / SECOND if self._ledger else None

    def hold(self, *, is_held: bool) -> None:
        """Let no call go until they are let go again. Those under way end as ever; `sleep` may end the wait."""
        if is_held != self._is_held:
            self._is_held = is_held
            self._queued += 1 if is_held else -1  # so that nobody goes by the shorter way

    async def _wait_in_line(self) -> None:
        self._queued += 1
        try:
            async with self._turn:
                while seconds := self._try():
                    await self._sleep(min(max(seconds, QUANTUM), ASK_AGAIN / SECOND))
        finally:
            self._queued -= 1

    def _try(self) -> float:
        """Takes a call, if pace and quota let one go at this moment; else the seconds until that may be so."""
        if self._is_held:
            return HELD_FOR
        if self._pace and (seconds := self._pace.wait()):
            return seconds
        if not self._ledger:
            return 0.0
        seconds = self._ledger.take() / SECOND
        if seconds > WORTH_TELLING:
            self._tell(self._ledger.now() / SECOND, seconds)
        return seconds

    def _tell(self, now: float, seconds: float) -> None:
        """Once a wait, and again only if it has become longer."""
        if now + seconds > self._told + WORTH_TELLING:
            self._told = now + seconds
            self._on_wait(seconds)


def _ignore(_: object) -> None:
    pass


@asynccontextmanager
async def open_throttle(
    key: str,
    *,
    quota: Rate | None,
    pace: Rate | None,
    ledger_at: Place | None = None,
    folder: Path | None = None,
    clocks: Clocks | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    on_wait: Callable[[float], object] = _ignore,
    on_notice: Callable[[str], object] = _ignore,
) -> AsyncIterator[Throttle]:
    """Opens the throttle of an API key.

    Its ledger is kept in `folder`, by default the user's state folder; or, for several machines, on the Redis server
    `ledger_at`.

    All waiting goes through `sleep`, which may raise to end it. `on_wait` hears of each wait for the quota
    that is longer than a second, `on_notice` gets a sentence when the ledger was damaged.
    """
    shared = find_pace(key, pace) if pace else None
    if quota is None:
        yield Throttle(None, quota=None, pace=shared, sleep=sleep, on_wait=on_wait)
        return
    async with open_count(
        key, quota=quota, ledger_at=ledger_at, folder=folder, clocks=clocks or Clocks(), on_notice=on_notice
    ) as (ledger, may_send):
        yield Throttle(ledger, quota=quota, pace=shared, sleep=sleep, on_wait=on_wait, may_send=may_send)
