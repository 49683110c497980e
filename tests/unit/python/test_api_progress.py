"""Whoever watches a harvest from Python is told how far it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harvester import Ended, Event, Flickr, Harvest, Noticed, Progress, Search, Started, Summary
from harvester.python import progress
from harvester.sandbox.server import Sandbox
from support.harvest import KEY

pytestmark = pytest.mark.usefixtures("time_limit")
EVERYTHING = Search(tags="sandbox")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told at every turn of the loop."""
    monkeypatch.setattr(progress, "INTERVAL", 0)


@pytest.mark.parametrize("is_kept", [True, False])
async def test_progress_is_told_between_beginning_and_end(is_kept: bool, sandbox: Sandbox, tmp_path: Path) -> None:
    seen: list[Event] = []
    folder = tmp_path / "a" if is_kept else None
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        photos = flickr.harvest(EVERYTHING, limit=60, archive=folder, observer=seen.append)
        assert len([photo async for photo in photos]) == 60
    told = [event for event in seen if isinstance(event, Progress)]
    assert isinstance(seen[0], Started)
    assert any(isinstance(event, Ended) for event in seen)
    assert [event.photos for event in told] == sorted(event.photos for event in told)
    assert any(0 < event.photos < 60 for event in told)
    assert {event.expected for event in told if event.photos} == {300}


async def test_each_harvest_of_a_client_has_its_own_observer(sandbox: Sandbox) -> None:
    of_client: list[Event] = []
    own: list[Event] = []
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none", observer=of_client.append) as flickr:
        first = flickr.harvest(EVERYTHING, limit=3)
        second = flickr.harvest(EVERYTHING, limit=2, observer=own.append)
        assert [len([photo async for photo in photos]) for photos in (first, second)] == [3, 2]
    ends = [[event.summary.photos for event in seen if isinstance(event, Ended)] for seen in (of_client, own)]
    assert ends == [[3], [2]]


async def test_an_observers_mistake_ends_the_harvest_with_it(sandbox: Sandbox) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, Started):
            raise ZeroDivisionError

    tasks = len(asyncio.all_tasks())
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        with pytest.raises(ZeroDivisionError):
            await anext(flickr.harvest(EVERYTHING, observer=fail))
        assert len(asyncio.all_tasks()) == tasks


@pytest.mark.slow
@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("error", [ZeroDivisionError(), StopAsyncIteration(), asyncio.CancelledError()])
@pytest.mark.parametrize("kind", [Started, Progress, Ended])
async def test_what_an_observer_raises_is_never_lost(
    kind: type[Event], error: BaseException, is_kept: bool, sandbox: Sandbox, tmp_path: Path
) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, kind):
            raise error

    tasks = len(asyncio.all_tasks())
    folder = tmp_path / "a" if is_kept else None
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        with pytest.raises(ZeroDivisionError if isinstance(error, ZeroDivisionError) else RuntimeError):
            async for _ in flickr.harvest(EVERYTHING, archive=folder, observer=fail, detail="info"):
                pass
        assert len(asyncio.all_tasks()) <= tasks + 1, "the server's side of a connection may last"


async def test_an_observers_mistake_with_progress_ends_a_harvest_before_it_is_through(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, Progress):
            raise ZeroDivisionError

    taken: list[str] = []

    async def take(photos: Harvest) -> None:
        async for photo in photos:
            taken.append(photo.id)  # noqa: PERF401 - those before the error count

    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        with pytest.raises(ZeroDivisionError):
            await take(flickr.harvest(EVERYTHING, archive=tmp_path / "a", observer=fail))
        assert len(taken) < 300
        await take(flickr.resume(tmp_path / "a"))
    assert len(taken) == len(set(taken)) == 300


@pytest.mark.parametrize("kind", [Started, Progress, Ended])
async def test_an_observers_mistake_is_told_by_an_update(kind: type[Event], sandbox: Sandbox, tmp_path: Path) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, kind):
            raise ZeroDivisionError

    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        assert [photo async for photo in flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="list")]
        with pytest.raises(ZeroDivisionError):
            await flickr.update(tmp_path / "a", observer=fail)
        assert type(await flickr.update(tmp_path / "a")) is Summary


async def test_an_observers_mistake_is_told_by_a_repair(sandbox: Sandbox, tmp_path: Path) -> None:
    def fail(event: Event) -> None:
        assert isinstance(event, Noticed)
        raise ZeroDivisionError

    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        assert [photo async for photo in flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="list")]
    with pytest.raises(ZeroDivisionError):
        await Flickr.repair(tmp_path / "a", observer=fail)
