"""Each row of the guarantees, G1 to G8, and each exit code: a test that fails when the behaviour is taken out.

What takes longer, or a disk or server of its own, is in test_durability, test_write_faults, test_outages,
test_signals and test_quota*.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from harvester import Flickr
from harvester.archive.checkpoint.state import Length, State, Todo
from harvester.archive.folder import STATE
from harvester.archive.sinks import PHOTOS, recover_lines
from harvester.engine.upkeep.update import run_resume
from harvester.errors import Exit, HarvestError, KeyRefused, UsageError
from harvester.flickr.responses import Page, PartReader, Row
from harvester.jobs.model import Job, Photos, Search
from harvester.listing.sweep import Sweep, advance
from harvester.quota.rate import Rate
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox
from harvester.transport.retry import Backoff
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for

EVERYTHING = Search(tags="sandbox")
FAST = ("--quota", "none", "--pace", "none")
STARTED: list[asyncio.subprocess.Process] = []
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and resource limits")


async def start(
    sandbox: Sandbox | None, *arguments: str, code: str | None = None, **streams: Any
) -> asyncio.subprocess.Process:
    """The program; `code` is done before it begins."""
    url = sandbox.url if sandbox else "http://127.0.0.1:9/services/rest/"
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": url}
    begin = f"{code or ''}\nfrom harvester.cli import main\nmain({list(arguments)!r}, prog_name='harvester')"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", begin, env=environment, **{"stdout": pipe, "stderr": pipe, **streams}
    )
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
async def _leave_nothing_running() -> AsyncIterator[None]:
    yield
    while STARTED:
        if (process := STARTED.pop()).returncode is None:
            process.kill()
            await process.wait()


async def run(sandbox: Sandbox | None, *arguments: str, code: str | None = None) -> tuple[int | None, str, str]:
    process = await start(sandbox, *arguments, code=code)
    out, said = await process.communicate()
    return process.returncode, out.decode(), said.decode()


async def until_calls(sandbox: Sandbox, calls: int) -> None:
    while sandbox.stats.calls < calls:
        await asyncio.sleep(0)


async def check_whole(folder: Path, sandbox: Sandbox) -> None:
    """Gone on to the end, the archive is the catalogue."""
    assert (await run_resume(folder, settings_for(sandbox))).status == "complete"
    ids = [line["id"] for line in read_lines(folder / PHOTOS)]
    assert len(ids) == len(set(ids)) == len(sandbox.catalogue)
    assert verify_archive(folder) == []


# -- G1 exactly once


async def test_g1_nothing_is_committed_before_it_is_on_the_disk(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = 0

    def sync(file: int) -> None:
        nonlocal synced
        os.fsync(file)
        synced = os.fstat(file).st_size

    commit = State.commit_length

    def checked(state: State, name: str, length: Length) -> None:
        assert length.bytes <= synced
        commit(state, name, length)

    monkeypatch.setattr("harvester.archive.disk.files._sync", sync)
    monkeypatch.setattr(State, "commit_length", checked)
    summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert summary.photos == 300
    assert synced == (tmp_path / PHOTOS).stat().st_size


def test_g1_what_a_kill_left_behind_is_synced_before_it_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / PHOTOS).write_bytes(b'{"id":"1"}\n')
    order: list[str] = []
    monkeypatch.setattr("harvester.archive.sinks.os.fsync", lambda _: order.append("sync"))
    monkeypatch.setattr(State, "commit_length", lambda *_: order.append("commit_length"))
    with State(tmp_path / "state.sqlite") as state:
        with state.changing():
            state.add_todo([Todo("1", None)])
        recover_lines(state, tmp_path / PHOTOS)
    assert order == ["sync", "commit_length"]


# -- G2 complete


def test_g2_a_page_that_comes_short_has_its_stretch_read_again_from_the_other_end() -> None:
    rows = tuple(Row(str(n), 1000 - n, None, b"{}") for n in range(1, 41))
    (rest,) = advance(Sweep(since=0, until=1000), Page(rows=rows, total=42, per_page=50), fresh=40).sweeps
    last = (Row("40", 960, None, b"{}"),)
    (again,) = advance(rest, Page(rows=last, total=1, per_page=50), fresh=0).sweeps
    assert (again.until, again.newest_first, again.reads) == (1000, False, 2)


@pytest.mark.slow
async def test_g2_what_cannot_be_split_further_is_in_the_manifest_and_exit_code_3(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4,100 photos of one second, of one date taken, licence and medium: 4,000 of them can be reached."""
    async with sandbox_of(photos=4_300, wide_second=4_100) as sandbox:
        wide = max(set(sandbox.catalogue.uploads), key=list(sandbox.catalogue.uploads).count)
        monkeypatch.setattr(sandbox.catalogue, "taken", lambda _: wide)
        monkeypatch.setattr(sandbox.catalogue, "license", lambda _: 0)
        monkeypatch.setattr(sandbox.catalogue, "is_video", lambda _: False)
        search = ("search", "--tags", "sandbox", "--detail", "list", "-o", str(tmp_path), *FAST)
        code, _, said = await run(sandbox, *search)
        assert code == Exit.INCOMPLETE, said
        assert "cannot be told apart" in said
        again, _, _ = await run(sandbox, "resume", str(tmp_path), *FAST)
        assert again == Exit.INCOMPLETE
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["status"] == "incomplete"
    assert any(not part["whole"] and "cannot be told apart" in part["note"] for part in manifest["coverage"])
    assert any("cannot be told apart" in finding for finding in verify_archive(tmp_path))
    assert len(read_lines(tmp_path / PHOTOS)) >= 4_200


# -- G3 within quota


async def test_g3_no_window_at_the_server_holds_more_than_the_quota_over_runs_and_archives(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=45) as sandbox:
        job = Job(source=EVERYTHING, detail="info")
        quota = Rate.parse("30/0.4s")
        stop = asyncio.Event()
        first = asyncio.create_task(harvest_into(tmp_path / "a", sandbox, job, quota=quota, stop=stop))
        await until_calls(sandbox, 20)
        stop.set()
        await first
        both = [harvest_into(tmp_path / name, sandbox, job, quota=quota) for name in "ab"]
        assert [summary.photos for summary in await asyncio.gather(*both)] == [45, 45]
        assert sandbox.stats.calls >= 2 * 46
        assert sandbox.stats.worst_window(0.4) <= 30


# -- G5 flat memory


async def stalled(sandbox: Sandbox) -> None:
    """Until the loop has gone round many times without a call."""
    calls, rounds = -1, 0
    while rounds < 20_000:
        rounds = rounds + 1 if sandbox.stats.calls == calls else 0
        calls = sandbox.stats.calls
        await asyncio.sleep(0)


@pytest.mark.slow
# Ahead of the reader are 64 photos, what the writer holds and what waits for it (512 each), and the queue of 1,000;
# of the listing alone, a page of each of five listers.
@pytest.mark.parametrize(("detail", "pages", "calls"), [("full", 6, 1_200), ("list", 14, 0)])
async def test_g5_a_reader_who_stands_still_stops_listing_and_calls(
    detail: Any, pages: int, calls: int, sandbox_of: Opener
) -> None:
    async with (
        sandbox_of(photos=20_000) as sandbox,
        Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr,
    ):
        harvest = flickr.harvest(EVERYTHING, detail=detail)
        assert (await anext(harvest)).id
        await stalled(sandbox)
        assert sandbox.stats.methods["flickr.photos.search"] <= pages
        assert sandbox.stats.methods["flickr.photos.getInfo"] <= calls


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_g5_ten_times_the_photos_take_at_most_20_mb_more(sandbox_of: Opener, tmp_path: Path) -> None:
    async def measure(photos: int) -> int:
        folder = tmp_path / str(photos)
        peak = "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))"
        code = f"import atexit\natexit.register(lambda: print({peak}))"
        async with sandbox_of(photos=photos) as sandbox:
            search = ("search", "--tags", "sandbox", "--detail", "list", "-o", str(folder), *FAST)
            ended, told, said = await run(sandbox, *search, code=code)
        assert ended == 0, said
        assert len(read_lines(folder / PHOTOS)) == photos
        return int(told) // 1024

    assert await measure(20_000) <= await measure(2_000) + 20


# -- G6 clean stop


async def test_g6_what_is_in_flight_lands_so_that_no_call_is_wasted(sandbox_of: Opener, tmp_path: Path) -> None:
    stop = asyncio.Event()
    async with sandbox_of(photos=600, latency=0.02) as sandbox:
        task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), stop=stop))
        while sandbox.stats.calls < 200:
            await asyncio.sleep(0)
        stop.set()
        assert (await task).status == "stopped"
        asked = sandbox.stats.methods
    lines = len(read_lines(tmp_path / PHOTOS))
    assert asked["flickr.photos.getInfo"] == asked["flickr.photos.getSizes"] == lines


async def test_g1_what_was_sent_is_committed_however_the_run_ends(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.engine.writer.COMMIT_PAUSE", 60)
    honest, calls = PartReader.__call__, iter(range(1_000))

    def refuse(reader: PartReader, body: bytes, photo_id: str) -> bytes:
        if next(calls) == 100:
            raise KeyRefused("The key was taken back.")
        return honest(reader, body, photo_id)

    monkeypatch.setattr(PartReader, "__call__", refuse)
    async with sandbox_of(photos=300) as sandbox:
        with pytest.raises(KeyRefused):
            await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    with State(tmp_path / STATE) as state:
        assert state.length(PHOTOS).bytes == (tmp_path / PHOTOS).stat().st_size
        assert state.length(PHOTOS).lines > 20


@pytest.mark.slow
@posix
async def test_g6_a_second_signal_ends_it_at_once_and_loses_nothing(sandbox_of: Opener, tmp_path: Path) -> None:
    patient = "from harvester import timers\n"
    patient += "timers.LAST_CALLS_SECONDS = timers.LAST_SECONDS = 600"
    async with sandbox_of(photos=1_000) as sandbox:
        process = await start(sandbox, "search", "--tags", "sandbox", "-o", str(tmp_path), *FAST, code=patient)
        await until_calls(sandbox, 300)
        sandbox.faults = Faults(hung=1)
        while not sandbox.stats.faults["hung"]:
            await asyncio.sleep(0)
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        while (line := await process.stderr.readline()) and b"Stopping" not in line:
            pass
        assert line
        process.send_signal(signal.SIGINT)
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert (process.returncode, b"Traceback" in said) == (Exit.INTERRUPTED, False)
        sandbox.faults = Faults()
        await check_whole(tmp_path, sandbox)


async def test_g6_calls_that_hang_are_not_waited_for_beyond_the_last_seconds(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.timers.LAST_CALLS_SECONDS", 0.01)
    stop = asyncio.Event()
    task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), stop=stop))
    await until_calls(sandbox, 100)
    sandbox.faults = Faults(hung=1)
    while not sandbox.stats.faults["hung"]:
        await asyncio.sleep(0)
    stop.set()
    assert (await asyncio.wait_for(task, 30)).status == "stopped"
    sandbox.faults = Faults()
    await check_whole(tmp_path, sandbox)


@pytest.mark.slow
@posix
async def test_g6_a_pipe_that_nobody_reads_cannot_hold_up_the_end(sandbox_of: Opener, tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        async with sandbox_of(photos=3_000) as sandbox:
            search = ("search", "--tags", "sandbox", "--detail", "list", "--state", str(tmp_path), *FAST)
            code = "from harvester import timers\ntimers.LAST_SECONDS = 0.1"
            process = await start(sandbox, *search, code=code, stdout=write)
            await until_calls(sandbox, 2)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == Exit.TERMINATED
    finally:
        os.close(read)
        os.close(write)


# -- G7 secrets stay secret


@pytest.fixture
async def failing(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """A sandbox that refuses, resets or hangs; see `kind`."""
    yield sandbox
    sandbox.faults = Faults()


@pytest.mark.parametrize("kind", ["reset", "truncated", "html", "500", "hung", "refused", "nobody"])
async def test_g7_no_error_shows_the_key_in_its_text_or_traceback(
    kind: str, failing: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swift = Backoff(base=0.001, factor=1, cap=0.001)
    monkeypatch.setattr("harvester.transport.client.OWN", swift)
    monkeypatch.setattr("harvester.transport.circuit_breaker.SHARED", swift)
    monkeypatch.setattr("harvester.timers.SILENCE_SECONDS", 0.05)
    given: dict[str, Any] = {"give_up_after": 0.01}
    if kind == "refused":
        failing.api.refused_keys.add(KEY)
    elif kind == "nobody":
        given["api_url"] = "http://127.0.0.1:9/services/rest/"
    else:
        failing.faults = Faults(hung=1) if kind == "hung" else Faults(any=1, kinds=(kind,))
    events: list[Any] = []
    with pytest.raises(HarvestError) as error:
        await harvest_into(tmp_path, failing, Job(source=EVERYTHING), events=events, **given)
    told = "".join(traceback.format_exception(error.value))
    assert KEY not in told + repr(error.value) + repr(events)
    assert "api_key" not in told
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.iterdir())


# -- G8 one writer


@pytest.mark.slow
async def test_g8_a_second_process_is_refused_with_the_pid_of_the_first_and_a_dead_ones_lock_is_taken_over(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=1_000, latency=0.3) as sandbox:  # the first is to last until the others have come
        search = ("search", "--tags", "sandbox", "-o", str(tmp_path), *FAST)
        first = await start(sandbox, *search)
        await until_calls(sandbox, 50)
        for command in (search, ("resume", str(tmp_path), *FAST)):
            code, _, said = await run(sandbox, *command)
            assert (code, len(said.splitlines())) == (Exit.CANNOT_WRITE, 1)
            assert f"in use by another harvester (pid {first.pid})" in said
        first.kill()
        await first.communicate()
        sandbox.options = type(sandbox.options)(catalogue=sandbox.options.catalogue)
        await check_whole(tmp_path, sandbox)


async def test_g8_an_archive_begun_with_one_query_refuses_every_other(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, detail="list"))
    before = (tmp_path / PHOTOS).read_bytes()
    others = (
        Job(source=EVERYTHING, detail="full"),
        Job(source=EVERYTHING, detail="list", extras="exif"),
        Job(source=Search(tags="sandbox", max_upload_date="2012-01-01"), detail="list"),
        Job(source=Search(tags="sandbox", sort="relevance"), detail="list"),
        Job(source=Photos(ids=["1"])),
    )
    for job in others:
        with pytest.raises(UsageError, match="begun with another query"):
            await harvest_into(tmp_path, sandbox, job)
    assert (tmp_path / PHOTOS).read_bytes() == before


# -- exit codes


@pytest.mark.slow
@posix
@pytest.mark.parametrize("code", list(Exit))
async def test_every_exit_code_is_that_of_a_real_process(code: Exit, sandbox: Sandbox, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    search = ["search", "--tags", "sandbox", "--limit", "5", *FAST, "-o", out]
    before = ""
    if code == Exit.UNEXPECTED:
        before = "from harvester.engine import run\nrun.run_job = None"
    elif code == Exit.USAGE:
        search.append("--tag-mode=none")
    elif code == Exit.INCOMPLETE:
        (tmp_path / "ids").write_text("no photo\n")
        search = ["photos", "--from", str(tmp_path / "ids"), "-o", out, *FAST]
    elif code == Exit.KEY_REFUSED:
        sandbox.api.refused_keys.add(KEY)
    elif code == Exit.CANNOT_WRITE:
        Path(out).mkdir()
        (Path(out) / "manifest.json").mkdir()
    elif code in (Exit.INTERRUPTED, Exit.TERMINATED):
        sandbox.faults = Faults(hung=1)
        before = "from harvester import timers\ntimers.LAST_CALLS_SECONDS = 0.05"
    process = await start(sandbox, *search, code=before)
    if sandbox.faults.hung:
        await until_calls(sandbox, 1)
        process.send_signal(signal.SIGINT if code == Exit.INTERRUPTED else signal.SIGTERM)
    out_bytes, said = await process.communicate()
    assert (process.returncode, out_bytes) == (code, b""), said.decode()
    assert b"Traceback" not in said
    assert sum(line.startswith(b"Error: ") for line in said.splitlines()) == (code in (1, 2, 4, 5))
