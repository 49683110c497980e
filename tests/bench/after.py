"""After the harvest: what proves, reads and renews an archive, each beside the obvious tool.

Told are seconds of a core that whole processes take, which other programs hardly change; a merge waits for the disk,
so it is told by the clock, as is the copy beside it.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from figures import Figure, resume
from process import FREE, Run, Server, run, serve_swift

ONE_IN = 100
"""Of so many photos one is changed before an update."""


def measure_after(folder: Path, *, photos: int, rounds: int) -> Iterator[Figure]:
    """All of it, on an archive of full detail."""
    archive = folder / "after"
    with serve_swift(photos + 500, folder) as server:
        server.search(archive, "--limit", str(photos))
        yield Figure("resume: the first call after its start", resume(server, archive, "full"), "s", "under 0.3")
        yield from compare(run_commands(archive, rounds=rounds), archive)
        yield measure_merge(server, archive, rounds=rounds)
    shutil.rmtree(archive)


def run_commands(archive: Path, *, rounds: int, beside: bool = True) -> dict[str, list[Run]]:
    """Each command and, `beside` it, the obvious tool, in turn; tools that are not here are left out."""
    ours: Sequence[str] = (sys.executable, "-m", "harvester")
    lines, page = archive / "photos.ndjson", archive.parent / "report.html"
    commands: dict[str, list[str | Path]] = {
        "verify": [*ours, "verify", archive],
        "sha256sum": ["sha256sum", lines],
        "ids": [*ours, "ids", archive],
        "jq": ["jq", "-r", ".id", lines],
        "status": [*ours, "status", archive],
        "report": [*ours, "report", archive, "--workers", "1", "-o", page],
    }
    there = {name: command for name, command in commands.items() if _is_wanted(command, beside=beside)}
    took: dict[str, list[Run]] = {name: [] for name in there}
    for _ in range(rounds):
        for name, command in there.items():
            took[name].append(run(command))
            if took[name][-1].code:
                raise RuntimeError(f"{name} ended with {took[name][-1].code}")
    return took


def _is_wanted(command: Sequence[str | Path], *, beside: bool) -> bool:
    return command[0] == sys.executable or (beside and shutil.which(command[0]) is not None)


def compare(took: dict[str, list[Run]], archive: Path) -> Iterator[Figure]:
    """The figures of `run_commands`."""
    megabytes = (archive / "photos.ndjson").stat().st_size / 1e6
    cpu = {name: median(each.cpu for each in runs) for name, runs in took.items()}
    yield Figure(f"verify of {megabytes:,.0f} MB", megabytes / cpu["verify"], "MB/s")
    if "sha256sum" in cpu:
        yield Figure("verify to sha256sum, speed", cpu["sha256sum"] / cpu["verify"], "times", "at least 0.8")
    if "jq" in cpu:
        yield Figure("ids to jq -r .id, speed", cpu["jq"] / cpu["ids"], "times", "at least 10")
    yield Figure("status", cpu["status"], "s", "under 0.3")
    yield Figure(f"report of {megabytes:,.0f} MB", megabytes / cpu["report"], "MB/s")
    for name in ("verify", "ids", "status", "report"):
        yield Figure(f"{name}: memory", max(each.megabytes for each in took[name]), "MB")


def measure_merge(server: Server, archive: Path, *, rounds: int) -> Figure:
    """How long an update goes on behind its last call, beside a copy of the photos that is synced."""
    ratios, copy = [], archive.parent / "copy"
    for _ in range(rounds):
        copied = _time(lambda: run(["sh", "-c", 'cp "$0" "$1" && sync "$1"', archive / "photos.ndjson", copy]))
        copy.unlink()
        server.ask("/__reset")
        server.ask(f"/__change?one_in={ONE_IN}")
        server.harvester("update", archive, *FREE)
        ended = time.monotonic()
        ratios.append((ended - server.ask("/__stats?period=1")["last"]) / copied)
    return Figure("merge of an update of 1 %, to cp and sync, time", median(ratios), "times", "at most 3")


def _time(do: Callable[[], object]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began
