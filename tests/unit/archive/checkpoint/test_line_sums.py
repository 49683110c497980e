"""The checkpoint knows the checksum of each line, so that a line that was damaged later can be told from the others."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from zlib import crc32

import orjson
import pytest

from harvester.archive.folder import STATE
from harvester.engine.upkeep.update import run_update
from harvester.jobs.model import Account, Job
from harvester.sandbox.server import Sandbox
from support.harvest import Opener, harvest_into, settings_for


def sums_in_files(folder: Path) -> dict[tuple[str, str], int]:
    """The checksum of each line, by file and id."""
    return {
        (path.name, str(orjson.loads(line)["id"])): crc32(line)
        for path in folder.glob("*.ndjson")
        if path.name not in ("changes.ndjson", "errors.ndjson")
        for line in path.read_bytes().splitlines(keepends=True)
    }


def sums_in_checkpoint(folder: Path) -> dict[tuple[str, str], int]:
    database = sqlite3.connect(folder / STATE)
    lists = {(name, row_id): found for name, row_id, found in database.execute("SELECT file, id, sum FROM list_line")}
    photos = {("photos.ndjson", str(i)): found for i, found in database.execute("SELECT id, sum FROM line")}
    database.close()
    return {**lists, **photos}


def owner(sandbox: Sandbox) -> str:
    return sandbox.catalogue.people[0].nsid


@pytest.mark.slow
async def test_the_checksums_are_those_of_the_lines_after_a_harvest_and_an_update(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=400, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox))))
        assert sums_in_checkpoint(tmp_path) == sums_in_files(tmp_path)
        ids = [line_id for name, line_id in sums_in_files(tmp_path) if name == "photos.ndjson"]
        sandbox.api.control({"change": ids[:5], "remove": ids[5:8], "add": 4})
        await run_update(tmp_path, settings_for(sandbox))
    assert sums_in_checkpoint(tmp_path) == sums_in_files(tmp_path)
    assert len(ids) == 400


async def test_the_checkpoint_knows_when_each_photo_was_uploaded(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=50, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox), only="photos"), detail="list"))
        catalogue = sandbox.catalogue
        wanted = {int(catalogue.id_of(n)): catalogue.uploads[n] for n in range(len(catalogue))}
    database = sqlite3.connect(tmp_path / STATE)
    assert dict(database.execute("SELECT id, uploaded FROM seen")) == wanted
    database.close()
