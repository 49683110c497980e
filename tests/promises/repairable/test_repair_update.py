"""An update that is under way and damaged: after `repair` and `resume` it ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import shutil
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from harvester.archive.repair.run import repair_archive
from harvester.cli import main
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import CannotWrite
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.damage import CHECKPOINT, LINES, Damage, flip, remove
from support.harvest import Opener, harvest_into, settings_for

CHANGED = 12


@dataclass
class Begun:
    """An archive whose update was stopped on its way."""

    sandbox: Sandbox
    folder: Path
    lines: dict[str, Any]
    """The photos as they are once the update is through."""
    left: int
    """Calls that the update still needs."""

    async def heal(self) -> int:
        """Repair and resume; the calls that it took."""
        before = self.sandbox.stats.calls
        repair_archive(self.folder)
        await run_resume(self.folder, settings_for(self.sandbox))
        assert read_photos(self.folder) == self.lines
        assert verify_archive(self.folder) == []
        assert not (self.folder / ".update").exists()
        return self.sandbox.stats.calls - before


def read_photos(folder: Path) -> dict[str, Any]:
    lines = read_lines(folder / "photos.ndjson")
    return {line["id"]: {name: part for name, part in line.items() if name != "harvested_at"} for line in lines}


@pytest.fixture
async def begun(sandbox_of: Opener, tmp_path: Path) -> AsyncIterator[Begun]:
    async with sandbox_of(photos=40, owners=2) as sandbox:
        folder, settings = tmp_path / "archive", settings_for(sandbox, workers=1)
        await harvest_into(folder, sandbox, Job(source=Search(tags="sandbox")))
        sandbox.api.control({"change": list(read_photos(folder))[:CHANGED]})
        shutil.copytree(folder, tmp_path / "ended")
        before = sandbox.stats.calls
        await run_update(tmp_path / "ended", settings)
        needed, before = sandbox.stats.calls - before, sandbox.stats.calls
        stop, honest = asyncio.Event(), sandbox.api.answer

        def answer(query: Any) -> Any:
            if sandbox.stats.calls - before > needed // 2:
                stop.set()
            return honest(query)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sandbox.api, "answer", answer)
            await run_update(folder, settings, stop=stop)
        left = needed - (sandbox.stats.calls - before)
        assert 0 < left < needed
        assert len(read_lines(folder / ".update" / "photos.ndjson")) > 3
        yield Begun(sandbox, folder, read_photos(tmp_path / "ended"), left)


CASES: list[tuple[str, str, Damage]] = [
    *((name, "photos.ndjson", LINES[name]) for name in ("remove", "cut", "flip", "zero", "double_line", "crlf")),
    *((name, "state.sqlite", CHECKPOINT[name]) for name in ("remove", "cut", "no facts", "wrong lengths")),
]


@pytest.mark.parametrize(("name", "file", "damage"), CASES, ids=[f"{file} {name}" for name, file, _ in CASES])
async def test_a_damaged_update_ends_for_the_calls_of_what_was_lost(
    name: str, file: str, damage: Damage, begun: Begun
) -> None:
    damage(begun.folder / ".update" / file, Random(zlib.crc32(name.encode())))
    staged = repair_archive(begun.folder, dry_run=True).staged
    assert staged is not None
    calls = await begun.heal()
    assert calls <= begun.left + 3 * staged.rebuilt.photos + (2 if file == "state.sqlite" else 0)


async def test_an_update_that_is_as_it_should_be_needs_no_repair(begun: Begun) -> None:
    before = {path: path.read_bytes() for path in begun.folder.rglob("*.ndjson")}
    assert not repair_archive(begun.folder).is_needed
    assert {path: path.read_bytes() for path in begun.folder.rglob("*.ndjson")} == before
    assert await begun.heal() == begun.left


async def test_lines_of_an_update_are_set_aside_in_the_archive(begun: Begun) -> None:
    flip(begun.folder / ".update" / "photos.ndjson", Random(1))
    await begun.heal()
    (line,) = read_lines(begun.folder / "damaged.ndjson")
    assert line["file"] == ".update/photos.ndjson"


async def test_a_damaged_line_of_an_update_does_not_come_into_the_archive(begun: Begun) -> None:
    path = begun.folder / ".update" / "photos.ndjson"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first.replace(b"jpg", b"png"), *rest]))
    before = (begun.folder / "photos.ndjson").read_bytes()
    with pytest.raises(CannotWrite, match=f"`harvester repair {begun.folder}` keeps every good line"):
        await run_update(begun.folder, settings_for(begun.sandbox))
    assert (begun.folder / "photos.ndjson").read_bytes() == before
    await begun.heal()


async def test_a_shortened_update_is_told_by_the_archive_that_is_to_be_repaired(begun: Begun) -> None:
    (begun.folder / ".update" / "photos.ndjson").write_bytes(b"")
    with pytest.raises(CannotWrite, match=f"`harvester repair {begun.folder}` keeps every good line"):
        await run_update(begun.folder, settings_for(begun.sandbox))


async def test_the_command_tells_of_a_damaged_update(begun: Begun) -> None:
    remove(begun.folder / ".update" / "state.sqlite", Random(0))
    result = CliRunner().invoke(main, ["repair", str(begun.folder)])
    assert result.exit_code == 3
    assert ".update/state.sqlite was missing: the update lists everything again." in result.output
    assert f"Go on with harvester resume {begun.folder}, which ends the update." in result.output
