"""No call that was answered is made again: of a photo in flight, what has come is kept when the run ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.draft import Draft, read_draft
from harvester.archive.folder import STATE
from harvester.archive.merge.staging import UPDATE
from harvester.archive.repair.run import repair_archive
from harvester.archive.sinks import PHOTOS
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import KeyRefused
from harvester.events import Event, Summary, Waiting
from harvester.flickr.responses import PartReader
from harvester.jobs.model import Job, Search
from harvester.quota.rate import Rate
from harvester.sandbox.server import Sandbox
from harvester.transport.retry import Backoff
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener, settings_for

EXTRAS: tuple[str, ...] = ("exif", "comments", "favorites")
JOB = Job(source=Search(tags="sandbox"), extras=EXTRAS)
Asked = Counter[tuple[str, str, str]]


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """How often each page of each method was asked for each photo."""
    found: Asked = Counter()
    serve = Sandbox._serve

    def count(sandbox: Sandbox, query: dict[str, str], call: Any) -> Any:
        if "photo_id" in query:
            found[query["method"], query["photo_id"], query.get("page", "1")] += 1
        return serve(sandbox, query, call)

    monkeypatch.setattr(Sandbox, "_serve", count)
    return found


async def harvest_for(calls: int, folder: Path, sandbox: Sandbox, *, update: bool = False, **given: Any) -> Summary:
    """A run that is stopped as soon as it has made so many calls: in the middle of photos."""
    stop = asyncio.Event()

    def look(event: Event) -> None:
        if isinstance(event, Waiting):
            stop.set()

    settings = settings_for(sandbox, quota=Rate(calls, 3600), **given)
    if update:
        return await run_update(folder, settings, observer=look, stop=stop)
    return await run_job(JOB, settings, output=Output(folder=folder), observer=look, stop=stop)


def count_drafts(folder: Path) -> int:
    with closing(sqlite3.connect(folder / STATE)) as database:
        return int(database.execute("SELECT count(*) FROM todo WHERE draft IS NOT NULL").fetchone()[0])


def read_undated(folder: Path) -> list[dict[str, Any]]:
    lines = [line | {"harvested_at": None} for line in read_lines(folder / PHOTOS)]
    return sorted(lines, key=lambda line: str(line["id"]))


async def test_a_stop_in_the_middle_of_photos_has_no_call_made_twice(
    sandbox_of: Opener, tmp_path: Path, counts: Asked
) -> None:
    async with sandbox_of(photos=40) as sandbox:
        assert (await harvest_for(50, tmp_path / "cut", sandbox)).status == "stopped"
        assert 0 < count_drafts(tmp_path / "cut") <= 16
        assert (await run_resume(tmp_path / "cut", settings_for(sandbox))).status == "complete"
        assert set(counts.values()) == {1}
        assert len({photo for _, photo, _ in counts}) == 40
        await run_job(JOB, settings_for(sandbox), output=Output(folder=tmp_path / "whole"))
    assert read_undated(tmp_path / "cut") == read_undated(tmp_path / "whole")
    assert verify_archive(tmp_path / "cut") == []


async def test_many_stops_one_after_the_other_cost_no_call(sandbox_of: Opener, tmp_path: Path, counts: Asked) -> None:
    async with sandbox_of(photos=20) as sandbox:
        calls, status = 0, "stopped"
        while status == "stopped":
            calls += 11
            status = (await harvest_for(calls, tmp_path, sandbox, workers=5)).status
    assert status == "complete"
    assert set(counts.values()) == {1}
    assert verify_archive(tmp_path) == []


async def test_the_pages_of_a_long_list_are_asked_once_each(sandbox_of: Opener, tmp_path: Path, counts: Asked) -> None:
    async with sandbox_of(photos=30, owners=60) as sandbox:
        await run_job(JOB, settings_for(sandbox), output=Output(folder=tmp_path / "whole"))
        pages = Counter(page for _, _, page in counts)
        counts.clear()
        for calls in range(6, 150, 9):
            await harvest_for(calls, tmp_path / "cut", sandbox, workers=3)
        await run_resume(tmp_path / "cut", settings_for(sandbox))
    assert set(counts.values()) == {1}
    assert Counter(page for _, _, page in counts) == pages
    assert pages["2"]
    assert read_undated(tmp_path / "cut") == read_undated(tmp_path / "whole")


async def test_a_kept_part_is_byte_for_byte_what_was_sent() -> None:
    sent = b'{"b":1.0,  "a" : "\\u00e9\\/",\t"a":12345678901234567890123}'
    draft = Draft({"info": sent, "sizes": None}, {"sizes": {"code": 1, "message": "no"}}, {"favorites": 3})
    kept = read_draft(draft.encode())
    assert (kept.parts["info"], kept.parts["sizes"]) == (sent, b"null")
    assert (kept.errors, kept.pages) == (draft.errors, draft.pages)


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"parts":1}', b'{"parts":{"info":', b"\xff", b"[" * 100_000])
def test_a_draft_that_cannot_be_read_is_asked_for_again(kept: bytes) -> None:
    assert read_draft(kept).parts == {}


async def test_what_had_come_of_photos_that_failed_or_of_a_run_that_was_refused_is_kept(
    sandbox_of: Opener, tmp_path: Path, counts: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, calls = PartReader.__call__, iter(range(1_000))

    def refuse(reader: PartReader, body: bytes, photo_id: str) -> bytes:
        if next(calls) == 33:
            raise KeyRefused("The key was taken back.")
        return honest(reader, body, photo_id)

    monkeypatch.setattr(PartReader, "__call__", refuse)
    async with sandbox_of(photos=30) as sandbox:
        with pytest.raises(KeyRefused):
            await run_job(JOB, settings_for(sandbox, workers=4), output=Output(folder=tmp_path))
        before = Counter(counts)
        assert count_drafts(tmp_path) in range(1, 5)
        assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
    again = {call for call, count in counts.items() if count > 1}
    assert len(again) <= 4, "the refused call, and those in flight with it"
    assert sum(before.values()) >= 34
    assert verify_archive(tmp_path) == []


async def test_what_had_come_of_a_photo_that_failed_is_kept(
    sandbox_of: Opener, tmp_path: Path, counts: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    swift = Backoff(base=0.001, factor=1, cap=0.001)
    monkeypatch.setattr("harvester.transport.client.OWN", swift)
    monkeypatch.setattr("harvester.transport.circuit_breaker.SHARED", swift)
    async with sandbox_of(photos=10) as sandbox:
        honest = sandbox.api.answer
        with monkeypatch.context() as patched:
            patched.setattr(
                sandbox.api,
                "answer",
                lambda query: b"{" if query["method"] == "flickr.photos.getExif" else honest(query),
            )
            summary = await run_job(JOB, settings_for(sandbox), output=Output(folder=tmp_path))
        assert (summary.status, summary.failed, count_drafts(tmp_path)) == ("incomplete", 10, 10)
        assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
    assert {count for (method, *_), count in counts.items() if method != "flickr.photos.getExif"} == {1}
    assert [list(line)[3:8] for line in read_lines(tmp_path / PHOTOS)] == [["info", "sizes", *EXTRAS]] * 10
    assert verify_archive(tmp_path) == []


async def test_what_has_come_of_an_update_is_kept_too(sandbox_of: Opener, tmp_path: Path, counts: Asked) -> None:
    async with sandbox_of(photos=30) as sandbox:
        await run_job(JOB, settings_for(sandbox), output=Output(folder=tmp_path))
        counts.clear()
        sandbox.api.control({"change": [line["id"] for line in read_lines(tmp_path / PHOTOS)][:20]})
        assert (await harvest_for(40, tmp_path, sandbox, update=True)).status == "stopped"
        assert 0 < count_drafts(tmp_path / UPDATE) <= 16
        assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert set(counts.values()) == {1}
    assert len({photo for _, photo, _ in counts}) == 20
    assert verify_archive(tmp_path) == []


async def test_a_repair_keeps_what_had_come(sandbox_of: Opener, tmp_path: Path, counts: Asked) -> None:
    async with sandbox_of(photos=30) as sandbox:
        await harvest_for(50, tmp_path, sandbox)
        (tmp_path / "manifest.json").unlink()
        assert repair_archive(tmp_path).is_needed
        assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
    assert set(counts.values()) == {1}
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
async def test_a_kill_costs_no_call_that_was_answered_a_moment_before(
    sandbox_of: Opener, tmp_path: Path, counts: Asked
) -> None:
    async with sandbox_of(photos=40) as sandbox:
        environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url}
        command = ("search", "--tags", "sandbox", "--with", ",".join(EXTRAS), "-o", str(tmp_path), "--pace", "none")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "harvester", *command, "--quota", "50/h"), env=environment
        )
        while not (tmp_path / STATE).exists() or sum(counts.values()) < 49:
            await asyncio.sleep(0.01)
        while len(read_lines(tmp_path / PHOTOS)) * 5 + count_kept(tmp_path) < 49:
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
    assert set(counts.values()) == {1}
    assert verify_archive(tmp_path) == []


def count_kept(folder: Path) -> int:
    """Parts, and pages of parts, that are in drafts."""
    with closing(sqlite3.connect(f"file:{folder / STATE}?mode=ro", uri=True)) as database:
        drafts = [orjson.loads(raw) for (raw,) in database.execute("SELECT draft FROM todo WHERE draft IS NOT NULL")]
    return sum(len(draft["parts"]) + sum(page - 2 for page in draft["pages"].values()) for draft in drafts)
