"""`make machines`: what many machines cost and gain, and how soon a harvest goes on after a kill. Some five minutes.

python machines.py                      all of it
python machines.py calls|workers|kills  a part of it
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from figures import Figure
from process import FREE, KEY, Server, finish, serve_swift

MACHINES = 4
_DASK = "import sys; from dask.__main__ import main; sys.argv[0] = 'dask'; main()"
_PATIENCE = 240.0
"""Seconds after which a harvest that does not go on is given up."""


def measure_calls(folder: Path, *, photos: int, pace: str) -> Iterator[Figure]:
    """Calls of four machines, of which each has its share of the pace, beside those of one harvest without shards."""
    with serve_swift(photos, folder, core=None) as server:
        server.harvester("search", "--tags", "sandbox", "-o", folder / "alone", *FREE, core=None)
        alone = _count(server)
        server.ask("/__reset")
        store = folder / "calls-store"
        _plan(server, store, "--shard-photos", str(photos // 4))
        takers = [_take(server, store, folder / f"machine{n}", "--pace", pace) for n in range(MACHINES)]
        for process, began in takers:
            assert finish(process, began).code == 0
        many = _count(server)
    yield Figure(f"one machine, {photos:,} photos", alone, "calls")
    yield Figure(f"{MACHINES} machines at {pace} each", many, "calls")
    yield Figure("more, of all calls", 100 * (many - alone) / alone, "%", "at most 2")


def measure_workers(folder: Path, *, photos: int, latency: float, rounds: int) -> Iterator[Figure]:
    """Two workers beside one, each with 16 calls at a time, from the first call to the last; medians of the rounds."""
    speeds: dict[int, list[float]] = {1: [], 2: []}
    cpu: dict[int, list[float]] = {1: [], 2: []}
    with serve_swift(photos, folder, latency=latency, core=None) as server:
        for number in range(rounds):
            for workers in (1, 2):
                store = folder / f"store-{number}-{workers}"
                _plan(server, store, "--shard-photos", str(photos // 12))
                server.ask("/__reset")
                before = os.times()
                takers = [_take(server, store, folder / f"w{number}-{workers}-{n}") for n in range(workers)]
                for process, began in takers:
                    assert finish(process, began).code == 0
                after, calls = os.times(), _count(server)
                told = server.ask(f"/__stats?period=1&nth={calls}")
                speeds[workers].append(photos / told["until"])
                spent = after.children_user + after.children_system - before.children_user - before.children_system
                cpu[workers].append(spent)
    one, two = median(speeds[1]), median(speeds[2])
    yield Figure(f"one worker, {1_000 * latency:.0f} ms", one, "photos/s")
    yield Figure("two workers", two, "photos/s")
    yield Figure("two to one", two / one, "times", "at least 1.7")
    yield Figure("two to one, by the CPU that they take", 2 * median(cpu[1]) / median(cpu[2]), "times", "at least 1.7")


def measure_kills(folder: Path, *, photos: int, latency: float) -> Iterator[Figure]:
    """The longest silence after a SIGKILL, with one worker: what is killed is started again at once."""
    for what in ("worker", "driver", "scheduler"):
        with serve_swift(photos, folder, latency=latency, core=None) as server:
            cluster = Cluster(server, folder / what)
            try:
                cluster.start()
                _wait_for_call(server, beyond=100)
                cluster.kill(what)
                silence = _find_silence(server, cluster)
                yield Figure(f"{what} killed: the longest silence after", silence, "s", "at most 30")
            finally:
                cluster.close()


def _find_silence(server: Server, cluster: Cluster) -> float:
    """The longest time between two calls, from now to the end of the harvest."""
    count, last, longest = _count(server), time.monotonic(), 0.0
    cluster.start()
    while cluster.has_driver:
        now, there = time.monotonic(), _count(server)
        if there > count:
            longest, count, last = max(longest, now - last), there, now
        if now - last > _PATIENCE:
            raise RuntimeError("the harvest does not go on")
        cluster.start("scheduler", "worker")  # a worker ends with its scheduler
        time.sleep(0.1)
    return longest


class Cluster:
    """A scheduler, one worker and the driver of a harvest, each in a process of its own."""

    def __init__(self, server: Server, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self._environment = {
            **os.environ,
            "FLICKR_API_KEY": KEY,
            "FLICKR_API_URL": server.url,
            "HARVESTER_STATE_DIR": str(server.folder),
            "TMPDIR": str(folder),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def has_driver(self) -> bool:
        """Whether the driver is at work."""
        return self._running["driver"].poll() is None

    def start(self, *names: str) -> None:
        """Start what is not there of these, or of all three."""
        address = f"tcp://127.0.0.1:{self._port}"
        place = ("--host", "127.0.0.1", "--port", self._port, "--no-dashboard", "--no-show")
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        wanted = ("--dask", address, "--store", str(self._folder / "store"), "-o", str(self._folder / "archive"))
        commands = {
            "scheduler": ("-c", _DASK, "scheduler", *place),
            "worker": ("-c", _DASK, "worker", address, *alone),
            "driver": ("-m", "harvester", "search", "--tags", "sandbox", *wanted, *FREE, "--workers", "2"),
        }
        for name, command in commands.items():
            if name in (names or commands) and (name not in self._running or self._running[name].poll() is not None):
                self._running[name] = subprocess.Popen(
                    [sys.executable, *command],
                    env=self._environment,
                    cwd=self._folder,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )

    def kill(self, what: str) -> None:
        """Kill one of the three."""
        self._running[what].send_signal(signal.SIGKILL)
        self._running[what].wait()

    def close(self) -> None:
        """Kill all of them."""
        for name in self._running:
            self.kill(name)


def _plan(server: Server, store: Path, *more: str) -> None:
    limits = ("--quota", "none", "--pace", "none")
    server.harvester("shard", "plan", "search", "--tags", "sandbox", "--store", store, *limits, *more, core=None)


def _take(server: Server, store: Path, machine: Path, *pace: str) -> tuple[subprocess.Popen[bytes], float]:
    """A taker of shards, with a folder of its own for its work."""
    limits = ("--quota", "none", *(pace or ("--pace", "none")))
    return server.start("shard", "run", store, "--work", machine, *limits, core=None)


def _count(server: Server) -> int:
    calls: int = server.ask("/__stats?period=1")["calls"]
    return calls


def _wait_for_call(server: Server, *, beyond: int) -> None:
    """Until more calls have come. RuntimeError where none does for too long."""
    last = time.monotonic() + _PATIENCE
    while _count(server) <= beyond:
        if time.monotonic() > last:
            raise RuntimeError("the harvest does not go on")
        time.sleep(0.1)


@contextmanager
def _open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="harvester-machines-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def main(chosen: str = "") -> None:
    """Measure, and print a line for each figure."""
    parts: dict[str, Callable[[Path], Iterator[Figure]]] = {
        "calls": lambda folder: measure_calls(folder, photos=2_000, pace="25/s"),
        "workers": lambda folder: measure_workers(folder, photos=1_200, latency=0.1, rounds=3),
        "kills": lambda folder: measure_kills(folder, photos=700, latency=0.05),
    }
    for name, measure in parts.items():
        if chosen in ("", name):
            with _open_folder() as folder:
                for figure in measure(folder):
                    aim = f"  {figure.aim}" if figure.aim else ""
                    print(f"{figure.what:<42} {figure.value:>10,.2f} {figure.unit}{aim}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:2])
