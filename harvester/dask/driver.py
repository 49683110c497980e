"""The driver: keeps the cluster's workers busy with shards until all are committed, and merges them.

It holds no state: killed and started again it goes on from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distributed import Client

from harvester.dask.course import Course
from harvester.dask.fleet import Fleet
from harvester.dask.task import read_settings
from harvester.errors import StopRun, Summary
from harvester.events import Observer, ignore
from harvester.jobs.model import Job
from harvester.shards.shard import PHOTOS


def harvest_on(
    client: Client,
    job: Job,
    *,
    store: str | Path,
    output: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    env_prefix: str = "FLICKR",
    shard_photos: int = PHOTOS,
    observer: Observer = ignore,
) -> Any:
    """Harvest a job on the workers of a Dask cluster, and merge its shards into the archive `output`.

        summary = harvest_on(Client("tcp://scheduler:8786"), Job(source=Search(tags="monkey")), store="s3://bucket/monkeys",
                             output="monkeys")

    Each worker has the key in its own environment: in FLICKR_API_KEY, or by another beginning of the names, which is
    `env_prefix`. `options` are settings by the names of the command line (`quota`, `pace`, `workers`), none of them a
    secret. Returns the Summary of the archive, or None without `output`; of an asynchronous client a coroutine that
    does. What was harvested stands in `store`: the same call goes on with it. Raises StopRun as `harvester search`
    ends.
    """
    chosen = dict(options or {})
    course = Course(
        job=job,
        store=str(store),
        settings=read_settings(chosen, config=None, env_prefix=env_prefix, anonymous=False),
        output=None if output is None else Path(output),
        options=chosen,
        shard_photos=shard_photos,
    )
    anyhow: Any = client
    return anyhow.sync(_drive, client, course, observer=observer)


async def _drive(client: Client, course: Course, *, observer: Observer) -> Summary | None:
    fleet = Fleet([course], observer=observer)
    await fleet.run(client, asyncio.Event())
    end = fleet.members[0].end
    if isinstance(end, StopRun):
        raise end
    return end
