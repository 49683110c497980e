"""`--dask`: a harvest on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from harvester.cli.notifications import Notification
from harvester.cli.options import Setup
from harvester.cli.session import attend, choose_display
from harvester.config.readers import READERS
from harvester.config.settings import Settings
from harvester.config.toml_file import read_config_file
from harvester.errors import Exit, StopRun, Summary, UsageError
from harvester.events import Observer
from harvester.jobs.model import Job, Photos
from harvester.progress.gauge import Limits

if TYPE_CHECKING:
    from harvester.dask.course import Course
    from harvester.engine.run import Output

_PASSED_ON = ("api_url", "quota", "quota_ledger", "pace", "workers", "give_up_after")
"""Settings that are sent to the workers where they are given: none of them is a secret."""


def import_dask() -> tuple[ModuleType, ModuleType]:
    """The modules of clusters and of fleets; UsageError where the extra is not installed."""
    try:
        from harvester.dask import cluster, fleet  # noqa: PLC0415
    except ImportError as error:
        if error.name != "distributed":
            raise
        raise UsageError('this needs Dask: pip install "flickr-harvester[dask]".', field="dask") from None
    return cluster, fleet


def require_store(setup: Setup) -> str:
    """The address of `--store`."""
    if setup.store is None:
        raise UsageError("name the store in which the workers' shards meet: a shared folder, or s3://….", field="store")
    return setup.store


def build_course(
    job: Job,
    settings: Settings,
    *,
    output: Output,
    setup: Setup,
    store: str,
    name: str = "",
    limits: Mapping[str, object] = MappingProxyType({}),
) -> Course:
    """What is to be harvested on a cluster. UsageError for what shards cannot do.

    Workers get the settings of a config file that is named, and before them `limits`, and before those the options.
    """
    from harvester.dask.course import Course  # noqa: PLC0415

    _check_output(output, setup)
    if isinstance(job.source, Photos) and isinstance(job.source.ids, Iterable):
        job = replace(job, source=Photos(ids=list(job.source.ids)))  # read once, asked for as often as it must be
    file = None if setup.config_path is None else read_config_file(setup.config_path, places=())
    given = {name: value for name, value in setup.options.items() if value is not None}
    given = {**(file.settings if file is not None else {}), **limits, **given}
    options = {name: given[name] for name in _PASSED_ON if name in given}
    ledger = READERS["quota_ledger"](options.get("quota_ledger", "none"))
    if ledger is not None and ledger.secrets:
        raise UsageError(
            "its password would be sent to the workers: put it into HARVESTER_QUOTA_LEDGER, here and there.",
            field="quota_ledger",
        )
    return Course(
        name=name,
        job=job,
        store=store,
        settings=settings,
        output=output.folder,
        options=options,
        config=None if setup.config_path is None else str(setup.config_path.absolute()),
        anonymous=setup.anonymous,
    )


def _check_output(output: Output, setup: Setup) -> None:
    """UsageError for what the merged archive of a harvest on many machines cannot be."""
    if output.folder is None:
        raise UsageError("shards become an archive: name its folder as its output, with -o.", field="dask")
    if output.update:
        raise UsageError("shards make a new archive: leave `update` out, and use `harvester update`.", field="dask")
    if output.rotation is not None:
        raise UsageError("a merged archive is one file of lines: leave `rotate` and `compress` out.", field="dask")
    if output.unescape:
        raise UsageError("workers keep lines as Flickr sends them: leave `unescape` out.", field="dask")
    setup.refuse_publish(output.publish)


def harvest_on_dask(job: Job, settings: Settings, *, output: Output, setup: Setup) -> Exit:
    """Harvest a job on the cluster of `--dask`, by way of `--store`, into an archive."""
    cluster, fleets = import_dask()
    store = require_store(setup)
    connect = cluster.find_cluster(setup.dask or "")
    course = build_course(job, settings, output=output, setup=setup, store=store)

    async def start(observer: Observer, stop: asyncio.Event) -> Summary | Exit:
        fleet = fleets.Fleet([course], observer=observer)
        await cluster.harvest_in(connect, fleet, observer=observer, stop=stop)
        end: Any = fleet.members[0].end
        if isinstance(end, StopRun):
            raise end
        return Exit.INTERRUPTED if end is None else end

    look = choose_display(
        setup, limits=Limits(quota=settings.quota, pace=settings.pace), to_stdout=False, again="the same command"
    )
    return attend(start, look, Notification(settings=settings, archive=output.folder, console=setup.console))
