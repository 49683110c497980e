"""A harvest on Dask of which everything is killed: workers, the scheduler, the driver. `make soak` runs it."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from harvester.jobs.model import Job, Search
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox
from harvester.shards.merging import merge_shards
from harvester.shards.planning import plan_shards
from harvester.verify.archive import prove_archive
from support.archives import read_archive
from support.harvest import KEY, Opener, settings_for
from support.shard_runs import open_folder, read_by_id

pytestmark = pytest.mark.skipif(not os.environ.get("HARVESTER_SOAK"), reason="takes minutes")
PHOTOS = int(os.environ.get("HARVESTER_SOAK_DASK_PHOTOS", "20000"))
KILLS, SCHEDULERS, DRIVERS = 12, 2, 1
LONGEST_SILENCE = 30.0
"""Seconds after which work goes on, whatever was killed. A busy machine may need as long to start the processes."""
_PROGRAM = "import sys; from dask.__main__ import main; sys.argv[0] = 'dask'; main()"


class Zoo:
    """The processes of a cluster and its driver; each is started again when it is gone."""

    def __init__(self, sandbox: Sandbox, folder: Path, port: int) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._address = f"tcp://127.0.0.1:{port}"
        self._port = port
        self._log = (folder / "said.txt").open("ab")
        self.scheduler: asyncio.subprocess.Process | None = None
        self.driver: asyncio.subprocess.Process | None = None
        self.workers: list[asyncio.subprocess.Process] = []

    async def keep(self) -> None:
        """Start what is not there."""
        if self.scheduler is None or self.scheduler.returncode is not None:
            place = ("--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard", "--no-show")
            self.scheduler = await self._start("-c", _PROGRAM, "scheduler", *place)
        self.workers = [each for each in self.workers if each.returncode is None]
        while len(self.workers) < 3:
            given = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--death-timeout", "60")
            self.workers.append(await self._start("-c", _PROGRAM, "worker", self._address, *given))
        if self.driver is None:
            self.driver = await self._start(
                *("-m", "harvester", "search", "--tags", "sandbox", "--dask", self._address),
                *("--store", str(self._folder / "store"), "-o", str(self._folder / "archive")),
                *("--quota", "none", "--pace", "none", "--workers", "4"),
            )

    async def _start(self, *command: str) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "FLICKR_API_KEY": KEY,
            "FLICKR_API_URL": self._sandbox.url,
            "TMPDIR": str(self._folder / "tmp"),
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment, stdout=self._log, stderr=self._log, cwd=self._folder
        )

    async def close(self) -> None:
        """End all of them."""
        for each in (self.driver, self.scheduler, *self.workers):
            if each is not None and each.returncode is None:
                with suppress(ProcessLookupError):
                    each.kill()
                await each.wait()
        self._log.close()


async def kill(zoo: Zoo, plan: Sequence[str], *, rng: random.Random, sandbox: Sandbox) -> None:
    """Kill one after the other, each after some calls more; in between all are kept alive."""
    for what in plan:
        aim = sandbox.stats.calls + rng.randrange(PHOTOS // 20, PHOTOS // 10)
        while sandbox.stats.calls < aim and zoo.driver is not None and zoo.driver.returncode is None:
            await zoo.keep()
            await asyncio.sleep(0.2)
        victim = {"scheduler": zoo.scheduler, "driver": zoo.driver}.get(what, rng.choice(zoo.workers))
        if victim is not None and victim.returncode is None:
            victim.kill()
            await victim.wait()
        if what == "driver":
            zoo.driver = None
        await zoo.keep()


async def test_everything_is_killed_and_each_photo_comes_once(
    sandbox_of: Opener, tmp_path: Path, unused_tcp_port: int
) -> None:
    (tmp_path / "tmp").mkdir()
    rng = random.Random(5)
    plan = ["worker"] * KILLS + ["scheduler"] * SCHEDULERS + ["driver"] * DRIVERS
    rng.shuffle(plan)
    async with sandbox_of(photos=PHOTOS, owners=20, faults=Faults(any=0.01)) as sandbox:
        job = Job(source=Search(tags="sandbox"))
        await plan_shards(open_folder(tmp_path / "store"), job, settings_for(sandbox), photos=max(60, PHOTOS // 14))
        zoo = Zoo(sandbox, tmp_path, unused_tcp_port)
        try:
            began = time.monotonic()
            await zoo.keep()
            await kill(zoo, plan, rng=rng, sandbox=sandbox)
            while zoo.driver is not None and zoo.driver.returncode is None:
                await zoo.keep()
                await asyncio.sleep(0.2)
            assert zoo.driver is not None
            assert zoo.driver.returncode == 0, (tmp_path / "said.txt").read_text()[-3000:]
        finally:
            await zoo.close()
        fetched = sandbox.stats.methods["flickr.photos.getSizes"]
        arrivals = [moment for moment in sandbox.stats.arrivals if moment > began]
        silence, start = max(later - earlier for earlier, later in pairwise(arrivals)), arrivals[0] - began
    assert len(read_by_id(tmp_path / "archive/photos.ndjson")) == PHOTOS
    assert prove_archive(tmp_path / "archive").findings == ()
    await merge_shards(open_folder(tmp_path / "store"), tmp_path / "again")
    assert read_archive(tmp_path / "again") == read_archive(tmp_path / "archive")
    assert KEY not in (tmp_path / "said.txt").read_text()
    shards = orjson.loads((tmp_path / "archive/manifest.json").read_bytes())["shards"]
    merged = [each["shard"] for each in shards["merged"]]
    commits = {path.name for path in (tmp_path / "store/commits").iterdir()}
    assert shards["tile_without_gap"]
    assert len(merged) == len(commits)
    assert set(merged) == commits, "each shard is committed once, and nothing besides"
    told = f"{PHOTOS} photos in {len(commits)} shards, {fetched} fetched: {fetched / PHOTOS - 1:.1%} again"
    told += f"; the longest silence {silence:.1f} s, where a start of all takes {start:.1f} s"
    print(told)  # noqa: T201 - a soak tells its figures
    assert silence <= LONGEST_SILENCE, told
