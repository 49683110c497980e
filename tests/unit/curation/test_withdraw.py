"""`harvester withdraw`: nothing of a photo stays, and nothing brings it back."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from harvester.archive.folder import lock_folder
from harvester.archive.merge.history import zstd
from harvester.archive.repair.run import repair_archive
from harvester.cli import main
from harvester.curation.strike import strike_any, strike_damaged
from harvester.curation.withdraw import withdraw
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.deepening import resume_archive, run_whole_job, update_archive
from harvester.errors import CannotWrite, Exit
from harvester.jobs.model import Account, Album, Job, Search
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import prove_archive, verify_archive
from support.archives import read_lines
from support.harvest import Opener, harvest_into, settings_for

SEARCH = Job(source=Search(min_upload_date="2004-01-01"), detail="info")
NOW = 1795000000.0
TOMBSTONE = {"withdrawn_at": "2026-11-18T11:06:40Z", "reason": "asked by the owner"}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def take_down(folder: Path, *ids: str, **given: Any) -> Any:
    return withdraw(folder, ids, reason=TOMBSTONE["reason"], now=NOW, **given)


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    """A sandbox of 60 photos, of which each change and each deletion is seen by updates."""
    async with sandbox_of(photos=60, owners=2) as running:
        yield running


@pytest.fixture
async def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A complete archive, in which one photo has changed since and another was deleted."""
    await harvest_into(tmp_path / "a", sandbox, SEARCH)
    sandbox.catalogue.change(3)
    sandbox.catalogue.change(4)
    sandbox.catalogue.remove(5)
    await update_archive(tmp_path / "a", settings_for(sandbox))
    return tmp_path / "a"


def name(sandbox: Sandbox, n: int) -> str:
    return str(sandbox.catalogue.id_of(n))


def ids_of(folder: Path) -> list[str]:
    return [line["id"] for line in read_lines(folder / "photos.ndjson")]


def read_all(folder: Path) -> dict[str, bytes]:
    """All bytes of an archive, unpacked."""
    found = {}
    for path in filter(Path.is_file, folder.rglob("*")):
        data = path.read_bytes()
        found[str(path.relative_to(folder))] = zstd.decompress(data) if path.suffix == ".zst" else data
    return found


def find_traces(folder: Path, sandbox: Sandbox, n: int) -> list[str]:
    """The files in which a photo's title, secret, or own line still stand."""
    catalogue, photo_id = sandbox.catalogue, name(sandbox, n)
    marks = (
        f'"secret":"{catalogue.secret(n)}"'.encode(),
        f"{photo_id}_{catalogue.secret(n)}".encode(),
        f'{{"id":"{photo_id}","harvested_at"'.encode(),
        f'{{"id":"{photo_id}","at"'.encode(),
    )
    return sorted(file for file, data in read_all(folder).items() if any(mark in data for mark in marks))


async def test_nothing_of_the_photos_stays_but_a_tombstone(sandbox: Sandbox, folder: Path) -> None:
    assert find_traces(folder, sandbox, 3)
    told = take_down(folder, name(sandbox, 3), name(sandbox, 5), name(sandbox, 7))
    assert set(told.withdrawn) == {name(sandbox, n) for n in (3, 5, 7)}
    assert told.files["photos.ndjson"] == 2
    assert told.files["changes.ndjson"] == 2
    assert {file.split("/")[0] for file in told.files} == {"photos.ndjson", "changes.ndjson", "history", "updates"}
    for n in (3, 5, 7):
        assert find_traces(folder, sandbox, n) == []
    assert [line["id"] for line in read_lines(folder / "changes.ndjson")] == [name(sandbox, 4)]
    assert len(ids_of(folder)) == 57
    stones = read_lines(folder / "withdrawn.ndjson")
    assert sorted(stones, key=lambda line: str(line["id"])) == [{"id": i, **TOMBSTONE} for i in sorted(told.withdrawn)]
    verdict = prove_archive(folder)
    assert (verdict.findings, verdict.notes) == ((), ("3 photos withdrawn, by withdrawn.ndjson.",))
    status = await asyncio.to_thread(read_status, folder, settings_for(sandbox))
    assert (status["state"], status["photos"], status["withdrawn"]) == ("complete", 57, 3)
    assert "withdrawn" in (await asyncio.to_thread(call, "status", folder)).stdout


async def test_a_copy_without_checkpoint_is_proved_and_tells_it_too(sandbox: Sandbox, folder: Path) -> None:
    take_down(folder, name(sandbox, 3))
    (folder / "state.sqlite").unlink()
    verdict = prove_archive(folder)
    assert verdict.findings == ()
    assert "1 photo withdrawn, by withdrawn.ndjson." in verdict.notes
    status = await asyncio.to_thread(read_status, folder, settings_for(sandbox))
    assert status["withdrawn"] == 1


async def test_no_update_brings_them_back_and_totals_still_fit(sandbox: Sandbox, folder: Path) -> None:
    take_down(folder, *(name(sandbox, n) for n in range(20, 40)))
    for n in (20, 41):
        sandbox.catalogue.change(n)
    sandbox.catalogue.remove(21)
    summary = await update_archive(folder, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 39), summary
    assert (summary.new, summary.notes[0]) == (1, "Since the last time: 1 photo changed.")
    assert summary.calls <= 1 + 1 + 1
    assert verify_archive(folder) == []
    summary = await update_archive(folder, settings_for(sandbox))
    assert (summary.status, summary.calls, summary.notes[0]) == (
        "complete",
        1,
        "Since the last time: nothing has changed.",
    )
    assert all(find_traces(folder, sandbox, n) == [] for n in (20, 21, 30))
    assert len(read_lines(folder / "withdrawn.ndjson")) == 20


async def test_no_deepening_and_no_resume_brings_them_back(sandbox: Sandbox, folder: Path) -> None:
    take_down(folder, name(sandbox, 3))
    assert (await resume_archive(folder, settings_for(sandbox))).status == "complete"
    deeper = Job(source=SEARCH.source, detail="full")
    summary = await run_whole_job(deeper, settings_for(sandbox), output=Output(folder=folder))
    assert (summary.status, summary.photos) == ("complete", 58)
    assert find_traces(folder, sandbox, 3) == []
    assert verify_archive(folder) == []


@pytest.mark.parametrize("lost", [(), ("state.sqlite",), ("manifest.json",), ("state.sqlite", "manifest.json")])
async def test_no_repair_brings_them_back(lost: tuple[str, ...], sandbox: Sandbox, folder: Path) -> None:
    before = (folder / "photos.ndjson").read_bytes()
    take_down(folder, name(sandbox, 3), name(sandbox, 9))
    for file in lost:
        (folder / file).unlink()
    lines = (folder / "photos.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "photos.ndjson").write_bytes(b"".join(lines[2:]))  # two others are lost besides
    repair_archive(folder)
    if "manifest.json" not in lost or "state.sqlite" not in lost:
        summary = await resume_archive(folder, settings_for(sandbox))
    else:  # what was asked is lost too
        summary = await harvest_into(folder, sandbox, SEARCH)
    assert (summary.status, summary.photos) == ("complete", 57)
    assert find_traces(folder, sandbox, 3) == []
    assert len(read_lines(folder / "withdrawn.ndjson")) == 2
    assert verify_archive(folder) == []
    (folder / "photos.ndjson").write_bytes(before)  # an older copy is put back
    repair_archive(folder)
    await resume_archive(folder, settings_for(sandbox))
    assert find_traces(folder, sandbox, 3) == []
    assert verify_archive(folder) == []


async def begin(folder: Path, settings: Any, *, stop: asyncio.Event) -> None:
    await run_job(SEARCH, settings, output=Output(folder=folder), stop=stop)


@pytest.mark.parametrize("is_ended", [False, True])
async def test_an_older_checkpoint_that_still_has_them_to_do_does_not_bring_them_back(
    is_ended: bool, sandbox: Sandbox, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    await stop_early(folder, sandbox, begin, after=20)
    old, there = (folder / "state.sqlite").read_bytes(), set(ids_of(folder))
    (gone, *_) = [n for n in range(60) if name(sandbox, n) not in there]
    if is_ended:
        await resume_archive(folder, settings_for(sandbox))
    take_down(folder, name(sandbox, gone))
    (folder / "state.sqlite").write_bytes(old)
    told = f"names 1 photo of which state.sqlite does not know: an older copy was put back. `harvester repair {folder}`"
    assert any(told in sentence for sentence in verify_archive(folder))
    with pytest.raises(CannotWrite, match=re.escape(told)):
        await resume_archive(folder, settings_for(sandbox))
    with pytest.raises(CannotWrite, match=re.escape(told)):
        await harvest_into(folder, sandbox, SEARCH)
    with pytest.raises(CannotWrite, match=re.escape(told)):
        take_down(folder, next(iter(there)))
    assert repair_archive(folder, dry_run=True).is_needed
    assert repair_archive(folder).is_needed
    assert not repair_archive(folder).is_needed
    assert find_traces(folder, sandbox, gone) == []
    calls = sandbox.stats.methods["flickr.photos.getInfo"]
    summary = await resume_archive(folder, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 59)
    assert sandbox.stats.methods["flickr.photos.getInfo"] - calls == (0 if is_ended else 59 - len(there))
    assert find_traces(folder, sandbox, gone) == []
    assert [line["id"] for line in read_lines(folder / "withdrawn.ndjson")] == [name(sandbox, gone)]
    assert verify_archive(folder) == []


async def test_an_older_copy_of_an_update_under_way_does_not_bring_them_back(
    sandbox: Sandbox, folder: Path, tmp_path: Path
) -> None:
    for n in range(10, 40):
        sandbox.catalogue.change(n)
    await stop_early(folder, sandbox, update_archive, after=12)
    shutil.copytree(folder, tmp_path / "old")
    take_down(folder, *(name(sandbox, n) for n in range(10, 40)))
    shutil.copytree(tmp_path / "old", folder, dirs_exist_ok=True)  # what is not in it stays: the tombstones
    assert repair_archive(folder).staged is not None
    assert not repair_archive(folder).is_needed
    assert {file for n in range(10, 40) for file in find_traces(folder, sandbox, n)} == set()
    summary = await resume_archive(folder, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 29)
    assert {file for n in range(10, 40) for file in find_traces(folder, sandbox, n)} == set()
    assert verify_archive(folder) == []


@pytest.mark.slow
async def test_the_rows_of_lists_go_and_sets_keep_their_ids(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=3_000, owners=3) as sandbox:
        job = Job(source=Account(user=sandbox.catalogue.people[2].nsid), detail="list")
        await harvest_into(folder, sandbox, job)
        galleries = read_lines(folder / "galleries.ndjson")
        favorites = read_lines(folder / "favorites.ndjson")
        gone = [galleries[0]["photo_ids"][0], favorites[0]["id"], ids_of(folder)[0]]
        told = take_down(folder, *gone)
        assert set(told.withdrawn) == set(gone)
        for _ in range(2):
            after = read_lines(folder / "galleries.ndjson")
            assert [line["photo_ids"] for line in after] == [line["photo_ids"] for line in galleries]
            assert all(row["id"] not in gone for line in after for row in line["photos"])
            there = [line["id"] for line in read_lines(folder / "favorites.ndjson")]
            assert sorted(there) == sorted(line["id"] for line in favorites if line["id"] not in gone)
            assert not set(gone) & set(ids_of(folder))
            assert verify_archive(folder) == []
            for n in range(len(sandbox.catalogue)):
                if name(sandbox, n) in gone:
                    assert find_traces(folder, sandbox, n) == []
                    sandbox.catalogue.change(n)
            sandbox.catalogue.move(0)
            summary = await update_archive(folder, settings_for(sandbox))
            assert summary.status == "complete", summary
        repair_archive(folder)
        assert (await resume_archive(folder, settings_for(sandbox))).calls == 0


async def stop_early(folder: Path, sandbox: Sandbox, run: Callable[..., Any], *, after: int) -> None:
    """Stop a run once so many calls were answered."""
    stop, honest, left = asyncio.Event(), sandbox.api.answer, after

    def answer(query: Mapping[str, str]) -> bytes:
        nonlocal left
        left -= 1
        if left < 0:
            stop.set()
        return honest(query)

    sandbox.api.answer = answer  # type: ignore[method-assign]
    try:
        await run(folder, settings_for(sandbox, workers=1), stop=stop)
    finally:
        sandbox.api.answer = honest  # type: ignore[method-assign]


async def test_an_update_under_way_loses_them_too(sandbox: Sandbox, folder: Path) -> None:
    for n in range(10, 40):
        sandbox.catalogue.change(n)
    await stop_early(folder, sandbox, update_archive, after=12)
    assert (folder / ".update" / "photos.ndjson").stat().st_size
    take_down(folder, *(name(sandbox, n) for n in range(10, 40)))
    assert all(find_traces(folder, sandbox, n) == [] for n in range(10, 40))
    summary = await update_archive(folder, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 29)
    assert all(find_traces(folder, sandbox, n) == [] for n in range(10, 40))
    assert verify_archive(folder) == []


async def test_a_harvest_under_way_goes_on_without_them(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    await stop_early(folder, sandbox, begin, after=20)
    there = set(ids_of(folder))
    assert 0 < len(there) < 60
    waiting = [n for n in range(60) if name(sandbox, n) not in there][:3]
    gone = [*waiting, next(n for n in range(60) if name(sandbox, n) in there)]
    take_down(folder, *(name(sandbox, n) for n in gone))
    assert all(find_traces(folder, sandbox, n) == [] for n in gone)
    summary = await resume_archive(folder, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 56)
    assert all(find_traces(folder, sandbox, n) == [] for n in gone)
    assert verify_archive(folder) == []


async def test_a_limit_counts_what_was_taken_down(sandbox: Sandbox, tmp_path: Path) -> None:
    job = Job(source=SEARCH.source, detail="list", limit=30)
    await harvest_into(tmp_path / "a", sandbox, job)
    gone = ids_of(tmp_path / "a")[:2]
    take_down(tmp_path / "a", *gone)
    assert verify_archive(tmp_path / "a") == []
    assert (await harvest_into(tmp_path / "a", sandbox, job)).status == "complete"
    assert not set(gone) & set(ids_of(tmp_path / "a"))
    assert verify_archive(tmp_path / "a") == []


async def test_an_album_read_again_does_not_bring_them_back(sandbox: Sandbox, tmp_path: Path) -> None:
    account = Job(source=Account(user=sandbox.catalogue.people[0].nsid, only="photosets"), detail="list")
    await harvest_into(tmp_path / "sets", sandbox, account)
    album = max(read_lines(tmp_path / "sets" / "photosets.ndjson"), key=lambda line: len(line["photo_ids"]))
    job = Job(source=Album(album=album["id"]), detail="info")
    await harvest_into(tmp_path / "a", sandbox, job)
    gone = ids_of(tmp_path / "a")[0]
    take_down(tmp_path / "a", gone)
    summary = await update_archive(tmp_path / "a", settings_for(sandbox))
    assert summary.status == "complete"
    assert gone not in ids_of(tmp_path / "a")


async def test_the_command_tells_and_ends_by_the_contract(sandbox: Sandbox, folder: Path) -> None:
    before = read_all(folder)
    one, reason = name(sandbox, 3), ("--reason", "ticket 42")
    result = call("withdraw", folder, one, *reason, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == f"1 photo would be withdrawn from {folder}, 1 in all."
    assert read_all(folder) == before
    result = call("withdraw", folder, f"https://www.flickr.com/photos/x/{one}/", "77", *reason)
    assert result.exit_code == Exit.INCOMPLETE
    assert result.stderr == f"Warning: Photo 77 is not in {folder}.\n"
    result = call("withdraw", folder, one, *reason)
    assert result.exit_code == 0
    assert "Withdrawn before: 1 photo." in result.stdout
    assert [line["reason"] for line in read_lines(folder / "withdrawn.ndjson")] == ["ticket 42"]
    after = read_all(folder)
    for arguments in (("77", *reason), ("monkey", *reason), (one, "--reason", " "), reason, (one,)):
        assert call("withdraw", folder, *arguments).exit_code == Exit.USAGE, arguments
    assert call("withdraw", folder.parent / "none", one, *reason).exit_code == Exit.USAGE
    assert not (folder.parent / "none").exists()
    own = {"state.sqlite", ".lock"}  # opened and left as they were, they tell another moment
    assert {n: d for n, d in read_all(folder).items() if n not in own} == {
        n: d for n, d in after.items() if n not in own
    }
    with lock_folder(folder):
        assert call("withdraw", folder, one, *reason).exit_code == Exit.CANNOT_WRITE
        assert call("withdraw", folder, one, *reason, "--dry-run").exit_code == Exit.CANNOT_WRITE


@pytest.mark.parametrize("file", ["photos.ndjson", "changes.ndjson", "history", "updates", "manifest.json"])
async def test_a_damaged_file_is_not_blessed(file: str, sandbox: Sandbox, folder: Path) -> None:
    path = folder / file if "." in file else next((folder / file).iterdir())
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    before = read_all(folder) if file != "history" else {}
    with pytest.raises(CannotWrite, match="harvester repair"):
        take_down(folder, name(sandbox, 3))
    if before:
        assert {n: d for n, d in read_all(folder).items() if "ndjson" in n and not n.startswith(".repair")} == {
            n: d for n, d in before.items() if "ndjson" in n
        }


_KILL = """
import os, sqlite3, sys, time
from pathlib import Path
from harvester.curation.withdraw import withdraw
left = int(sys.argv[2])
def count(event, args):
    global left
    if event in ("os.rename", "os.mkdir", "open", "os.remove", "os.rmdir", "sqlite3.connect", "os.truncate"):
        left -= 1
        if left < 0:
            os._exit(9)
class Watched(sqlite3.Connection):
    def execute(self, sql, *given):
        if sql.split()[0] in ("COMMIT", "VACUUM", "BEGIN"):
            count("open", ())
        return super().execute(sql, *given)
connect = sqlite3.connect
sqlite3.connect = lambda *a, **k: connect(*a, **{"factory": Watched, **k})
sys.addaudithook(count)
withdraw(Path(sys.argv[1]), sys.argv[3:], reason="asked by the owner", now=1795000000.0)
"""


def kill_at(moment: int, folder: Path, gone: list[str]) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", _KILL, str(folder), str(moment), *gone]
    return subprocess.run(command, capture_output=True, check=False)


@pytest.mark.slow
async def test_killed_anywhere_it_is_run_again(sandbox: Sandbox, folder: Path, tmp_path: Path) -> None:
    for n in range(10, 20):
        sandbox.catalogue.change(n)
    await stop_early(folder, sandbox, update_archive, after=6)
    gone = [name(sandbox, n) for n in (3, 5, 12, 13)]
    kills = 0
    for moment in range(0, 400, 9):
        copy = tmp_path / f"copy-{moment}"
        shutil.copytree(folder, copy)
        done = kill_at(moment, copy, gone)
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr.decode()
        kills += 1
        if kills % 2:  # whoever comes first after the kill ends what was begun, or finds the archive as it was
            assert (await resume_archive(copy, settings_for(sandbox))).status == "complete"
            assert verify_archive(copy) == []
        take_down(copy, *gone)
        assert all(find_traces(copy, sandbox, n) == [] for n in (3, 5, 12, 13)), moment
        assert verify_archive(copy) == []
        assert len(read_lines(copy / "withdrawn.ndjson")) == 4
        assert not (copy / ".repair").exists()
    else:
        pytest.fail("it was never run to its end")
    assert kills > 8


def test_a_line_loses_rows_of_these_photos_and_nothing_else() -> None:
    photo = b'{"id":"7","harvested_at":"2026-11-23T22:30:05Z","search":{"photos":[{"id":"8"}]}}\n'
    assert strike_any(photo, {8}) == (photo, set())
    assert strike_any(photo, {7}) == (b"", {7})
    head = b'{"id":"7","harvested_at":"x","gallery":{"n":123456789012345678901234567890},"photos":['
    assert strike_any(head + b'{"id":"8"},{"id":8},5]}\n', {8}) == (head + b"5]}\n", {8})
    assert strike_any(b'{"id":"7","harvested_at":"x","photoset":{}}\n', {7})[1] == set()


@pytest.mark.parametrize("content", [{"text": 'x "id":"8",'}, {"base64": "IjgiIA=="}, {"text": "/8_secret.jpg"}])
def test_a_damaged_line_that_names_the_photo_goes(content: dict[str, str]) -> None:
    line = orjson.dumps({"file": "photos.ndjson", "byte": 0, "why": "x", **content}) + b"\n"
    assert strike_damaged(line, {8}) == (b"", {8})
    assert strike_damaged(line, {9}) == (line, set())


async def test_an_archive_without_its_withdrawn_photos_needs_no_repair(sandbox: Sandbox, folder: Path) -> None:
    take_down(folder, name(sandbox, 3), name(sandbox, 7))
    assert not repair_archive(folder, dry_run=True).is_needed
    (folder / "withdrawn.ndjson").unlink()  # the checkpoint knows them, and the next take-down writes it again
    assert take_down(folder, name(sandbox, 3)).again == (name(sandbox, 3),)
    assert len(read_lines(folder / "withdrawn.ndjson")) == 2
