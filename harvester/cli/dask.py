"""`--dask`: a harvest on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from harvester.cli.notifications import Notification
from harvester.cli.options import Setup
from harvester.cli.session import attend, choose_display
from harvester.config.settings import Settings
from harvester.errors import Exit, UsageError
from harvester.events import Observer, Summary
from harvester.jobs.model import Job, Photos
from harvester.progress.gauge import Limits

if TYPE_CHECKING:
    from harvester.engine.run import Output

_PASSED_ON = ("api_url", "quota", "pace", "workers", "give_up_after")
"""Options that are sent to the workers: none of them is a secret."""


def harvest_on_dask(job: Job, settings: Settings, *, output: Output, setup: Setup) -> Exit:
    """Harvest a job on the cluster of `--dask`, by way of `--store`, into an archive."""
    try:
        from harvester.dask.cluster import find_cluster, harvest_in  # noqa: PLC0415
        from harvester.dask.driver import Course  # noqa: PLC0415
    except ImportError as error:
        if error.name != "distributed":
            raise
        raise UsageError('this needs Dask: pip install "flickr-harvester[dask]".', field="dask") from None

    if setup.store is None:
        raise UsageError("name the store in which the workers' shards meet: a shared folder, or s3://….", field="store")
    if output.folder is None or output.update:
        raise UsageError("shards make a new archive: name its folder with -o, and leave --update out.", field="dask")
    connect = find_cluster(setup.dask or "")
    if isinstance(job.source, Photos) and isinstance(job.source.ids, Iterable):
        job = replace(job, source=Photos(ids=list(job.source.ids)))  # read once, asked for as often as it must be
    course = Course(
        job=job,
        store=setup.store,
        settings=settings,
        output=output.folder,
        options={name: setup.options.get(name) for name in _PASSED_ON},
        config=None if setup.config_path is None else str(setup.config_path.absolute()),
        anonymous=setup.anonymous,
    )

    async def start(observer: Observer, stop: asyncio.Event) -> Summary | Exit:
        summary = await harvest_in(connect, course, observer=observer, stop=stop)
        return Exit.INTERRUPTED if summary is None else summary

    look = choose_display(
        setup, limits=Limits(quota=settings.quota, pace=settings.pace), to_stdout=False, again="the same command"
    )
    return attend(start, look, Notification(settings=settings, archive=output.folder, console=setup.console))
