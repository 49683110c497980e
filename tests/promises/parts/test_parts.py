"""Archives in parts: the same photos as in one file, whatever is done with them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.checkpoint.state import State
from harvester.archive.closing import close_parts, remember_rotation
from harvester.archive.ids import read_ids
from harvester.archive.manifest import read_manifest
from harvester.archive.parts.part import Part, build_name, name_next
from harvester.archive.pieces import list_parts
from harvester.errors import Exit, UsageError
from harvester.events import Event, PartClosed
from harvester.jobs.model import Job
from harvester.jobs.rotation import Packing, Rotation, read_rotation
from harvester.status.inspect import read_status
from harvester.verify.archive import prove_archive, verify_archive
from support.archives import read_lines
from support.commands import call
from support.harvest import Opener, harvest_into, settings_for
from support.parts import JOB, harvest_in_parts, read_pieces, unpack


@pytest.mark.parametrize(
    ("text", "rotation"),
    [
        ("100000", Rotation(lines=100_000)),
        (7, Rotation(lines=7)),
        ("256MB", Rotation(bytes=256_000_000)),
        ("256 MB", Rotation(bytes=256_000_000)),
        ("1GiB", Rotation(bytes=1 << 30)),
        ("10kB", Rotation(bytes=10_000)),
    ],
)
def test_a_rotation_is_a_number_of_photos_or_a_size(text: object, rotation: Rotation) -> None:
    assert read_rotation(text) == rotation


@pytest.mark.parametrize("text", ["", "0", "-1", "0MB", "1.5GB", "10 lines", "MB", "1e5", True, None, "9" * 40])
def test_what_is_no_rotation_is_refused_with_a_word_on_what_is_one(text: object) -> None:
    with pytest.raises(UsageError, match="use a number of photos, as 100000, or a size, as 256MB"):
        read_rotation(text)


def test_names_stand_in_their_order_and_never_for_two_contents() -> None:
    names = [build_name(1, 1, "zstd"), build_name(2, 1, "zstd"), build_name(99_999, 1, "gzip")]
    assert names == ["photos-00001.ndjson.zst", "photos-00002.ndjson.zst", "photos-99999.ndjson.gz"]
    again = name_next(names[0])
    assert again == "photos-00001-2.ndjson.zst"
    assert name_next(again) == "photos-00001-3.ndjson.zst"
    assert sorted([names[1], again]) == [again, names[1]]


@pytest.mark.parametrize("packing", ["zstd", "gzip", "none"])
async def test_a_harvest_in_parts_holds_the_same_as_one_in_a_file(
    packing: Packing, sandbox_of: Opener, tmp_path: Path
) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "parts"
    async with sandbox_of(photos=300, owners=3) as sandbox:
        await harvest_into(whole, sandbox, JOB)
        events: list[Event] = []
        summary = await harvest_in_parts(folder, sandbox, Rotation(lines=20, packing=packing), events=events, workers=2)
        status = read_status(folder, settings_for(sandbox))
    lines = read_lines(whole / "photos.ndjson")
    found = read_pieces(folder)
    assert {line["id"]: line["search"] for line in found} == {line["id"]: line["search"] for line in lines}
    assert len(found) == len(lines) == summary.photos == status["photos"] > 60
    assert status["state"] == "complete"
    parts = list_parts(folder)
    assert {part.lines for part in parts} == {20}
    assert len(parts) == len(lines) // 20
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.parts == parts
    assert manifest.counts["photos"] == len(lines)
    for part in parts:
        data = (folder / part.name).read_bytes()
        plain = unpack(folder / part.name)
        assert (part.bytes, part.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert (part.plain_bytes, part.plain_sha256) == (len(plain), hashlib.sha256(plain).hexdigest())
    assert [event.name for event in events if isinstance(event, PartClosed)] == [part.name for part in parts]
    assert list(read_ids(folder)) == [line["id"] for line in found]
    assert verify_archive(folder) == []
    for name in ("state.sqlite", ".lock"):
        (folder / name).unlink(missing_ok=True)
    verdict = prove_archive(folder)
    assert (verdict.findings, verdict.checked_by) == ((), "manifest")
    assert list(read_ids(folder)) == [line["id"] for line in found]


async def test_an_archive_remembers_its_parts_and_may_begin_with_them_at_any_time(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=300, owners=3) as sandbox:
        await harvest_in_parts(folder, sandbox, job=Job(source=JOB.source, detail="list", limit=50))
        assert list_parts(folder) == []
        before = read_lines(folder / "photos.ndjson")
        await harvest_in_parts(folder, sandbox, Rotation(lines=20), job=Job(source=JOB.source, detail="list", limit=50))
        assert [part.lines for part in list_parts(folder)] == [20, 20]
        assert read_pieces(folder) == before
        assert verify_archive(folder) == ["The limit of 50 photos is reached."] or verify_archive(folder) == []
        await harvest_in_parts(folder, sandbox)
        assert len(list_parts(folder)) > 2
        assert read_pieces(folder)[:50] == before
        assert verify_archive(folder) == []


async def test_the_size_of_a_part_is_that_of_its_lines(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=300, owners=3) as sandbox:
        await harvest_in_parts(folder, sandbox, Rotation(bytes=20_000))
    parts = list_parts(folder)
    longest = max(len(line) for part in parts for line in unpack(folder / part.name).splitlines(keepends=True))
    assert parts
    assert all(20_000 <= part.plain_bytes < 20_000 + longest for part in parts)
    assert verify_archive(folder) == []


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "byte":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif how == "cut":
        path.write_bytes(data[:-5])
    elif how == "longer":
        path.write_bytes(bytes(data) + b"x")
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"")


@pytest.mark.parametrize("packing", ["zstd", "gzip", "none"])
@pytest.mark.parametrize("how", ["byte", "cut", "longer", "gone", "empty"])
async def test_verify_tells_of_a_part_that_is_not_what_was_closed(
    how: str, packing: Packing, sandbox_of: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=200, owners=2) as sandbox:
        await harvest_in_parts(folder, sandbox, Rotation(lines=20, packing=packing))
    name = list_parts(folder)[1].name
    damage(folder / name, how)
    assert [told for told in verify_archive(folder) if told.startswith(name)]
    with pytest.raises(UsageError, match=f"{name}.*harvester repair"):
        list(read_ids(folder))
    (folder / "state.sqlite").unlink()
    assert [told for told in verify_archive(folder) if told.startswith(name)]
    with pytest.raises(UsageError, match=f"{name}.*harvester repair"):
        list(read_ids(folder))


async def test_verify_tells_of_a_photo_that_stands_in_two_parts(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=200, owners=2) as sandbox:
        await harvest_in_parts(folder, sandbox, Rotation(lines=20, packing="none"))
    first, second = (folder / part.name for part in list_parts(folder)[:2])
    lines = second.read_bytes().splitlines(keepends=True)
    lines[3] = first.read_bytes().splitlines(keepends=True)[4]
    second.write_bytes(b"".join(lines))
    found = verify_archive(folder)
    photo, place = orjson.loads(lines[3])["id"], sum(map(len, lines[:3]))
    assert [told for told in found if told.startswith(f"{second.name} line 4, byte")] == [
        f"{second.name} line 4, byte {place}: photo {photo} stands in line 5 of {first.name} already."
    ]


async def test_a_part_that_nobody_knows_is_told(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=200, owners=2) as sandbox:
        await harvest_in_parts(folder, sandbox, Rotation(lines=20))
    shutil.copy(folder / "photos-00001.ndjson.zst", folder / "photos-00077.ndjson.zst")
    assert verify_archive(folder) == ["photos-00077.ndjson.zst is no part by the checkpoint."]


async def test_lines_that_were_changed_are_not_closed(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=200, owners=2) as sandbox:
        job = Job(source=JOB.source, detail="list", limit=30)
        await harvest_in_parts(folder, sandbox, job=job)
        path = folder / "photos.ndjson"
        data = bytearray(path.read_bytes())
        data[data.index(b'"title"') + 10] ^= 1
        path.write_bytes(data)
        with pytest.raises(Exception, match="holds a line that is not what was written"):
            await harvest_in_parts(folder, sandbox, Rotation(lines=20), job=job)
    assert path.read_bytes() == data
    assert sorted(path.name for path in folder.glob("photos*")) == ["photos.ndjson"]


async def test_all_means_of_the_shell_read_a_part(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=100, owners=2) as sandbox:
        for packing, tool in (("zstd", "zstdcat"), ("gzip", "zcat")):
            folder = tmp_path / packing
            await harvest_in_parts(folder, sandbox, read_rotation("10", packing))
            for part in list_parts(folder):
                read = subprocess.run([tool, str(folder / part.name)], capture_output=True, check=True).stdout  # noqa: ASYNC221
                assert hashlib.sha256(read).hexdigest() == part.plain_sha256


def test_the_command_line_closes_parts(tmp_path: Path) -> None:
    result = call("search", "--tags", "x", "--rotate", "100")
    assert result.exit_code == Exit.USAGE
    assert "--rotate: only an archive has parts" in result.output
    result = call("search", "--tags", "x", "--compress", "gzip", "-o", str(tmp_path / "a"))
    assert result.exit_code == Exit.USAGE
    assert "--compress: it says how closed parts are packed" in result.output
    result = call("search", "--tags", "x", "--rotate", "many", "-o", str(tmp_path / "a"))
    assert result.exit_code == Exit.USAGE
    assert "--rotate: 'many' is no size of a part" in result.output


def test_a_part_from_elsewhere_may_not_say_what_cannot_be() -> None:
    sound: dict[str, Any] = {
        "bytes": 3,
        "sha256": "0" * 64,
        "lines": 1,
        "plain_bytes": 5,
        "plain_sha256": "1" * 64,
        "frames": "3:5",
    }
    assert Part(name="photos-00001.ndjson.zst", **sound).packing == "zstd"
    for wrong in (
        {"name": "../photos-00001.ndjson.zst"},
        {"name": "photos-00001.ndjson"},
        {"frames": "3:6"},
        {"frames": f"3:{1 << 40}", "plain_bytes": 1 << 40},
        {"frames": "-1:5 4:0"},
        {"frames": "x"},
    ):
        with pytest.raises(ValueError, match=r"photos|invalid literal"):
            Part(**{"name": "photos-00001.ndjson.zst", **sound, **wrong})


async def test_whoever_reads_while_a_part_is_closed_gets_what_was_there(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=300, owners=3) as sandbox:
        await harvest_in_parts(folder, sandbox)
    ids = [line["id"] for line in read_lines(folder / "photos.ndjson")]
    assert (folder / "photos.ndjson").stat().st_size > 300_000
    remember_rotation(folder, Rotation(lines=40))
    reading = read_ids(folder)
    first = next(reading)
    with State(folder / "state.sqlite") as state:
        assert len(close_parts(folder, state)) == len(ids) // 40
    assert [first, *reading] == ids
    assert list(read_ids(folder)) == ids
