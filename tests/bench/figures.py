"""What is measured. Each function gives the rows of one part of the table.

Machines are noisy: what is compared runs in turn within one run, and medians are told. Speeds leave out the start of
a process, which is a figure of its own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from process import FREE, HERE, Run, Server, finish, read_cpu, run, serve_sandbox, serve_swift, serve_swiftest

MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table. `aim` says what it should be."""

    what: str
    value: float
    unit: str = ""
    aim: str = ""


@dataclass(frozen=True, slots=True)
class StartUp:
    """Seconds that a process takes before its first photo: the harvester's, also of a core, and the bare loop's."""

    harvester: float
    harvester_cpu: float
    bare: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A server's latency in seconds, and who asks it for how many photos."""

    latency: float
    workers: int
    photos: int
    aim: str


NEAR = Setting(latency=0.001, workers=16, photos=10_000, aim="at least 0.75")
FAR = Setting(latency=0.1, workers=64, photos=6_400, aim="at least 0.98")


def fetch_bare(server: Server, photos: int, workers: int) -> Run:
    """The yardstick."""
    return run([sys.executable, HERE / "bare.py", "session", server.url, str(photos), str(workers)])


def measure_start_up(folder: Path) -> tuple[list[Figure], StartUp]:
    """`--help`, and a run that finds nothing."""
    with serve_swift(0, folder) as server:
        help_ = median(run([sys.executable, "-m", "harvester", "--help"]).seconds for _ in range(5))
        runs = [server.search(folder / f"empty{n}") for n in range(5)]
        bare = median(fetch_bare(server, 0, 16).seconds for _ in range(5))
    empty = median(run.seconds for run in runs)
    start_up = StartUp(empty, median(run.cpu for run in runs), bare)
    return [Figure("--help", help_, "s", "under 0.1"), Figure("a run of no photo", empty, "s")], start_up


def measure_throughput(folder: Path, start_up: StartUp, setting: Setting, *, rounds: int) -> list[Figure]:
    """`harvester search --detail full -o DIR`, checkpoint, sync, quota, retry and progress on, beside the bare loop."""
    photos, workers, latency = setting.photos, setting.workers, setting.latency
    fetched: list[float] = []
    harvested: list[float] = []
    runs: list[Run] = []
    with serve_swift(photos, folder, latency=latency) as server:
        for n in range(rounds):
            fetched.append(photos / (fetch_bare(server, photos, workers).seconds - start_up.bare))
            runs.append(server.search(folder / f"{latency}-{n}", "--workers", str(workers)))
            harvested.append(photos / (runs[-1].seconds - start_up.harvester))
    name = f"{latency * 1000:.0f} ms, {workers} workers"
    ratio = median(a / b for a, b in zip(harvested, fetched, strict=True))
    best = workers / (2 * latency)
    bound = Figure(f"{name}: of {best:,.0f} photos/s, the most there can be", median(harvested) / best, "", setting.aim)
    return [
        Figure(f"{name}: bare aiohttp loop", median(fetched), "photos/s"),
        Figure(f"{name}: harvester", median(harvested), "photos/s"),
        Figure(f"{name}: ratio", ratio, "", setting.aim),
        *([bound] if setting == FAR else []),
        Figure(f"{name}: bytes written a photo, all files", median(r.written for r in runs) / photos, "B"),
        Figure(f"{name}: memory at its peak", max(r.megabytes for r in runs), "MB", "under 120"),
    ]


def measure_cores(folder: Path, start_up: StartUp, *, photos: int) -> list[Figure]:
    """Two archives of half a search each, in two processes, beside one process; the server shares their cores.

    So by the wall two processes cannot come to twice one. By the time that each photo takes of a core they can.
    """
    with serve_swiftest(photos, folder) as server:
        middle = 1_300_000_000 + 60 * (photos // 2)
        alone = server.search(folder / "alone", core=None)
        halves = [("--max-upload-date", str(middle - 1)), ("--min-upload-date", str(middle))]
        began = time.perf_counter()
        started = [
            server.start("search", *half, "-o", folder / f"half{n}", *FREE, core=None) for n, half in enumerate(halves)
        ]
        runs = [finish(*each) for each in started]
        took = time.perf_counter() - began
    assert not any(run.code for run in runs)
    one, two = photos / (alone.seconds - start_up.harvester), photos / (took - start_up.harvester)
    idle = start_up.harvester_cpu
    spent = sum(run.cpu - idle for run in runs)
    return [
        Figure("one process, any core", one, "photos/s"),
        Figure("two processes on halves of the search", two, "photos/s"),
        Figure("two to one, by the wall", two / one, "times"),
        Figure("two to one, by the cores' time", 2 * (alone.cpu - idle) / spent, "times", "at least 1.8"),
    ]


def measure_quota(folder: Path, *, rates: tuple[int, ...], seconds: int) -> Iterator[Figure]:
    """What of the calls allowed in windows of a second was used until the last of `seconds` windows began."""
    for rate in rates:
        photos = rate * seconds // 2 + 1
        with serve_swift(photos, folder) as server:
            limits = ("--quota", f"{rate}/1s", "--pace", "none")
            server.harvester("search", "--tags", "sandbox", "-o", folder / f"quota{rate}", *limits)
            told = server.ask(f"/__stats?period=1&nth={rate * seconds + 1}")
        yield Figure(f"{rate:,} calls/s: used of the quota", 100 * seconds / told["until"], "%", "at least 99")
        yield Figure(f"{rate:,} calls/s: worst window", told["worst_window"], "calls", f"at most {rate:,}")


def measure_waiting(folder: Path, *, seconds: float) -> Figure:
    """CPU spent at Flickr's own pace of a call a second."""
    with serve_swift(1_000, folder) as server:
        limits = ("--quota", "3600/h", "--pace", "1/s")
        process, _ = server.start("search", "--tags", "sandbox", "-o", folder / "waiting", *limits)
        time.sleep(3)
        before = read_cpu(process.pid)
        time.sleep(seconds)
        spent = read_cpu(process.pid) - before
        process.kill()
        process.wait()
    return Figure("a core at 1 call/s", 100 * spent / seconds, "%", "under 1")


def measure_calls(folder: Path, *, photos: int) -> Iterator[Figure]:
    """Calls a photo at each level of detail; and of an update with a hundredth of the photos changed."""
    with serve_sandbox(photos, folder) as server:
        for detail in ("list", "info", "full"):
            server.search(folder / detail, "--detail", detail)
            yield Figure(f"--detail {detail}", _count_calls(folder / detail) / photos, "calls/photo")
        ids = server.ask("/__truth?tags=sandbox")
        server.ask("/__control", {"change": ids[: photos // 100]})
        server.harvester("update", folder / "full", "--quota", "none", "--pace", "none")
        yield Figure("update, 1 % changed", _count_calls(folder / "full") / photos, "calls/photo")


def _count_calls(folder: Path) -> int:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return int(manifest["last_run"]["calls"])


def measure_memory(folder: Path) -> Iterator[Figure]:
    """The peak of `--detail list`, and how soon an archive that stopped at the last of these sizes goes on."""
    first = 0.0
    for photos in (10_000, 100_000, MANY):
        with serve_swift(photos + 500, folder) as server:
            archive = folder / f"list{photos}"
            listing = ("--detail", "list")
            peak = server.search(archive, *listing, "--limit", str(photos)).megabytes
            first = first or peak
            aim = "" if peak == first else f"at most {first + 20:.0f}"
            yield Figure(f"{photos:,} photos: memory at its peak", peak, "MB", aim)
            if photos == MANY:
                yield Figure(f"{photos:,} photos: resumed within", resume(server, archive, "list"), "s", "under 1")
            (archive / "photos.ndjson").unlink()


def resume(server: Server, archive: Path, detail: str) -> float:
    """Seconds from the start of a process to the first call with which it goes on."""
    server.ask("/__reset")
    began = time.monotonic()
    server.search(archive, "--detail", detail)
    first: float = server.ask("/__stats?period=1")["first"]
    return first - began
