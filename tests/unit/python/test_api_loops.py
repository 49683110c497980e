"""A client's work is in one event loop, and its block ends all of it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from harvester import Flickr, Search, UsageError
from harvester.python.archive_task import ArchiveTask
from harvester.python.running import RunningTasks
from harvester.sandbox.server import Sandbox
from support.harvest import KEY

pytestmark = pytest.mark.usefixtures("time_limit")
EVERYTHING = Search(tags="sandbox")


@pytest.fixture
async def flickr(sandbox: Sandbox) -> AsyncIterator[Flickr]:
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as client:
        yield client


async def run_elsewhere(start: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """In an event loop of another thread; what is raised there is raised here."""
    await asyncio.to_thread(lambda: asyncio.run(start()))


async def test_a_client_that_is_in_use_is_refused_to_another_thread(flickr: Flickr, tmp_path: Path) -> None:
    async def harvest() -> None:
        flickr.harvest(EVERYTHING)

    async def update() -> None:
        await flickr.update(tmp_path)

    async def close() -> None:
        async with flickr:
            pass

    async with flickr.harvest(EVERYTHING) as photos:
        assert (await anext(photos)).id
        for start in (harvest, update, close):
            with pytest.raises(UsageError, match="make a client for each"):
                await run_elsewhere(start)
        assert (await anext(photos)).id, "the first goes on"


async def test_a_harvest_is_refused_to_another_loop(flickr: Flickr) -> None:
    async with flickr.harvest(EVERYTHING, limit=5) as photos:
        for start in (photos.__anext__, photos.aclose):
            with pytest.raises(UsageError, match="runs in another event loop"):
                await run_elsewhere(start)
        assert len([photo async for photo in photos]) == 5


async def test_a_client_whose_work_is_through_may_be_used_elsewhere(flickr: Flickr) -> None:
    async def harvest() -> None:
        assert len([photo async for photo in flickr.harvest(EVERYTHING, limit=2)]) == 2

    await harvest()
    await run_elsewhere(harvest)
    await harvest()


async def test_what_a_closed_loop_left_is_no_work(flickr: Flickr) -> None:
    async def leave() -> None:
        flickr.harvest(EVERYTHING)

    await run_elsewhere(leave)
    assert len([photo async for photo in flickr.harvest(EVERYTHING, limit=2)]) == 2


async def test_all_work_is_asked_to_end_before_any_has_ended() -> None:
    """Each of the two ends only once the other was asked to."""
    asked = [asyncio.Event(), asyncio.Event()]

    def begin(own: asyncio.Event, other: asyncio.Event) -> ArchiveTask[None]:
        async def work(stop: asyncio.Event) -> None:
            await stop.wait()
            own.set()
            await other.wait()

        return ArchiveTask(work)

    under_way = RunningTasks()
    for own, other in (asked, reversed(asked)):
        under_way.begin(lambda own=own, other=other: begin(own, other))  # type: ignore[misc]
    await under_way.end()
    assert len(under_way) == 0
