"""Stretches of upload time of which Flickr keeps photos back: what is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from harvester.archive.incomplete import tell_dates
from harvester.engine.run import Output, UpdateWanted, run_job
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.events import Event, Started
from harvester.flickr.responses import Page, Row
from harvester.jobs.model import Account, Job, Search
from harvester.listing.stretch import Stretch
from harvester.listing.sweep import advance, read_stretch_again
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.harvest import Opener, harvest_into, settings_for
from support.hidden import keep_back

JOB = Job(source=Search(tags=("sandbox",)), detail="list")
START = 1_393_675_200


def limited(limit: int) -> Job:
    return Job(source=JOB.source, detail="list", limit=limit)


@pytest.mark.slow
async def test_manifest_status_and_verify_tell_the_same_of_an_incomplete_stretch(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_back(monkeypatch, lambda n: n % 2 == 0)
    async with sandbox_of(photos=30) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, JOB)
        status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
    (told,) = manifest["incomplete_stretches"]
    assert (summary.status, manifest["status"]) == ("incomplete", "incomplete")
    assert told.keys() == {"after", "before", "claimed", "found", "note"}
    assert (told["after"], told["before"]) == ("1970-01-01T00:00:00Z", manifest["horizon"])
    assert (told["claimed"], told["found"]) == (30, 15)
    assert told["note"] in summary.notes
    assert told["note"] in await asyncio.to_thread(verify_archive, tmp_path)
    assert (status["state"], status["incomplete_stretches"]) == ("incomplete", [told])


async def test_a_complete_archive_has_no_incomplete_stretches(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=30) as sandbox:
        assert (await harvest_into(tmp_path, sandbox, JOB)).status == "complete"
    assert "incomplete_stretches" not in orjson.loads((tmp_path / "manifest.json").read_bytes())


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (1_393_675_200, 1_393_675_500, "from 2014-03-01 12:00 to 12:05"),
        (1_393_675_201, 1_393_675_500, "from 2014-03-01 12:00:01 to 12:05:00"),
        (1_393_675_200, 1_393_761_600, "from 2014-03-01 12:00 to 2014-03-02 12:00"),
        (1_393_675_205, 1_393_675_205, "at 2014-03-01 12:00:05"),
        (0, 1_393_675_500, "until 2014-03-01 12:05"),
    ],
)
def test_a_stretch_is_named_as_dates(since: int, until: int, words: str) -> None:
    assert tell_dates(since, until) == words


@contextmanager
def one_kind(sandbox: Sandbox) -> Iterator[None]:
    """Photos that no filter tells apart."""
    wide = max(set(sandbox.catalogue.uploads), key=list(sandbox.catalogue.uploads).count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox.catalogue, "taken", lambda _: wide)
        patch.setattr(sandbox.catalogue, "license", lambda _: 0)
        patch.setattr(sandbox.catalogue, "is_video", lambda _: False)
        yield


@pytest.mark.slow
async def test_a_resume_reads_incomplete_stretches_alone_and_completes_the_archive(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=9_300, wide_second=4_100) as sandbox:
        settings = settings_for(sandbox)
        with one_kind(sandbox):
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
            (told,) = orjson.loads((tmp_path / "manifest.json").read_bytes())["incomplete_stretches"]
            assert told["after"] == told["before"]
            summary = await run_resume(tmp_path, settings)
            assert (summary.status, summary.new, told["note"] in summary.notes) == ("incomplete", 0, True)
            assert summary.calls <= 18  # the 8 pages of that second; and once more by media, which was not tried
        summary = await harvest_into(tmp_path, sandbox, JOB)
        assert (summary.status, summary.photos, summary.notes) == ("complete", 9_300, ())
        assert summary.calls < 9_300 // 500
    assert "incomplete_stretches" not in orjson.loads((tmp_path / "manifest.json").read_bytes())
    assert await asyncio.to_thread(verify_archive, tmp_path) == []


@pytest.mark.slow
async def test_an_archive_that_is_killed_while_it_reads_stretches_again_goes_on_there(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=4_300, wide_second=4_100) as sandbox:
        with one_kind(sandbox):
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
        summary = await harvest_into(tmp_path, sandbox, limited(4_300))  # nothing is to be read
        assert (summary.status, summary.calls) == ("incomplete", 0)
        stop = asyncio.Event()

        def stop_soon(event: Event) -> None:
            if isinstance(event, Started):
                stop.set()

        summary = await run_job(
            JOB, settings_for(sandbox), output=Output(folder=tmp_path), observer=stop_soon, stop=stop
        )
        assert summary.status == "stopped"
        assert (await run_resume(tmp_path, settings_for(sandbox))).photos == 4_300
    assert await asyncio.to_thread(verify_archive, tmp_path) == []


async def test_an_accounts_difference_stands_in_manifest_and_status(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=60, owners=1) as sandbox:
        honest = sandbox.api.answer

        def answer(query: dict[str, str]) -> bytes:
            found = orjson.loads(honest(query))
            if query.get("method") == "flickr.people.getInfo":
                found["person"]["photos"]["count"]["_content"] = 62
            return orjson.dumps(found)

        monkeypatch.setattr(sandbox.api, "answer", answer)
        job = Job(source=Account(user=sandbox.catalogue.people[0].nsid), detail="list")
        summary = await harvest_into(tmp_path, sandbox, job)
        status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
        updated = await run_update(tmp_path, settings_for(sandbox))
    sentence = "Flickr claimed 62, 60 are there: the others may be private, not safe, or deleted."
    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
    assert (summary.status, updated.status, status["state"]) == ("complete", "complete", "complete")
    assert (sentence in summary.notes, sentence in updated.notes, status["difference"]) == (True, True, sentence)
    assert manifest["difference"] == {"claimed": 62, "there": 60, "counts_hidden": True}
    assert await asyncio.to_thread(verify_archive, tmp_path) == []


@pytest.mark.slow
async def test_an_account_whose_photostream_keeps_photos_back_is_incomplete_until_they_come(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=60, owners=1) as sandbox:
        honest = sandbox.api.answer

        def answer(query: dict[str, str]) -> bytes:
            found = orjson.loads(honest(query))
            if "photos" in found:
                found["photos"]["photo"] = [row for row in found["photos"]["photo"] if int(row["id"]) % 5 > 2]
            return orjson.dumps(found)

        job = Job(source=Account(user=sandbox.catalogue.people[0].nsid, only=("photos",)), detail="list")
        with monkeypatch.context() as patch:
            patch.setattr(sandbox.api, "answer", answer)
            summary = await harvest_into(tmp_path, sandbox, job)
            (told,) = orjson.loads((tmp_path / "manifest.json").read_bytes())["incomplete_stretches"]
            assert (summary.status, told["claimed"], told["found"]) == ("incomplete", 60, summary.photos)
        summary = await run_resume(tmp_path, settings_for(sandbox))
        assert (summary.status, summary.photos) == ("complete", 60)
    assert "difference" not in orjson.loads((tmp_path / "manifest.json").read_bytes())
    assert await asyncio.to_thread(verify_archive, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["resume", "the same"])
async def test_an_update_that_ended_incomplete_is_completed_by_a_resume_and_by_the_same_command(
    command: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=60) as sandbox:
        settings = settings_for(sandbox)
        assert (await harvest_into(tmp_path, sandbox, JOB)).status == "complete"
        for _ in range(60):
            sandbox.catalogue.add()
        sandbox.catalogue.change(6)
        with monkeypatch.context() as patch:
            keep_back(patch, lambda n: n % 2 == 0)
            assert (await run_update(tmp_path, settings)).status == "incomplete"
            assert (await run_update(tmp_path, settings)).status == "incomplete"
            assert any("keeps photos back" in told for told in await asyncio.to_thread(verify_archive, tmp_path))
        if command == "resume":
            summary = await run_resume(tmp_path, settings)
        else:
            output = Output(folder=tmp_path, redo_update=True)
            with pytest.raises(UpdateWanted):
                await run_job(JOB, settings, output=output)
            summary = await run_update(tmp_path, settings)
        assert (summary.status, summary.photos) == ("complete", 120)
    assert await asyncio.to_thread(verify_archive, tmp_path) == []
    assert "incomplete_stretches" not in orjson.loads((tmp_path / "manifest.json").read_bytes())


def test_a_part_of_a_second_is_read_again_with_the_filters_that_cut_it() -> None:
    part = Stretch(
        since=START, until=START, reported=None, found=4_000, reads=3, whole=False, narrow=(("media", "photos"),)
    )
    again = read_stretch_again(part)
    assert (again.since, again.until, again.arguments["media"], again.reads) == (START, START, "photos", 4)


def test_one_reading_that_shows_the_same_photos_ends_a_stretch_again() -> None:
    stretch = Stretch(since=START, until=START + 10_000, reported=30, found=20, reads=9, note="a page came short")
    rows = tuple(Row(str(n), START + 1_000 + n, None, b"") for n in range(20, 0, -1))
    step = advance(read_stretch_again(stretch), Page(rows=rows, total=30, per_page=500), fresh=0)
    while step.sweeps:  # the same photos, from wherever the sweep goes on
        (sweep,) = step.sweeps
        assert sweep.reads == 10
        shown = tuple(row for row in rows if row.uploaded is not None and row.uploaded <= sweep.until)
        step = advance(sweep, Page(rows=shown, total=10 + len(shown), per_page=500), fresh=0)
    (known,) = step.stretches
    assert (known.since, known.until, known.reported, known.found) == (START, START + 10_000, 30, 20)


@pytest.mark.slow
async def test_a_limit_that_is_reached_makes_no_incomplete_archive_complete(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=30) as sandbox:
        settings = settings_for(sandbox)
        with monkeypatch.context() as patch:
            keep_back(patch, lambda n: n % 2 == 0)
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
            for job in (limited(15), limited(10), limited(15)):
                summary = await harvest_into(tmp_path, sandbox, job)
                assert (summary.status, summary.photos, summary.calls) == ("incomplete", 15, 0)
                (note,) = [note for note in summary.notes if "keeps photos back" in note]
                assert note.endswith("Run the same without a limit, or with a larger one, to read that stretch again.")
                assert note in await asyncio.to_thread(verify_archive, tmp_path)
                status = await asyncio.to_thread(read_status, tmp_path, settings)
                assert status["state"] == "incomplete"
                assert orjson.loads((tmp_path / "manifest.json").read_bytes())["status"] == "incomplete"
            assert (await run_resume(tmp_path, settings)).status == "incomplete"
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
        summary = await harvest_into(tmp_path, sandbox, JOB)
        assert (summary.status, summary.photos) == ("complete", 30)
    assert await asyncio.to_thread(verify_archive, tmp_path) == []


@pytest.mark.slow
async def test_a_stretch_stays_incomplete_until_it_was_read_to_its_end(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=30) as sandbox:
        settings = settings_for(sandbox)
        with monkeypatch.context() as patch:
            keep_back(patch, lambda n: n % 2 == 0)
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
        for _ in range(2):  # a limit within the stretch: one of its photos comes, and no other
            summary = await harvest_into(tmp_path, sandbox, limited(16))
            assert (summary.status, summary.photos) == ("incomplete", 16)
            status = await asyncio.to_thread(read_status, tmp_path, settings)
            assert (status["state"], len(status["incomplete_stretches"])) == ("incomplete", 1)
            assert status["note"] in await asyncio.to_thread(verify_archive, tmp_path)
        assert (await run_resume(tmp_path, settings)).status == "incomplete"
        summary = await harvest_into(tmp_path, sandbox, JOB)
        assert (summary.status, summary.photos) == ("complete", 30)
    assert await asyncio.to_thread(verify_archive, tmp_path) == []
