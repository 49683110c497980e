"""A copy without checkpoint in which a byte was changed and every line is still JSON: the manifest finds the place."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import orjson
import pytest
from click.testing import CliRunner

from harvester.archive.blocks import LINES, Blocks, decode_blocks, sum_up
from harvester.archive.folder import MANIFEST, STATE
from harvester.archive.manifest import encode_manifest
from harvester.archive.repair.run import repair_archive
from harvester.cli import main
from harvester.engine.upkeep.update import run_resume
from harvester.errors import Exit
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import prove_archive, verify_archive
from support.archives import read_lines
from support.harvest import Opener, harvest_into, settings_for

PHOTOS = "photos.ndjson"
JOB = Job(source=Search(tags="sandbox"), detail="info")
Harm = Callable[[list[bytes]], None]


@pytest.fixture
async def opened(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    async with sandbox_of(photos=400, owners=4) as sandbox:
        yield sandbox


@pytest.fixture
async def copy(opened: Sandbox, tmp_path: Path) -> Path:
    """What was published of an archive."""
    await harvest_into(tmp_path / "whole", opened, JOB)
    shutil.copytree(tmp_path / "whole", tmp_path / "copy", ignore=shutil.ignore_patterns(f"{STATE}*", ".lock"))
    return tmp_path / "copy"


def read_facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
    facts.pop("checksum")
    return facts


def forget_blocks(folder: Path) -> None:
    """As a version wrote it that kept none."""
    facts = read_facts(folder)
    for entry in facts["files"].values():
        del entry["blocks"]
    (folder / MANIFEST).write_bytes(encode_manifest(facts))


def harm(folder: Path, work: Harm) -> None:
    lines = (folder / PHOTOS).read_bytes().splitlines(keepends=True)
    work(lines)
    (folder / PHOTOS).write_bytes(b"".join(lines))


def flip(number: int) -> Harm:
    """Another character in a secret, and the same length. (A title may begin with `#`, and then with `"`.)"""

    def work(lines: list[bytes]) -> None:
        before, mark, rest = lines[number].partition(b'"secret":"')
        assert mark
        lines[number] = before + mark + bytes([rest[0] ^ 1]) + rest[1:]

    return work


def lengthen(lines: list[bytes]) -> None:
    lines[200] = lines[200].replace(b'"title":{"_content":"', b'"title":{"_content":"Edited ', 1)


def flip_and_lose(lines: list[bytes]) -> None:
    flip(5)(lines)
    del lines[300]


def contents(folder: Path) -> dict[str, Any]:
    lines = read_lines(folder / PHOTOS)
    found = {line["id"]: {name: value for name, value in line.items() if name != "harvested_at"} for line in lines}
    assert len(found) == len(lines)
    return found


@pytest.mark.parametrize("work", [flip(0), flip(123), flip(399), lengthen, flip_and_lose])
async def test_the_block_with_the_change_is_set_aside_and_fetched_again(
    work: Harm, copy: Path, opened: Sandbox, tmp_path: Path
) -> None:
    harm(copy, work)
    report = repair_archive(copy)
    (found,) = [each for each in report.files if each.name == PHOTOS]
    assert 0 < found.damaged < 250
    assert (found.kept + found.damaged) in (399, 400)
    before = opened.stats.methods["flickr.photos.getInfo"]
    summary = await run_resume(copy, settings_for(opened))
    assert summary.status == "complete"
    assert opened.stats.methods["flickr.photos.getInfo"] - before == 400 - found.kept
    assert contents(copy) == contents(tmp_path / "whole")
    assert verify_archive(copy) == []


@pytest.mark.parametrize("name", ["lost", "swapped", "doubled", "line breaks"])
def test_what_can_be_seen_costs_no_line_that_is_not_lost(name: str, copy: Path) -> None:
    def work(lines: list[bytes]) -> None:
        match name:
            case "lost":
                del lines[50]
            case "swapped":
                Random(1).shuffle(lines)
            case "doubled":
                lines.insert(7, lines[70])
            case _:
                lines[:] = [line.replace(b"\n", b"\r\n") for line in lines]

    harm(copy, work)
    (found,) = [each for each in repair_archive(copy).files if each.name == PHOTOS]
    assert (found.kept, found.damaged) == (399 if name == "lost" else 400, 0)
    assert found.unproved == 0 or name == "lost"


def test_a_copy_that_is_as_it_was_written_is_proved(copy: Path) -> None:
    result = CliRunner().invoke(main, ["repair", str(copy)])
    assert result.exit_code == Exit.COMPLETE
    assert "Without the checkpoint" not in result.stdout


def test_without_blocks_a_change_is_told_and_kept_in_mind(copy: Path) -> None:
    forget_blocks(copy)
    harm(copy, flip(123))
    result = CliRunner().invoke(main, ["repair", str(copy)])
    assert result.exit_code == Exit.INCOMPLETE
    told = f"{PHOTOS}: its sha256 is not that of manifest.json, although every line can be read"
    assert told in result.stdout
    kept = f"{PHOTOS}: one at least of 400 lines was changed before the archive was repaired, and nothing tells which."
    assert kept in prove_archive(copy).notes
    (copy / STATE).unlink()
    assert kept in prove_archive(copy).notes
    repair_archive(copy)
    assert kept in prove_archive(copy).notes


def test_a_copy_made_during_a_harvest_is_narrowed_as_far_as_the_manifest_goes(copy: Path) -> None:
    facts, data = read_facts(copy), (copy / PHOTOS).read_bytes()
    lines = data.splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if crc32(line) % LINES == 0)
    lines[200], lines[end] = lines[end], lines[200]  # else one time in a hundred no block ends behind the change
    (copy / PHOTOS).write_bytes(b"".join(lines))
    blocks, begins = Blocks(), b"".join(lines[:250])
    blocks.feed(begins)
    entry = {"bytes": len(data), "lines": 400}
    known = {"bytes": len(begins), "sha256": "0" * 64, "blocks": blocks.encode()}
    (copy / MANIFEST).write_bytes(
        encode_manifest({**facts, "status": "unfinished", "files": {PHOTOS: {**entry, "begins": known}}})
    )
    harm(copy, flip(100))
    (found,) = [each for each in repair_archive(copy).files if each.name == PHOTOS]
    assert 0 < found.damaged < 250
    assert b"another checksum" in (copy / "damaged.ndjson").read_bytes()
    assert lines[399] in (copy / PHOTOS).read_bytes()


def test_blocks_are_the_same_in_whatever_parts_a_file_comes() -> None:
    rng = Random(3)
    data = b"".join(b'{"id":"%d"}\n' % rng.randrange(10**9) for _ in range(1000))
    whole, parts = Blocks(), Blocks()
    whole.feed(data)
    for n in range(0, len(data), 7):
        parts.feed(data[n : n + 7])
    assert whole.encode() == parts.encode()
    blocks = decode_blocks(whole.encode())
    assert sum_up(blocks) == (1000, sum(map(crc32, data.splitlines(keepends=True))) % 2**32)
    assert 10 < len(blocks) < 60
