"""`harvester bag`: what another program says of the bag, and what is refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import bagit
import orjson
import pytest
from click.testing import CliRunner, Result

from harvester.archive.folder import lock_folder
from harvester.cli import main
from harvester.curation import bag as bags
from harvester.curation.tags import Filed, encode_path, write_info, write_list
from harvester.engine.upkeep.update import run_update
from harvester.errors import ArchiveBusy, Exit, UsageError
from harvester.export.source import open_source
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import prove_archive, verify_archive
from support.harvest import Opener, harvest_into, settings_for

ALL = Job(source=Search(min_upload_date="2004-01-01"), detail="info")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["bag", *map(str, arguments)])


@pytest.fixture
async def folder(sandbox_of: Opener, tmp_path: Path) -> Path:
    """A complete archive that was updated once."""
    async with sandbox_of(photos=30) as sandbox:
        await harvest_into(tmp_path / "a", sandbox, ALL)
        sandbox.catalogue.change(3)
        await run_update(tmp_path / "a", settings_for(sandbox))
    assert [*(tmp_path / "a" / "history").iterdir()]
    return tmp_path / "a"


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def validate(bag: Path) -> dict[str, Any]:
    """What bagit.py, which is the Library of Congress's, says of it."""
    found = bagit.Bag(str(bag))
    found.validate()
    info: dict[str, Any] = found.info
    return info


def test_bagit_py_accepts_it_and_the_archive_is_as_it_was(folder: Path, tmp_path: Path) -> None:
    before = read_all(folder)
    result = call(folder, "-o", tmp_path / "bag", "--source-organization", "City\nArchive")
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    assert f"{tmp_path / 'bag'}: 30 photos in " in result.stderr
    info = validate(tmp_path / "bag")
    assert info["Source-Organization"] == "City Archive"
    assert (info["Harvest-Complete"], info["Harvest-Photos"]) == ("yes", "30")
    assert "search (" in info["External-Description"]
    assert orjson.loads(info["Harvest-Job"])["source"] == "search"
    assert read_all(folder) == before
    assert {path.name for path in tmp_path.iterdir()} == {"a", "bag"}
    data = read_all(tmp_path / "bag" / "data")
    assert data == {name: body for name, body in before.items() if name not in ("state.sqlite", ".lock")}
    assert verify_archive(tmp_path / "bag" / "data") == []
    assert prove_archive(tmp_path / "bag" / "data").checked_by == "manifest"
    for look in (verify_archive, open_source):
        with pytest.raises(UsageError, match=f"is a bag: name the archive in it, {tmp_path}/bag/data"):
            look(tmp_path / "bag")


def test_the_payload_is_summed_and_the_tag_files_have_their_sums(folder: Path, tmp_path: Path) -> None:
    call(folder, "-o", tmp_path / "bag")
    bag, files = tmp_path / "bag", read_all(tmp_path / "bag")
    payload = {name: body for name, body in files.items() if name.startswith("data/")}
    assert f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}\n" in (bag / "bag-info.txt").read_text()
    assert files["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    told = [line.split("  ") for line in files["tagmanifest-sha256.txt"].decode().splitlines()]
    assert {name: digest for digest, name in told} == {
        n: sha256(files[n]).hexdigest() for n in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")
    }


def test_a_copy_with_its_checkpoint_is_an_archive_again(folder: Path, tmp_path: Path) -> None:
    assert call(folder, "-o", tmp_path / "bag", "--with-checkpoint").exit_code == 0
    validate(tmp_path / "bag")
    assert prove_archive(tmp_path / "bag" / "data").checked_by == "checkpoint"
    assert verify_archive(tmp_path / "bag" / "data") == []
    validate(tmp_path / "bag")


def test_an_archive_without_checkpoint_is_bagged_by_its_manifest(folder: Path, tmp_path: Path) -> None:
    (folder / "state.sqlite").unlink()
    assert call(folder, "-o", tmp_path / "bag").exit_code == 0
    validate(tmp_path / "bag")
    assert "--with-checkpoint: " in call(folder, "-o", tmp_path / "c", "--with-checkpoint").stderr
    assert not (tmp_path / "c").exists()


def test_linked_files_are_the_archives_own(folder: Path, tmp_path: Path) -> None:
    assert call(folder, "-o", tmp_path / "bag", "--link").exit_code == 0
    validate(tmp_path / "bag")
    assert (tmp_path / "bag" / "data" / "photos.ndjson").samefile(folder / "photos.ndjson")


def test_a_crate_describes_each_file(folder: Path, tmp_path: Path) -> None:
    assert call(folder, "-o", tmp_path / "bag", "--ro-crate", "--description", "Monkeys").exit_code == 0
    validate(tmp_path / "bag")
    crate = orjson.loads((tmp_path / "bag" / "data" / "ro-crate-metadata.json").read_bytes())
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    graph = {entity["@id"]: entity for entity in crate["@graph"]}
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    root = graph["./"]
    assert {"name", "description", "datePublished", "license", "hasPart"} <= root.keys()
    assert root["description"] == "Monkeys"
    data = read_all(tmp_path / "bag" / "data").keys() - {"ro-crate-metadata.json"}
    assert {part["@id"] for part in root["hasPart"]} == data
    assert all(graph[name]["contentSize"].isdigit() for name in data)
    linked = [value["@id"] for entity in graph.values() for value in entity.values() if isinstance(value, dict)]
    assert {name for name in linked if name.startswith(("#", "./"))} <= graph.keys()


async def test_an_incomplete_archive_is_bagged_and_says_so(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    first = str(sandbox.catalogue.id_of(0))
    with failing(sandbox, lambda query: query.get("photo_id") == first):
        await harvest_into(tmp_path / "a", sandbox, Job(source=Search(min_upload_date="2004-01-01"), detail="info"))
    result = call(tmp_path / "a", "-o", tmp_path / "bag")
    assert result.exit_code == Exit.INCOMPLETE, result.output
    assert "Warning: The archive is incomplete, as bag-info.txt says: " in result.stderr
    info = validate(tmp_path / "bag")
    assert info["Harvest-Complete"] == "no"
    assert info["Harvest-Missing"]
    assert (tmp_path / "bag" / "data" / "errors.ndjson").exists()
    assert "--link" in call(tmp_path / "a", "-o", tmp_path / "b", "--link").stderr


async def test_of_a_killed_harvest_the_committed_length_is_taken(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path / "a", sandbox, ALL)
    manifest = orjson.loads((tmp_path / "a" / "manifest.json").read_bytes())
    manifest |= {"format": 1, "status": "unfinished"}
    del manifest["checksum"]
    (tmp_path / "a" / "manifest.json").write_bytes(orjson.dumps(manifest))
    whole = (tmp_path / "a" / "photos.ndjson").read_bytes()
    (tmp_path / "a" / "photos.ndjson").write_bytes(whole + b'{"id":"7')
    assert call(tmp_path / "a", "-o", tmp_path / "bag").exit_code == Exit.INCOMPLETE
    validate(tmp_path / "bag")
    assert (tmp_path / "bag" / "data" / "photos.ndjson").read_bytes() == whole


@pytest.mark.parametrize("name", ["photos.ndjson", "manifest.json"])
@pytest.mark.parametrize("link", [(), ("--link",)])
def test_a_file_that_was_changed_is_refused(name: str, link: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    body = (folder / name).read_bytes()
    (folder / name).write_bytes(body.replace(b"2004", b"2005", 1) if b"2004" in body else b"x" + body[1:])
    result = call(folder, "-o", tmp_path / "bag", *link)
    assert result.exit_code == Exit.CANNOT_WRITE
    assert f"harvester repair {folder}" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


def test_an_archive_at_work_is_refused_and_kept_still_meanwhile(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lock_folder(folder):
        result = call(folder, "-o", tmp_path / "bag")
    assert result.exit_code == Exit.CANNOT_WRITE
    assert f"Process {os.getpid()} is at it" in result.stderr

    def list_items(*_: object) -> list[Any]:
        with pytest.raises(ArchiveBusy), lock_folder(folder):
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(bags, "list_items", list_items)
    assert call(folder, "-o", tmp_path / "bag").exit_code == Exit.INTERRUPTED
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


def test_a_place_that_is_taken_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "link").symlink_to(tmp_path / "full")
    for place in (tmp_path / "full", tmp_path / "full" / "x", tmp_path / "link", folder, folder / "bag", tmp_path):
        result = call(folder, "-o", place)
        assert result.exit_code == Exit.USAGE, place
        assert result.stderr.startswith("Error: --output: "), place
    assert call(tmp_path / "nothing", "-o", tmp_path / "bag").exit_code == Exit.USAGE
    assert call(tmp_path / "full", "-o", tmp_path / "bag").exit_code != 0
    assert not (tmp_path / "bag").exists()
    (tmp_path / "empty").mkdir()
    assert call(folder, "-o", tmp_path / "empty").exit_code == 0
    validate(tmp_path / "empty")


def test_private_photos_stay_their_users_own(folder: Path, tmp_path: Path) -> None:
    folder.chmod(0o700)
    for path in filter(Path.is_file, folder.iterdir()):
        path.chmod(0o600)
    assert call(folder, "-o", tmp_path / "bag").exit_code == 0
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "bag").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "bag").stat().st_mode) == 0o700


_KILL = """
import os, sys
from harvester.curation import bag
import harvester.archive.disk.files as files
left = int(sys.argv[3])
def count(event, args):
    global left
    if event in ("os.rename", "os.mkdir", "open", "os.link") and bag.__name__ in sys.modules and "part" in str(args):
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(count)
from pathlib import Path
bag.make_bag(Path(sys.argv[1]), Path(sys.argv[2]), bag.BagOptions(with_crate=True))
"""


@pytest.mark.slow
def test_killed_anywhere_there_is_no_half_bag_and_the_next_one_begins_anew(folder: Path, tmp_path: Path) -> None:
    kills = 0
    for moment in range(0, 60, 3):
        command = [sys.executable, "-c", _KILL, str(folder), str(tmp_path / "bag"), str(moment)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr.decode()
        assert not (tmp_path / "bag").exists()
        kills += 1
    assert kills > 3
    validate(tmp_path / "bag")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "bag"}


def test_paths_are_written_as_the_rfc_says() -> None:
    assert encode_path("data/a%\r\n.txt") == "data/a%25%0D%0A.txt"
    assert write_list([Filed("b", 1, "0"), Filed("a\n", 1, "1")]) == "1  a%0A\n0  b\n"
    assert write_info({"A": "x\r\nB: y", "C": None, "D": ["1", "2"], "E": 0}) == "A: x B: y\nD: 1\nD: 2\nE: 0\n"


async def test_an_empty_archive_is_a_bag_too(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=3) as sandbox:
        await harvest_into(
            tmp_path / "a", sandbox, Job(source=Search(text="nothinghasthis", min_upload_date="2004-01-01"))
        )
    assert call(tmp_path / "a", "-o", tmp_path / "bag").exit_code == 0
    validate(tmp_path / "bag")
    assert verify_archive(tmp_path / "bag" / "data") == []
