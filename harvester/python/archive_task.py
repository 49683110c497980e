"""Work on an archive that ends cleanly, whenever whoever waits for it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from harvester.archive.repair.run import Report, repair_archive
from harvester.config.settings import Settings
from harvester.engine.upkeep.deepening import update_archive
from harvester.errors import Summary, unchain
from harvester.events import Noticed, Observer
from harvester.objects.publish.beside import run_and_publish
from harvester.python.harvest_task import wait_for_left
from harvester.python.progress import guard, tell_progress
from harvester.python.running import find_loop

T = TypeVar("T")
RepairReport: TypeAlias = Report


class ArchiveTask(Generic[T]):
    """A task that threads work for, so it is asked to stop and waited for, never cut off."""

    def __init__(self, start: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> None:
        """`start` does the work; it ends early once its event is set."""
        self._stop = asyncio.Event()
        self.task = find_loop().create_task(start(self._stop))

    async def wait(self) -> T:
        """Wait for the result. Cancelled, wait until the work has come to a clean end."""
        try:
            return await asyncio.shield(self.task)
        except asyncio.CancelledError:
            await self.end()
            raise

    async def end(self) -> None:
        """Ask the work to end and wait until it has."""
        self._stop.set()
        await asyncio.wait({self.task})


async def update(
    folder: Path, settings: Settings, *, publish: str | None, observer: Observer, stop: asyncio.Event
) -> Summary:
    """Bring an archive up to date, or go on with that."""

    def run(observer: Observer) -> Awaitable[Summary]:
        return update_archive(folder, settings, observer=observer, stop=stop)

    await wait_for_left(folder)
    try:
        async with tell_progress(observer, stop=stop) as watched:
            return await run_and_publish(run, folder=folder, address=publish, observer=watched, stop=stop)
    except Exception as error:
        unchain(error)
        raise


async def repair(folder: Path, *, dry_run: bool, observer: Observer) -> Report:
    """Repair an archive on a thread. What the observer raises is raised at the end: a repair is not cut off."""
    loop, errors = find_loop(), list[Exception]()
    await wait_for_left(folder)

    def observe(sentence: str) -> None:
        try:
            guard(observer)(Noticed(sentence=sentence))
        except Exception as error:  # noqa: BLE001 - it is the caller's
            errors.append(error)

    def tell(name: str, size: int) -> None:
        if size:
            loop.call_soon_threadsafe(observe, f"Reading {name}, {size:,} bytes.")

    report = await ArchiveTask(
        lambda _: asyncio.to_thread(partial(repair_archive, folder, dry_run=dry_run, on_file=tell))
    ).wait()
    if errors:
        raise errors[0]
    return report
