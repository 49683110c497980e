"""Archives of version 0.1.0, with checkpoints of format 2, are taken on: a whole search, an account that was stopped.

They were harvested from a sandbox of twelve photos and one owner. Each test works on a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harvester.archive.checkpoint.schema import FORMAT
from harvester.archive.disk.lock import lock_folder
from harvester.archive.repair.run import repair_archive
from harvester.config.settings import Settings
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.archives import changes_of, ids_of, read_lines
from support.harvest import Opener, settings_for

HERE = Path(__file__).parent
COUNT = 12


@pytest.fixture
def search(tmp_path: Path) -> Path:
    """A search, complete."""
    return Path(shutil.copytree(HERE / "search", tmp_path / "search"))


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """An account whose harvest was stopped by Ctrl-C."""
    return Path(shutil.copytree(HERE / "account", tmp_path / "account"))


def read_format(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "state.sqlite")) as db:
        (number,) = db.execute("PRAGMA user_version").fetchone()
    return int(number)


def every_id(sandbox: Sandbox) -> list[str]:
    return sorted(str(sandbox.catalogue.id_of(n)) for n in range(len(sandbox.catalogue)))


def test_they_are_of_another_format(search: Path, account: Path) -> None:
    assert [read_format(search), read_format(account)] == [2, 2]
    assert FORMAT > 2


def test_what_is_whole_is_verified_and_not_changed_by_it(search: Path) -> None:
    assert verify_archive(search) == []
    assert read_format(search) == 2


def test_one_in_which_an_older_harvester_is_at_work_is_told_as_it_is(account: Path) -> None:
    before = {path.name: path.read_bytes() for path in account.iterdir()}
    with lock_folder(account):
        status = read_status(account, Settings())
        assert status["state"] == "running"
        assert status["photos"] == len(ids_of(account))
    kept = {path.name: path.read_bytes() for path in account.iterdir() if path.name in before}
    assert kept == before
    assert read_format(account) == 2


async def test_an_archive_that_was_stopped_goes_on_behind_its_lines(sandbox_of: Opener, account: Path) -> None:
    before = (account / "photos.ndjson").read_bytes()
    async with sandbox_of(photos=COUNT, owners=1) as sandbox:
        summary = await run_resume(account, settings_for(sandbox))
        assert sorted(ids_of(account)) == every_id(sandbox)
    assert (summary.status, summary.photos) == ("complete", COUNT)
    assert (account / "photos.ndjson").read_bytes().startswith(before)
    assert verify_archive(account) == []


async def test_a_complete_archive_costs_a_resume_no_call(sandbox_of: Opener, search: Path) -> None:
    async with sandbox_of(photos=COUNT, owners=1) as sandbox:
        summary = await run_resume(search, settings_for(sandbox))
        assert read_status(search, settings_for(sandbox))["state"] == "complete"
    assert (summary.status, summary.calls, summary.photos) == ("complete", 0, COUNT)


async def test_an_update_brings_what_is_new_changed_and_gone(sandbox_of: Opener, search: Path) -> None:
    ids = ids_of(search)
    async with sandbox_of(photos=COUNT, owners=1) as sandbox:
        (added,) = sandbox.api.control({"change": ids[:1], "delete": ids[1:2], "add": 1})["added"]
        summary = await run_update(search, settings_for(sandbox))
    assert summary.status == "complete"
    assert sorted(ids_of(search)) == sorted([ids[0], *ids[2:], added])
    told = changes_of(search)
    assert [[line["id"] for line in told[kind]] for kind in ("added", "removed")] == [[added], ids[1:2]]
    assert ids[0] in [line["id"] for line in told["changed"]]
    assert verify_archive(search) == []


def lose_checkpoint(folder: Path) -> None:
    (folder / "state.sqlite").unlink()


def lose_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def spoil_a_line(folder: Path) -> None:
    first, *rest = (folder / "photos.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "photos.ndjson").write_bytes(b"".join([b"?" + first[1:], *rest]))


@pytest.mark.parametrize("name", ["search", "account"])
@pytest.mark.parametrize("damage", [lose_checkpoint, lose_manifest, spoil_a_line])
async def test_damaged_it_is_repaired_and_then_completed(
    name: str, damage: Callable[[Path], None], sandbox_of: Opener, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(name)
    whole = {line["id"]: line for line in read_lines(folder / "photos.ndjson")}
    damage(folder)
    repair_archive(folder)
    async with sandbox_of(photos=COUNT, owners=1) as sandbox:
        assert (await run_resume(folder, settings_for(sandbox))).status == "complete"
        assert sorted(ids_of(folder)) == every_id(sandbox)
    lines = {line["id"]: line for line in read_lines(folder / "photos.ndjson")}
    kept = [photo for photo, line in whole.items() if lines[photo] == line]
    assert len(kept) >= len(whole) - (damage is spoil_a_line)
    assert verify_archive(folder) == []
