"""A harvest under way has a manifest, which tells how much of each file is committed."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson
import pytest

from harvester.archive import running_manifest as keep
from harvester.archive.blocks import decode_blocks, sum_up
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.folder import MANIFEST
from harvester.archive.manifest import encode_manifest, read_manifest
from harvester.archive.repair.run import repair_archive
from harvester.archive.running_manifest import Unfinished, keep_manifest
from harvester.archive.sinks import PHOTOS
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.update import run_update
from harvester.errors import CannotWrite, UsageError
from harvester.events import Started
from harvester.jobs.model import Account, Job, Photos, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.harvest import Opener, harvest_into, settings_for

EVERYTHING = Search(tags="sandbox")


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
    return found


async def do(work: Callable[[], None]) -> None:
    work()


class Clock:
    """Time that goes on only when it is told to."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ticks: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._ticks.get()

    async def tick(self) -> None:
        self._ticks.put_nowait(None)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_manifest_is_written_at_the_beginning_and_at_least_once_a_minute() -> None:
    clock, written = Clock(), []
    async with keep_manifest(lambda: written.append(len(clock.slept)), do=do, sleep=clock.sleep):
        assert written == [0]
        for _ in range(3):
            await clock.tick()
    assert len(written) == 4
    assert all(0 < seconds <= 60 for seconds in clock.slept)


async def test_the_writing_ends_with_the_harvest() -> None:
    before = asyncio.all_tasks()

    async def harvest() -> None:
        async with keep_manifest(lambda: None, do=do, sleep=Clock().sleep):
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        await harvest()
    assert asyncio.all_tasks() == before


def grow(folder: Path, state: State, lines: int) -> bytes:
    """Add lines to photos.ndjson, and commit all but what is behind them."""
    data = b"".join(b'{"id":"%d","harvested_at":"x"}\n' % n for n in range(1, lines + 1))
    (folder / PHOTOS).write_bytes(data + b'{"id":')
    with state.changing():
        state.commit_length(PHOTOS, Length(len(data), lines))
    return data


def test_it_tells_committed_lengths_and_the_sha256_of_what_was_read(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        manifest = Unfinished(tmp_path, state)
        for lines in (3, 10):
            data = grow(tmp_path, state, lines)
            manifest.write()
            assert told(tmp_path)["status"] == "unfinished"
            assert told(tmp_path)["counts"]["photos"] == lines
            sha256 = hashlib.sha256(data).hexdigest()
            entry = told(tmp_path)["files"][PHOTOS]
            blocks = decode_blocks(entry["begins"].pop("blocks"))
            assert entry == {"bytes": len(data), "lines": lines, "begins": {"bytes": len(data), "sha256": sha256}}
            assert sum_up(blocks) == (lines, sum(map(crc32, data.splitlines(keepends=True))) % 2**32)


def test_no_manifest_reads_more_than_a_part_of_what_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "READ_AT_ONCE", 100)
    monkeypatch.setattr(keep, "_CHUNK", 64)
    with State(tmp_path / "state.sqlite") as state:
        manifest, data = Unfinished(tmp_path, state), grow(tmp_path, state, 40)
        for end in (100, 200, 300):
            manifest.write()
            begins = told(tmp_path)["files"][PHOTOS]["begins"]
            assert sum_up(decode_blocks(begins.pop("blocks")))[0] == data[:end].count(b"\n")
            assert begins == {"bytes": end, "sha256": hashlib.sha256(data[:end]).hexdigest()}


def test_what_an_earlier_manifest_knows_of_a_beginning_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with State(tmp_path / "state.sqlite") as state:
        first = grow(tmp_path, state, 10)
        Unfinished(tmp_path, state).write()
        grow(tmp_path, state, 20)
        monkeypatch.setattr(keep, "READ_AT_ONCE", 0)
        Unfinished(tmp_path, state).write()
        begins = told(tmp_path)["files"][PHOTOS]["begins"]
        assert (begins["bytes"], begins["sha256"]) == (len(first), hashlib.sha256(first).hexdigest())


def test_a_manifest_that_cannot_be_written_does_not_end_the_harvest(tmp_path: Path) -> None:
    (tmp_path / f"{MANIFEST}.part").mkdir()
    with State(tmp_path / "state.sqlite") as state:
        Unfinished(tmp_path, state).write()
    assert not (tmp_path / MANIFEST).exists()


@pytest.mark.parametrize("letter", range(0, 400, 7))
def test_a_changed_byte_of_a_manifest_is_noticed(letter: int, tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        grow(tmp_path, state, 10)
        Unfinished(tmp_path, state).write()
    assert read_manifest(tmp_path) is not None
    data = bytearray((tmp_path / MANIFEST).read_bytes())
    place = letter % len(data)
    while data[place : place + 1].isspace():
        place += 1
    data[place] ^= 2
    (tmp_path / MANIFEST).write_bytes(data)
    assert read_manifest(tmp_path) is None


async def test_the_manifest_is_there_before_the_first_photo(sandbox: Sandbox, tmp_path: Path) -> None:
    seen: list[str] = []
    task = asyncio.create_task(harvest_into(tmp_path / "a", sandbox, Job(source=EVERYTHING)))
    while not seen:
        await asyncio.sleep(0)
        if (tmp_path / "a" / MANIFEST).exists():
            seen.append(told(tmp_path / "a")["status"])
    assert sandbox.stats.calls <= 1
    assert seen == ["unfinished"]
    await task
    assert told(tmp_path / "a")["status"] == "complete"


async def test_a_kill_leaves_a_manifest_of_what_was_committed(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "INTERVAL", 0.001)
    task = asyncio.create_task(harvest_into(tmp_path / "a", sandbox, Job(source=EVERYTHING)))
    while not (tmp_path / "a" / MANIFEST).exists() or told(tmp_path / "a")["files"][PHOTOS]["lines"] < 50:
        await asyncio.sleep(0)
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    await task
    entry = told(tmp_path / "copy")["files"][PHOTOS]
    data = (tmp_path / "copy" / PHOTOS).read_bytes()[: entry["bytes"]]
    assert (data.count(b"\n"), data[-1:]) == (entry["lines"], b"\n")
    begins = entry["begins"]
    assert hashlib.sha256(data[: begins["bytes"]]).hexdigest() == begins["sha256"]


async def test_a_query_that_cannot_be_meant_leaves_no_manifest(sandbox: Sandbox, tmp_path: Path) -> None:
    job = Job(source=Account(user="nobody by this name"))
    with pytest.raises(UsageError):
        await harvest_into(tmp_path / "a", sandbox, job)
    assert not (tmp_path / "a" / MANIFEST).exists()


async def test_an_update_leaves_the_manifest_of_the_archive_as_it_is(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "INTERVAL", 0.001)
    async with sandbox_of() as sandbox:
        await harvest_into(tmp_path / "a", sandbox, Job(source=EVERYTHING, detail="list"))
        before = (tmp_path / "a" / MANIFEST).read_bytes()
        sandbox.api.control({"change": [str(sandbox.catalogue.id_of(1))]})
        during: list[bytes] = []

        def watch(event: object) -> None:
            if isinstance(event, Started):
                during.append((tmp_path / "a" / MANIFEST).read_bytes())

        await run_update(tmp_path / "a", settings_for(sandbox), observer=watch)
    assert during == [before]
    assert (tmp_path / "a" / MANIFEST).read_bytes() != before


async def test_records_that_go_to_standard_output_have_no_manifest(sandbox: Sandbox, tmp_path: Path) -> None:
    job = Job(source=Photos(ids=[]))
    await run_job(job, settings_for(sandbox), output=Output(state=tmp_path / "s"))
    assert not (tmp_path / "s" / MANIFEST).exists()


async def stop_in_between(folder: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harvest that was stopped, whose manifest knows the sha256 of a beginning."""
    monkeypatch.setattr(keep, "INTERVAL", 0.001)
    stop = asyncio.Event()
    task = asyncio.create_task(harvest_into(folder, sandbox, Job(source=EVERYTHING), stop=stop))
    while not (folder / MANIFEST).exists() or told(folder)["files"][PHOTOS].get("begins", {}).get("bytes", 0) < 5000:
        await asyncio.sleep(0)
    stop.set()
    assert (await task).status == "stopped"


async def test_a_beginning_that_was_changed_is_not_blessed_when_the_harvest_ends(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stop_in_between(tmp_path, sandbox, monkeypatch)
    data = (tmp_path / PHOTOS).read_bytes()
    (tmp_path / PHOTOS).write_bytes(data.replace(b'"harvested_at":"2', b'"harvested_at":"3', 1))
    with pytest.raises(CannotWrite, match=r"does not begin with .*`harvester repair"):
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert any("sha256 is not that of manifest.json" in finding for finding in verify_archive(tmp_path))
    repair_archive(tmp_path)
    assert (await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))).photos == 300
    assert verify_archive(tmp_path) == []


async def test_a_harvest_that_was_cut_short_needs_no_repair(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stop_in_between(tmp_path, sandbox, monkeypatch)
    entry = told(tmp_path)["files"][PHOTOS]
    first = (tmp_path / PHOTOS).read_bytes()[:4000]
    begins = {"bytes": len(first), "lines": 1, "sha256": hashlib.sha256(first).hexdigest()}
    facts = {name: value for name, value in told(tmp_path).items() if name != "checksum"}
    (tmp_path / MANIFEST).write_bytes(encode_manifest({**facts, "status": "unfinished", "files": {PHOTOS: begins}}))
    assert entry["bytes"] > len(first)
    assert not repair_archive(tmp_path, dry_run=True).is_needed
