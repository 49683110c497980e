"""Harvests against a sandbox, in this process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from harvester.config.settings import Settings
from harvester.engine.run import Output, run_job
from harvester.events import Event, Summary
from harvester.jobs.model import Job
from harvester.sandbox.server import Sandbox

KEY = "0123456789abcdef0123456789abcdef"
Opener = Callable[..., AbstractAsyncContextManager[Sandbox]]


def settings_for(sandbox: Sandbox, **given: Any) -> Settings:
    """Full speed against a sandbox."""
    return Settings(**{"api_key": KEY, "api_url": sandbox.url, "quota": None, "pace": None, **given})


async def harvest_into(
    folder: Path, sandbox: Sandbox, job: Job, *, events: list[Event] | None = None, **given: Any
) -> Summary:
    """One run of a job into an archive."""
    observer = (lambda _: None) if events is None else events.append
    stop = given.pop("stop", None)
    return await run_job(
        job, settings_for(sandbox, **given), output=Output(folder=folder), observer=observer, stop=stop
    )
