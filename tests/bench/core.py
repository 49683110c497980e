"""What a photo costs of one core, beside yardsticks, and where its microseconds go.

Nothing waits here: no latency, as many workers as keep the core busy, and a server (`swift.rs`) that takes a fraction
of another core, which is told. What is compared is the time of a core that each photo takes, without the start of the
process: it is the same whether other programs run beside or not, where the wall clock is not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from figures import Figure
from process import HERE, Run, Server, read_cpu_of_all, run, serve_swiftest

WORKERS = 32
OF_SESSION = 2.0
OF_RAW = 0.25
LAYERS = {
    "raw": "sending and receiving: uvloop, httptools",
    "connections": "connections on which nothing else stands",
    "calls": "pace, quota, retries, time limits",
    "parts": "answers checked and cut out",
    "harvester": "listing, hand-offs, lines, checkpoint, sync, progress",
}
"""What each loop does besides what the one before it does."""


def measure_core(folder: Path, *, photos: int, rounds: int) -> list[Figure]:
    """All loops in turn; first without photos, for what their start takes."""
    costs: dict[str, list[float]] = {}
    server_costs: dict[str, list[float]] = {}
    starts = {}
    with serve_swiftest(0, folder) as server:
        for name, each in _loops(folder / "none", 0).items():
            starts[name] = median(each(server, n).cpu for n in range(3))
    with serve_swiftest(photos, folder) as server:
        loops = _loops(folder / "core", photos)
        for n in range(rounds):
            for name, each in loops.items():
                before = read_cpu_of_all(server.pid)
                cost = 1e6 * (each(server, n).cpu - starts[name]) / photos
                costs.setdefault(name, []).append(cost)
                server_costs.setdefault(name, []).append(1e6 * (read_cpu_of_all(server.pid) - before) / photos)
    return [*_compare(costs, server_costs), *_spread(costs)]


def _loops(folder: Path, photos: int) -> dict[str, Callable[[Server, int], Run]]:
    def loop(name: str) -> Callable[[Server, int], Run]:
        return lambda server, _: run([sys.executable, HERE / "bare.py", name, server.url, str(photos), str(WORKERS)])

    def harvest(server: Server, n: int) -> Run:
        return server.search(Path(f"{folder}{n}"), "--workers", str(WORKERS))

    return {name: loop(name) for name in ("session", *LAYERS) if name != "harvester"} | {"harvester": harvest}


def _compare(costs: dict[str, list[float]], server_costs: dict[str, list[float]]) -> list[Figure]:
    names = {
        "session": "bare loop on a session of aiohttp",
        "connections": "bare loop on our connections",
        "raw": "bare loop of uvloop and httptools",
        "harvester": "harvester, everything on",
    }
    ratios = {
        other: median(theirs / ours for theirs, ours in zip(costs[other], costs["harvester"], strict=True))
        for other in names
    }
    busy = median(server / ours for server, ours in zip(server_costs["harvester"], costs["harvester"], strict=True))
    return [
        *(Figure(name, 1e6 / median(costs[key]), "photos/s of a core") for key, name in names.items()),
        Figure("harvester to the session loop: times", ratios["session"], "", f"at least {OF_SESSION}"),
        Figure("harvester to the raw loop: part", ratios["raw"], "", f"at least {OF_RAW}"),
        Figure("harvester: the server is busy for", 100 * busy, "%", "under 50: it is not the limit"),
    ]


def _spread(costs: dict[str, list[float]]) -> list[Figure]:
    """The microseconds of a photo, two calls, by what they are spent on."""
    medians = [median(costs[name]) for name in LAYERS]
    steps = [after - before for before, after in zip([0.0, *medians], medians, strict=False)]
    rows = [Figure(f"of a photo: {what}", step, "µs") for what, step in zip(LAYERS.values(), steps, strict=True)]
    return [*rows, Figure("of a photo: all", medians[-1], "µs")]
