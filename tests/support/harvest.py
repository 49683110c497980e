"""Harvests against a sandbox, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from harvester.config.settings import Settings
from harvester.engine.run import Output, run_job
from harvester.events import Event, Summary
from harvester.jobs.model import Job
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import Sandbox, SandboxOptions, open_sandbox

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


def harvest_once(folder: Path, job_of: Callable[[Sandbox], Job], **catalogue: Any) -> Path:
    """An archive for several tests, each of which copies it. Another sandbox of this kind has an equal catalogue."""

    async def harvest() -> None:
        async with open_sandbox(SandboxOptions(catalogue=CatalogueOptions(**catalogue))) as sandbox:
            assert (await harvest_into(folder, sandbox, job_of(sandbox))).status == "complete"

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HARVESTER_STATE_DIR", str(folder.parent / "state"))
        asyncio.run(harvest())
    return folder
