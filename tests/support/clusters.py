"""What a harvest on a local Dask cluster has come to, for tests that kill parts of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from harvester.sandbox.server import Sandbox


def find_workers(driver: asyncio.subprocess.Process) -> list[psutil.Process]:
    """The processes of the cluster's workers; none where the driver has gone."""
    try:
        found = psutil.Process(driver.pid).children(recursive=True)
        return [each for each in found if "spawn_main" in " ".join(each.cmdline())]
    except psutil.NoSuchProcess:
        return []


async def until(sandbox: Sandbox, photos: int, driver: asyncio.subprocess.Process, said: Path) -> None:
    """Until sizes were asked for so many times."""
    while sandbox.stats.methods["flickr.photos.getSizes"] < photos:
        assert driver.returncode is None, said.read_text()
        await asyncio.sleep(0.02)
