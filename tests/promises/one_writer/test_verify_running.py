"""While a process is at work in an archive, `verify` and `status` name it, and disturb nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from harvester.archive.disk.lock import lock_folder
from harvester.archive.folder import MANIFEST, STATE
from harvester.archive.manifest import read_manifest
from harvester.archive.sinks import PHOTOS
from harvester.cli import main
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.update import run_update
from harvester.errors import Exit
from harvester.events import Event, Started
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import Verdict, prove_archive
from support.harvest import harvest_into, settings_for

JOB = Job(source=Search(tags="sandbox"), detail="info")
AT_IT = f"Process {os.getpid()} is at it, since "


async def prove(folder: Path) -> Verdict:
    return await asyncio.to_thread(prove_archive, folder)


@pytest.fixture
async def stopped(sandbox: Sandbox, tmp_path: Path) -> Path:
    """An archive whose harvest was stopped, with more in its file than was committed."""
    stop = asyncio.Event()
    task = asyncio.create_task(harvest_into(tmp_path / "a", sandbox, JOB, stop=stop))
    while sandbox.stats.calls < 50:
        await asyncio.sleep(0)
    stop.set()
    assert (await task).status == "stopped"
    return tmp_path / "a"


async def test_a_harvest_under_way_is_not_whole_and_its_process_is_named(stopped: Path) -> None:
    with (stopped / PHOTOS).open("ab") as file:
        file.write(b'{"id":"half a li')
    with lock_folder(stopped):
        verdict = await prove(stopped)
    (finding,) = verdict.findings
    assert finding.startswith(AT_IT)
    assert finding.endswith("The harvest is not finished yet.")
    assert verdict.notes[0].startswith("photos.ndjson: 16 bytes behind the ")
    assert verdict.holder is not None


async def test_once_the_process_is_gone_it_is_told_how_to_go_on(stopped: Path) -> None:
    with (stopped / PHOTOS).open("ab") as file:
        file.write(b'{"id":"half a li')
    verdict = await prove(stopped)
    assert verdict.holder is None
    assert all("resume to go on" in finding for finding in verdict.findings)
    assert verdict.notes[0].startswith("photos.ndjson: 16 bytes behind the ")


async def test_damage_of_what_was_committed_is_found_during_a_harvest(stopped: Path) -> None:
    data = (stopped / PHOTOS).read_bytes()
    (stopped / PHOTOS).write_bytes(data.replace(b'"id"', b'"iD"', 1))
    with lock_folder(stopped):
        verdict = await prove(stopped)
    assert verdict.findings[0] == "photos.ndjson line 1, byte 0: no photo id."
    assert len(verdict.findings) > 1


async def test_a_lost_manifest_is_no_finding_during_a_harvest(stopped: Path) -> None:
    (stopped / MANIFEST).unlink()
    with lock_folder(stopped):
        assert len((await prove(stopped)).findings) == 1
    assert any("manifest.json is missing" in finding for finding in (await prove(stopped)).findings)


@pytest.mark.parametrize("has_empty_checkpoint", [False, True])
def test_a_harvest_that_has_just_begun_is_told(has_empty_checkpoint: bool, tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        if has_empty_checkpoint:
            (tmp_path / STATE).touch()
        result = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert result.exit_code == Exit.INCOMPLETE
    assert result.stdout.startswith(AT_IT)
    assert result.stdout.endswith("There is nothing to be read yet.\n")


async def test_a_real_harvest_is_proved_again_and_again_and_ends_complete(sandbox: Sandbox, tmp_path: Path) -> None:
    task = asyncio.create_task(harvest_into(tmp_path / "a", sandbox, JOB))
    while not (tmp_path / "a" / MANIFEST).exists():
        await asyncio.sleep(0)
    while not task.done():
        verdict = await prove(tmp_path / "a")
        assert len(verdict.findings) <= 1 or task.done(), verdict.findings
    assert (await task).status == "complete"
    assert await prove(tmp_path / "a") == Verdict(folder=tmp_path / "a", findings=())


async def test_an_archive_stays_whole_while_an_update_is_under_way(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, JOB)
    sandbox.api.control({"change": [str(sandbox.catalogue.id_of(n)) for n in range(5)]})
    verdicts: list[Verdict] = []

    def look(event: Event) -> None:
        if isinstance(event, Started):
            verdicts.append(prove_archive(tmp_path))

    await run_update(tmp_path, settings_for(sandbox), observer=look)
    (verdict,) = verdicts
    assert verdict.is_whole
    assert verdict.notes[0].startswith(AT_IT)
    assert (await prove(tmp_path)).is_whole


async def test_the_manifest_of_a_stopped_harvest_is_as_it_was_after_a_proof(stopped: Path) -> None:
    before = {path.name: path.read_bytes() for path in stopped.iterdir() if path.is_file()}
    with lock_folder(stopped):
        held = (stopped / ".lock").read_bytes()
        await prove(stopped)
        after = {path.name: path.read_bytes() for path in stopped.iterdir() if path.is_file()}
    sides = {f"{STATE}-shm", f"{STATE}-wal"}
    assert {**before, ".lock": held} == {name: data for name, data in after.items() if name not in sides}
    assert read_manifest(stopped) is not None


async def test_records_that_go_to_standard_output_are_no_missing_file(
    sandbox: Sandbox, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    await run_job(Job(source=JOB.source, detail="list"), settings_for(sandbox), output=Output(state=tmp_path))
    assert capfd.readouterr().out
    with lock_folder(tmp_path):
        (finding,) = (await prove(tmp_path)).findings
    assert finding.startswith(AT_IT)
    assert finding.endswith("Records go to standard output, so there is no file to verify.")
