"""`status --json` has one form, in whatever state an archive is; status, verify and manifest agree."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import orjson
import pytest
from click.testing import CliRunner

from harvester.archive.disk.layout import UPDATE
from harvester.archive.disk.lock import lock_folder
from harvester.archive.folder import MANIFEST, STATE
from harvester.archive.manifest import read_manifest
from harvester.archive.sinks import PHOTOS
from harvester.cli import main
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import Exit
from harvester.events import Event, Started
from harvester.jobs.model import Account, Job, Photos, Search
from harvester.sandbox.server import Sandbox
from harvester.status.report import ArchiveStatus, Report
from support.harvest import KEY, harvest_into, settings_for
from support.project import ROOT

JOB = Job(source=Search(tags="sandbox"), detail="info")
LISTED = Job(source=Search(tags="sandbox"), detail="list")


async def read_report(folder: Path) -> Report:
    """What `status --json` prints, held to the form."""
    environment = {"FLICKR_API_KEY": KEY}
    arguments = ["status", str(folder), "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)
    assert result.exit_code == Exit.COMPLETE, result.output
    report = msgspec.json.decode(result.stdout, type=Report)
    assert set(json.loads(result.stdout)) == set(Report.__struct_fields__)
    assert report.note == "" or report.note.endswith(".")
    return report


async def verify(folder: Path) -> int:
    return (await asyncio.to_thread(CliRunner().invoke, main, ["verify", str(folder)])).exit_code


async def complete(sandbox: Sandbox, folder: Path) -> None:
    await harvest_into(folder, sandbox, LISTED)


async def limited(sandbox: Sandbox, folder: Path) -> None:
    await harvest_into(folder, sandbox, Job(source=LISTED.source, detail="list", limit=20))


async def account(sandbox: Sandbox, folder: Path) -> None:
    await harvest_into(folder, sandbox, Job(source=Account(user=sandbox.catalogue.people[0].nsid), detail="list"))


async def stopped(sandbox: Sandbox, folder: Path) -> None:
    stop, before = asyncio.Event(), sandbox.stats.calls
    task = asyncio.create_task(harvest_into(folder, sandbox, JOB, stop=stop))
    while sandbox.stats.calls < before + 50:
        await asyncio.sleep(0)
    stop.set()
    assert (await task).status == "stopped"


async def killed(sandbox: Sandbox, folder: Path) -> None:
    """A copy of what is there in the middle of a harvest."""
    before = sandbox.stats.calls
    task = asyncio.create_task(harvest_into(folder.with_name("living"), sandbox, JOB))
    while sandbox.stats.calls < before + 50:
        await asyncio.sleep(0)
    shutil.copytree(folder.with_name("living"), folder)
    await task


async def failed(sandbox: Sandbox, folder: Path) -> None:
    ids = [str(sandbox.catalogue.id_of(1)), "no photo"]
    assert (await harvest_into(folder, sandbox, Job(source=Photos(ids=ids)))).status == "incomplete"


async def cut(sandbox: Sandbox, folder: Path) -> None:
    await complete(sandbox, folder)
    (folder / PHOTOS).write_bytes((folder / PHOTOS).read_bytes()[:-1])


async def without_manifest(sandbox: Sandbox, folder: Path) -> None:
    await complete(sandbox, folder)
    (folder / MANIFEST).unlink()


async def without_checkpoint(sandbox: Sandbox, folder: Path) -> None:
    await account(sandbox, folder)
    (folder / STATE).unlink()


async def stopped_without_checkpoint(sandbox: Sandbox, folder: Path) -> None:
    await stopped(sandbox, folder)
    (folder / STATE).unlink()


async def cut_without_checkpoint(sandbox: Sandbox, folder: Path) -> None:
    await cut(sandbox, folder)
    (folder / STATE).unlink()


async def with_empty_checkpoint(sandbox: Sandbox, folder: Path) -> None:
    await complete(sandbox, folder)
    (folder / STATE).write_bytes(b"")


CASES: dict[Callable[[Sandbox, Path], Awaitable[None]], ArchiveStatus] = {
    complete: ArchiveStatus.COMPLETE,
    limited: ArchiveStatus.COMPLETE,
    account: ArchiveStatus.COMPLETE,
    stopped: ArchiveStatus.UNFINISHED,
    killed: ArchiveStatus.UNFINISHED,
    failed: ArchiveStatus.INCOMPLETE,
    cut: ArchiveStatus.DAMAGED,
    without_manifest: ArchiveStatus.DAMAGED,
    with_empty_checkpoint: ArchiveStatus.DAMAGED,
    without_checkpoint: ArchiveStatus.COMPLETE,
    stopped_without_checkpoint: ArchiveStatus.UNFINISHED,
    cut_without_checkpoint: ArchiveStatus.DAMAGED,
}
TOLD: dict[ArchiveStatus, set[str | None]] = {
    ArchiveStatus.COMPLETE: {"complete"},
    ArchiveStatus.INCOMPLETE: {"incomplete"},
    ArchiveStatus.UNFINISHED: {"stopped", "unfinished"},
    ArchiveStatus.DAMAGED: {"complete", None},
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
async def test_status_has_its_form_and_agrees_with_verify_and_manifest(
    make: Callable[[Sandbox, Path], Awaitable[None]], sandbox: Sandbox, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    await make(sandbox, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report, code = await read_report(folder), await verify(folder)
    assert report.state == CASES[make]
    assert (report.running_pid, report.archive) == (None, str(folder))
    assert code == (Exit.COMPLETE if report.state == ArchiveStatus.COMPLETE else Exit.INCOMPLETE)
    manifest = read_manifest(folder)
    assert (manifest and manifest.status) in TOLD[report.state]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("make", [stopped, complete], ids=lambda make: make.__name__)
async def test_status_names_the_process_that_is_at_work(
    make: Callable[[Sandbox, Path], Awaitable[None]], sandbox: Sandbox, tmp_path: Path
) -> None:
    await make(sandbox, tmp_path / "a")
    with lock_folder(tmp_path / "a"):
        report = await read_report(tmp_path / "a")
    assert (report.state, report.running_pid, report.running_host) == (ArchiveStatus.RUNNING, os.getpid(), None)
    assert report.note == f"Process {os.getpid()} is at it, since {report.running_since}."


@pytest.mark.parametrize("has_checkpoint", [False, True])
async def test_a_harvest_that_has_just_begun_has_a_status(has_checkpoint: bool, tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        if has_checkpoint:
            (tmp_path / STATE).touch()
        report = await read_report(tmp_path)
    assert (report.state, report.read_from, report.photos, report.job) == (ArchiveStatus.RUNNING, "nothing", 0, None)


async def test_an_update_under_way_is_told_and_one_that_was_stopped_leaves_the_archive_complete(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await complete(sandbox, tmp_path)
    sandbox.api.control({"change": [str(sandbox.catalogue.id_of(n)) for n in range(9)]})
    found: list[Report] = []
    stop = asyncio.Event()

    def look(event: Event) -> None:
        if isinstance(event, Started):
            result = CliRunner().invoke(main, ["verify", str(tmp_path), "--json"])
            assert json.loads(result.stdout)["whole"]

    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        stop.set()  # this answer still lands
        return honest(query)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    await run_update(tmp_path, settings_for(sandbox), observer=look, stop=stop)
    assert (tmp_path / UPDATE).is_dir()
    with lock_folder(tmp_path):
        found.append(await read_report(tmp_path))
    found.append(await read_report(tmp_path))
    assert [report.state for report in found] == [ArchiveStatus.UPDATING, ArchiveStatus.COMPLETE]
    assert found[1].note == f"An update is not through yet: `harvester update {tmp_path}` goes on."
    assert await verify(tmp_path) == Exit.COMPLETE


async def test_records_that_went_to_standard_output_have_a_status(
    sandbox: Sandbox, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    await run_job(LISTED, settings_for(sandbox), output=Output(state=tmp_path / "s"))
    assert len(capfd.readouterr().out.splitlines()) == 300
    report = await read_report(tmp_path / "s")
    assert (report.state, report.photos) == (ArchiveStatus.COMPLETE, 300)


async def test_what_a_resume_ends_is_complete_everywhere(sandbox: Sandbox, tmp_path: Path) -> None:
    await killed(sandbox, tmp_path / "a")
    await run_resume(tmp_path / "a", settings_for(sandbox))
    assert (await read_report(tmp_path / "a")).state == ArchiveStatus.COMPLETE
    assert await verify(tmp_path / "a") == Exit.COMPLETE
    assert orjson.loads((tmp_path / "a" / MANIFEST).read_bytes())["status"] == "complete"


async def test_for_people_only_what_says_something_is_shown(sandbox: Sandbox, tmp_path: Path) -> None:
    await complete(sandbox, tmp_path)
    result = await asyncio.to_thread(CliRunner().invoke, main, ["status", str(tmp_path)], env={"FLICKR_API_KEY": KEY})
    titles = {line[:13].strip() for line in result.stdout.splitlines() if line[:1] != " "}
    assert "state" in titles
    assert titles.isdisjoint({"note", "running pid", "difference", "lists", "read from"})
    with lock_folder(tmp_path):
        result = await asyncio.to_thread(CliRunner().invoke, main, ["status", str(tmp_path)])
    assert re.search(rf"^running pid +{os.getpid()}$", result.stdout, re.MULTILINE)


def read_page() -> str:
    return (ROOT / "docs" / "pages" / "guide" / "status.md").read_text("utf-8")


def test_the_guide_documents_each_field_and_each_state_of_status() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", read_page(), re.MULTILINE)
    states, fields = [status.value for status in ArchiveStatus], list(Report.__struct_fields__)
    assert documented == ["state", *states, *fields]
