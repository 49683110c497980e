"""Calls: paced, within the quota, tried again; every failure of HTTP is translated at this border."""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar, TypeVarTuple

import aiohttp

from harvester.errors import GivenUp, HarvestError, KeyRefused, OutcomeUnknown, Stopped, TryLater
from harvester.events import DURATIONS, Observer, Resumed, Retrying, Tally, Waiting
from harvester.flickr.failures import check_failure, check_status
from harvester.flickr.forms import split_long
from harvester.flickr.lenient_json import read_members
from harvester.flickr.oauth import Person, Sign
from harvester.quota.throttle import Slot, Throttle
from harvester.transport.circuit_breaker import CircuitBreaker
from harvester.transport.connections import Connections, StrayAnswer, UnnamedAnswer
from harvester.transport.idle_watchdog import IdleWatchdog
from harvester.transport.patience import Patience
from harvester.transport.retry import OWN, TRIES, read_retry_after
from harvester.transport.server_clock import ServerClock
from harvester.transport.unreached import ProxyFailed, tell_failure, tell_refusal
from harvester.transport.wire import Wire

T = TypeVar("T")
About = TypeVarTuple("About")

WORTH_TELLING = 2.0
SKEW_OF_OAUTH = 60.0
"""Seconds by which the time of a signature must have been wrong for a new signature to be worth a call."""
CALLS_PER_DATE = 500
"""The server's time is read from one answer in so many: a machine that was suspended has lost it."""


# Many attributes: it joins pace, breaker, watchdog and connections for a call.
class Client:
    """Makes calls: paced, within the quota, retried. For one event loop; `opening.open_client` makes it."""

    def __init__(
        self,
        connections: Connections,
        throttle: Throttle,
        *,
        watchdog: IdleWatchdog,
        server_clock: ServerClock,
        prefix: str,
        tally: Tally,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]],
        patient: bool,
        give_up_after: float | None,
        sign: Sign | None = None,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[], float] = random.random,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.throttle = throttle
        self.breaker = CircuitBreaker(clock=clock, rng=rng)
        self._connections = connections
        self._watchdog = watchdog
        self.server_clock = server_clock
        self._prefix = prefix
        self._sign = sign
        self.person: Person | None = None
        """Whose login signs, once that was asked."""
        self._tally = tally
        self._observer = observer
        self._sleep = sleep
        self._patience = Patience(self.breaker, connections, patient=patient, give_up_after=give_up_after)
        self._clock = clock
        self._rng = rng
        self._told_rest = False
        self._redact = redact
        """Takes secrets out of what errors say: a server's message may repeat the address that was asked."""

    def __repr__(self) -> str:
        return f"<Client {self.breaker!r} {self.throttle!r}>"

    @property
    def signs(self) -> bool:
        """Whether calls are signed with a login."""
        return self._sign is not None

    async def call(
        self,
        query: str,
        read: Callable[[bytes, *About], T],
        *about: *About,
        mark: bytes | None = None,
        names: Callable[[bytes, *About], bool] | None = None,
        once: bool = False,
    ) -> T:
        """One call's answer, as `read` makes it out of its body, given what it is `about`.

        `mark` stands in each answer to this call and in none to another, as the photo's id does; without one the call
        is asked alone. An answer without the mark may name the call in other words, which `names` tells; if it does
        not, the call is asked again, alone.
        `once` sends it as a POST, and never again where it may have done something: OutcomeUnknown is raised then.
        TryLater from `read` is retried like any other. Raises what `read` raises besides; GivenUp where the
        call fails while others work; Stopped where a wait is cut short; StopRun where all is lost.
        """
        own = total = 0
        seen = -1
        has_own_trouble = False
        while True:
            total += 1
            slot = None if self.breaker.is_open else self.throttle.acquire_now()
            if slot is None:
                slot = await self._enter()
            began, outcome = self._clock(), "cancelled"
            try:
                try:
                    body = await self._send(query, slot, mark=mark, post=once)
                except UnnamedAnswer as unnamed:
                    body = await self._settle(unnamed, query, read, *about, names=names)
                answer = read(body, *about)
            except TryLater as error:
                error.rewrite(self._redact)
                outcome = "failed"
                if error.astray:
                    self._connections.note_stray()
                own += self.breaker.successes != seen
                seen = self.breaker.successes
                rest = self.breaker.failed(error, began=began)
                failure = error
            except HarvestError as error:
                error.rewrite(self._redact)
                outcome = "refused"
                self._heard()  # a refusal is an answer too
                raise
            except asyncio.CancelledError:
                self.breaker.release()
                raise
            else:
                outcome = "ok"
                self._heard()
                return answer
            finally:  # no function of its own: each call comes by here
                took, attempts = self._clock() - began, self._tally.attempts
                attempts.outcomes[query.split("&", 1)[0], outcome] += 1
                attempts.within[bisect_left(DURATIONS, took)] += 1
                attempts.seconds += took
            self._tally.retries += 1
            self._judge(failure, total, query, once=once)
            if own >= TRIES or has_own_trouble:
                raise GivenUp(f"{_method(query)}: {failure}", attempts=total)
            # An outage may have ended just now: where the service answers, the call is tried once more.
            has_own_trouble = total % TRIES == 0 and await self._is_alive()
            await self._rest(query, failure, rest=rest, own=own)

    async def _enter(self) -> Slot:
        """Wait for the circuit breaker, then for pace and quota."""
        while True:
            while wait := self.breaker.wait():
                self._patience.check()
                await self._sleep(min(wait, self._patience.left()))
            is_probe = self.breaker.is_open
            try:
                slot = await self.throttle.acquire()
            except BaseException:
                if is_probe:
                    self.breaker.release()
                raise
            if is_probe or not self.breaker.is_open:
                return slot
            self.throttle.done(slot, sent=False)  # the service went down while this call stood in line

    async def _settle(
        self,
        unnamed: UnnamedAnswer,
        query: str,
        read: Callable[[bytes, *About], object],
        *about: *About,
        names: Callable[[bytes, *About], bool] | None,
    ) -> bytes:
        """The body of a call's own answer, given one that does not bear the call's mark."""
        if names is not None and names(unnamed.body, *about):
            return unnamed.body
        self._connections.note_unnamed(query)
        if unnamed.alone or _is_to_be_tried_again(read, unnamed.body, *about):
            return unnamed.body
        self._heard()
        return await self._send(query, await self._enter())

    async def _send(self, query: str, slot: Slot, *, mark: bytes | None = None, post: bool = False) -> bytes:
        """The body of an answer. UnnamedAnswer where `mark` is not in it; without a mark the call is asked alone."""
        self._tally.calls += 1
        task = self._watchdog.begin()
        offset = self.server_clock.offset
        try:
            headers = self._sign(*split_long(self._prefix, query, post=post)) if self._sign else None
            reply = await self._connections.get(query, headers, alone=mark is None, post=post)
            self.throttle.done(slot)  # the answer has begun, so the call has arrived
            if not self.breaker.successes or self._tally.calls % CALLS_PER_DATE == 0:
                self.server_clock.hear(reply.headers)
            if not reply.is_complete:
                self._watchdog.follow(task, reply)
            body = await self._connections.read(reply, mark or b"")
        except asyncio.CancelledError:
            if self._watchdog.has_cut(task):
                raise TryLater("no answer in time") from None
            raise
        except (ProxyFailed, aiohttp.ClientError, OSError) as error:
            failure = _translate(error)
            if failure.unreached:
                self.throttle.done(slot, sent=False)
            raise failure from None
        finally:
            self._watchdog.end(task)
            if slot.open:
                self.throttle.done(slot)
        if reply.status != 200:
            self._check_status(reply, body, offset=offset)
        return body

    def _check_status(self, reply: Wire, body: bytes, *, offset: float) -> None:
        """Translate a status other than 200. `offset` corrected this machine's clock when the call was signed."""
        if reply.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and self._connections.proxy:
            raise TryLater(tell_refusal(self._connections.proxy, reply.status), unreached=True)
        rest = read_retry_after(reply.headers.get("Retry-After"), now=self.server_clock.now())
        try:
            check_status(reply.status, body, retry_after=rest)
        except KeyRefused as error:
            if error.problem != "timestamp_refused":
                raise
            self.server_clock.hear(reply.headers)
            if abs(self.server_clock.offset - offset) <= SKEW_OF_OAUTH:
                raise
            raise TryLater("the call was signed with a time that is not Flickr's", undone=True) from None

    def _heard(self) -> None:
        if self._told_rest:
            self._told_rest = False
            self._observer(Resumed())
        self.breaker.succeeded()

    def _judge(self, error: TryLater, tries: int, query: str, *, once: bool) -> None:
        """Raise where another try cannot help, or may do twice what is to be done `once`."""
        if once and not error.undone:
            raise OutcomeUnknown(_method(query), error)
        self._patience.judge(error, tries=tries)

    async def _is_alive(self) -> bool:
        """Whether the service answers at all: then the failing call's trouble is its own."""
        try:
            body = await self._send("method=flickr.test.echo", await self.throttle.acquire())
            answer, _ = read_members(body)
            check_failure(answer, method="flickr.test.echo")
        except TryLater:
            return False
        except Stopped:
            raise
        except HarvestError:
            pass
        self._heard()
        return True

    async def _rest(self, query: str, error: TryLater, *, rest: float, own: int) -> None:
        seconds = rest or OWN.seconds(max(own, 1), self._rng)
        self._observer(Retrying(method=_method(query), why=str(error), seconds=seconds, kind=error.kind))
        if rest > WORTH_TELLING:
            self._told_rest = True
            self._observer(Waiting(why=f"Flickr does not answer: {error}", seconds=rest))
        if not rest:
            await self._sleep(seconds)


def _translate(error: Exception) -> TryLater:
    """What a call that HTTP or the network has ended means to the caller."""
    match error:
        case ProxyFailed() | aiohttp.ClientConnectorError():
            return TryLater(tell_failure(error), unreached=True)
        case TimeoutError():
            return TryLater("no connection in time", undone=True)
        case StrayAnswer():
            return TryLater(str(error))
    return TryLater(f"the answer broke off ({type(error).__name__})")


def _is_to_be_tried_again(read: Callable[[bytes, *About], object], body: bytes, *about: *About) -> bool:
    try:
        read(body, *about)
    except TryLater:
        return True
    except HarvestError:
        pass
    return False


def _method(query: str) -> str:
    return query.split("&", 1)[0].removeprefix("method=")
