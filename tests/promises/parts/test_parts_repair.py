"""Damaged archives in parts: every good line is kept, and what is lost is fetched again."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harvester.archive.pieces import list_parts
from harvester.archive.repair.run import repair_archive
from harvester.jobs.model import Job, Search
from harvester.jobs.rotation import Packing, Rotation
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.durable import lay_under
from support.harvest import Opener
from support.parts import harvest_in_parts, read_pieces
from support.steps import try_copy

JOB = Job(source=Search(tags="sandbox"), detail="info")


def spoil(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "byte":
        data[len(data) // 2] ^= 1
    elif how == "cut":
        del data[len(data) * 2 // 3 :]
    elif how == "hole":
        data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(data)


async def make(folder: Path, sandbox: Sandbox, packing: Packing) -> list[dict[str, Any]]:
    await harvest_in_parts(folder, sandbox, Rotation(lines=30, packing=packing), job=JOB)
    assert len(list_parts(folder)) == 3
    return read_pieces(folder)


@pytest.fixture(autouse=True)
def _small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.archive.parts.packing.FRAME", 8_000)


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["zstd", "gzip", "none"])
@pytest.mark.parametrize("lost", ["nothing", "checkpoint", "manifest", "both"])
async def test_a_damaged_part_costs_the_calls_of_its_lost_lines_alone(
    lost: str, packing: Packing, sandbox_of: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "whole"
    async with sandbox_of(photos=100, owners=2) as sandbox:
        lines = await make(folder, sandbox, packing)
        for how in ("byte", "cut", "hole", "gone"):
            copy = tmp_path / how
            shutil.copytree(folder, copy)
            first, second, third = list_parts(copy)
            spoil(copy / second.name, how)
            for name in {"checkpoint": ["state.sqlite"], "manifest": ["manifest.json"]}.get(
                lost, ["state.sqlite", "manifest.json"] if lost == "both" else []
            ):
                (copy / name).unlink()
            report = repair_archive(copy)
            assert report.is_needed, how
            kept = read_pieces(copy)
            assert len(kept) >= 70, how
            if how != "gone":
                assert len(kept) > 70, how
            if lost != "both":
                assert [part.name for part in list_parts(copy)][:2] == [first.name, third.name], how
                assert (copy / first.name).read_bytes() == (folder / first.name).read_bytes()
            assert not (copy / second.name).exists()
            before = sandbox.stats.methods["flickr.photos.getInfo"]
            summary = await harvest_in_parts(copy, sandbox, Rotation(lines=30, packing=packing), job=JOB)
            assert summary.status == "complete", how
            calls = sandbox.stats.methods["flickr.photos.getInfo"] - before
            assert calls == len(lines) - len(kept), how
            found = read_pieces(copy)
            assert Counter(line["id"] for line in found) == Counter(line["id"] for line in lines)
            assert {line["id"]: line["info"]["title"] for line in found} == {
                line["id"]: line["info"]["title"] for line in lines
            }
            assert verify_archive(copy) == [], how
            assert not repair_archive(copy).is_needed, how


async def test_a_sound_archive_in_parts_needs_no_repair(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=100, owners=2) as sandbox:
        await make(folder, sandbox, "zstd")
    before = {path.name: path.read_bytes() for path in folder.glob("photos*")}
    assert not repair_archive(folder).is_needed
    (folder / "state.sqlite").unlink()
    report = repair_archive(folder)
    assert report.is_whole
    assert {path.name: path.read_bytes() for path in folder.glob("photos*")} == before
    assert verify_archive(folder) == []


async def test_a_part_that_nobody_knows_is_read_for_its_lines(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=100, owners=2) as sandbox:
        lines = await make(folder, sandbox, "zstd")
        first = list_parts(folder)[0]
        (folder / first.name).rename(folder / "photos-00009.ndjson.zst")
        report = repair_archive(folder)
        assert report.rebuilt.photos == 0
        assert sorted(line["id"] for line in read_pieces(folder)) == sorted(line["id"] for line in lines)
        assert [part.number for part in list_parts(folder)] == [2, 3, 10]
        assert verify_archive(folder) == []
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert manifest["counts"]["photos"] == len(lines)


@pytest.mark.slow
async def test_a_repair_in_parts_survives_each_step_going_wrong(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "a"
    async with sandbox_of(photos=100, owners=2) as sandbox:
        lines = await make(whole, sandbox, "zstd")
        spoil(whole / list_parts(whole)[1].name, "hole")
        disk = lay_under(monkeypatch, folder)
        calls = try_copy(whole, folder, disk, repair_archive)
        kept = sorted(line["id"] for line in read_pieces(folder))
        assert 70 < len(kept) < len(lines)
        for at in range(len(calls)):
            try_copy(whole, folder, disk, repair_archive, at=at, how="die")
            repair_archive(folder)
            assert sorted(line["id"] for line in read_pieces(folder)) == kept, (at, calls[at])
            assert not repair_archive(folder).rebuilt.lists_all
        assert (await harvest_in_parts(folder, sandbox, job=JOB)).status == "complete"
        assert verify_archive(folder) == []
        assert sorted(line["id"] for line in read_pieces(folder)) == sorted(line["id"] for line in lines)
