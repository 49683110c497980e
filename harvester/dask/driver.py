"""The driver: keeps the cluster's workers busy with shards until all are committed, and merges them.

It holds no state: killed and started again it goes on from the store. Futures are released as they end, since Dask runs
the tasks of a lost worker again for as long as somebody holds them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from distributed import Client
from distributed.comm.core import CommClosedError

from harvester.config.settings import Settings
from harvester.dask.following import Follower
from harvester.dask.task import Assignment, Report, read_settings, take_shard
from harvester.errors import Exit, KeyRefused, StoreFault, UsageError
from harvester.events import Observer, Summary, ignore
from harvester.jobs.model import Job
from harvester.objects import open_store
from harvester.shards.merging import check_target, merge_shards
from harvester.shards.planning import plan_shards
from harvester.shards.shard import PHOTOS

_ROUND = 2.0
"""Seconds between two looks at the store."""
_PATIENCE = 30.0
LOST = (CommClosedError, OSError, TimeoutError)
"""What calls of a client end with whose scheduler has gone."""
_MOST_FAULTS = 5
"""Reports of a fault in a row, for each worker, after which the harvest ends with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is to be harvested, and how."""

    job: Job
    store: str
    settings: Settings
    """Those of the driver, for the plan."""
    output: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings for the workers, without secrets."""
    config: str | None = None
    """A config file that the workers read, instead of their own."""
    anonymous: bool = False
    shard_photos: int = PHOTOS
    lease: float = 30.0
    publish_every: float = 60.0

    @property
    def assignment(self) -> Assignment:
        """What a task is told."""
        return {
            "store": self.store,
            "options": {name: value for name, value in self.options.items() if value is not None},
            "config": self.config,
            "anonymous": self.anonymous,
            "lease": self.lease,
            "publish_every": self.publish_every,
        }


def harvest_on(
    client: Client,
    job: Job,
    *,
    store: str | Path,
    output: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    shard_photos: int = PHOTOS,
    observer: Observer = ignore,
) -> Any:
    """Harvest a job on the workers of a Dask cluster, and merge its shards into the archive `output`.

        summary = harvest_on(Client("tcp://scheduler:8786"), Job(source=Search(tags="monkey")), store="s3://bucket/monkeys",
                             output="monkeys")

    Each worker has the key in its own environment. `options` are settings by the names of the command line (`quota`,
    `pace`, `workers`), none of them a secret. Returns the Summary of the archive, or None without `output`; of an
    asynchronous client a coroutine that does. What was harvested stands in `store`: the same call goes on with it.
    Raises StopRun as `harvester search` ends.
    """
    chosen = dict(options or {})
    course = Course(
        job=job,
        store=str(store),
        settings=read_settings(chosen, config=None, anonymous=False),
        output=None if output is None else Path(output),
        options=chosen,
        shard_photos=shard_photos,
    )
    anyhow: Any = client
    return anyhow.sync(drive, client, course, observer=observer)


async def drive(
    client: Client, course: Course, *, observer: Observer = ignore, stop: asyncio.Event | None = None
) -> Summary | None:
    """Plan, run and merge. None where `stop` has ended it, or where nothing is to be merged."""
    stop = stop or asyncio.Event()
    course.settings.require_key()
    if course.output is not None:
        check_target(course.output)
    store = open_store(course.store, is_private=course.settings.has_login)
    await store.check(make=True)
    plan, _ = await plan_shards(store, course.job, course.settings, photos=course.shard_photos, observer=observer)
    follower = Follower(store, plan, output=course.output, observer=observer)
    await _run_all(client, course, follower, stop)
    if not follower.is_all_committed or course.output is None:
        return None
    return (await merge_shards(store, course.output, observer=observer)).summary


async def _run_all(client: Client, course: Course, follower: Follower, stop: asyncio.Event) -> None:
    crew = _Crew(client, course)
    try:
        await follower.look()
        while not (follower.is_all_committed or stop.is_set()):
            await crew.fill(most=follower.left)
            await crew.wait(stop)
            await follower.look()
    finally:
        crew.release()


class SchedulerLost(Exception):
    """The cluster's scheduler has gone: what was harvested stands in the store."""


class _Crew:
    """The tasks that are at work: as many as the cluster has threads, and shards are left."""

    def __init__(self, client: Client, course: Course) -> None:
        self._client: Any = client
        self._course = course
        self._tasks: dict[asyncio.Task[Report], Any] = {}
        self._name, self._numbers = uuid4().hex[:8], count(1)
        self._faults = 0

    async def fill(self, *, most: int) -> None:
        """Have a task for each thread of the cluster. SchedulerLost where there is none any more."""
        threads = sum((await self._ask_threads()).values())
        while len(self._tasks) < min(threads, most):
            future = self._client.submit(
                take_shard,
                self._course.assignment,
                key=f"harvester-shard-{self._name}-{next(self._numbers)}",
                pure=False,
                retries=0,
            )
            self._tasks[asyncio.create_task(_read(future))] = future

    async def _ask_threads(self) -> dict[str, int]:
        try:
            async with asyncio.timeout(_PATIENCE):
                threads: dict[str, int] = await self._client.nthreads()
        except LOST as error:
            raise SchedulerLost from error
        return threads

    async def wait(self, stop: asyncio.Event) -> None:
        """Until a task ends, or it is time to look. StopRun where a report says that no task will come further."""
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((stopped, *self._tasks), timeout=_ROUND, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        reports = [self._take(task) for task in list(self._tasks) if task.done()]
        for report in reports:
            self._judge(report)
        if any(report["shard"] is None for report in reports):  # nothing was to be taken just now: others have it
            await asyncio.sleep(_ROUND / 2)

    def _take(self, task: asyncio.Task[Report]) -> Report:
        self._tasks.pop(task).release()
        if task.cancelled():  # so futures end whose scheduler has gone
            raise SchedulerLost
        return task.result()

    def _judge(self, report: Report) -> None:
        error = report["error"]
        if error is None:
            self._faults = 0
            return
        self._faults += 1
        if report["exit_code"] == Exit.KEY_REFUSED:
            raise KeyRefused(error)
        if report["exit_code"] == Exit.USAGE:
            raise UsageError(error)
        if self._faults > _MOST_FAULTS * (len(self._tasks) + 1):
            raise StoreFault(error, exit_code=Exit(report["exit_code"]))

    def release(self) -> None:
        """Let go of what is under way: it goes on as far as it comes, and the store remembers it."""
        for task, future in self._tasks.items():
            task.cancel()
            with suppress(*LOST):
                future.release()
        self._tasks.clear()


async def _read(future: Any) -> Report:
    """The report of a task; of one that was lost with its workers, that it took nothing."""
    try:
        report: Report = await future
    except Exception as error:  # noqa: BLE001 - whatever Dask makes of a worker that died
        told = f"A task ended with {type(error).__name__}: see the log of the cluster's workers."
        return {"shard": None, "ended": None, "error": told, "exit_code": Exit.UNEXPECTED}
    return report
