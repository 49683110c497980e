"""`make bench-scale`: how a harvest and what follows it grow with the archive. A table, bench-scale.json and a chart.

python scale.py 10000000   up to so many photos of listing: some 40 minutes, and 32 GB of disk

Each size is harvested with a limit, so that it stops short, then resumed to its end. The exit code is 1 where anything
grows faster than the photos do; it is named. Times are those of a core, less those of the smallest start.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from after import compare, measure_merge, run_commands
from chart import draw_growth
from figures import resume
from process import run, serve_swift

SIZES = (10_000, 100_000, 1_000_000)
REFERENCE = 100_000
"""The size that times are held against: at the smallest one, the start outweighs the photos."""
STEEPER = 1.5
MORE_MEMORY = 20
MOST_BYTES = 40
COMPARED = 1_000_000
"""The size that is compared with other tools: the largest of which all fit an ordinary disk twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What one size takes: microseconds of a core a photo, megabytes at the peak, by what is done."""

    photos: int
    times: dict[str, float]
    memory: dict[str, float]
    stopped: float
    """Bytes of checkpoint a photo while there is more to list."""
    whole: float
    """The same when all is there."""
    resumed: float
    """Seconds to the first call."""
    status: float
    """Seconds of a core."""


def judge(sizes: Sequence[Growth]) -> Iterator[str]:
    """A sentence for each thing that grows faster than it may."""
    first, last = sizes[0], sizes[-1]
    reference = next((size for size in sizes if size.photos >= REFERENCE), first)
    for name, took in last.times.items():
        before = reference.times[name]
        if took > STEEPER * before and last is not reference:
            yield f"{name}: {took:.1f} µs a photo at {last.photos:,}, {before:.1f} at {reference.photos:,}"
    for name, megabytes in last.memory.items():
        if megabytes > first.memory[name] + MORE_MEMORY:
            yield f"{name}: {megabytes:.0f} MB at {last.photos:,}, {first.memory[name]:.0f} at {first.photos:,}"
    if last.whole > MOST_BYTES and last.photos >= REFERENCE:
        yield f"checkpoint: {last.whole:.1f} bytes a photo at {last.photos:,}, more than {MOST_BYTES}"
    for name, seconds, at_first in (
        ("resume", last.resumed, first.resumed),
        ("status", last.status, first.status),
    ):
        if seconds > STEEPER * at_first + 0.3:
            yield f"{name}: {seconds:.1f} s at {last.photos:,}, {at_first:.1f} at {first.photos:,}"


def measure(folder: Path, photos: int, *, start: float, nothing: float) -> Growth:
    """One size. `start` are the seconds that a harvest of nothing takes, `nothing` those of the program itself."""
    archive = folder / "archive"
    with serve_swift(photos + 500, folder) as server:
        harvest = server.search(archive, "--detail", "list", "--limit", str(photos))
        stopped = _weigh(archive) / photos
        resumed = resume(server, archive, "list")
        whole = _weigh(archive) / (photos + 500)
        took = run_commands(archive, rounds=3 if photos <= REFERENCE else 1, beside=photos == COMPARED)
        if photos == COMPARED:
            for figure in (*compare(took, archive), measure_merge(server, archive, rounds=1)):
                print(f"  {figure.what:<52}{figure.value:>10,.2f} {figure.unit:<6}{figure.aim}", flush=True)  # noqa: T201
    shutil.rmtree(archive)
    ours = {name: min(took[name], key=lambda run: run.cpu) for name in _READERS}
    return Growth(
        photos=photos,
        times={
            "harvest": 1e6 * (harvest.cpu - start) / photos,
            **{name: 1e6 * (ours[name].cpu - nothing) / photos for name in _READERS[:3]},
        },
        memory={"harvest": harvest.megabytes, **{name: each.megabytes for name, each in ours.items()}},
        stopped=stopped,
        whole=whole,
        resumed=resumed,
        status=ours["status"].cpu,
    )


_READERS = ("verify", "ids", "report", "status")


def _weigh(archive: Path) -> int:
    """Bytes of the checkpoint, with its log."""
    return sum(file.stat().st_size for file in archive.glob("state.sqlite*"))


def tell(size: Growth) -> str:
    """A row of the table."""
    times = " | ".join(f"{value:.1f}" for value in size.times.values())
    memory = " | ".join(f"{value:.0f}" for value in size.memory.values())
    checkpoint = f"{size.stopped:.1f} | {size.whole:.1f}"
    return f"| {size.photos:,} | {times} | {memory} | {checkpoint} | {size.resumed:.2f} | {size.status:.2f} |"


HEAD = (
    "| photos | µs a photo: harvest | verify | ids | report | MB: harvest | verify | ids | report | status "
    "| checkpoint, bytes a photo: stopped | whole | resumed within, s | status, s |\n|" + "--:|" * 14
)


def main(photos: int) -> int:
    """Measure all sizes, print, write; the exit code."""
    folder = Path(".bench").absolute() / "scale"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sizes = []
    try:
        with serve_swift(0, folder) as server:
            start = min(server.search(folder / f"none{n}", "--detail", "list").cpu for n in range(3))
        nothing = min(run([sys.executable, "-m", "harvester", "ids", folder / "none0"]).cpu for _ in range(3))
        print(HEAD, flush=True)  # noqa: T201
        for size in (*(each for each in SIZES if each < photos), photos):
            sizes.append(measure(folder, size, start=start, nothing=nothing))
            print(tell(sizes[-1]), flush=True)  # noqa: T201
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = [asdict(size) for size in sizes]
    Path("bench-scale.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    draw_growth(told, Path("bench-scale.svg"))
    faults = list(judge(sizes))
    print("\n" + ("\n".join(["Grows too fast:", *faults]) if faults else "Nothing grows faster than the photos."))  # noqa: T201
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
