"""An archive from elsewhere is data: looking writes nothing, and nothing in it leads a command out of its folder."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harvester.archive.disk.layout import is_own_move
from harvester.cli import main
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import CannotWrite, Exit, UsageError
from harvester.jobs.model import Account, Job, Search
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from support.harvest import KEY, Opener, harvest_into, harvest_once, settings_for

EVERYTHING = Job(source=Search(tags="sandbox"), detail="list")
LOOKS = ("status", "verify", "ids")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return harvest_once(tmp_path_factory.mktemp("kept") / "archive", lambda _: EVERYTHING, photos=300, owners=3)


@pytest.fixture
def archive(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "archive"))


async def look(command: str, folder: Path) -> Result:
    """What a command says, which has a loop of its own."""
    call = partial(CliRunner().invoke, main, [command, str(folder)], env={"FLICKR_API_KEY": KEY})
    return await asyncio.to_thread(call)


def content(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that is in a folder: type and permissions, the moment of the last change, bytes."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        info = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        found[str(path)] = (info.st_mode, info.st_mtime_ns, data)
    return found


def edit(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "state.sqlite", isolation_level=None)) as database:
        database.execute(statement, values)


def leave_log(folder: Path) -> None:
    """The checkpoint as a kill leaves it: what was written last stands in SQLite's log alone."""
    path = folder / "state.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("INSERT OR REPLACE INTO meta VALUES ('begun', '\"2001-02-03T04:05:06Z\"')")
        kept = {name: path.with_name(name).read_bytes() for name in (path.name, f"{path.name}-wal")}
    for name, data in kept.items():
        path.with_name(name).write_bytes(data)


@pytest.mark.parametrize("command", LOOKS)
@pytest.mark.parametrize("before", [None, leave_log], ids=["at rest", "after a kill"])
async def test_looking_writes_nothing(command: str, before: Callable[[Path], None] | None, archive: Path) -> None:
    if before is not None:
        before(archive)
    was = content(archive)
    result = await look(command, archive)
    assert result.exit_code == Exit.COMPLETE, result.stderr
    assert content(archive) == was
    if before is not None and command == "status":
        assert "2001-02-03" in result.stdout


LINKED = ("photos.ndjson", "manifest.json", "manifest.json.part", "errors.ndjson.part", ".lock", "state.sqlite-wal")


@pytest.mark.parametrize("name", [*LINKED, "state.sqlite", "updates", "history", ".update"])
async def test_no_link_is_followed(name: str, archive: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    outside = tmp_path / "outside"
    if name in ("updates", "history", ".update"):
        outside.mkdir()
        (outside / "photos.ndjson").write_text("somebody else's\n")
    else:
        outside.write_text("somebody else's\n")
        (archive / name).unlink(missing_ok=True)
    (archive / name).symlink_to(outside)
    was = content(outside)
    for command in LOOKS:
        result = await look(command, archive)
        assert (result.exit_code, result.stdout) == (Exit.CANNOT_WRITE, "")
        assert "is a symbolic link and should be a" in result.stderr
    for run in (run_resume, run_update):
        with pytest.raises(CannotWrite, match="is a symbolic link and should be a"):
            await run(archive, settings_for(sandbox))
    with pytest.raises(CannotWrite, match="is a symbolic link and should be a"):
        await harvest_into(archive, sandbox, EVERYTHING)
    assert content(outside) == was


@pytest.mark.parametrize("command", LOOKS)
async def test_a_pipe_in_a_files_place_is_told_and_not_waited_for(command: str, archive: Path) -> None:
    (archive / "photos.ndjson").unlink()
    os.mkfifo(archive / "photos.ndjson")
    result = await look(command, archive)
    assert result.exit_code == Exit.CANNOT_WRITE
    assert "photos.ndjson is a named pipe and should be a file" in result.stderr


@pytest.mark.parametrize("name", ["photos.ndjson", "manifest.json", "errors.ndjson", "state.sqlite"])
@pytest.mark.parametrize("command", LOOKS)
async def test_a_folder_in_a_files_place_is_told_as_such(command: str, name: str, archive: Path) -> None:
    (archive / name).unlink(missing_ok=True)
    (archive / name).mkdir()
    result = await look(command, archive)
    assert (result.exit_code, result.stdout) == (Exit.CANNOT_WRITE, "")
    assert f"{name} is a folder where a file should be: move it away, then run `harvester repair" in result.stderr


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/nowhere")])
async def test_what_is_no_file_in_a_checkpoints_place_is_no_missing_checkpoint(make: Any, archive: Path) -> None:
    (archive / "state.sqlite").unlink()
    make(archive / "state.sqlite")
    for command in LOOKS:
        result = await look(command, archive)
        assert (result.exit_code, "state.sqlite is a " in result.stderr) == (Exit.CANNOT_WRITE, True)


STRANGE = ("../../x.ndjson", "/etc/passwd", "state.sqlite", "manifest.json", "x.ndjson", "", "updates/x.ndjson")


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("command", ["status", "verify"])
async def test_of_the_names_in_a_checkpoint_only_the_archives_own_count(name: str, command: str, archive: Path) -> None:
    edit(archive, "INSERT INTO file VALUES (?, 5, 1)", name)
    result = await look(command, archive)
    if command == "verify":  # what it looks for, it tells as a finding
        assert result.exit_code == Exit.INCOMPLETE
        assert "it counts" in result.stdout
    else:
        assert result.exit_code == Exit.CANNOT_WRITE
        assert "is damaged (it counts" in result.stderr


async def test_a_fold_moves_nothing_out_of_the_archive(archive: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "outside").write_text("somebody else's\n")
    moves = [["photos.ndjson", "../outside"], ["../outside", "photos.ndjson"], [".update/photos.ndjson", "/x"]]
    for move in moves:
        fold = {"time": "2026-01-01T00:00:00Z", "files": {}, "moves": [move], "status": "complete", "facts": {}}
        edit(archive, "INSERT OR REPLACE INTO meta VALUES ('fold', ?)", json.dumps(fold))
        for run in (run_resume, run_update):
            with pytest.raises(CannotWrite, match="is damaged"):
                await run(archive, settings_for(sandbox))
        assert (await look("verify", archive)).exit_code == Exit.INCOMPLETE
    assert (tmp_path / "outside").read_text() == "somebody else's\n"
    assert (archive / "photos.ndjson").exists()


@pytest.mark.parametrize(
    ("source", "target", "is_own"),
    [
        (".update/new/photos.ndjson", "photos.ndjson", True),
        (".update/photosets.ndjson", "photosets.ndjson", True),
        (".update/photos.ndjson", "updates/2026-11-24T04-28-44Z.ndjson", True),
        (".update/new/history.ndjson.zst", "history/2026-11-24T04-28-44Z_2.ndjson.zst", True),
        (".update/photos.ndjson", "updates/../../x.ndjson", False),
        (".update/photos.ndjson", "history/2026-11-24T04-28-44Z.ndjson.zst", False),
        (".update/../photos.ndjson", "photos.ndjson", False),
        ("state.sqlite", "photos.ndjson", False),
    ],
)
def test_a_fold_moves_only_what_it_has_prepared_to_the_archives_own_names(
    source: str, target: str, is_own: bool
) -> None:
    assert is_own_move(source, target) == is_own


@pytest.mark.parametrize("value", ["{", '"x"', "[[1]]", "\xff", "9" * 400, '{"source": 5}', '{"source": "nobody"}'])
async def test_damaged_json_in_a_checkpoint_is_told_as_damage(value: str, archive: Path) -> None:
    good = (archive / "state.sqlite").read_bytes()
    for name in ("asked", "job", "limit", "expected", "difference", "fold"):
        (archive / "state.sqlite").write_bytes(good)
        edit(archive, "INSERT OR REPLACE INTO meta VALUES (?, ?)", name, value)
        result = await look("status", archive)
        if name == "job" and value.startswith('{"'):  # an object, as it should be, is shown
            continue
        assert result.exit_code == Exit.CANNOT_WRITE, (name, result.stderr)
        assert "is damaged" in result.stderr


@pytest.mark.parametrize("body", ["{", "[]", '{"since":"x"}', "\x00"])
@pytest.mark.parametrize("table", ["sweep", "walk", "stretch"])
async def test_damaged_rows_of_a_checkpoint_are_told_as_damage(table: str, body: str, archive: Path) -> None:
    edit(archive, f"INSERT INTO {table}(body) VALUES (?)", body)  # noqa: S608 - the names above
    result = await look("verify", archive)
    assert result.exit_code == Exit.INCOMPLETE
    assert "state.sqlite is damaged" in result.stdout
    assert table in result.stdout


async def test_a_checkpoint_with_a_trigger_is_none_of_the_harvesters(archive: Path) -> None:
    edit(archive, "CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM file; END")
    assert "is a database of something else" in (await look("status", archive)).stderr


FOREIGN = ("manifest.json", "errors.ndjson", "people.ndjson", "contacts.ndjson", "changes.ndjson", "photos.ndjson")


@pytest.mark.parametrize("name", [*FOREIGN, ".lock", "manifest.json.part", "state.sqlite-wal", "state.sqlite-journal"])
@pytest.mark.parametrize("source", [Search(tags="sandbox"), Account(user="me")], ids=["search", "account"])
async def test_somebody_elses_files_are_left_alone_and_named(
    name: str, source: Search | Account, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("my own work of years\n")
    was = content(tmp_path)
    with pytest.raises(UsageError, match=f"holds {name}, but no state.sqlite that knows of it"):
        await harvest_into(tmp_path, sandbox, Job(source=source, detail="list"))
    assert content(tmp_path) == was
    assert sandbox.stats.calls == 0


async def test_a_folder_with_other_files_becomes_an_archive(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine\n")
    (tmp_path / ".lock").write_text("12345\n")  # of a harvester that was killed before its checkpoint was there
    assert (await harvest_into(tmp_path, sandbox, EVERYTHING)).status == "complete"
    assert (tmp_path / "notes.txt").read_text() == "mine\n"


def modes(folder: Path) -> dict[str, str]:
    paths = [folder, *folder.rglob("*")]
    return {
        str(p.relative_to(folder)): oct(stat.S_IMODE(p.stat().st_mode)) for p in paths if p.is_file() or p == folder
    }


@pytest.mark.parametrize("exists", [False, True])
async def test_an_archive_made_with_a_login_is_its_users_alone(
    exists: bool, sandbox_of: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    async with sandbox_of(photos=30, owners=1, private=0.3) as sandbox:
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
        login: dict[str, Any] = {"api_secret": secret_of(KEY), "oauth_token": token, "oauth_token_secret": secret}
        if exists:
            folder.mkdir(mode=0o755)
        before = os.umask(0o022)
        try:
            job = Job(source=Account(user="me"), detail="list")
            await harvest_into(folder, sandbox, job, **login)
            sandbox.api.control({"change": [str(sandbox.catalogue.id_of(1))], "add": 1})
            await run_update(folder, settings_for(sandbox, **login))
        finally:
            os.umask(before)
    found = modes(folder)
    assert found.pop(".") == "0o700"
    assert any(name.startswith("history/") for name in found)
    assert set(found.values()) == {"0o600"}, found
