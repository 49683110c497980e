"""Whatever write fails: exit code 5, one sentence, nothing lost; repaired, the run ends with the very archive."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harvester.archive.checkpoint.state import State
from harvester.archive.folder import ERRORS, MANIFEST, STATE
from harvester.archive.sinks import PHOTOS
from harvester.engine.upkeep.update import run_resume
from harvester.errors import CannotWrite, Exit
from harvester.jobs.model import Job, Photos, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.folders import closed
from support.harvest import KEY, Opener, harvest_into, settings_for

if sys.platform == "win32":
    pytest.skip("resource limits and chattr", allow_module_level=True)
import resource

EVERYTHING = Search(tags="sandbox")


def no_larger(size: int) -> Callable[[], None]:
    """For a process to come: each of its files ends at so many bytes, as on a disk that is full there."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


async def run(sandbox: Sandbox, *arguments: str, size: int | None = None) -> tuple[int, str]:
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["-m", "harvester", *arguments, "--quota", "none", "--pace", "none"]
    before = None if size is None else no_larger(size)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stderr=asyncio.subprocess.PIPE, preexec_fn=before
    )
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


def read_bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


async def check_mended(folder: Path, sandbox: Sandbox, *, before: bytes) -> None:
    """Going on keeps each whole line that was there, and ends with the catalogue."""
    for _ in range(2):
        await harvest_into(folder, sandbox, Job(source=EVERYTHING))
    after = (folder / PHOTOS).read_bytes()
    assert after.startswith(before[: before.rfind(b"\n") + 1])
    ids = [line["id"] for line in read_lines(folder / PHOTOS)]
    assert len(ids) == len(set(ids)) == len(sandbox.catalogue)
    assert verify_archive(folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1, 700, 5_000, 40_000, 70_000, 123_456, 300_000])
async def test_a_disk_that_is_full_at_any_byte_of_any_file_is_exit_code_5(
    size: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    arguments = ("search", "--tags", "sandbox", "-o", str(tmp_path / "out"))
    code, said = await run(sandbox, *arguments, size=size)
    assert code == Exit.CANNOT_WRITE, said
    (sentence,) = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert said.splitlines()[-1] == sentence
    assert "Mend that, then run the same" in sentence
    await check_mended(tmp_path / "out", sandbox, before=read_bytes(tmp_path / "out" / PHOTOS))


@pytest.mark.slow
@pytest.mark.parametrize("pages", [1, 11, 12, 13, 14, 16, 20, 28, 44, 60])
async def test_a_checkpoint_that_cannot_grow_stops_the_run(
    pages: int, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = State._prepare

    def prepare(state: State, *, lasting: bool) -> None:
        state._db.execute(f"PRAGMA max_page_count={pages}")
        honest(state, lasting=lasting)

    with monkeypatch.context() as patched:
        patched.setattr(State, "_prepare", prepare)
        with pytest.raises(CannotWrite, match=r"Cannot use the checkpoint .*full\. Mend that"):
            await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    await check_mended(tmp_path, sandbox, before=read_bytes(tmp_path / PHOTOS))


@pytest.mark.parametrize("good", [0, 1, 3])
async def test_what_could_not_be_synced_is_not_committed(
    good: int, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = good

    def sync(file: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(5, "Input/output error")
        os.fsync(file)

    with monkeypatch.context() as patched:
        patched.setattr("harvester.archive.disk.files._sync", sync)
        patched.setattr("harvester.engine.writer.COMMIT_PAUSE", 0)
        with pytest.raises(CannotWrite, match=r"photos\.ndjson: Input/output error"):
            await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    with State(tmp_path / STATE) as state:
        assert state.length(PHOTOS).bytes == (tmp_path / PHOTOS).stat().st_size
    await check_mended(tmp_path, sandbox, before=read_bytes(tmp_path / PHOTOS))


@pytest.mark.parametrize("name", [MANIFEST + ".part", MANIFEST, ERRORS])
async def test_a_manifest_or_list_of_errors_that_cannot_be_written_is_told(
    name: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(CannotWrite, match=name.removesuffix(".part")) as error:
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert "Mend that, then run the same command again" in str(error.value)
    (tmp_path / name).rmdir()
    before = read_bytes(tmp_path / PHOTOS)
    assert before.count(b"\n") == 300
    calls = sandbox.stats.calls
    await check_mended(tmp_path, sandbox, before=before)
    assert sandbox.stats.calls == calls


async def test_a_list_of_errors_that_cannot_be_written_is_written_by_the_next_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / (ERRORS + ".part")).mkdir()
    job = Job(source=Photos(ids=[str(sandbox.catalogue.id_of(1)), "no photo"]))
    with pytest.raises(CannotWrite, match=ERRORS):
        await harvest_into(tmp_path, sandbox, job)
    (tmp_path / (ERRORS + ".part")).rmdir()
    assert (await harvest_into(tmp_path, sandbox, job)).photos == 1
    assert [line["input"] for line in read_lines(tmp_path / ERRORS)] == ["no photo"]


async def test_an_output_folder_that_is_removed_stops_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    task = asyncio.create_task(harvest_into(folder, sandbox, Job(source=EVERYTHING)))
    while sandbox.stats.calls < 100:
        await asyncio.sleep(0)
    shutil.rmtree(folder)
    with pytest.raises(CannotWrite) as error:
        await task
    assert str(folder) in str(error.value)
    await check_mended(folder, sandbox, before=b"")


async def test_a_folder_that_is_read_only_is_told_before_any_call(sandbox: Sandbox, tmp_path: Path) -> None:
    with closed(tmp_path), pytest.raises(CannotWrite, match="Mend that, then run the same command again"):
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert sandbox.stats.calls == 0
    assert list(tmp_path.iterdir()) == []


async def test_permission_that_is_lost_in_the_middle_stops_it_resumably(sandbox: Sandbox, tmp_path: Path) -> None:
    task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING)))
    while sandbox.stats.calls < 100:
        await asyncio.sleep(0)
    with closed(tmp_path), pytest.raises(CannotWrite):
        await task
    before = read_bytes(tmp_path / PHOTOS)
    assert before
    await run_resume(tmp_path, settings_for(sandbox))
    await check_mended(tmp_path, sandbox, before=before)


@pytest.mark.slow
async def test_standard_output_that_is_full_is_exit_code_5_and_the_state_goes_on(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=40) as sandbox:
        arguments = ("search", "--tags", "sandbox", "--detail", "list", "--state", str(tmp_path))
        with Path("/dev/full").open("w") as full:  # noqa: ASYNC230
            environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url}
            command = ["-m", "harvester", *arguments]
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, env=environment, stdout=full, stderr=pipe
            )
            _, said = await process.communicate()
        assert (process.returncode, said.decode().splitlines()[-1]) == (
            Exit.CANNOT_WRITE,
            "Error: Cannot write to standard output: No space left on device.",
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        records, _ = await process.communicate()
    assert process.returncode == Exit.COMPLETE
    assert len(records.splitlines()) == 40
