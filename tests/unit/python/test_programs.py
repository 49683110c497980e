"""Programs as a data engineer writes them: each does its work, and holds nothing more at its end than before.

They count their own tasks, file descriptors and folders for temporary files; see `programs/counted.py`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener
from support.project import ROOT

pytestmark = [pytest.mark.usefixtures("time_limit"), pytest.mark.slow]
PROGRAMS = ROOT / "tests" / "programs"
PHOTOS = 230


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the programs run: beside a sandbox, with a folder for their data and one for temporary files."""

    folder: Path
    temporary: Path
    sandbox: Sandbox

    async def begin(self, program: str, *arguments: str) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "FLICKR_API_KEY": KEY,
            "FLICKR_API_URL": self.sandbox.url,
            "TMPDIR": str(self.temporary),
            "PYTHONWARNINGS": "error",
        }
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, str(PROGRAMS / program), *arguments]
        return await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)

    async def run(self, program: str, *arguments: str) -> str:
        """Run a program to its end; what it prints."""
        process = await self.begin(program, *arguments)
        told, wrong = await process.communicate()
        assert (process.returncode, wrong.decode()) == (0, "")
        assert list(self.temporary.iterdir()) == []
        return told.decode().strip()


@pytest.fixture
async def bench(sandbox_of: Opener, tmp_path: Path) -> AsyncIterator[Bench]:
    (tmp_path / "data").mkdir()
    (tmp_path / "temporary").mkdir()
    async with sandbox_of(photos=PHOTOS) as sandbox:
        yield Bench(folder=tmp_path / "data", temporary=tmp_path / "temporary", sandbox=sandbox)


async def test_early_break(bench: Bench) -> None:
    assert await bench.run("early_break.py", str(bench.folder / "a")) == "held nothing more"


async def test_many_harvests_on_one_client(bench: Bench) -> None:
    assert await bench.run("many_harvests.py") == str(PHOTOS)


async def test_inside_a_loop_that_runs_already(bench: Bench) -> None:
    outside, inside = (await bench.run("running_loop.py")).splitlines()
    assert (
        outside == "A harvest runs in an event loop: call harvest() inside of an `async def` that asyncio.run() runs."
    )
    assert inside == "3 70"


async def test_without_async_in_a_script_and_in_a_notebook(bench: Bench) -> None:
    assert await bench.run("blocking.py", str(bench.folder / "a")) == str(PHOTOS)


async def test_an_archive_on_the_disk(bench: Bench) -> None:
    folder = bench.folder / "a"
    refused, damaged, told = (await bench.run("archived.py", str(folder))).splitlines()
    assert damaged == f"{folder / 'photos.ndjson'} line 5 is damaged: harvester repair {folder} sets it right."
    assert refused == f"{folder} is no archive: there is no such folder."
    assert told == f"{PHOTOS} {PHOTOS} complete"
    rows = (bench.folder / "a.csv").read_text("utf-8").splitlines()
    assert rows[0] == "id,title"
    assert len(rows) == PHOTOS + 1


async def test_a_web_server_with_one_client(bench: Bench) -> None:
    assert await bench.run("web_server.py") == f"{PHOTOS} {PHOTOS} {PHOTOS}"


async def test_a_typed_program_runs(bench: Bench) -> None:
    assert await bench.run("typed.py", str(bench.folder / "a")) == f"{PHOTOS} {PHOTOS} False 1 0"


def test_a_typed_program_passes_mypy_from_outside(tmp_path: Path) -> None:
    """In a folder of its own: what it knows is what the installed package tells."""
    names = ("typed.py", "blocking.py", "archived.py", "pipeline.py")
    for name in names:
        (tmp_path / name).write_bytes((PROGRAMS / name).read_bytes())
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Success: no issues found in 4 source files"), done.stdout + done.stderr


async def test_errors_are_told_by_except(bench: Bench) -> None:
    told = await bench.run("errors.py", str(bench.folder))
    assert told.splitlines() == [
        "complete",
        "fix a name",
        "1 lines are wrong",
        "make room",
        "wait for the other one",
        "left early",
        "get another key",
        "try again later",
        "fix tag_mode",
    ]


async def test_batches_into_duckdb(bench: Bench) -> None:
    assert await bench.run("batches.py", str(bench.folder / "photos.duckdb")) == f"100 100 30 {PHOTOS} {PHOTOS}"


async def test_a_pipeline_of_dlt(bench: Bench) -> None:
    assert await bench.run("pipeline.py", str(bench.folder)) == str(PHOTOS)


async def kill_after(bench: Bench, photos: int) -> list[str]:
    """Run the durable program and kill it once it has printed so many ids; all that it has printed."""
    process = await bench.begin("lasting.py", str(bench.folder / "a"))
    assert process.stdout
    given = [(await process.stdout.readline()).decode().strip() for _ in range(photos)]
    process.send_signal(signal.SIGKILL)
    given += (await process.stdout.read()).decode().split()
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
    return given


async def test_a_durable_harvest_is_killed_and_gone_on_with(bench: Bench) -> None:
    given: list[str] = []
    for photos in (1, 40, 70):
        given += await kill_after(bench, photos)
        kept = [line["id"] for line in read_lines_so_far(bench.folder / "a" / "photos.ndjson")]
        # What was printed is kept. Each kill may have come between the disk and the print: that photo is kept, too.
        assert set(given) <= set(kept)
        assert list(bench.temporary.iterdir()) == []
    missed = set(kept) - set(given)
    assert len(missed) <= 3
    rest = (await bench.run("lasting.py", str(bench.folder / "a"))).split()
    assert len(given) + len(rest) + len(missed) == PHOTOS
    assert {*given, *rest, *missed} == {str(bench.sandbox.catalogue.id_of(n)) for n in range(PHOTOS)}
    assert len(read_lines(bench.folder / "a" / "photos.ndjson")) == PHOTOS
    assert verify_archive(bench.folder / "a") == []


def read_lines_so_far(path: Path) -> list[dict[str, str]]:
    """The lines of a file whose last one may be cut."""
    whole = path.with_name("whole.ndjson.txt")
    data = path.read_bytes()
    whole.write_bytes(data[: data.rfind(b"\n") + 1])
    try:
        return read_lines(whole)
    finally:
        whole.unlink()


def test_each_program_is_run() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [
        path.name for path in PROGRAMS.glob("*.py") if path.name != "counted.py" and f'"{path.name}"' not in text
    ] == []
