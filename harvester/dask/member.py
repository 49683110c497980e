"""One harvest of a fleet: from its plan to the archive of its shards, or to the error that ends it."""

from __future__ import annotations

import asyncio

from harvester.dask.course import Course
from harvester.dask.following import Follower
from harvester.dask.merging import merge_on_thread
from harvester.dask.shares import Share
from harvester.dask.task import Report
from harvester.errors import Exit, KeyRefused, StopRun, StoreFault, Summary, UsageError
from harvester.events import Observer
from harvester.objects import open_store
from harvester.shards.merging import find_merged
from harvester.shards.planning import plan_shards

_MOST_FAULTS = 5
"""Reports of a fault in a row, for each worker, after which the harvest ends with it."""


class Member:
    """A harvest under way. What it has come to stands in its store, so it may begin as often as it likes."""

    def __init__(self, course: Course, *, observer: Observer) -> None:
        self.course = course
        self.end: Summary | StopRun | None = None
        """How it has ended."""
        self.is_over = False
        """It has ended, be it without an archive that was not asked for."""
        self.follower: Follower | None = None
        """How far it is, once it is planned."""
        self.seconds = 0.0
        """How long threads have worked for it."""
        self.rests_until = 0.0
        """Until then nothing is to be taken: others have what is left."""
        self._observer = observer
        self._faults = 0

    async def begin(self) -> None:
        """Plan it, or find the plan that is there."""
        try:
            await self._begin()
        except StopRun as error:
            self.fail(error)

    async def _begin(self) -> None:
        course = self.course
        course.settings.require_key()
        store = open_store(course.store, is_private=course.settings.has_login)
        await store.check(make=True)
        if course.output is not None and (merged := await find_merged(store, course.output, observer=self._observer)):
            self._finish(merged)
            return
        plan, _ = await plan_shards(
            store, course.job, course.settings, photos=course.shard_photos, observer=self._observer
        )
        self.follower = Follower(store, plan)

    async def look(self) -> None:
        """Ask the store how far it is."""
        try:
            if self.follower is not None:
                await self.follower.look()
        except StopRun as error:
            self.fail(error)

    @property
    def is_to_be_merged(self) -> bool:
        """Whether all is committed, as far as the last look has shown."""
        return not self.is_over and self.follower is not None and self.follower.is_all_committed

    async def merge(self, turn: asyncio.Lock) -> None:
        """Merge it, where an archive was asked for, when it has its turn. The loop goes on meanwhile."""
        try:
            await self._merge(turn)
        except StopRun as error:
            self.fail(error)

    async def _merge(self, turn: asyncio.Lock) -> None:
        course, output = self.course, self.course.output
        if output is None:
            self._finish(None)
            return
        if self.follower is not None and self.follower.tally is not None:
            self.follower.tally.doing = "merging the shards"
        async with turn:  # each takes a core, and a thread that others need
            is_private = course.settings.has_login
            summary = await merge_on_thread(course.store, output, is_private=is_private, observer=self._observer)
        if summary is not None:  # else a commit was removed meanwhile: that shard is run again
            self._finish(summary)

    def get_share(self, *, at_work: int, now: float) -> Share:
        """What it has of the cluster, and could have."""
        left = self.follower.left if self.follower and not self.is_over and now >= self.rests_until else 0
        return Share(at_work=at_work, most=left, seconds=self.seconds)

    def judge(self, report: Report, *, others: int) -> None:
        """End it where a report says that no task will come further. `others` are its tasks that are under way."""
        error = report["error"]
        if error is None:
            self._faults = 0
            return
        self._faults += 1
        if report["exit_code"] == Exit.KEY_REFUSED:
            self.fail(KeyRefused(error))
        elif report["exit_code"] == Exit.USAGE:
            self.fail(UsageError(error))
        elif self._faults > _MOST_FAULTS * (others + 1):
            self.fail(StoreFault(error, exit_code=Exit(report["exit_code"])))

    def fail(self, error: StopRun) -> None:
        """It ends with an error."""
        self.end, self.is_over = error, True

    def _finish(self, summary: Summary | None) -> None:
        self.end, self.is_over = summary, True
