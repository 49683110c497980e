"""More of each photo, asked from Python of an archive that is there; and how a deepening goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from harvester import Event, Flickr, Progress, Search, Started, UsageError
from harvester.archive.merge.deepening import merge_deepening
from harvester.engine.upkeep import deepening
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener

pytestmark = pytest.mark.usefixtures("time_limit")
EVERYTHING = Search(tags="sandbox")
PHOTOS = 60


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    async with sandbox_of(photos=PHOTOS, owners=1) as running:
        yield running


@pytest.fixture
async def flickr(sandbox: Sandbox) -> AsyncIterator[Flickr]:
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none", workers=4) as client:
        yield client


@pytest.fixture
async def folder(flickr: Flickr, tmp_path: Path) -> Path:
    """An archive with info alone."""
    photos = flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="info")
    assert len([photo async for photo in photos]) == PHOTOS
    return tmp_path / "a"


def count_full(folder: Path) -> int:
    lines = read_lines(folder / "photos.ndjson")
    assert len({line["id"] for line in lines}) == len(lines)
    return sum("sizes" in line for line in lines)


async def test_more_detail_is_fetched_in_place_and_no_photo_comes_twice(
    flickr: Flickr, sandbox: Sandbox, folder: Path
) -> None:
    seen: list[Event] = []
    calls = sandbox.stats.calls
    photos = flickr.harvest(EVERYTHING, archive=folder, detail="full", observer=seen.append)
    assert [photo async for photo in photos] == []
    assert photos.summary
    assert (photos.summary.status, photos.summary.photos) == ("complete", PHOTOS)
    assert sandbox.stats.calls - calls == PHOTOS, "only what was missing"
    assert count_full(folder) == PHOTOS
    assert verify_archive(folder) == []
    assert any(isinstance(event, Started) and event.is_deepening for event in seen)


async def test_an_archive_that_was_left_is_brought_to_its_end_with_more_detail(flickr: Flickr, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with flickr.harvest(EVERYTHING, archive=folder, detail="info") as photos:
        taken = [(await anext(photos)).id for _ in range(5)]
    rest = [photo async for photo in flickr.harvest(EVERYTHING, archive=folder, detail="full")]
    assert len({*taken, *(photo.id for photo in rest)}) == len(taken) + len(rest) == PHOTOS
    assert all(photo.sizes for photo in rest)
    assert count_full(folder) == PHOTOS


async def test_less_detail_is_refused(flickr: Flickr, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"detail \('info' there, 'list' here\): choose another folder") as error:
        await anext(flickr.harvest(EVERYTHING, archive=folder, detail="list"))
    assert "--" not in str(error.value)


async def leave_a_deepening(flickr: Flickr, sandbox: Sandbox, folder: Path) -> None:
    async with flickr.harvest(EVERYTHING, archive=folder, detail="full"):
        while sandbox.stats.methods["flickr.photos.getSizes"] < 10:
            await asyncio.sleep(0)
    assert count_full(folder) == 0
    assert verify_archive(folder) == []


async def go_on(flickr: Flickr, folder: Path) -> None:
    photos = flickr.resume(folder)
    assert [photo async for photo in photos] == []
    assert photos.summary
    assert photos.summary.status == "complete"


async def bring_up_to_date(flickr: Flickr, folder: Path) -> None:
    assert (await flickr.update(folder)).status == "complete"


@pytest.mark.parametrize("end", [go_on, bring_up_to_date])
async def test_a_deepening_that_was_left_is_ended_by_the_next_call(
    end: Callable[[Flickr, Path], Any], flickr: Flickr, sandbox: Sandbox, folder: Path
) -> None:
    await leave_a_deepening(flickr, sandbox, folder)
    await end(flickr, folder)
    assert count_full(folder) == PHOTOS
    assert verify_archive(folder) == []


async def test_a_harvest_that_is_left_while_lines_are_folded_waits_for_the_thread(
    flickr: Flickr, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge, begun, left = merge_deepening, threading.Event(), threading.Event()

    def merge_late(*given: Any, **named: Any) -> Any:
        begun.set()
        left.wait(60)
        return merge(*given, **named)

    monkeypatch.setattr(deepening, "merge_deepening", merge_late)
    photos = flickr.harvest(EVERYTHING, archive=folder, detail="full")
    await asyncio.to_thread(begun.wait, 60)
    end = asyncio.ensure_future(photos.aclose())
    await asyncio.sleep(0)
    left.set()
    await end
    monkeypatch.undo()
    assert verify_archive(folder) == []
    await go_on(flickr, folder)
    assert count_full(folder) == PHOTOS
    assert verify_archive(folder) == []


async def test_an_observers_mistake_in_a_deepening_is_told_and_harms_nothing(
    flickr: Flickr, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.python.progress.INTERVAL", 0)

    def fail(event: Event) -> None:
        if isinstance(event, Progress) and event.calls > 5:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await anext(flickr.harvest(EVERYTHING, archive=folder, detail="full", observer=fail))
    assert verify_archive(folder) == []
    await go_on(flickr, folder)
    assert count_full(folder) == PHOTOS
