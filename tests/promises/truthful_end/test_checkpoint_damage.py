"""A checkpoint that holds what was never written is told as damaged, by every command, and `verify` finds it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from harvester.cli import main
from harvester.config.settings import Settings
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import CannotWrite, Exit, StopRun
from harvester.jobs.model import Account, Job
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.harvest import harvest_into, settings_for

REMEMBERED = [
    ("job", "{half"),
    ("job", "7"),
    ("asked", '["search"]'),
    ("asked", '{"source": "nothing"}'),
    ("asked", '{"source": "account", "account": {"user": 7, "no": 1}, "detail": []}'),
    ("stream", '"no"'),
    ("expected", '"12"'),
    ("horizon", "[]"),
    ("limit", "1.5"),
    ("arguments", "[7]"),
    ("login", '{"name": "x"}'),
    ("names", "[[]]"),
    ("unread", "\x00"),
    ("fold", '{"moves": []}'),
]
ROWS = [
    "INSERT INTO sweep(body) VALUES ('{}')",
    "INSERT INTO sweep(body) VALUES ('nonsense')",
    'INSERT INTO walk(body) VALUES (\'{"listing": "nothing"}\')',
    "INSERT INTO walk(body) VALUES ('[]')",
    "INSERT INTO stretch(body) VALUES ('{\"since\": true}')",
    "INSERT INTO todo(id, failure) VALUES (1, 'no')",
    "INSERT INTO todo(id, row) VALUES (1, x'00ff')",
    "INSERT INTO unfetched VALUES (1, '[')",
    "INSERT OR REPLACE INTO file VALUES ('photos.ndjson', 'all', 3)",
    "INSERT OR REPLACE INTO file VALUES ('photos.ndjson', -1, 3)",
    "UPDATE meta SET value = CAST(x'ff00fe' AS TEXT) WHERE name = 'job'",
    "DROP TABLE walk",
    "DROP TABLE file",
    "ALTER TABLE todo DROP COLUMN missing",
]


@pytest.fixture
async def archive(sandbox: Sandbox, tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    job = Job(source=Account(user=sandbox.catalogue.people[0].nsid, only="photos"), detail="list")
    await harvest_into(folder, sandbox, job)
    return folder


def change(folder: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(folder / "state.sqlite", isolation_level=None)) as database:
        database.execute(statement, values)


async def look(folder: Path, settings: Settings) -> object:
    return await asyncio.to_thread(read_status, folder, settings)


async def check_told(folder: Path, sandbox: Sandbox) -> None:
    """Looking and going on end in a sentence, if at all, and nothing is lost."""
    settings, before = settings_for(sandbox), (folder / "photos.ndjson").read_bytes()
    try:
        assert any("is damaged" in finding for finding in verify_archive(folder))
    except CannotWrite as error:
        assert "is damaged" in str(error)  # noqa: PT017 - either will do
    for use in (look, run_update, run_resume):
        with suppress(StopRun):
            await use(folder, settings)
        assert (folder / "photos.ndjson").read_bytes() == before


@pytest.mark.parametrize(("name", "value"), REMEMBERED)
async def test_a_remembered_value_that_is_none_is_damage(
    name: str, value: str, archive: Path, sandbox: Sandbox
) -> None:
    change(archive, "INSERT OR REPLACE INTO meta VALUES (?, ?)", name, value)
    await check_told(archive, sandbox)


@pytest.mark.parametrize("statement", ROWS)
async def test_a_row_or_table_that_is_none_is_damage(statement: str, archive: Path, sandbox: Sandbox) -> None:
    change(archive, statement)
    await check_told(archive, sandbox)


@pytest.mark.parametrize("command", ["status", "verify"])
def test_damage_is_one_sentence_of_the_command_line(command: str, archive: Path) -> None:
    change(archive, "UPDATE meta SET value = '{half' WHERE name = 'job'")
    result = CliRunner().invoke(main, [command, str(archive)])
    assert "is damaged" in result.output
    assert "Traceback" not in result.output
    assert result.exit_code == (Exit.INCOMPLETE if command == "verify" else Exit.CANNOT_WRITE)


def test_a_page_that_is_scribbled_over_is_found(archive: Path) -> None:
    path = archive / "state.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'seen'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size + 8 : (page - 1) * size + 40] = b"\xff" * 32
    path.write_bytes(data)
    assert any("is damaged" in finding for finding in verify_archive(archive))
