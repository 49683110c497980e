"""Real processes on one ledger, killed at random. Run as a program, this file prints what the throttle costs."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

import harvester
from harvester.quota.rate import Rate
from harvester.quota.throttle import Throttle, open_throttle

if sys.platform != "win32":
    from uvloop import run
else:
    from asyncio import run


def start(folder: Path, quota: str, *, pace: str = "none", seconds: float, travel: float) -> subprocess.Popen[bytes]:
    """A process that calls as fast as it may, and notes when each call arrives."""
    return subprocess.Popen(
        [sys.executable, __file__, "child", str(folder), quota, pace, str(seconds), str(travel)],
        env=os.environ | {"PYTHONPATH": str(Path(harvester.__file__).parents[1])},
    )


async def hungry(folder: Path, quota: str, pace: str, seconds: float, travel: float) -> None:
    arrivals = os.open(folder / "arrivals", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    end = time.monotonic() + seconds

    async def worker(throttle: Throttle) -> None:
        while time.monotonic() < end:
            slot = await throttle.acquire()
            await asyncio.sleep(random.uniform(0, travel))
            os.write(arrivals, b"%d %d\n" % (os.getpid(), time.monotonic_ns()))
            await asyncio.sleep(random.uniform(0, travel))
            throttle.done(slot)

    async with open_throttle("key", quota=Rate.parse(quota), pace=Rate.parse(pace), folder=folder) as throttle:
        await asyncio.wait([asyncio.create_task(worker(throttle)) for _ in range(8)], timeout=seconds)
    os._exit(0)


def arrived(folder: Path) -> tuple[list[float], Counter[int]]:
    lines = [line.split() for line in (folder / "arrivals").read_bytes().splitlines()]
    return sorted(int(when) / 1e9 for _, when in lines), Counter(int(who) for who, _ in lines)


def count_arrived(folder: Path) -> int:
    path = folder / "arrivals"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def most_within(times: list[float], seconds: float) -> int:
    first = most = 0
    for index, when in enumerate(times):
        while when - times[first] >= seconds:
            first += 1
        most = max(most, index - first + 1)
    return most


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_processes_that_are_killed_at_random_never_exceed_the_quota_together(tmp_path: Path) -> None:
    running = [start(tmp_path, "40/0.4s", seconds=60, travel=0.02) for _ in range(2)]
    try:
        for kills in range(8):
            while count_arrived(tmp_path) < 20 * (kills + 1):
                time.sleep(0.01)
            victim = random.randrange(2)
            running[victim].kill()
            running[victim].wait()
            running[victim] = start(tmp_path, "40/0.4s", seconds=60, travel=0.02)
    finally:
        for process in running:
            process.kill()
            process.wait()
    times, _ = arrived(tmp_path)
    assert most_within(times, 0.4) <= 40
    assert len(times) > 100


@pytest.mark.slow
def test_two_hungry_processes_share_the_quota_alike(tmp_path: Path) -> None:
    running = [start(tmp_path, "60/0.6s", seconds=3.2, travel=0.001) for _ in range(2)]
    for process in running:
        assert process.wait(30) == 0
    times, counts = arrived(tmp_path)
    assert most_within(times, 0.6) <= 60
    assert len(counts) == 2
    assert min(counts.values()) >= 0.3 * len(times)


# -- what it costs ----------------------------------------------------------------------------------------------


async def cost(folder: Path, quota: str, pace: str, calls: int = 100_000) -> str:
    """CPU time of acquire and done where nothing waits."""
    async with open_throttle("cost", quota=Rate.parse(quota), pace=Rate.parse(pace), folder=folder) as throttle:
        before = time.process_time()
        for _ in range(calls):
            throttle.done(await throttle.acquire())
        each = (time.process_time() - before) / calls
    return f"quota {quota}, pace {pace}: {each * 1e6:.2f} µs a call"


async def reach(folder: Path, quota: str, pace: str, seconds: float = 5) -> str:
    """The share of the pace that is reached, and the CPU that it takes."""
    times: list[float] = []
    async with open_throttle("reach", quota=Rate.parse(quota), pace=Rate.parse(pace), folder=folder) as throttle:

        async def worker() -> None:
            while True:
                slot = await throttle.acquire()
                times.append(time.perf_counter())
                await asyncio.sleep(0)
                throttle.done(slot)

        before = time.process_time()
        tasks = [asyncio.create_task(worker()) for _ in range(16)]
        await asyncio.sleep(seconds)
        cpu = (time.process_time() - before) / seconds
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    asked, got = Rate.parse(pace), (len(times) - 1) / (times[-1] - times[0])
    reached = got / asked.per_second if asked else 1
    burst = most_within(times, 0.01)
    return f"quota {quota}, pace {pace}: {reached:.1%} of it, {burst} at most in 10 ms, {cpu:.2%} CPU"


def share(folder: Path, quota: str, pace: str, *, travel: float, seconds: float = 30.5) -> str:
    """What two processes get of one quota."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        running = [start(Path(place), quota, pace=pace, seconds=seconds, travel=travel) for _ in range(2)]
        for process in running:
            process.wait()
        times, counts = arrived(Path(place))
    rate = Rate.parse(quota)
    worst = most_within(times, rate.period) if rate else 0
    parts = " and ".join(f"{part / len(times):.1%}" for part in counts.values())
    return f"two processes, quota {quota}, pace {pace}: {len(times)} calls, {parts}, worst window {worst}"


def benchmark() -> None:
    """Prints it all; takes two minutes."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for quota, pace in (("none", "none"), ("1000000/h", "none"), ("none", "1000000/s"), ("1000000/h", "1000000/s")):
            print(run(cost(folder, quota, pace)), flush=True)  # noqa: T201
        for pace in ("1/s", "5/s", "100/s", "400/s", "1000/s", "5000/s"):
            print(run(reach(folder, "1000000/h", pace)), flush=True)  # noqa: T201
        for travel in (0.0, 0.02):
            print(share(folder, "300/5s", "none", travel=travel), flush=True)  # noqa: T201
        print(share(folder, "300/5s", "400/s", travel=0.02), flush=True)  # noqa: T201


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["child", place, quota, pace, seconds, travel]:
            run(hungry(Path(place), quota, pace, float(seconds), float(travel)))
        case _:
            benchmark()
