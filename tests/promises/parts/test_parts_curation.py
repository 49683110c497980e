"""Archives in parts are handed over whole, and photos are taken down from every part."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from harvester.archive.checkpoint.state import State
from harvester.archive.pieces import list_parts
from harvester.curation.bag import BagOptions, make_bag
from harvester.curation.withdraw import withdraw
from harvester.engine.upkeep.update import run_update
from harvester.errors import CannotWrite
from harvester.jobs.rotation import Packing, Rotation
from harvester.verify.archive import prove_archive, verify_archive
from support.durable import Died, lay_under
from support.harvest import Opener, settings_for
from support.parts import harvest_in_parts, read_pieces, unpack


@pytest.mark.parametrize("packing", ["zstd", "gzip", "none"])
async def test_a_photo_is_taken_down_from_its_part(packing: Packing, sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=100, owners=2) as sandbox:
        await harvest_in_parts(folder, sandbox, Rotation(lines=30, packing=packing))
        before = read_pieces(folder)
        first, second, third = list_parts(folder)
        untouched = (folder / third.name).read_bytes()
        ids = [before[n]["id"] for n in (3, 40, 95)]
        foretold = withdraw(folder, ids, reason="asked", now=0, dry_run=True)
        told = withdraw(folder, ids, reason="asked", now=0)
        assert told.files == foretold.files == {first.name: 1, second.name: 1, "photos.ndjson": 1}
        assert read_pieces(folder) == [line for line in before if line["id"] not in ids]
        assert [part.lines for part in list_parts(folder)] == [29, 29, 30]
        assert (folder / third.name).read_bytes() == untouched
        assert not (folder / first.name).exists()
        assert not (folder / second.name).exists()
        for path in (path for path in folder.rglob("*") if path.is_file()):
            data = unpack(path)
            name = path.name
            assert name in ("withdrawn.ndjson", "manifest.json", "state.sqlite") or not any(
                f'"{photo}"'.encode() in data for photo in ids
            ), name
        assert verify_archive(folder) == []
        assert (await run_update(folder, settings_for(sandbox))).status == "complete"
        assert read_pieces(folder) == [line for line in before if line["id"] not in ids]
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        assert manifest["counts"]["photos"] == len(before) - 3


@pytest.mark.slow
async def test_a_take_down_in_parts_survives_each_step_going_wrong(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "a"
    async with sandbox_of(photos=30, owners=2) as sandbox:
        await harvest_in_parts(whole, sandbox, Rotation(lines=10))
    before = read_pieces(whole)
    ids = [before[3]["id"], before[25]["id"]]
    disk = lay_under(monkeypatch, folder)
    shutil.copytree(whole, folder)
    with disk.strike():
        withdraw(folder, ids, reason="asked", now=0)
    calls = disk.calls
    for at in range(len(calls)):
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        with pytest.raises((Died, CannotWrite)), disk.strike(at, "die"):
            withdraw(folder, ids, reason="asked", now=0)
        withdraw(folder, ids, reason="asked", now=0)
        assert read_pieces(folder) == [line for line in before if line["id"] not in ids], (at, calls[at])
        assert verify_archive(folder) == [], (at, calls[at])


async def test_a_bag_holds_all_parts(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=100, owners=2) as sandbox:
        await harvest_in_parts(folder, sandbox, Rotation(lines=30))
    bag = make_bag(folder, tmp_path / "bag", BagOptions(with_crate=True))
    assert bag.photos == len(read_pieces(folder))
    assert read_pieces(tmp_path / "bag" / "data") == read_pieces(folder)
    assert prove_archive(tmp_path / "bag" / "data").findings == ()
    path = folder / list_parts(folder)[1].name
    data = bytearray(path.read_bytes())
    data[9] ^= 1
    path.write_bytes(data)
    with pytest.raises(CannotWrite, match=f"{path.name} does not have the sha256"):
        make_bag(folder, tmp_path / "other", BagOptions())
    assert not (tmp_path / "other").exists()
    with State(folder / "state.sqlite") as state:
        assert len(state.parts()) == 3
