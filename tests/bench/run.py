"""`make bench`: the harvester beside a bare aiohttp loop on the same server, as ratios within one run.

Prints a table and writes bench.json. Machines are noisy: read the ratios, which are medians of interleaved runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import aiohttp
import orjson
import uvloop
from yarl import URL

KEY = "0123456789abcdef0123456789abcdef"
PHOTOS = 5_000
ROUNDS = 5
WORKERS = 16


def harvest(url: str, *options: str) -> tuple[float, float]:
    """Seconds and peak megabytes of `harvester search`, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": url, "HARVESTER_STATE_DIR": folder}
        command = [sys.executable, "-m", "harvester", "search", "--tags", "sandbox", "-q", "-o", f"{folder}/out"]
        began = time.perf_counter()
        subprocess.run([*command, *options], env=environment, check=True)
        took = time.perf_counter() - began
    return took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


async def fetch_bare(url: str, ids: list[str]) -> float:
    """Seconds to fetch both answers of each photo and throw them away: the yardstick."""
    prefix = f"{url}?api_key={KEY}&format=json&nojsoncallback=1&method=flickr.photos."
    todo = iter(ids)

    async def work(session: aiohttp.ClientSession) -> None:
        for photo_id in todo:
            for method in ("getInfo", "getSizes"):
                address = URL(f"{prefix}{method}&photo_id={photo_id}", encoded=True)
                async with session.get(address) as response:
                    orjson.loads(await response.read())

    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(work(session))
        return time.perf_counter() - began


def measure(url: str) -> dict[str, float]:
    """One table's figures."""
    parts = urlsplit(url)
    with urlopen(f"{parts.scheme}://{parts.netloc}/__truth?tags=sandbox") as answer:  # noqa: S310
        ids = orjson.loads(answer.read())
    start_up = min(harvest(url, "--limit", "1")[0] for _ in range(3))
    unlimited = ("--quota", "none", "--pace", "none", "--workers", str(WORKERS))
    ratios, speeds = [], []
    peak = 0.0
    for _ in range(ROUNDS):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            bare = runner.run(fetch_bare(url, ids))
        took, peak = harvest(url, *unlimited)
        speeds.append(len(ids) / (took - start_up))
        ratios.append(bare / (took - start_up))
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "harvester", "--help"], check=True, stdout=subprocess.DEVNULL)
    return {
        "photos a second": round(statistics.median(speeds)),
        "of the bare loop": round(statistics.median(ratios), 2),
        "peak memory, MB": round(peak),
        "a run of one photo, s": round(start_up, 2),
        "--help, s": round(time.perf_counter() - began, 3),
    }


def main() -> None:
    """Serve, measure, print."""
    command = [sys.executable, "-m", "harvester", "sandbox", "--port", "0", "--photos", str(PHOTOS)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout
        found = re.match(r"http\S+", server.stdout.readline())
        assert found
        figures = measure(found[0])
    finally:
        server.terminate()
        server.wait()
    for name, figure in figures.items():
        print(f"{name:<24}{figure:>10,}")  # noqa: T201
    Path("bench.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
