"""Opens the client of a run, with all that its calls need: pace and quota, connections, time limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp

from harvester import timers
from harvester.config.settings import Settings
from harvester.events import Noticed, Observer, Tally, Waiting
from harvester.flickr.oauth import Sign
from harvester.quota.throttle import Throttle, open_throttle
from harvester.text.redactor import Redactor
from harvester.transport.client import Client
from harvester.transport.connections import Connections
from harvester.transport.endpoint import find_endpoint
from harvester.transport.idle_watchdog import IdleWatchdog
from harvester.transport.proxies import find_proxy, find_trust
from harvester.transport.server_clock import ServerClock, tell_skew


@asynccontextmanager
async def open_client(
    settings: Settings,
    *,
    tally: Tally,
    observer: Observer,
    sleep: Callable[[float], Awaitable[None]],
    patient: bool = False,
    endpoint: tuple[str, Sign] | None = None,
    server_clock: ServerClock | None = None,
) -> AsyncIterator[Client]:
    """The client of a run. `patient` waits for a server that has not answered yet, as a resumed harvest must.

    Calls are signed where the settings have a login. `endpoint` is another way in than the API's, for logging in:
    what addresses begin with, and what signs. `server_clock` is the clock that `endpoint` signs by, if there is one.
    """
    key = settings.require_key()
    clock = server_clock or ServerClock(on_skew=lambda seconds: observer(Noticed(sentence=tell_skew(seconds))))
    prefix, sign = endpoint or find_endpoint(settings, key, clock)
    proxy = None if settings.direct else find_proxy(prefix)
    is_safe = prefix.lower().startswith("https:") or (proxy is not None and proxy.url.scheme == "https")
    trust = find_trust() if is_safe else True

    async with (
        _open_throttle(settings, observer=observer, sleep=sleep) as throttle,
        aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, ssl=trust) as connector,
    ):
        tally.quota_left, tally.quota_frees, tally.hold = throttle.left, throttle.free_at, throttle.hold
        watchdog = IdleWatchdog(timers.find_silence(settings.give_up_after))
        client = Client(
            Connections(prefix, connector, proxy=proxy, may_send=throttle.may_send),
            throttle,
            watchdog=watchdog,
            server_clock=clock,
            prefix=prefix,
            tally=tally,
            observer=observer,
            sleep=sleep,
            patient=patient,
            give_up_after=settings.give_up_after,
            sign=sign,
            redact=Redactor(settings.secrets),
        )
        try:
            yield client
        finally:
            watchdog.close()
            tally.quota_left = tally.quota_frees = tally.hold = None


def _open_throttle(
    settings: Settings, *, observer: Observer, sleep: Callable[[float], Awaitable[None]]
) -> AbstractAsyncContextManager[Throttle]:
    """The throttle of a run, which tells the observer what it waits for."""

    def tell_wait(seconds: float) -> None:
        observer(Waiting(why=f"the quota of {settings.quota} is spent", seconds=seconds, reason="quota"))

    def tell_notice(sentence: str) -> None:
        observer(Noticed(sentence=sentence))

    return open_throttle(
        settings.name_account(),
        quota=settings.quota,
        pace=settings.pace,
        ledger_at=settings.quota_ledger,
        sleep=sleep,
        on_wait=tell_wait,
        on_notice=tell_notice,
    )
