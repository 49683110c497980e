"""A run is told of, paused and stopped from outside, by its own user alone; nobody's leaving leaves a trace."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from harvester.errors import Exit
from harvester.events import Event, Failed, Noticed, Paused, Resumed, Started, Tally, Waiting
from harvester.progress.attach.address import name_socket, remove_stale
from harvester.progress.attach.client import RunClient
from harvester.progress.attach.messages import RunSnapshot, Sample
from harvester.progress.attach.monitor import RunMonitor, identify_folder
from harvester.progress.attach.samples import MOST, Samples
from harvester.progress.attach.server import serve_control
from harvester.progress.gauge import Gauge, Limits
from harvester.quota.rate import Rate
from support.harvest import KEY, Opener
from support.project import PYTHONPATH


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder, with a path that is too long for a socket."""
    folder = tmp_path / ("state" * 20)
    monkeypatch.setenv("HARVESTER_STATE_DIR", str(folder))
    return folder


@asynccontextmanager
async def running(folder: Path, url: str, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A harvest in a process of its own."""
    command = ["-m", "harvester", "search", "--min-upload-date", "2004-01-01", "-o", str(folder), *options]
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": url, "PYTHONPATH": PYTHONPATH}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ask_until(client: RunClient, wanted: str) -> RunSnapshot:
    """Ask until the run tells what is wanted of it."""
    while True:
        told = await client.ask()
        if told and told.reading and (wanted != "photos" or told.reading.photos):
            return told
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_run_tells_how_far_it_is(sandbox_of: Opener, state: Path, tmp_path: Path) -> None:
    async with sandbox_of() as sandbox, running(tmp_path / "out", sandbox.url, "--pace", "40/s") as process:
        client = RunClient(state, process.pid)
        told = await ask_until(client, "photos")
        assert told.pid == process.pid
        assert told.place == identify_folder(tmp_path / "out")
        assert told.reading
        assert 0 < told.reading.photos < 300
        assert told.reading.expected == 300
        assert told.numbers.quota_limit == 3600
        assert told.frees_in == 0
        assert told.samples[-1].photos == told.reading.photos
        assert {method for method, _, _ in told.numbers.calls} >= {"flickr.photos.search", "flickr.photos.getInfo"}
        assert stat.S_IMODE(name_socket(state, process.pid).stat().st_mode) == 0o600
        assert KEY not in repr(told)
        client.close()


@pytest.mark.slow
async def test_a_pause_holds_all_calls_and_lasts_no_longer_than_its_client(
    sandbox_of: Opener, state: Path, tmp_path: Path
) -> None:
    async with sandbox_of() as sandbox, running(tmp_path / "out", sandbox.url, "--pace", "40/s") as process:
        client, other = RunClient(state, process.pid), RunClient(state, process.pid)
        await ask_until(client, "photos")
        told = await client.ask("pause")
        assert told
        assert told.is_paused
        await asyncio.sleep(0.5)  # what was under way ends
        before = await other.ask()
        await asyncio.sleep(1.2)
        after = await other.ask()
        assert before
        assert after
        assert before.numbers.calls == after.numbers.calls
        assert after.reason == "pause"
        assert after.reading
        assert after.reading.wait
        assert "harvester watch" in after.reading.wait.why
        client.close()
        while (told := await other.ask()) and told.is_paused:
            await asyncio.sleep(0.02)
        assert await process.wait() == 0
        other.close()
        assert process.stderr
        said = (await process.stderr.read()).decode()
        assert "Paused: as `harvester watch` was asked" in said
        assert "Traceback" not in said, "whoever is still there when the run ends is sent away"
    assert list(state.glob("*.sock")) == []


@pytest.mark.slow
@pytest.mark.parametrize("paused", [False, True])
async def test_a_stop_is_the_clean_one_of_a_signal(
    sandbox_of: Opener, state: Path, tmp_path: Path, *, paused: bool
) -> None:
    async with sandbox_of() as sandbox, running(tmp_path / "out", sandbox.url, "--pace", "40/s") as process:
        client = RunClient(state, process.pid)
        await ask_until(client, "photos")
        if paused:
            await client.ask("pause")
        await client.ask("stop")
        await client.ask("stop")
        assert await process.wait() == Exit.TERMINATED
        assert process.stderr
        assert "Go on with: harvester resume" in (await process.stderr.read()).decode()
        assert await client.ask() is None
        client.close()


@pytest.mark.slow
async def test_a_signal_ends_a_paused_run(sandbox_of: Opener, state: Path, tmp_path: Path) -> None:
    async with sandbox_of() as sandbox, running(tmp_path / "out", sandbox.url, "--pace", "40/s") as process:
        client = RunClient(state, process.pid)
        await ask_until(client, "photos")
        await client.ask("pause")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == Exit.INTERRUPTED
        client.close()


@pytest.fixture
def monitor() -> RunMonitor:
    return RunMonitor(quota=Rate(3600, 3600), clean=lambda text: text.replace(KEY, "***"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


async def test_what_is_no_question_harms_nothing(monitor: RunMonitor, folder: Path) -> None:
    async with serve_control(monitor, folder) as path:
        assert path
        reader, writer = await asyncio.open_unix_connection(path)
        for line in (b"{}\n", b"nonsense\n", b'{"do":"burn"}\n', b"\xff\n"):
            writer.write(line)
            answer = await reader.readline()
            assert (b"not understood" in answer) == (line != b"{}\n")
        writer.write(b"x" * 100_000)
        assert await reader.read() == b""
        writer.close()


async def test_a_socket_of_a_killed_process_is_in_nobodys_way(monitor: RunMonitor, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(name_socket(folder, os.getpid())))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(name_socket(folder, 4_000_000_000)))
    (folder / "run-x.sock").touch()
    async with serve_control(monitor, folder):
        client = RunClient(folder, os.getpid())
        assert await client.ask()
        assert sorted(path.name for path in folder.iterdir()) == [f"run-{os.getpid()}.sock", "run-x.sock"]
        client.close()
    assert [path.name for path in folder.iterdir()] == ["run-x.sock"]
    remove_stale(folder / "not there")


async def test_without_a_place_for_a_socket_the_run_goes_on(monitor: RunMonitor, folder: Path) -> None:
    (folder / "file").touch()
    async with serve_control(monitor, folder / "file" / "below") as path:
        assert path is None
    async with serve_control(monitor, None) as path:
        assert path is None


def look(monitor: RunMonitor, tally: Tally, *events: Event) -> None:
    gauge = Gauge(tally, job={"source": "search"}, limits=Limits(), wall=lambda: 0.0)
    for event in events:
        if isinstance(event, Waiting | Paused):
            gauge.wait(event)
    monitor.show(gauge.read())


@pytest.fixture
def begun(monitor: RunMonitor, folder: Path) -> Iterator[Tally]:
    tally = Tally()
    monitor.tell(Started(job={"source": "search"}, output=folder, resumed=0, tally=tally))
    yield tally
    monitor.close()


def test_waits_have_their_reason_while_they_last(monitor: RunMonitor, begun: Tally) -> None:
    waiting = Waiting(why="the quota of 3600/h is spent", seconds=600, reason="quota")
    monitor.tell(waiting)
    look(monitor, begun, waiting)
    assert monitor.look().reason == "quota"
    monitor.tell(Resumed())
    look(monitor, begun)
    assert monitor.look().reason == ""


def test_a_pause_reaches_each_run_of_a_command_and_is_told_once(
    monitor: RunMonitor, begun: Tally, folder: Path
) -> None:
    told: list[Event] = []
    held: list[bool] = []
    monitor.observer = told.append
    begun.hold = lambda *, is_held: held.append(is_held)
    monitor.pause(is_paused=True)
    monitor.pause(is_paused=True)
    second = Tally(hold=lambda *, is_held: held.append(is_held))
    monitor.tell(Started(job={}, output=folder, resumed=0, tally=second))
    look(monitor, second)
    monitor.pause(is_paused=False)
    assert held == [True, True, False]
    assert [type(event) for event in told] == [Paused, Resumed, Noticed]


def test_what_went_wrong_is_told_without_secrets(monitor: RunMonitor, begun: Tally) -> None:
    assert begun
    for n in range(30):
        monitor.tell(Failed(what=f"photo {n}", why=f"broken with {KEY}"))
    incidents = monitor.look().incidents
    assert [incident.what for incident in incidents] == [f"photo {n}" for n in range(10, 30)]
    assert incidents[0].why == "broken with ***"


def test_samples_cover_all_of_a_run_and_do_not_grow() -> None:
    samples = Samples()
    for second in range(100_000):
        samples.add(Sample(float(second), second, 2 * second))
    kept = samples.list()
    assert MOST / 2 <= len(kept) <= MOST + 1
    assert (kept[0].at, kept[-1].at) == (0, 99_999)
    distances = {after.at - before.at for before, after in pairwise(kept[:-1])}
    assert len(distances) == 1
    assert Samples().list() == []
