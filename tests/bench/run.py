"""`make bench`: one table, also as bench.json and as a chart, bench.svg. Takes less than ten minutes.

python run.py          all of it
python run.py --smoke  throughput beside the bare loop alone, for CI: exit code 1 where it has halved
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

from after import measure_after
from chart import draw
from core import measure_core
from figures import (
    FAR,
    NEAR,
    Figure,
    measure_calls,
    measure_cores,
    measure_memory,
    measure_quota,
    measure_start_up,
    measure_throughput,
    measure_waiting,
)
from peers import Peer, measure_peers
from tables import measure_tables

SMOKE = 0.375
"""Half of what the ratio to the bare loop should be: noise does not fall below it."""


def measure(folder: Path) -> tuple[dict[str, list[Figure]], list[Peer]]:
    """Everything; each part is told as soon as it is known."""
    parts: dict[str, list[Figure]] = {}

    def tell(name: str, figures: list[Figure]) -> None:
        parts[name] = figures
        print_part(name, figures)

    figures, start_up = measure_start_up(folder)
    tell("start-up", figures)
    tell("one core, no latency", measure_core(folder, photos=10_000, rounds=5))
    tell("throughput, one core, 1 ms", measure_throughput(folder, start_up, NEAR, rounds=3))
    tell("throughput, one core, 100 ms", measure_throughput(folder, start_up, FAR, rounds=2))
    tell("more than one core", measure_cores(folder, start_up, photos=16_000))
    peers = list(measure_peers(folder, start_up))
    print_peers(peers)
    tell("quota", [*measure_quota(folder, rates=(100, 1_000, 5_000), seconds=5), measure_waiting(folder, seconds=10)])
    tell("calls", list(measure_calls(folder, photos=3_000)))
    tell("tables, one core", [*measure_tables(folder, rounds=3)])
    tell("after the harvest, one core", [*measure_after(folder, photos=20_000, rounds=3)])
    tell("memory and resuming", list(measure_memory(folder)))
    return parts, peers


def print_part(name: str, figures: list[Figure]) -> None:
    """A part of the table."""
    print(f"\n{name}")  # noqa: T201
    for figure in figures:
        value = f"{figure.value:,.{0 if figure.value >= 100 else 3 if figure.value < 10 else 1}f}"
        print(f"  {figure.what:<52}{value:>10} {figure.unit:<12}{figure.aim}", flush=True)  # noqa: T201


def print_peers(peers: list[Peer]) -> None:
    """The peers' part of the table, in the README's form."""
    print("\n| peers, one core | photos/s | calls a photo | found of 12,000 |\n|---|--:|--:|--:|")  # noqa: T201
    for peer in peers:
        row = f"{peer.speed:,.0f} | {peer.calls:.2f} | {peer.found:,} |" if not peer.why else f"{peer.why} | | |"
        print(f"| {peer.name} | {row}", flush=True)  # noqa: T201
    ours, *others = [peer.speed for peer in peers]
    if best := max(others, default=0):
        print(f"\nharvester to the fastest peer: {ours / best:.1f} times")  # noqa: T201


def smoke(folder: Path) -> int:
    """Exit code: 1 where the harvester has become slow beside the bare loop."""
    _, start_up = measure_start_up(folder)
    figures = measure_throughput(folder, start_up, replace(NEAR, photos=4_000, aim=f"at least {SMOKE}"), rounds=3)
    print_part("throughput, one core", figures)
    return int(next(f.value for f in figures if f.what.endswith("ratio")) < SMOKE)


def main() -> int:
    """Measure, print, write."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        if "--smoke" in sys.argv:
            return smoke(Path(name))
        parts, peers = measure(Path(name))
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    told = {
        "machine": machine,
        "parts": {part: [asdict(figure) for figure in figures] for part, figures in parts.items()},
        "peers": [asdict(peer) for peer in peers],
    }
    Path("bench.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    draw(told, Path("bench.svg"))
    print(f"\n{time.perf_counter() - began:.0f} s; written: bench.json, bench.svg")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
