"""Leaving a harvest from Python ends it: no task, no file, no folder and no call is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harvester import Flickr, Harvest, Incomplete, Photo, Search, Started, UsageError
from harvester.events import Event, Observer, ignore
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox
from support.harvest import KEY, Opener

pytestmark = pytest.mark.usefixtures("time_limit")
EVERYTHING = Search(tags="sandbox")
WORKERS = 4


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary folders, with nothing of others in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def client_of(sandbox: Sandbox, observer: Observer = ignore) -> Flickr:
    return Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none", workers=WORKERS, observer=observer)


def count_files() -> int:
    """How many files and sockets the process holds open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def wait_for_end(*, tasks: int, files: int) -> None:
    """Until no more is there than was, the server's side of the connections included; it gives up after a while."""
    for _ in range(20_000):
        if len(asyncio.all_tasks()) <= tasks and count_files() <= files:
            return
        await asyncio.sleep(0)


async def take_one(flickr: Flickr) -> None:
    async for _ in flickr.harvest(EVERYTHING):
        break


async def take_one_in_a_block(flickr: Flickr) -> None:
    async with flickr.harvest(EVERYTHING) as photos:
        async for _ in photos:
            break


async def fail(flickr: Flickr) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async for _ in flickr.harvest(EVERYTHING):
            raise ZeroDivisionError


async def be_cancelled(flickr: Flickr) -> None:
    entered = asyncio.Event()

    async def read() -> None:
        async for _ in flickr.harvest(EVERYTHING):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(read())
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def never_iterate(flickr: Flickr) -> None:
    flickr.harvest(EVERYTHING)


WAYS = [take_one, take_one_in_a_block, fail, be_cancelled, never_iterate]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")
@pytest.mark.parametrize("leave", WAYS)
async def test_six_harvests_that_were_left_leave_nothing_on_a_client_that_lives_on(
    leave: Callable[[Flickr], Awaitable[None]], sandbox: Sandbox, scratch: Path
) -> None:
    async with client_of(sandbox) as flickr:
        tasks, files = len(asyncio.all_tasks()), count_files()
        for _ in range(6):
            await leave(flickr)
        await wait_for_end(tasks=tasks, files=files)
        assert (len(asyncio.all_tasks()), count_files()) == (tasks, files)
        assert list(scratch.iterdir()) == []
        made = sandbox.stats.calls
        assert [photo.id async for photo in flickr.harvest(EVERYTHING, detail="list", limit=1)]
        assert sandbox.stats.calls - made == 1, "only the new harvest calls"


@pytest.mark.parametrize(
    ("leave", "more"),
    [
        pytest.param(take_one_in_a_block, 0, id="the block has waited for the end"),
        # A worker, or the lister, whose answer has come may make one call before the end reaches it; none makes two.
        pytest.param(take_one, WORKERS + 1, id="break"),
        pytest.param(fail, WORKERS + 1, id="an exception"),
        pytest.param(be_cancelled, WORKERS + 1, id="a cancelled task"),
    ],
)
async def test_a_harvest_that_was_left_makes_no_call_beyond_those_under_way(
    leave: Callable[[Flickr], Awaitable[None]], more: int, sandbox: Sandbox
) -> None:
    begun: list[Started] = []
    tasks = len(asyncio.all_tasks())
    async with client_of(sandbox, observer=lambda event: keep_start(event, begun)) as flickr:
        await leave(flickr)
        made = begun[0].tally.calls
        await wait_for_end(tasks=tasks, files=sys.maxsize)
        assert begun[0].tally.calls - made <= more


def keep_start(event: Event, begun: list[Started]) -> None:
    if isinstance(event, Started):
        begun.append(event)


async def test_a_block_of_a_harvest_has_ended_all_when_it_is_left(sandbox: Sandbox, scratch: Path) -> None:
    async with client_of(sandbox) as flickr:
        async with flickr.harvest(EVERYTHING) as photos:
            assert (await anext(photos)).id
            assert len(list(scratch.iterdir())) == 1
        assert list(scratch.iterdir()) == []
        with pytest.raises(Incomplete, match="ended before it had brought all"):
            await anext(photos)


async def test_the_clients_block_ends_a_harvest_that_a_variable_holds(sandbox: Sandbox, scratch: Path) -> None:
    async with client_of(sandbox) as flickr:
        photos = flickr.harvest(EVERYTHING)
        assert (await anext(photos)).id
    assert list(scratch.iterdir()) == []
    assert photos.summary is None


async def test_whoever_waits_for_a_photo_is_woken_when_the_client_is_closed(sandbox_of: Opener) -> None:
    async def read(photos: Harvest, under_way: asyncio.Event) -> Photo:
        under_way.set()
        return await anext(photos)

    async with sandbox_of(faults=Faults(hung=1.0)) as sandbox:
        under_way = asyncio.Event()
        async with client_of(sandbox) as flickr:
            reader = asyncio.create_task(read(flickr.harvest(EVERYTHING), under_way))
            await under_way.wait()
        with pytest.raises(Incomplete, match="ended before it had brought all"):
            await reader


async def test_a_harvest_cancelled_while_it_waits_does_not_seem_complete(sandbox_of: Opener, scratch: Path) -> None:
    async with sandbox_of(faults=Faults(hung=1.0)) as sandbox, client_of(sandbox) as flickr:
        photos = flickr.harvest(EVERYTHING)
        task = asyncio.ensure_future(anext(photos))
        await asyncio.wait({task}, timeout=0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert list(scratch.iterdir()) == []
        with pytest.raises(Incomplete, match="ended before it had brought all"):
            await anext(photos)


def test_outside_an_event_loop_a_sentence_says_what_to_do() -> None:
    flickr = Flickr(api_key=KEY)
    with pytest.raises(UsageError, match=r"call harvest\(\) inside of an `async def`"):
        flickr.harvest(EVERYTHING)
