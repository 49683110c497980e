"""The files in `updates/` and `history/`: the manifest knows them, `verify` proves them, `repair` tells of harm."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.folder import MANIFEST, STATE
from harvester.archive.manifest import encode_manifest
from harvester.engine.upkeep.update import run_update
from harvester.errors import Exit
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import prove_archive, verify_archive
from support.archives import read_lines
from support.commands import call
from support.harvest import harvest_into, settings_for


@pytest.fixture
async def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    """An archive that was brought up to date once."""
    path = tmp_path / "a"
    await harvest_into(path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    await update(path, sandbox)
    return path


async def update(folder: Path, sandbox: Sandbox) -> None:
    ids = [line["id"] for line in read_lines(folder / "photos.ndjson")]
    sandbox.api.control({"change": ids[:9]})
    assert (await run_update(folder, settings_for(sandbox))).status == "complete"


def read_entries(folder: Path) -> dict[str, Any]:
    entries: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())["put_away"]
    return entries


def files_of(folder: Path) -> list[Path]:
    return [*(folder / "updates").iterdir(), *(folder / "history").iterdir()]


async def test_the_manifest_has_each_file_of_each_update(folder: Path, sandbox: Sandbox) -> None:
    first = read_entries(folder)
    assert {name.partition("/")[0] for name in first} == {"updates", "history"}
    await update(folder, sandbox)
    second = read_entries(folder)
    assert first.items() < second.items()
    assert {name: entry["bytes"] for name, entry in second.items()} == {
        str(path.relative_to(folder)): path.stat().st_size for path in files_of(folder)
    }
    assert verify_archive(folder) == []


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


HARMS: dict[str, tuple[Callable[[Path], None], str]] = {
    "flip": (flip, "does not have the sha256 that manifest.json tells"),
    "cut": (cut, "bytes where manifest.json has"),
    "remove": (Path.unlink, "is missing"),
}


@pytest.mark.slow
@pytest.mark.parametrize("has_checkpoint", [True, False])
@pytest.mark.parametrize("place", ["updates", "history"])
@pytest.mark.parametrize("harm", HARMS)
def test_harm_is_found_and_told_by_repair_and_never_forgotten(
    harm: str, place: str, has_checkpoint: bool, folder: Path, tmp_path: Path
) -> None:
    (path,) = (folder / place).iterdir()
    shutil.copyfile(path, tmp_path / "good")
    if not has_checkpoint:
        (folder / STATE).unlink()
    work, told = HARMS[harm]
    work(path)
    assert any(path.name in finding and told in finding for finding in verify_archive(folder))
    assert call("verify", str(folder)).exit_code == Exit.INCOMPLETE
    result = call("repair", str(folder))
    assert result.exit_code == Exit.INCOMPLETE
    assert told in result.stdout
    verdict = prove_archive(folder)
    assert verdict.is_whole
    assert any(path.name in note and told in note for note in verdict.notes)
    assert call("repair", str(folder)).stdout == f"{folder} needs no repair.\n"
    shutil.copyfile(tmp_path / "good", path)
    assert prove_archive(folder).notes == ()


def test_a_manifest_names_no_file_elsewhere(folder: Path) -> None:
    facts = orjson.loads((folder / MANIFEST).read_bytes())
    facts.pop("checksum")
    facts["put_away"]["updates/../../x.ndjson"] = {"bytes": 1, "sha256": "0" * 64}
    (folder / MANIFEST).write_bytes(encode_manifest(facts))
    assert verify_archive(folder) == ["manifest.json is missing or damaged; resume to have it written anew."]


async def test_what_an_older_version_did_not_know_is_known_from_the_next_update_on(
    folder: Path, sandbox: Sandbox
) -> None:
    facts = orjson.loads((folder / MANIFEST).read_bytes())
    for name in ("checksum", "put_away"):
        facts.pop(name)
    (folder / MANIFEST).write_bytes(encode_manifest(facts))
    assert verify_archive(folder) == []
    await update(folder, sandbox)
    assert len(read_entries(folder)) == 4
