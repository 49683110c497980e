"""Calls on lease from a Redis server, which keeps one value for each API key and changes it by one script.

A server that may have forgotten something counts as full for one period: one that has no value for the key, and one
that was started again or has taken another's place, unless it writes all it says to disk before it says it
(`appendfsync always`) and never was a replica. Token buckets and GCRA, which the usual libraries have, let up to twice
the quota through a window, and they do not notice a server that has forgotten.

This needs redis-py, so it is imported only when used.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.resources
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from harvester.errors import UsageError
from harvester.quota.leased_ledger import Claim, Grant, NotAllowed, Unanswered
from harvester.quota.place import Place

ANSWER_WITHIN = 2.0
"""Seconds in which the server must answer."""
_ANOTHER_SERVER, _NEWER_FORMAT = 1, 2
_TRIES = 3
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Identity:
    run: str
    """Redis gives itself another one with every start."""
    is_durable: bool


class RedisLeases:
    """The calls of one account on a Redis server."""

    def __init__(self, redis: Redis, place: Place, account: str) -> None:
        self.name = place.name
        self._redis = redis
        self._password = urlsplit(place.url).password
        # Only a hash of the API key is in it.
        self._key = f"harvester:quota:{hashlib.blake2b(account.encode(), digest_size=16).hexdigest()}"
        self._script = redis.register_script(
            importlib.resources.files(__package__).joinpath("leases.lua").read_text("utf-8")
        )
        self._identity: _Identity | None = None

    async def ask(self, claim: Claim) -> Grant:
        """Note what is claimed and grant what may be. Unanswered where that cannot be known."""
        for _ in range(_TRIES):
            identity = self._identity = self._identity or await self._identify()
            status, *numbers = await self._call(partial(self._run, claim, identity))
            if status == _NEWER_FORMAT:
                raise UsageError(f"{self.name} holds the quota of a newer version of this program: update this one.")
            if status != _ANOTHER_SERVER:
                granted, wait, used, full = numbers
                return Grant(calls=granted, wait=wait, used=used, full=full)
            self._identity = None
        raise Unanswered(f"The quota ledger at {self.name} is another server each time it is asked.")

    def _run(self, claim: Claim, identity: _Identity) -> Awaitable[Any]:
        told = (claim.owner, claim.answered, claim.known, claim.holding, claim.want)
        limits = (claim.calls, claim.period, claim.lease)
        args = (*told, *limits, identity.run, int(identity.is_durable), claim.doing)
        return self._script(keys=[self._key], args=args)

    async def _identify(self) -> _Identity:
        server = await self._call(lambda: self._redis.info("server"))
        replication = await self._call(lambda: self._redis.info("replication"))
        persistence = await self._call(lambda: self._redis.info("persistence"))
        try:
            config = await self._call(lambda: self._redis.config_get("appendfsync"))
        except NotAllowed:  # so it is with most servers for hire
            config = {}
        was_replica = bool(str(replication.get("master_replid2", "")).strip("0"))
        is_synced = persistence.get("aof_enabled") == 1 and config.get("appendfsync") == "always"
        return _Identity(str(server["run_id"]), is_durable=is_synced and not was_replica)

    async def _call(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await _keep_cancels(ask())
        except exceptions.BusyLoadingError:
            raise Unanswered(f"The quota ledger at {self.name} is reading its data.") from None
        except (exceptions.AuthenticationError, exceptions.ResponseError) as error:
            raise NotAllowed(f"The quota ledger at {self.name} refuses: {self._clean(error)}.") from None
        except (exceptions.RedisError, OSError, TimeoutError) as error:
            raise Unanswered(f"The quota ledger at {self.name} cannot be reached: {self._clean(error)}.") from None

    def _clean(self, error: Exception) -> str:
        """What went wrong, in redis-py's words."""
        text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return text.replace(self._password, "…") if self._password else text


async def _keep_cancels(answer: Awaitable[_T]) -> _T:
    """The answer, or CancelledError if the task was cancelled while it waited.

    Up to Python 3.11 `asyncio.wait_for`, through which redis-py sends, loses a cancellation that comes in the very
    step in which the sending ends (https://github.com/python/cpython/issues/86296); the lease's keeper never ended.
    """
    task = asyncio.current_task()
    cancels = task.cancelling() if task else 0
    result = await answer
    if task and task.cancelling() > cancels:
        raise asyncio.CancelledError
    return result


@asynccontextmanager
async def connect(place: Place, account: str) -> AsyncIterator[RedisLeases]:
    """The calls of an account; UsageError where the address says what redis-py does not know."""
    try:
        redis = Redis.from_url(
            place.url,
            decode_responses=True,
            socket_timeout=ANSWER_WITHIN,
            socket_connect_timeout=ANSWER_WITHIN,
            retry=Retry(NoBackoff(), 0),  # the keeper of the lease tries again, and says so
        )
    except ValueError as error:
        raise UsageError(f"{place.name} cannot be used: {error}.", field="quota_ledger") from None
    try:
        yield RedisLeases(redis, place, account)
    finally:
        await redis.aclose()
