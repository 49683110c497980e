"""What a worker of the cluster does: take a shard, and run it in the worker's own event loop.

The loop and no thread: a worker that was stopped and goes on makes no step for a task that Dask has given to another
one meanwhile. Key, secrets and tokens come from the worker's own environment; nothing of them is sent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

from harvester.auth.token_store import add_login, config_folder
from harvester.config.settings import Settings, load_config
from harvester.errors import StopRun
from harvester.objects import open_store
from harvester.shards.attempt import Terms
from harvester.shards.leases import name_worker
from harvester.shards.local import find_work
from harvester.shards.running import open_worker

Options: TypeAlias = Mapping[str, Any]


class Assignment(TypedDict):
    """What a task is told. It holds no secret."""

    store: str
    options: Options
    """Settings by their names, as on the command line: quota, pace, workers, api_url."""
    config: str | None
    """A config file, where this machine has it."""
    env_prefix: str
    """How the variables of the environment begin that hold the job's key, secrets and tokens."""
    anonymous: bool
    lease: float
    publish_every: float


class Report(TypedDict):
    """What has come of a task. `shard` is the one that was run, cut or tried; None where there was none to take."""

    shard: str | None
    ended: str | None
    error: str | None
    exit_code: int


async def take_shard(assignment: Assignment) -> Report:
    """Take one shard, if there is one, and run it. What goes wrong is reported, for the driver to tell."""
    try:
        settings = read_settings(
            assignment["options"],
            config=assignment["config"],
            env_prefix=assignment["env_prefix"],
            anonymous=assignment["anonymous"],
        )
        worker = await open_worker(
            open_store(assignment["store"], is_private=settings.has_login),
            settings,
            work=find_work(None),
            terms=Terms(worker=name_worker(), lease=assignment["lease"], publish_every=assignment["publish_every"]),
        )
        shard, ended = await worker.run_one()
    except StopRun as error:
        return {"shard": None, "ended": None, "error": str(error), "exit_code": error.exit_code}
    return {"shard": shard.id if shard else None, "ended": ended, "error": None, "exit_code": 0}


def read_settings(options: Options, *, config: str | None, env_prefix: str, anonymous: bool) -> Settings:
    """The settings of this process: its own environment and files, then the options."""
    folder, path = config_folder(), None if config is None else Path(config)
    if path is not None and not path.exists():  # the driver's, of another machine
        path = None
    settings = load_config(options, config_path=path, environ=os.environ, cwd=Path(), user_folder=folder).settings
    settings = settings.take_keys(os.environ, env_prefix)
    if anonymous:
        return settings.without_login()
    return add_login(settings, folder)[0]
