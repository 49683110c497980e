"""Updates and deepenings of archives in parts: as in one file, and parts in which nothing changes stay."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.checkpoint.state import State
from harvester.archive.pieces import list_parts
from harvester.engine.run import Output
from harvester.engine.upkeep.deepening import run_whole_job
from harvester.engine.upkeep.update import run_update
from harvester.errors import CannotWrite
from harvester.jobs.model import Job, Search
from harvester.jobs.rotation import Rotation
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import prove_archive, verify_archive
from support.archives import read_lines
from support.durable import lay_under
from support.harvest import Opener, harvest_into, settings_for
from support.parts import JOB, harvest_in_parts, read_pieces
from support.steps import HOW, Trial, strikes


def strip(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines without the moment at which they were written."""
    return [{name: value for name, value in line.items() if name not in ("harvested_at", "at")} for line in lines]


async def make_twins(sandbox: Sandbox, place: Path, rotation: Rotation, *, job: Job = JOB) -> tuple[Path, Path]:
    """The same archive in one file, and in parts."""
    whole, folder = place / "whole", place / "parts"
    await harvest_into(whole, sandbox, job, workers=1)
    shutil.copytree(whole, folder)
    await harvest_in_parts(folder, sandbox, rotation, job=job)
    assert read_pieces(folder) == read_lines(whole / "photos.ndjson")
    return whole, folder


async def test_an_update_in_parts_is_that_of_one_file(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=200, owners=2) as sandbox:
        whole, folder = await make_twins(sandbox, tmp_path, Rotation(lines=30))
        before = {part.name: (folder / part.name).read_bytes() for part in list_parts(folder)}
        assert len(before) == 6
        ids = [line["id"] for line in read_pieces(folder)]
        sandbox.api.control({"change": [ids[3], ids[40]], "delete": [ids[41], ids[190]], "add": 40})
        for each in (whole, folder):
            assert (await run_update(each, settings_for(sandbox))).status == "complete"
            assert verify_archive(each) == []
        assert strip(read_pieces(folder)) == strip(read_lines(whole / "photos.ndjson"))
        assert strip(read_lines(folder / "changes.ndjson")) == strip(read_lines(whole / "changes.ndjson"))
        names = [part.name for part in list_parts(folder)]
        assert names[:3] == ["photos-00001-2.ndjson.zst", "photos-00002-2.ndjson.zst", "photos-00003.ndjson.zst"]
        assert names[6:] == ["photos-00007.ndjson.zst", "photos-00008.ndjson.zst"]
        assert sorted(path.name for path in folder.glob("photos-*")) == sorted(names)
        for name in names[2:6]:
            assert (folder / name).read_bytes() == before[name]
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        assert manifest["counts"]["photos"] == len(read_pieces(folder))
        (folder / "state.sqlite").unlink()
        assert prove_archive(folder).findings == ()


async def test_a_part_that_holds_no_photo_any_more_goes_and_its_number_does_not_come_again(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=100, owners=2) as sandbox:
        _, folder = await make_twins(sandbox, tmp_path, Rotation(lines=10, packing="gzip"))
        ids = [line["id"] for line in read_pieces(folder)]
        last = list_parts(folder)[-1].number
        sandbox.api.control({"delete": ids[10 * (last - 1) : 10 * last], "add": 15})
        assert (await run_update(folder, settings_for(sandbox))).status == "complete"
        numbers = [part.number for part in list_parts(folder)]
        assert last not in numbers
        assert numbers[-1] == last + 1
        assert verify_archive(folder) == []


async def test_an_update_does_not_bless_a_part_that_was_changed(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=100, owners=2) as sandbox:
        for packing in ("zstd", "none"):
            _, folder = await make_twins(sandbox, tmp_path / packing, Rotation(lines=10, packing=packing))
            path = folder / list_parts(folder)[2].name
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            with pytest.raises(CannotWrite, match=f"{path.name}.*harvester repair"):
                await run_update(folder, settings_for(sandbox))


async def test_a_deepening_in_parts_is_that_of_one_file(sandbox_of: Opener, tmp_path: Path) -> None:
    job = Job(source=Search(tags="sandbox"), detail="info")
    async with sandbox_of(photos=100, owners=2) as sandbox:
        whole, folder = await make_twins(sandbox, tmp_path, Rotation(lines=30))
        for each in (whole, folder):
            summary = await run_whole_job(job, settings_for(sandbox, workers=1), output=Output(folder=each))
            assert summary.status == "complete"
            assert verify_archive(each) == []
        assert strip(read_pieces(folder)) == strip(read_lines(whole / "photos.ndjson"))
        assert [part.number for part in list_parts(folder)] == [4, 5, 6]


class PartsTrial(Trial):
    """The same with parts of three photos."""

    rotation = Rotation(lines=3)

    async def harvest(self) -> Any:
        return await harvest_in_parts(self.folder, self._sandbox, self.rotation, job=self.job)

    async def keep_old(self) -> None:
        await self.harvest()
        self.folder.rename(self.before)
        ids = [line["id"] for line in read_pieces(self.before)]
        self.told = {"changed": set(ids[:2]), "removed": set(ids[4:5])}
        added = self._sandbox.api.control({"change": ids[:2], "delete": ids[4:5], "add": 1})["added"]
        self.told["added"] = set(added)

    def read_photos(self) -> list[dict[str, Any]]:
        with State(self.folder / "state.sqlite") as state:
            names = [part.name for part in state.parts()]
        assert sorted(path.name for path in self.folder.glob("photos-*")) == sorted(names)
        lines = read_pieces(self.folder)
        assert Counter(line["id"] for line in lines).most_common(1)[0][1] == 1
        return lines


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_a_first_run_in_parts_survives_each_step_going_wrong(
    how: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=16, owners=2) as sandbox:
        trial = PartsTrial(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        calls = await trial.count(trial.harvest)
        assert len(list_parts(trial.folder)) > 1
        async for _ in trial.survive(trial.harvest, how, steps=strikes(calls, how)):
            trial.check()


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_an_update_in_parts_survives_each_step_going_wrong(
    how: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=16, owners=2) as sandbox:
        trial = PartsTrial(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        await trial.keep_old()
        calls = await trial.count(trial.update)
        async for _ in trial.survive(trial.update, how, steps=strikes(calls, how)):
            trial.check()
            trial.check_told()
