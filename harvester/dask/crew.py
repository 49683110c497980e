"""The tasks that are at work on a cluster: one for each of its threads, in fair shares between the harvests.

Futures are released as they end, since Dask runs the tasks of a lost worker again for as long as somebody holds them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

from distributed import Client
from distributed.comm.core import CommClosedError

from harvester.dask.member import Member
from harvester.dask.shares import choose_next
from harvester.dask.task import Report, take_shard
from harvester.errors import Exit

_ROUND = 2.0
"""Seconds between two looks at the stores."""
_PATIENCE = 30.0
LOST = (CommClosedError, OSError, TimeoutError)
"""What calls of a client end with whose scheduler has gone."""


class SchedulerLost(Exception):
    """The cluster's scheduler has gone: what was harvested stands in the stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A task under way: whose it is, by which future, since when."""

    member: Member
    future: Any
    since: float


class Crew:
    """Keeps the threads of one cluster busy."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client
        self._works: dict[asyncio.Task[Report], _Work] = {}
        self._name, self._numbers = uuid4().hex[:8], count(1)

    async def fill(self, members: Sequence[Member]) -> None:
        """Have a task for each thread of the cluster. SchedulerLost where there is none any more."""
        for task, work in list(self._works.items()):
            if work.member.is_over:
                self._let_go(task)
        threads = sum((await self._ask_threads()).values())
        now = asyncio.get_running_loop().time()
        while len(self._works) < threads:
            shares = [each.get_share(at_work=self._count(each), now=now) for each in members]
            if (place := choose_next(shares)) is None:
                return
            self._submit(members[place])

    def _submit(self, member: Member) -> None:
        future = self._client.submit(
            take_shard,
            member.course.assignment,
            key=f"harvester-shard-{self._name}-{next(self._numbers)}",
            pure=False,
            retries=0,
        )
        task = asyncio.create_task(_read(future))
        self._works[task] = _Work(member=member, future=future, since=asyncio.get_running_loop().time())

    def _count(self, member: Member) -> int:
        return sum(work.member is member for work in self._works.values())

    async def _ask_threads(self) -> dict[str, int]:
        try:
            async with asyncio.timeout(_PATIENCE):
                threads: dict[str, int] = await self._client.nthreads()
        except LOST as error:
            raise SchedulerLost from error
        return threads

    async def wait(self, stop: asyncio.Event, others: Collection[asyncio.Task[None]]) -> None:
        """Until a task, or one of the `others`, ends, or it is time to look. The members judge the reports."""
        stopped = asyncio.create_task(stop.wait())
        awaited = (stopped, *self._works, *(each for each in others if not each.done()))
        await asyncio.wait(awaited, timeout=_ROUND, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in [each for each in self._works if each.done()]:
            self._take(task)

    def _take(self, task: asyncio.Task[Report]) -> None:
        work = self._let_go(task)
        if task.cancelled():  # so futures end whose scheduler has gone
            raise SchedulerLost
        report, now = task.result(), asyncio.get_running_loop().time()
        work.member.seconds += now - work.since
        work.member.judge(report, others=self._count(work.member))
        if report["shard"] is None:  # nothing was to be taken just now
            work.member.rests_until = now + _ROUND / 2

    def _let_go(self, task: asyncio.Task[Report]) -> _Work:
        work = self._works.pop(task)
        task.cancel()
        with suppress(*LOST):
            work.future.release()
        return work

    def release(self) -> None:
        """Let go of what is under way: it goes on as far as it comes, and the store remembers it."""
        for task in list(self._works):
            self._let_go(task)


async def _read(future: Any) -> Report:
    """The report of a task; of one that was lost with its workers, that it took nothing."""
    try:
        report: Report = await future
    except Exception as error:  # noqa: BLE001 - whatever Dask makes of a worker that died
        told = f"A task ended with {type(error).__name__}: see the log of the cluster's workers."
        return {"shard": None, "ended": None, "error": told, "exit_code": Exit.UNEXPECTED}
    return report
