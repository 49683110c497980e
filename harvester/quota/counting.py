"""Where the calls of a key are counted: in a file of this machine, or at a server for several machines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import platformdirs

from harvester.errors import CannotWrite, UsageError
from harvester.filesystem.folders import find_folder
from harvester.quota.leased_ledger import LeasedLedger, LeaseServer, open_leases
from harvester.quota.ledger import SECOND
from harvester.quota.place import Place
from harvester.quota.rate import Rate
from harvester.quota.shared_ledger import Clocks, SharedLedger, open_ledger

BEAT = 0.25
BEATS_PER_SAVE = 4
CLOCK_DRIFT = 0.0005
"""Two clocks that NTP keeps run apart by less than this, so the server's hour is no longer than ours."""


class Ledger(Protocol):
    """Where the calls of a key are counted: on this machine, or on a server for several."""

    def take(self) -> int:
        """Takes a call. Returns 0 when it may go, now; else after how many nanoseconds to ask again."""

    def done(self, *, sent: bool = True) -> None:
        """A call is over: answered, or failed; `sent=False` if it surely never left this machine."""

    def used(self) -> int | None:
        """Calls that count at this moment, of all processes; None as long as that is not known."""

    def wait(self) -> int:
        """Nanoseconds until the window has room for a call."""

    def now(self) -> int:
        """The ledger's time, in nanoseconds."""


@asynccontextmanager
async def open_count(
    key: str,
    *,
    quota: Rate,
    ledger_at: Place | None,
    folder: Path | None,
    clocks: Clocks,
    on_notice: Callable[[str], object],
) -> AsyncIterator[tuple[Ledger, Callable[[], bool] | None]]:
    """Opens the ledger of a key's calls, and what says just before a call is sent whether it still may be.

    It is on the server `ledger_at`; or in `folder`, by default the user's state folder.
    """
    calls, period = _measure(quota)
    if ledger_at:
        async with (
            _connect(ledger_at, key) as server,
            open_leases(server, calls=calls, period=period, clocks=clocks, on_notice=on_notice) as leases,
        ):
            yield leases, leases.may_send
        return
    ledger = open_ledger(
        key, calls=calls, period=period, folder=folder or state_folder(), clocks=clocks, on_notice=on_notice
    )
    heart = _Heart(ledger)
    try:
        yield ledger, None
    finally:
        heart.stop()
        ledger.close()


async def begin_count(key: str, *, quota: Rate, ledger_at: Place) -> None:
    """Has a server forget what a key has spent: there were no calls within the last period, says the caller.

    UsageError where the server refuses, Unanswered where it does not answer.
    """
    calls, period = _measure(quota)
    async with _connect(ledger_at, key) as server:
        await LeasedLedger(server, calls=calls, period=period, clocks=Clocks(), on_notice=lambda _: None).begin()


def _connect(place: Place, account: str) -> AbstractAsyncContextManager[LeaseServer]:
    try:
        from harvester.quota.redis_leases import connect  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            'this needs redis-py, which is not there: pip install "flickr-harvester[redis]".', field="quota_ledger"
        ) from None
    return connect(place, account)


def state_folder() -> Path:
    """Where ledgers are kept: HARVESTER_STATE_DIR, else the user's state folder; CannotWrite where there is none."""
    folder = find_folder("HARVESTER_STATE_DIR", platformdirs.user_state_path)
    if folder is None:
        raise CannotWrite(
            "There is no folder for the quota ledger, since there is no home: set HARVESTER_STATE_DIR to one, or lift "
            "the quota by the rate `none`."
        )
    return folder


class _Heart:
    """Says several times a second that this process lives, and once a second has the ledger written to disk."""

    def __init__(self, ledger: SharedLedger) -> None:
        self._ledger = ledger
        self._beats = 0
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.call_later(BEAT, self._beat)

    def _beat(self) -> None:
        self._next = self._loop.call_later(BEAT, self._beat)
        self._ledger.beat()
        self._beats += 1
        if self._beats % BEATS_PER_SAVE == 0 and (save := self._ledger.unsaved()):
            self._loop.run_in_executor(None, save)

    def stop(self) -> None:
        """No more beats."""
        self._next.cancel()


def count_period(quota: Rate) -> int:
    """The nanoseconds for which a call counts."""
    return round(quota.period * (1 + CLOCK_DRIFT) * SECOND)


def _measure(quota: Rate) -> tuple[int, int]:
    """A quota as a ledger takes it: calls, and nanoseconds."""
    if quota.calls != int(quota.calls):
        raise UsageError(f"A quota counts whole calls, and {quota} does not: write 3/2s rather than 1.5/s.")
    return int(quota.calls), count_period(quota)
