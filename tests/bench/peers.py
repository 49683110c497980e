"""The peers on the same photos and the same server, each in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from figures import StartUp
from process import CLIENT, HERE, Server, pin, serve_swift

SEARCHED = 12_000
HYDRATED = 2_000
ROUNDS = 3
VERSIONS = {
    "gallery-dl": "1.32.18",
    "flickrapi": "2.4.0",
    "flickr-api": "0.8.1",
    "flickr-photos-api": "1.3.1",  # the last one for Python 3.11
}
VENVS = HERE.parents[1] / ".bench"


@dataclass(frozen=True, slots=True)
class Peer:
    """A row of the peers' table. `why` says in a word why a peer is not there."""

    name: str
    speed: float = 0.0
    calls: float = 0.0
    found: int = 0
    why: str = ""


def measure_peers(folder: Path, start_up: StartUp) -> Iterator[Peer]:
    """2,000 photos with getInfo and getSizes, and how many photos of a search for 12,000 are found."""
    with serve_swift(SEARCHED, folder) as server:
        yield _measure_harvester(server, folder, start_up)
        for name, version in VERSIONS.items():
            if not _install(name, version):
                yield Peer(f"{name} {version}", why="cannot be installed here")
                continue
            try:
                yield _measure(server, name, version)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                yield Peer(f"{name} {version}", why=f"fails here: {_last_line(error.stderr)}")


def _measure_harvester(server: Server, folder: Path, start_up: StartUp) -> Peer:
    speeds = []
    for n in range(ROUNDS):
        server.ask("/__reset")
        took = server.search(folder / f"peer{n}", "--limit", str(HYDRATED)).seconds - start_up.harvester
        speeds.append(HYDRATED / took)
    calls = server.ask("/__stats?period=1")["calls"] / HYDRATED
    server.search(folder / "found", "--detail", "list")
    found = {json.loads(line)["id"] for line in (folder / "found" / "photos.ndjson").open("rb")}
    return Peer("harvester", median(speeds), calls, len(found))


def _measure(server: Server, name: str, version: str) -> Peer:
    speeds = []
    for _ in range(ROUNDS):
        server.ask("/__reset")
        told = _ask(server, name, "hydrate", HYDRATED)
        speeds.append(told["photos"] / told["seconds"])
    calls = server.ask("/__stats?period=1")["calls"] / HYDRATED
    return Peer(f"{name} {version}", median(speeds), calls, int(_ask(server, name, "search", 0)["photos"]))


def _ask(server: Server, name: str, task: str, count: int) -> dict[str, float]:
    command = [str(_python(name)), str(HERE / "peer.py"), name, server.url, task, str(count)]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        timeout=60,
        cwd=server.folder,
        env={**os.environ, "HOME": str(server.folder)},
        preexec_fn=lambda: pin(CLIENT),
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _python(name: str) -> Path:
    return VENVS / name / "bin" / "python"


def _install(name: str, version: str) -> bool:
    """Whether the peer is there; it is installed by the first run and kept for the next."""
    ready = VENVS / name / f".{version}"
    if ready.exists():
        return True
    make = [sys.executable, "-m", "venv", "--clear", str(VENVS / name)]
    fill = [str(_python(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{name}=={version}"]
    for command in (make, fill):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return False
    ready.touch()
    return True


def _last_line(said: bytes | None) -> str:
    return (said or b"").decode(errors="replace").strip().rpartition("\n")[2][:80] or "it does not end"
