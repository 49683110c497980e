"""An archive written from Python holds exactly what its loops were given, and goes on where they were left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from harvester import ArchiveBusy, CannotWrite, Flickr, Incomplete, KeyRefused, Photos, Search, UsageError
from harvester.archive.disk import files as files_module
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener

pytestmark = pytest.mark.usefixtures("time_limit")
EVERYTHING = Search(tags="sandbox")


@pytest.fixture
async def flickr(sandbox: Sandbox) -> AsyncIterator[Flickr]:
    async with client_of(sandbox) as client:
        yield client


def client_of(sandbox: Sandbox) -> Flickr:
    return Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none", workers=4)


def ids_in(folder: Path) -> list[str]:
    return [line["id"] for line in read_lines(folder / "photos.ndjson")]


def status_of(folder: Path) -> tuple[str, int]:
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    return manifest["status"], manifest["counts"]["photos"]


async def test_the_photos_of_the_loop_are_the_lines_of_the_archive(flickr: Flickr, tmp_path: Path) -> None:
    photos = flickr.harvest(EVERYTHING, archive=tmp_path / "a", limit=50)
    lines = [photo.line async for photo in photos]
    assert b"".join(lines) == (tmp_path / "a" / "photos.ndjson").read_bytes()
    assert verify_archive(tmp_path / "a") == []
    assert photos.summary
    assert (photos.summary.status, photos.summary.new, photos.summary.output) == ("complete", 50, tmp_path / "a")


async def test_a_photo_is_on_the_disk_before_the_loop_gets_it(
    flickr: Flickr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = 0
    sync = files_module._sync

    def note(number: int) -> None:
        nonlocal synced
        sync(number)
        synced = (tmp_path / "a" / "photos.ndjson").read_bytes().count(b"\n")

    monkeypatch.setattr(files_module, "_sync", note)
    count = 0
    async for _ in flickr.harvest(EVERYTHING, archive=tmp_path / "a", limit=20):
        count += 1
        assert synced == count


async def test_the_archive_gets_no_photo_before_the_loop_asks_for_it(
    flickr: Flickr, sandbox: Sandbox, tmp_path: Path
) -> None:
    async with flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="info") as photos:
        first = await anext(photos)
        await wait_until(lambda: sandbox.stats.methods["flickr.photos.getInfo"] > 60)
        assert ids_in(tmp_path / "a") == [first.id]


async def take(flickr: Flickr, folder: Path, most: int) -> list[str]:
    taken: list[str] = []
    async with flickr.harvest(EVERYTHING, archive=folder, detail="info") as photos:
        async for photo in photos:
            taken.append(photo.id)
            if len(taken) == most:
                break
    return taken


async def take_and_fail(flickr: Flickr, folder: Path, most: int) -> list[str]:
    taken: list[str] = []
    with contextlib.suppress(ZeroDivisionError):
        async with flickr.harvest(EVERYTHING, archive=folder, detail="info") as photos:
            async for photo in photos:
                taken.append(photo.id)
                if len(taken) == most:
                    raise ZeroDivisionError
    return taken


async def take_and_be_cancelled(flickr: Flickr, folder: Path, most: int) -> list[str]:
    taken: list[str] = []

    async def read() -> None:
        async for photo in flickr.harvest(EVERYTHING, archive=folder, detail="info"):
            taken.append(photo.id)
            if len(taken) == most:
                task.cancel()  # it arrives while the next photo is waited for

    task = asyncio.create_task(read())
    await asyncio.wait({task})
    return taken


@pytest.mark.parametrize("leave", [take, take_and_fail, take_and_be_cancelled])
@pytest.mark.parametrize("most", [1, 70])
async def test_an_archive_that_was_left_holds_what_the_loop_was_given_and_the_next_gives_the_rest(
    leave: Callable[[Flickr, Path, int], object], most: int, flickr: Flickr, sandbox: Sandbox, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    first = await leave(flickr, folder, most)  # type: ignore[misc]
    assert len(first) == most
    assert ids_in(folder) == first
    assert status_of(folder) == ("stopped", most)
    rest = [photo.id async for photo in flickr.harvest(EVERYTHING, archive=folder, detail="info")]
    assert ids_in(folder) == [*first, *rest]
    assert sorted([*first, *rest]) == sorted(str(sandbox.catalogue.id_of(n)) for n in range(300))
    assert status_of(folder) == ("complete", 300)
    assert verify_archive(folder) == []
    in_flight = 4
    assert sandbox.stats.methods["flickr.photos.getInfo"] <= 300 + in_flight, "what had come is not asked for again"


async def test_a_loop_that_was_dropped_gives_the_archive_back(flickr: Flickr, tmp_path: Path) -> None:
    async for photo in flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="info"):
        first = photo.id
        break
    await wait_until(lambda: not flickr._under_way)
    assert ids_in(tmp_path / "a") == [first]
    rest = [photo.id async for photo in flickr.resume(tmp_path / "a")]
    assert len({first, *rest}) == 300
    assert len(rest) == 299


async def test_the_next_harvest_waits_until_the_one_before_has_given_the_archive_back(
    flickr: Flickr, tmp_path: Path
) -> None:
    given = []
    for _ in range(3):
        async for photo in flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="info"):
            given.append(photo.id)
            break
    report = await Flickr.repair(tmp_path / "a")
    assert not report.rebuilt.is_left
    given += [photo.id async for photo in flickr.resume(tmp_path / "a", limit=5)]
    assert len(set(given)) == len(given) == 5
    assert ids_in(tmp_path / "a") == given


async def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        await asyncio.sleep(0)


@pytest.mark.slow
async def test_a_photo_whose_taker_was_cancelled_in_that_moment_comes_again(flickr: Flickr, tmp_path: Path) -> None:
    """The cancellation meets every step between the question for the second photo and its arrival."""
    for steps in range(0, 60, 3):
        folder = tmp_path / str(steps)
        photos = flickr.harvest(EVERYTHING, archive=folder, detail="info", limit=5)
        taken = [(await anext(photos)).id]
        task = asyncio.ensure_future(anext(photos))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        taken += [photo.id for photo in await asyncio.gather(task, return_exceptions=True) if hasattr(photo, "id")]
        await photos.aclose()
        assert ids_in(folder) == taken
        rest = [photo.id async for photo in flickr.resume(folder)]
        assert len({*taken, *rest}) == len(taken) + len(rest) == 5


async def test_a_complete_archive_gives_nothing_and_costs_no_call(
    flickr: Flickr, sandbox: Sandbox, tmp_path: Path
) -> None:
    await take(flickr, tmp_path / "a", 300)
    assert [photo async for photo in flickr.harvest(EVERYTHING, archive=tmp_path / "a", detail="info")] == []
    calls = sandbox.stats.calls
    photos = flickr.resume(tmp_path / "a")
    assert [photo async for photo in photos] == []
    assert photos.summary
    assert photos.summary.status == "complete"
    assert sandbox.stats.calls == calls


async def test_an_archive_in_use_is_refused_as_busy(flickr: Flickr, tmp_path: Path) -> None:
    async with flickr.harvest(EVERYTHING, archive=tmp_path / "a") as photos:
        await anext(photos)
        with pytest.raises(ArchiveBusy, match=r"is in use by another harvester \(pid \d+\)"):
            await anext(flickr.harvest(EVERYTHING, archive=tmp_path / "a"))
        assert (await anext(photos)).id, "the first goes on"


async def test_an_archive_of_another_query_is_refused(flickr: Flickr, tmp_path: Path) -> None:
    await take(flickr, tmp_path / "a", 1)
    with pytest.raises(UsageError, match="text") as error:
        await anext(flickr.harvest(Search(text="snow"), archive=tmp_path / "a", detail="info"))
    assert type(error.value) is UsageError


async def test_a_folder_that_cannot_be_made_is_told_as_such(flickr: Flickr, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite) as error:
        await anext(flickr.harvest(EVERYTHING, archive=tmp_path / "file" / "a"))
    assert type(error.value) is CannotWrite


def test_a_files_name_is_refused_as_an_archive() -> None:
    with pytest.raises(UsageError, match=r"^archive: .* is a file's name"):
        Flickr(api_key=KEY).resume("photos.ndjson")


async def test_what_is_no_archive_cannot_be_resumed(flickr: Flickr, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        await anext(flickr.resume(tmp_path))


async def test_a_refused_key_is_told_as_such(sandbox: Sandbox, tmp_path: Path) -> None:
    async with Flickr(api_key="wrong", api_url=sandbox.url, quota="none", pace="none") as flickr:
        with pytest.raises(KeyRefused):
            await anext(flickr.harvest(EVERYTHING, archive=tmp_path / "a"))


async def test_an_incomplete_archive_raises_with_its_summary_and_is_tried_again(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=20) as sandbox, client_of(sandbox) as flickr:
        photo_id = str(sandbox.catalogue.id_of(1))
        with pytest.raises(Incomplete) as error:
            assert [photo.id async for photo in flickr.harvest(Photos(ids=[photo_id, "x"]), archive=tmp_path / "a")]
        assert error.value.summary
        assert error.value.summary.bad_input == 1
        assert status_of(tmp_path / "a") == ("incomplete", 1)
        assert (tmp_path / "a" / "errors.ndjson").exists()
