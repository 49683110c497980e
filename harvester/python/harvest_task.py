"""The task of one harvest from Python."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias
from weakref import WeakSet

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.state import State
from harvester.archive.remembered import restore_job
from harvester.config.settings import Settings
from harvester.engine.output import Output
from harvester.engine.run import run_open_job
from harvester.engine.upkeep.deepening import run_whole_job
from harvester.errors import Summary, UsageError, unchain
from harvester.events import Observer
from harvester.filesystem.folders import make_temporary
from harvester.jobs.model import Job
from harvester.jobs.rotation import Rotation
from harvester.objects.publish.beside import run_and_publish
from harvester.python.channels import Buffer, Channel, HandedSink, Handover
from harvester.python.lists import ArchivedEntries, Entries, Spool, SpooledFiles
from harvester.python.progress import tell_progress
from harvester.python.running import find_loop

Start: TypeAlias = Callable[[asyncio.Event], Awaitable[Summary]]
"""Runs a harvest to its end, or until the event is set."""


# Many attributes: it is the state of a task that a loop in another place asks for.
class HarvestTask:
    """The task of one harvest. It has no reference to the Harvest, which can thus be garbage-collected."""

    def __init__(self, channel: Channel, start: Start, *, entries: Entries, folder: Path | None = None) -> None:
        self.channel = channel
        self.folder = None if folder is None else folder.resolve()
        """The archive."""
        self.is_left = False
        """The loop was left: the task is about to end."""
        self.is_cut_off = False
        """The task came to no end of its own."""
        self.entries = entries
        self.error: Exception | None = None
        self.summary: Summary | None = None
        self._loop = find_loop()
        self._stop = asyncio.Event()
        self.task = self._loop.create_task(self._run(start))
        self.task.add_done_callback(self._finish)
        _works.add(self)

    async def _run(self, start: Start) -> None:
        try:
            self.summary = await start(self._stop)
        except StopAsyncIteration as error:
            self.error = RuntimeError(
                "StopAsyncIteration was raised in the harvest."
            )  # a loop would take it for its end
            self.error.__cause__ = error
        except Exception as error:  # noqa: BLE001 - it is raised where the consumer stands
            unchain(error)
            self.error = error
        await self.channel.end()

    def check_loop(self) -> None:
        """UsageError where another event loop is running than that of the harvest."""
        if asyncio.get_running_loop() is not self._loop:
            raise UsageError("This harvest runs in another event loop or thread: iterate over it and close it there.")

    def _finish(self, task: asyncio.Task[None]) -> None:
        """Wake whoever still waits for a photo of a harvest that was cut off."""
        self.is_cut_off = task.cancelled() or task.exception() is not None
        if self.is_cut_off:
            self.channel.wake()

    def drop(self) -> None:
        """End the task once nobody can iterate any more. A collector may call this from another thread."""
        self.is_left = True
        if not self.task.done() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel)

    async def end(self) -> None:
        """End the task and wait until it has closed all that it opened."""
        self._cancel()
        await asyncio.wait({self.task})

    def _cancel(self) -> None:
        self.is_left = True
        self._stop.set()  # an archive then says that it was stopped
        self.task.cancel()


_works: WeakSet[HarvestTask] = WeakSet()


async def wait_for_left(folder: Path) -> None:
    """Wait until harvests into an archive whose loops were left have given it back: leaving does not wait for that."""
    if tasks := _find_left(folder.resolve(), asyncio.get_running_loop()):  # noqa: ASYNC240 - an instant
        await asyncio.wait(tasks)


def _find_left(folder: Path, loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[None]]:
    tasks = {work.task for work in _works if work.is_left and work.folder == folder}
    return {task for task in tasks if not task.done() and task.get_loop() is loop}


def _restore(folder: Path, limit: int | None) -> Job:
    with open_archive_to_read(folder) as state:
        job = restore_job(state, where=folder)
    return job if limit is None else replace(job, limit=limit)


def begin_stream(job: Job, settings: Settings, *, observer: Observer) -> HarvestTask:
    """Begin a harvest that leaves nothing on the disk."""
    buffer, spool = Buffer(), Spool()

    async def start(stop: asyncio.Event) -> Summary:
        async with tell_progress(observer, stop=stop) as watched:
            return await run(watched, stop)

    async def run(watched: Observer, stop: asyncio.Event) -> Summary:
        with (
            make_temporary() as folder,
            State(folder / "state.sqlite", lasting=False) as state,
        ):
            return await run_open_job(
                job,
                settings,
                state=state,
                sink=buffer.sink,
                observer=watched,
                stop=stop,
                files=SpooledFiles(spool, state),
            )

    return HarvestTask(buffer, start, entries=spool)


def begin_archive(
    job: Job | None,
    settings: Settings,
    *,
    folder: Path,
    limit: int | None,
    publish: str | None = None,
    rotation: Rotation | None = None,
    observer: Observer,
) -> HarvestTask:
    """Begin or continue a harvest into an archive's folder. Without a job, that is the archive's own."""
    handover = Handover()

    async def run(stop: asyncio.Event, watched: Observer) -> Summary:
        return await run_whole_job(
            _restore(folder, limit) if job is None else job,
            settings,
            output=Output(folder=folder, publish=publish, rotation=rotation),
            observer=watched,
            stop=stop,
            open_sink=partial(HandedSink, handover=handover),
        )

    async def start(stop: asyncio.Event) -> Summary:
        await wait_for_left(folder)
        async with tell_progress(observer, stop=stop) as watched:
            return await run_and_publish(
                partial(run, stop),
                folder=folder,
                address=publish,
                is_private=settings.has_login,
                observer=watched,
                stop=stop,
            )

    return HarvestTask(handover, start, entries=ArchivedEntries(folder), folder=folder)
