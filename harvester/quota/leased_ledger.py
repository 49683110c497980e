"""One quota over several machines: calls on lease from a server that all of them name.

A process holds a few calls on a lease and tells which were answered. Its lease is renewed long before it ends; where
that fails, no further call is sent: half of the lease is left for calls that are on their way. What the server does is
in `leases.lua`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from harvester.errors import HarvestError, UsageError
from harvester.quota.shared_ledger import Clocks
from harvester.text.words import name_period

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
ASK_SOON = 2 * MILLISECOND
"""After which a caller looks again whether the call that was asked for is there."""
LOST_FOR = SECOND // 4
"""After which a caller looks again while the server cannot be reached."""
IDLE_FOR = SECOND // 10
"""Calls that nobody takes for so long are given back."""
MOST_AT_ONCE = 256
LEAVE_WITHIN = 2.0
"""Seconds for the last word to the server."""
_RETRY_FIRST, _RETRY_MOST = 0.1, 2.0


Doing: TypeAlias = Literal["", "leave", "begin"]
"""What a claim is besides: the owner's last, or the word that there were no calls within the last period."""


class Unanswered(Exception):
    """The server does not answer, or not as it should. The message is a sentence without a password."""


class NotAllowed(Unanswered):
    """The server answers, but refuses this caller or this command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a process tells the server, and asks of it. Times are microseconds."""

    owner: str
    answered: int
    """Calls of this owner that were answered, since it began; the server has confirmed `known` of them."""
    known: int
    holding: int
    """Calls that it has and that are not answered."""
    want: int
    calls: int
    period: int
    lease: int
    doing: Doing = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the server says. Times are microseconds."""

    calls: int
    wait: int
    """Until there is a call to be had, where there is none now."""
    used: int
    """Calls that count now, those that are granted among them."""
    full: int
    """For how long all calls count as spent yet, since what was spent is not known."""


class LeaseServer(Protocol):
    """A server that counts the calls of a key for several machines."""

    name: str
    """For messages; without a password."""

    async def ask(self, claim: Claim) -> Grant:
        """Note what is claimed and grant what may be. Unanswered where that cannot be known."""


# Many attributes: calls in hand, in flight, used and reported change together, in one step.
class LeasedLedger:
    """One process's calls of a quota that a server keeps. For one event loop; `open_leases` makes it."""

    def __init__(
        self,
        server: LeaseServer,
        *,
        calls: int,
        period: int,
        clocks: Clocks,
        on_notice: Callable[[str], object],
    ) -> None:
        self._server = server
        self._calls = calls
        self._period = period
        self._lease = min(max(period // 4, SECOND), 10 * SECOND)
        self._report_within = min(period // 500, SECOND // 2)
        self._now = clocks.since_boot
        self._on_notice = on_notice
        self._owner = secrets.token_hex(8)
        self._hand = 0
        """Calls that may be taken at once."""
        self._flying = 0
        """Calls that were taken and are not answered."""
        self._answered = self._known = 0
        self._used: int | None = None
        self._valid_until = 0
        """Until when calls may be sent."""
        self._free_at = self._ask_again_at = 0
        self._size = 1
        """Calls to have at hand."""
        self._taken = self._refilled = 0
        """When the last call was taken, and when some were granted last."""
        self._unreported_since = 0
        self._is_asked = self._is_lost = self._is_full = False
        self._wake = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<LeasedLedger at {self._server.name}, {self._flying} in flight>"

    def now(self) -> int:
        """Nanoseconds, of a clock that never goes back."""
        return self._now()

    def take(self) -> int:
        """Takes a call. Returns 0 when it may go, now; else after how many nanoseconds to ask again."""
        if self._keeper and self._keeper.done():
            self._keeper.result()
        now = self._now()
        if self._hand and now < self._valid_until:
            self._hand -= 1
            self._flying += 1
            self._taken = now
            if self._hand < self._size // 2:
                self._ask()
            return 0
        if self._is_lost:
            return LOST_FOR
        if now < self._ask_again_at:
            return max(self._free_at - now, ASK_SOON)
        self._ask()
        return ASK_SOON

    def done(self, *, sent: bool = True) -> None:
        """A call is over: answered, or failed; `sent=False` if it surely never left this machine."""
        self._flying -= 1
        if sent:
            self._answered += 1
            if not self._unreported_since:
                self._unreported_since = self._now()
                self._wake.set()

    def may_send(self) -> bool:
        """Whether a call that was taken may still be sent: not when the lease is lost."""
        return self._now() < self._valid_until

    def used(self) -> int | None:
        """Calls that counted when the server said so last, of all machines; None before it has."""
        return self._used

    def wait(self) -> int:
        """Nanoseconds until the window has room for a call, as far as is known."""
        return 0 if self._hand else max(self._free_at - self._now(), 0)

    def start(self) -> asyncio.Task[None]:
        """Begin to keep the lease."""
        self._keeper = asyncio.create_task(self.keep())
        return self._keeper

    async def greet(self) -> None:
        """See whether the server will have this caller: UsageError where it will not, Unanswered without an answer."""
        try:
            await self._sync()
        except NotAllowed as error:
            raise UsageError(str(error)) from None

    async def begin(self) -> None:
        """Forget what was spent: the caller says that there were no calls within the last period."""
        try:
            await self._sync(doing="begin")
            await self._sync(doing="leave")
        except NotAllowed as error:
            raise UsageError(str(error)) from None

    def _ask(self) -> None:
        self._is_asked = True
        self._wake.set()

    async def keep(self) -> None:
        """Renew the lease, report what was answered and get more calls, until it is cancelled."""
        pause = 0.0
        while True:
            try:
                await self._sync(want=self._find_want())
            except Unanswered as error:
                if not self._is_lost:
                    self._on_notice(f"{error} No call goes out until it answers.")
                self._is_lost = True
                pause = min(max(2 * pause, _RETRY_FIRST), _RETRY_MOST)
                await asyncio.sleep(pause)
                continue
            if self._is_lost:
                self._on_notice(f"The quota ledger at {self._server.name} answers again.")
                self._is_lost, pause = False, 0.0
            await self._rest()

    async def leave(self) -> None:
        """Give back what is at hand. What is in flight goes on counting, as that of a process that was killed."""
        self._hand = 0
        with suppress(Unanswered, HarvestError, TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await self._sync(doing="leave")

    async def _rest(self) -> None:
        """Until there is something to say."""
        while not self._is_asked:
            now = self._now()
            due = now + self._lease // 8
            if self._unreported_since:
                due = min(due, self._unreported_since + self._report_within)
            if self._hand:
                due = min(due, max(self._taken, self._refilled) + IDLE_FOR)
            self._wake.clear()
            try:
                async with asyncio.timeout(max(due - now, 0) / SECOND):
                    await self._wake.wait()
            except TimeoutError:
                return

    def _find_want(self) -> int:
        """How many calls to ask for. More at a time where they are soon used up."""
        now = self._now()
        if self._hand and now > max(self._taken, self._refilled) + IDLE_FOR:
            self._hand, self._size = 0, 1
        if not self._is_asked:
            return 0
        self._is_asked = False
        if now < self._refilled + IDLE_FOR // 2:
            self._size = min(2 * self._size, max(self._calls // 16, 1), MOST_AT_ONCE)
        elif now > self._refilled + SECOND:
            self._size = max(self._size // 2, 1)
        return max(self._size - self._hand, 1)

    async def _sync(self, *, want: int = 0, doing: Doing = "") -> None:
        """Tell the server what was answered, and hear what is granted. Unanswered where it does not answer."""
        began = self._now()
        if began >= self._valid_until:  # others may have been told that the calls at hand are free
            self._hand = 0
        self._unreported_since = 0
        claim = Claim(
            owner=self._owner,
            answered=self._answered,
            known=self._known,
            holding=self._flying + self._hand,
            want=want,
            calls=self._calls,
            period=self._period // MICROSECOND,
            lease=self._lease // MICROSECOND,
            doing=doing,
        )
        grant = await self._server.ask(claim)
        now = self._now()
        self._known, self._used = claim.answered, grant.used
        self._valid_until = began + self._lease // 2
        self._free_at = now + grant.wait * MICROSECOND
        self._ask_again_at = min(self._free_at, now + SECOND) if want and not grant.calls else 0
        if grant.calls:
            self._hand += grant.calls
            self._refilled = now
        self._tell_full(grant.full / 1e6)

    def _tell_full(self, seconds: float) -> None:
        is_new, self._is_full = bool(seconds) and not self._is_full, bool(seconds)
        if is_new:
            self._on_notice(
                f"The quota ledger at {self._server.name} does not know what was spent before now, so the quota counts "
                f"as spent for {name_period(seconds)} yet; where no call was made within a period, say so by "
                "`harvester quota --begin`."
            )


@asynccontextmanager
async def open_leases(
    server: LeaseServer, *, calls: int, period: int, clocks: Clocks, on_notice: Callable[[str], object]
) -> AsyncIterator[LeasedLedger]:
    """Opens a ledger of `calls` in `period` nanoseconds; UsageError where the server refuses."""
    ledger = LeasedLedger(server, calls=calls, period=period, clocks=clocks, on_notice=on_notice)
    with suppress(Unanswered):  # the keeper says so, and waits
        await ledger.greet()
    keeper = ledger.start()
    try:
        yield ledger
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])
        await ledger.leave()
