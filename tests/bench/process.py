"""Processes that are measured: how long, how much of a core, how much memory; and the servers that they ask."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
KEY = "0123456789abcdef0123456789abcdef"
FREE = ("--quota", "1000000000/h", "--pace", "none")
"""Everything on, the quota's ledger too, and nothing that it holds back."""
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
CLIENT, SERVER = (CORES[0], CORES[1]) if len(CORES) > 1 else (None, None)
"""The core that is measured, and the one beside it that serves; None where cores cannot be chosen."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a process took: seconds by the wall and of a core, megabytes at its peak, bytes written; its exit code."""

    seconds: float
    cpu: float
    megabytes: float
    written: int
    code: int


def pin(core: int | None) -> None:
    """Keep this process, and those that it starts, on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def start(
    command: Sequence[str | Path], *, core: int | None = CLIENT, **more: str
) -> tuple[subprocess.Popen[bytes], float]:
    """A process on a core, and when it was started; `more` is added to its environment."""
    environment = {**os.environ, "FLICKR_API_KEY": KEY, **more}
    began = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: pin(core),  # noqa: PLW1509 - no threads here
    )
    return process, began


def finish(process: subprocess.Popen[bytes], began: float) -> Run:
    """Wait for a process that was started, with the system's own account of it."""
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(
        took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, usage.ru_oublock * 512, process.returncode
    )


def run(command: Sequence[str | Path], *, core: int | None = CLIENT, **more: str) -> Run:
    """One process from its start to its end."""
    return finish(*start(command, core=core, **more))


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and where ledgers are kept of the calls that it gets."""

    url: str
    folder: Path
    pid: int

    def harvester(self, *arguments: str | Path, core: int | None = CLIENT) -> Run:
        """One run of the command line against this server. RuntimeError where it does not end well."""
        found = finish(*self.start(*arguments, core=core))
        if found.code:
            raise RuntimeError(f"harvester {' '.join(map(str, arguments))} ended with {found.code}")
        return found

    def start(self, *arguments: str | Path, core: int | None = CLIENT) -> tuple[subprocess.Popen[bytes], float]:
        """A run that goes on meanwhile."""
        command = [sys.executable, "-m", "harvester", *arguments]
        return start(command, core=core, FLICKR_API_URL=self.url, HARVESTER_STATE_DIR=str(self.folder))

    def search(self, folder: Path, *options: str, core: int | None = CLIENT) -> Run:
        """Harvest all there is into a folder, at full speed."""
        return self.harvester("search", "--tags", "sandbox", "-o", folder, *FREE, *options, core=core)

    def ask(self, path: str, order: object = None) -> Any:
        """What the server tells of itself."""
        body = None if order is None else json.dumps(order).encode()
        with urlopen(Request(self.url.removesuffix("/services/rest/") + path, body)) as answer:  # noqa: S310
            return json.loads(answer.read())


@contextmanager
def serve(command: Sequence[str], folder: Path, *, core: int | None = SERVER) -> Iterator[Server]:
    """A server in a process of its own, ended with the block."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: pin(core),  # noqa: PLW1509 - no threads here
    )
    try:
        assert process.stdout
        found = re.match(r"http\S+", process.stdout.readline())
        assert found, "the server did not start"
        # Ledgers of its own: what one part has spent of a quota is nothing to the next one.
        yield Server(found[0], Path(tempfile.mkdtemp(dir=folder)), process.pid)
    finally:
        process.terminate()
        process.wait()


def serve_swift(photos: int, folder: Path, *, latency: float = 0, core: int | None = SERVER) -> Any:
    """The server of `server.py`, with so many seconds of latency."""
    return serve([sys.executable, str(HERE / "server.py"), str(photos), str(latency)], folder, core=core)


def serve_swiftest(photos: int, folder: Path) -> Any:
    """The server of `swift.rs`, which is compiled where rustc is at hand; else that of `server.py`."""
    compiler, binary = shutil.which("rustc"), folder / "swift"
    if compiler is None:
        return serve_swift(photos, folder)
    if not binary.exists():
        subprocess.run([compiler, "-O", "-o", binary, HERE / "swift.rs"], check=True)
    return serve([str(binary), str(photos)], folder)


def read_cpu(pid: int) -> float:
    """Seconds of a core that a process has had, all its threads, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def read_cpu_of_all(pid: int) -> float:
    """Seconds of a core that a process has had, with those threads that have ended; in steps of a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve_sandbox(photos: int, folder: Path, *options: str) -> Any:
    """The sandbox: slower, and a whole Flickr."""
    return serve(
        [sys.executable, "-m", "harvester", "sandbox", "--port", "0", "--photos", str(photos), *options], folder
    )
