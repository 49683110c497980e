"""What `status`, `verify` and the next run say of archives in every condition: damaged, foreign, half read."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harvester.archive.checkpoint.facts import JobFacts
from harvester.archive.checkpoint.schema import FORMAT
from harvester.archive.checkpoint.state import Length, State, Todo
from harvester.archive.disk.record import Record
from harvester.archive.folder import STATE
from harvester.archive.sinks import PHOTOS
from harvester.cli import main
from harvester.engine.upkeep.update import run_resume
from harvester.errors import CannotWrite, Exit, UsageError
from harvester.flickr.responses import Row
from harvester.jobs.model import Account, Job, Photos, Search
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.folders import closed
from support.harvest import KEY, Opener, harvest_into, settings_for

EVERYTHING = Search(tags="sandbox")


@pytest.fixture
async def archive(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A finished archive of 300 photos, without side files of SQLite."""
    folder = tmp_path / "archive"
    await harvest_into(folder, sandbox, Job(source=EVERYTHING, detail="list"))
    return folder


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"FLICKR_API_KEY": KEY})


async def standing_of(folder: Path, sandbox: Sandbox) -> tuple[str, str]:
    """The state and the note of status, which has a loop of its own."""
    status = await asyncio.to_thread(read_status, folder, settings_for(sandbox))
    return status["state"], status["note"]


async def state_of(folder: Path, sandbox: Sandbox) -> str:
    return (await standing_of(folder, sandbox))[0]


def truncate(size: int) -> Callable[[Path], None]:
    def work(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:size])

    return work


def scribble(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(len(data) - 4096))


def forge(statement: str) -> Callable[[Path], None]:
    def work(path: Path) -> None:
        path.unlink()
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute(statement)

    return work


DAMAGES = {
    "no database": (lambda path: path.write_text("hello\n" * 999), "is damaged (file is not a database)"),
    "cut in the first page": (truncate(99), "is damaged"),
    "cut behind the first page": (truncate(4096), "is damaged"),
    "scribbled over": (scribble, "is damaged"),
    "of something else": (forge("CREATE TABLE meta(x)"), "is a database of something else"),
    "newer": (forge(f"PRAGMA user_version={FORMAT + 1}"), "was written by a newer harvester (format"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "unable to open database file"),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_a_checkpoint_that_cannot_be_used_is_one_sentence_and_nothing_is_touched(
    name: str, archive: Path, sandbox: Sandbox
) -> None:
    harm, sentence = DAMAGES[name]
    before = (archive / PHOTOS).read_bytes()
    harm(archive / STATE)  # type: ignore[no-untyped-call]
    with pytest.raises(CannotWrite) as refused:
        await harvest_into(archive, sandbox, Job(source=EVERYTHING, detail="list"))
    assert sentence in str(refused.value)
    if name != "a folder":
        for inspect in (verify_archive, lambda folder: read_status(folder, settings_for(sandbox))):
            with pytest.raises(CannotWrite) as refused:
                inspect(archive)
            assert sentence in str(refused.value)
    assert (archive / PHOTOS).read_bytes() == before


@pytest.mark.parametrize("harm", [truncate(0), Path.unlink])
async def test_photos_of_a_lost_checkpoint_are_not_overwritten(
    harm: Callable[[Path], None], archive: Path, sandbox: Sandbox
) -> None:
    before = (archive / PHOTOS).read_bytes()
    harm(archive / STATE)
    with pytest.raises(UsageError, match=r"no state\.sqlite that knows of it"):
        await harvest_into(archive, sandbox, Job(source=EVERYTHING, detail="list"))
    assert (archive / PHOTOS).read_bytes() == before


@pytest.mark.slow
async def test_what_was_asked_outlives_a_power_cut(sandbox: Sandbox, tmp_path: Path) -> None:
    """As long as a checkpoint file is not synced, only the log holds it: here the log is lost."""
    task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING)))
    while sandbox.stats.calls < 1:
        await asyncio.sleep(0)
    (tmp_path / "after").mkdir()
    shutil.copy(tmp_path / STATE, tmp_path / "after" / STATE)
    await task
    assert (await run_resume(tmp_path / "after", settings_for(sandbox))).photos == 300


@pytest.mark.parametrize("command", ["status", "verify"])
@pytest.mark.parametrize("options", [[], ["--json"], ["--log-format", "json"]])
async def test_an_error_leaves_standard_output_empty(command: str, options: list[str], archive: Path) -> None:
    scribble(archive / STATE)
    result = call(command, str(archive), *options)
    assert (result.exit_code, result.stdout) == (Exit.CANNOT_WRITE, "")
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr


async def test_in_json_what_is_found_is_json(archive: Path) -> None:
    facts = json.loads(call("verify", str(archive), "--json").stdout)
    assert facts == {
        "archive": str(archive),
        "whole": True,
        "checked_by": "checkpoint",
        "running_pid": None,
        "findings": [],
        "notes": [],
    }
    truncate(5000)(archive / PHOTOS)
    result = call("verify", str(archive), "--json")
    assert result.exit_code == Exit.INCOMPLETE
    facts = json.loads(result.stdout)
    assert not facts["whole"]
    assert any("line is cut off" in finding for finding in facts["findings"])


@pytest.mark.parametrize("harm", [Path.unlink, truncate(40), truncate(0)])
async def test_a_manifest_that_is_lost_is_written_anew_without_a_call(
    harm: Callable[[Path], None], archive: Path, sandbox: Sandbox
) -> None:
    calls = sandbox.stats.calls
    harm(archive / "manifest.json")
    assert "resume to have it written anew" in verify_archive(archive)[0]
    assert (await run_resume(archive, settings_for(sandbox))).status == "complete"
    assert verify_archive(archive) == []
    assert sandbox.stats.calls == calls


async def test_an_archive_on_a_read_only_place_can_be_looked_at(
    archive: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARVESTER_STATE_DIR", str(archive / "nowhere"))
    with closed(archive):
        assert verify_archive(archive) == []
        assert await state_of(archive, sandbox) == "complete"
        with pytest.raises(CannotWrite):
            await run_resume(archive, settings_for(sandbox))
    assert not (archive / "nowhere").exists()


async def test_status_sees_that_the_file_is_shorter_than_the_checkpoint_says(archive: Path, sandbox: Sandbox) -> None:
    size = (archive / PHOTOS).stat().st_size
    assert await state_of(archive, sandbox) == "complete"
    truncate(5000)(archive / PHOTOS)
    told = f"photos.ndjson has 5,000 of {size:,} bytes: `harvester repair {archive}` keeps every good line."
    assert await standing_of(archive, sandbox) == ("damaged", told)
    (archive / PHOTOS).unlink()
    told = f"photos.ndjson is missing: `harvester repair {archive}` and `harvester resume {archive}` fetch it again."
    assert await standing_of(archive, sandbox) == ("damaged", told)


async def test_a_file_shorter_than_the_checkpoint_says_what_to_do(archive: Path, sandbox: Sandbox) -> None:
    truncate(5000)(archive / PHOTOS)
    job = Job(source=EVERYTHING, detail="list", limit=400)
    with pytest.raises(CannotWrite, match=r"has 5,000 bytes .*`harvester repair .*` keeps every good line"):
        await harvest_into(archive, sandbox, job)


async def test_ids_that_were_not_read_are_missed_until_the_command_that_names_them_has_run_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    ids = [str(sandbox.catalogue.id_of(n)) for n in range(40)]
    stop = asyncio.Event()

    def half(given: Iterable[str]) -> Iterator[str]:
        for n, text in enumerate(given):
            if n == 20:
                loop.call_soon_threadsafe(stop.set)
                while not stop.is_set():
                    pass
            yield text

    loop = asyncio.get_running_loop()
    stopped = await harvest_into(tmp_path, sandbox, Job(source=Photos(ids=half(ids))), stop=stop)
    assert stopped.status == "stopped"
    resumed = await run_resume(tmp_path, settings_for(sandbox))
    assert resumed.status == "incomplete"
    assert any("Not all ids were read" in note for note in resumed.notes)
    state, note = await standing_of(tmp_path, sandbox)
    assert state == "unfinished"
    assert "run the command that names them again" in note
    assert any("Not all ids of the input were read" in finding for finding in verify_archive(tmp_path))
    again = await harvest_into(tmp_path, sandbox, Job(source=Photos(ids=ids)))
    assert (again.status, again.photos) == ("complete", 40)
    assert verify_archive(tmp_path) == []
    assert await state_of(tmp_path, sandbox) == "complete"


def test_what_is_left_to_do_is_counted_without_reading_it(tmp_path: Path) -> None:
    """A million rows of a listing are gigabytes, and resuming is to take a second."""
    with State(tmp_path / STATE) as state:
        for query in ("SELECT count(*) FROM todo", "SELECT failure FROM todo WHERE failure IS NOT NULL"):
            ((*_, plan),) = state._db.execute(f"EXPLAIN QUERY PLAN {query}")
            assert "todo_failure" in plan


@pytest.mark.parametrize(("rows", "shrinks"), [(10_000, True), (100, False)])
def test_a_checkpoint_gives_back_the_room_of_what_is_done(rows: int, shrinks: bool, tmp_path: Path) -> None:
    path = tmp_path / STATE
    with State(path) as state:
        with state.changing():
            state.add_todo(Todo(str(n), b"x" * 3_000) for n in range(rows))
            state.note(JobFacts(job={"kept": True}))
        with state.changing():
            state.finish(str(n) for n in range(rows))
        state.settle()
        before = path.stat().st_size
        state.shrink()
        assert (path.stat().st_size < before / 10) == shrinks
        assert state.facts.job == {"kept": True}


def test_a_checkpoint_at_rest_takes_40_bytes_a_photo_though_the_newest_come_first(tmp_path: Path) -> None:
    photos, path = 100_000, tmp_path / STATE
    with State(path) as state:
        for newest in range(photos, 0, -500):
            ids = [40_000_000_000 + n for n in range(newest, newest - 500, -1)]
            with state.changing():
                state.admit([Row(str(i), 1_600_000_000, None, b"{}", 1_700_000_000) for i in ids])
                state.note_lines(Record(str(i), b"%d" % i) for i in ids)
                state.commit_length(PHOTOS, Length(1, photos))
        state.shrink()
        size = path.stat().st_size
        assert size <= 41 * photos
        state.shrink()
    assert path.stat().st_size == size


@pytest.mark.slow
async def test_an_account_leaves_no_empty_checkpoint_of_hundreds_of_megabytes(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.archive.checkpoint.database.SPARE", 0)
    async with sandbox_of(photos=1_500, owners=1) as sandbox:
        job = Job(source=Account(user=sandbox.catalogue.people[0].nsid), detail="list")
        assert (await harvest_into(tmp_path, sandbox, job)).status == "complete"
    with State(tmp_path / STATE) as state:
        assert state._db.execute("PRAGMA freelist_count").fetchone()[0] <= 2
