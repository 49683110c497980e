"""Archives brought up to date and repaired from Python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harvester import (
    ArchiveBusy,
    Event,
    Flickr,
    Incomplete,
    Noticed,
    RepairReport,
    Search,
    Started,
    Summary,
    UsageError,
)
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener

pytestmark = pytest.mark.usefixtures("time_limit")
EVERYTHING = Search(tags="sandbox")


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    async with sandbox_of(photos=30, owners=1) as running:
        yield running


@pytest.fixture
async def flickr(sandbox: Sandbox) -> AsyncIterator[Flickr]:
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as client:
        yield client


@pytest.fixture
async def folder(flickr: Flickr, tmp_path: Path) -> Path:
    """A complete archive."""
    found = [photo.id async for photo in flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="info")]
    assert len(found) == 30
    return tmp_path / "a"


def ids_in(folder: Path) -> set[str]:
    return {line["id"] for line in read_lines(folder / "photos.ndjson")}


async def test_an_update_brings_what_is_new_and_says_so(flickr: Flickr, sandbox: Sandbox, folder: Path) -> None:
    added = sandbox.api.control({"add": 2})["added"]
    seen: list[Event] = []
    summary = await flickr.update(folder, observer=seen.append)
    assert type(summary) is Summary
    assert (summary.status, summary.photos, summary.new, summary.is_update) == ("complete", 32, 2, True)
    assert set(added) <= ids_in(folder)
    assert verify_archive(folder) == []
    assert [event.is_update for event in seen if isinstance(event, Started)] == [True]


async def test_an_archive_that_is_not_complete_cannot_be_updated(flickr: Flickr, tmp_path: Path) -> None:
    async with flickr.harvest(EVERYTHING, archive=tmp_path / "a") as photos:
        await anext(photos)
    with pytest.raises(UsageError, match="is not complete yet"):
        await flickr.update(tmp_path / "a")


async def until_an_update_calls(sandbox: Sandbox, calls: int) -> None:
    while sandbox.stats.calls == calls:
        await asyncio.sleep(0)


async def test_a_cancelled_update_leaves_the_archive_as_it_was_and_is_gone_on_with(
    flickr: Flickr, sandbox: Sandbox, folder: Path
) -> None:
    sandbox.api.control({"add": 2})
    before, calls, tasks = (folder / "photos.ndjson").read_bytes(), sandbox.stats.calls, len(asyncio.all_tasks())
    update = asyncio.ensure_future(flickr.update(folder))
    await until_an_update_calls(sandbox, calls)
    update.cancel()
    await asyncio.wait({update})
    assert update.cancelled()
    assert not flickr._under_way
    assert len(asyncio.all_tasks()) <= tasks + 1, "the server's side of a connection may last"
    assert (folder / "photos.ndjson").read_bytes() == before
    assert (await flickr.update(folder)).photos == 32
    assert verify_archive(folder) == []


async def test_closing_the_client_ends_an_update_which_is_told_as_incomplete(
    sandbox: Sandbox, flickr: Flickr, folder: Path
) -> None:
    sandbox.api.control({"add": 2})
    calls = sandbox.stats.calls
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as other:
        update = asyncio.ensure_future(other.update(folder))
        await until_an_update_calls(sandbox, calls)
    with pytest.raises(Incomplete, match="The update is not through") as error:
        await update
    assert error.value.summary
    assert error.value.summary.status == "stopped"
    summary = await flickr.update(folder, allow_incomplete=True)
    assert summary.status == "complete"


async def test_two_updates_of_one_archive_are_kept_apart(flickr: Flickr, folder: Path) -> None:
    async with flickr.harvest(Search(text="x"), archive=folder.parent / "other"):
        done = await asyncio.gather(flickr.update(folder), flickr.update(folder), return_exceptions=True)
    assert [type(one) for one in done] == [Summary, ArchiveBusy]


async def test_a_repair_keeps_what_is_good_and_resume_fetches_the_rest(flickr: Flickr, folder: Path) -> None:
    path = folder / "photos.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"\0" * len(lines[3]), *lines[4:]]))
    trial = await Flickr.repair(folder, dry_run=True)
    assert trial.is_needed
    assert path.read_bytes().count(b"\0")
    seen: list[Event] = []
    report = await Flickr.repair(folder, observer=seen.append)
    assert type(report) is RepairReport
    assert (report.is_needed, report.is_whole, report.rebuilt.photos) == (True, False, 1)
    assert any(isinstance(event, Noticed) and "photos.ndjson" in event.sentence for event in seen)
    fetched = [photo.line async for photo in flickr.resume(folder)]
    assert len(fetched) == 1
    assert len(ids_in(folder)) == 30
    assert verify_archive(folder) == []


async def test_an_archive_in_use_is_not_repaired(flickr: Flickr, tmp_path: Path) -> None:
    async with flickr.harvest(EVERYTHING, archive=tmp_path / "a") as photos:
        await anext(photos)
        with pytest.raises(ArchiveBusy):
            await Flickr.repair(tmp_path / "a")


async def test_what_is_no_archive_is_not_repaired(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds nothing of an archive"):
        await Flickr.repair(tmp_path)
