"""Photos by id from Python: lists, iterators and async iterators, and what becomes of those that fail in the middle."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import orjson
import pytest

from harvester import Flickr, Incomplete, Photos, UsageError
from harvester.cli.ids import read_lines as read_ids
from harvester.engine.intake import AHEAD, THREAD
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from support.archives import read_lines
from support.harvest import KEY, settings_for

pytestmark = pytest.mark.usefixtures("time_limit")


class FeedError(Exception):
    """A database that goes away."""


@pytest.fixture
async def flickr(sandbox: Sandbox) -> AsyncIterator[Flickr]:
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none", workers=4) as client:
        yield client


def name_ids(sandbox: Sandbox, count: int) -> list[str]:
    return [str(sandbox.catalogue.id_of(n)) for n in range(count)]


def feed(ids: list[str], error: BaseException | None = None) -> Iterator[str]:
    yield from ids
    if error:
        raise error


async def feed_slowly(ids: list[str], error: BaseException | None = None) -> AsyncIterator[str]:
    for one in ids:
        await asyncio.sleep(0)
        yield one
    if error:
        raise error


Feed = Callable[..., Iterator[str] | AsyncIterator[str]]


@pytest.mark.parametrize("feed", [feed, feed_slowly])
@pytest.mark.parametrize("count", [0, 7, 300])
async def test_what_an_iterator_raises_reaches_the_loop(
    feed: Feed, count: int, flickr: Flickr, sandbox: Sandbox
) -> None:
    error = FeedError("the cursor is gone")
    photos = flickr.harvest(Photos(ids=feed(name_ids(sandbox, count), error)), detail="info")
    with pytest.raises(FeedError) as raised:
        async for _ in photos:
            pass
    assert raised.value is error
    assert photos.summary is None


@pytest.mark.parametrize("feed", [feed, feed_slowly])
async def test_an_archive_whose_iterator_failed_is_not_complete_and_the_same_ids_complete_it(
    feed: Feed, flickr: Flickr, sandbox: Sandbox, tmp_path: Path
) -> None:
    folder, ids = tmp_path / "a", name_ids(sandbox, 20)
    with pytest.raises(FeedError):
        async for _ in flickr.harvest(Photos(ids=feed(ids[:7], FeedError())), archive=folder, detail="info"):
            pass
    assert orjson.loads((folder / "manifest.json").read_bytes())["status"] == "incomplete"
    assert (await asyncio.to_thread(read_status, folder, settings_for(sandbox)))["state"] == "unfinished"
    with pytest.raises(Incomplete, match="Not all ids were read"):
        async for _ in flickr.resume(folder):
            pass
    rest = flickr.harvest(Photos(ids=feed(ids)), archive=folder, detail="info")
    assert [photo.id async for photo in rest]
    assert rest.summary
    assert rest.summary.status == "complete"
    assert sorted(line["id"] for line in read_lines(folder / "photos.ndjson")) == sorted(ids)


@pytest.mark.parametrize("feed", [feed, feed_slowly])
@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit(), StopAsyncIteration()])
async def test_what_would_end_a_loop_quietly_is_told_as_an_error(
    feed: Feed, error: BaseException, flickr: Flickr, sandbox: Sandbox
) -> None:
    with pytest.raises(RuntimeError):
        async for _ in flickr.harvest(Photos(ids=feed(name_ids(sandbox, 3), error))):
            pass


async def test_an_async_iterator_gives_all(flickr: Flickr, sandbox: Sandbox) -> None:
    ids = name_ids(sandbox, 300)
    photos = flickr.harvest(Photos(ids=feed_slowly(ids)), detail="info")
    assert sorted([photo.id async for photo in photos]) == sorted(ids)


def find_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.mark.parametrize("feed", [feed, feed_slowly])
async def test_a_loop_that_is_left_leaves_no_thread_and_no_task(feed: Feed, flickr: Flickr, sandbox: Sandbox) -> None:
    tasks = asyncio.all_tasks()
    async with flickr.harvest(Photos(ids=feed(name_ids(sandbox, 300) * AHEAD)), detail="info") as photos:
        assert (await anext(photos)).id
    for thread in find_threads():
        await asyncio.to_thread(thread.join, 60)
    assert find_threads() == []
    assert {task for task in asyncio.all_tasks() - tasks if "sandbox" not in repr(task)} == set()


async def test_ids_may_be_numbers(flickr: Flickr, sandbox: Sandbox) -> None:
    ids = name_ids(sandbox, 4)
    assert [photo.id async for photo in flickr.harvest(Photos(ids=[int(ids[0]), ids[1]]))] == ids[:2]
    assert [photo.id async for photo in flickr.harvest(Photos(ids=map(int, ids[2:])))] == ids[2:]


def test_one_text_is_one_id_and_is_split_at_commas() -> None:
    assert Photos(ids="123").ids == ("123",)
    assert Photos(ids="123, https://flickr.com/photos/x/4/").ids == ("123", "https://flickr.com/photos/x/4/")


@pytest.mark.parametrize("ids", [b"123", bytearray(b"123"), None, 123, 1.5, [b"123"], [None], [True], ["1", 2.0]])
def test_what_is_no_list_of_ids_is_refused_in_a_sentence(ids: object) -> None:
    with pytest.raises(UsageError, match=r"^ids: .* is not a (list of )?photo ids?"):
        Photos(ids=ids)  # type: ignore[arg-type]


async def test_an_iterator_that_gives_what_is_no_id_is_refused_where_it_is_met(
    flickr: Flickr, sandbox: Sandbox
) -> None:
    ids = iter([*name_ids(sandbox, 1), None])
    with pytest.raises(UsageError, match=r"^ids: None is not a photo id"):
        async for _ in flickr.harvest(Photos(ids=ids)):  # type: ignore[arg-type]
            pass


def test_a_file_of_ids_that_cannot_be_read_on_is_no_end_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([b"1\n2\n"])

    def read(_file: int, _size: int) -> bytes:
        for answer in answers:
            return answer
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("harvester.cli.ids.os.read", read)
    lines = read_ids(0)
    with pytest.raises(UsageError, match=r"^from: the ids cannot be read on: Input/output error"):
        list(lines)
