"""A run that is refused before anything came leaves nothing begun: no folder, no update under way."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.merge.staging import UPDATE, is_under_way
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.deepening import run_whole_job
from harvester.engine.upkeep.update import run_update
from harvester.errors import KeyRefused, UsageError
from harvester.events import Event, Started
from harvester.jobs.model import Account, Album, Job, Search, Source
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.archives import read_archive, read_lines
from support.harvest import KEY, harvest_into, settings_for

SEARCH = Search(tags="sandbox")


@pytest.mark.parametrize("source", [Account(user="me"), Account(user="nobody there"), Album(album="1")])
async def test_a_query_that_is_refused_leaves_no_folder(source: Source, sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        await harvest_into(tmp_path / "new", sandbox, Job(source=source))
    assert list(tmp_path.iterdir()) == []


async def test_a_key_that_is_refused_leaves_no_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        await harvest_into(tmp_path / "new", sandbox, Job(source=SEARCH), api_key="bad")
    assert list(tmp_path.iterdir()) == []


async def test_a_refused_update_leaves_the_archive_as_it_was(sandbox: Sandbox, tmp_path: Path) -> None:
    await run_job(Job(source=SEARCH), settings_for(sandbox), output=Output(folder=tmp_path))
    before = read_archive(tmp_path)
    for settings in (settings_for(sandbox, api_key="bad"), settings_for(sandbox)):
        if settings.api_key == KEY:
            sandbox.api.control({"refuse_key": KEY})
        with pytest.raises(KeyRefused):
            await run_update(tmp_path, settings)
        assert read_archive(tmp_path) == before
        assert not (tmp_path / UPDATE).exists()
        with open_archive_to_read(tmp_path) as state:
            assert not is_under_way(tmp_path, state)
    assert verify_archive(tmp_path) == []


@pytest.mark.parametrize("limit", [None, 20])
async def test_a_refused_deepening_leaves_the_archive_as_it_was(
    limit: int | None, sandbox: Sandbox, tmp_path: Path
) -> None:
    await run_job(Job(source=SEARCH, detail="list", limit=limit), settings_for(sandbox), output=Output(folder=tmp_path))
    before, deep = tell(tmp_path, sandbox), Job(source=SEARCH, detail="info", limit=limit)
    for settings in (settings_for(sandbox, api_key="bad"), settings_for(sandbox)):
        if settings.api_key == KEY:
            sandbox.api.control({"refuse_key": KEY})
        with pytest.raises(KeyRefused):
            await run_whole_job(deep, settings, output=Output(folder=tmp_path))
        assert tell(tmp_path, sandbox) == before
        assert not (tmp_path / UPDATE).exists()
    assert verify_archive(tmp_path) == []


async def test_a_refused_deepening_of_an_unfinished_archive_leaves_it_to_its_first_command(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    job = Job(source=SEARCH, detail="list")
    await run_job(replace(job, limit=20), settings_for(sandbox), output=Output(folder=tmp_path))
    deep = Job(source=SEARCH, detail="info")
    with pytest.raises(KeyRefused):
        await run_whole_job(deep, settings_for(sandbox, api_key="bad"), output=Output(folder=tmp_path))
    assert "deepen" not in orjson.loads((tmp_path / "manifest.json").read_bytes())["facts"]
    summary = await run_whole_job(job, settings_for(sandbox), output=Output(folder=tmp_path))
    assert (summary.status, summary.photos) == ("complete", 300)
    assert not any("info" in line for line in read_lines(tmp_path / "photos.ndjson"))


async def test_a_refused_command_leaves_an_earlier_deepening_under_way(sandbox: Sandbox, tmp_path: Path) -> None:
    output = Output(folder=tmp_path)
    await run_job(Job(source=SEARCH, detail="list"), settings_for(sandbox), output=output)
    info, full = Job(source=SEARCH, detail="info"), Job(source=SEARCH, detail="full")
    stop = asyncio.Event()

    def watch(event: Event) -> None:
        if isinstance(event, Started) and event.is_deepening:
            stop.set()

    assert (
        await run_whole_job(info, settings_for(sandbox), output=output, observer=watch, stop=stop)
    ).status == "stopped"
    for again in (full, info):
        with pytest.raises(KeyRefused):
            await run_whole_job(again, settings_for(sandbox, api_key="bad"), output=output)
        assert tell(tmp_path, sandbox)["note"].startswith("A deepening to info is not through yet")


def tell(folder: Path, sandbox: Sandbox) -> dict[str, Any]:
    """What `status` says, without asking how much of a quota is left."""
    with ThreadPoolExecutor() as thread:
        return thread.submit(read_status, folder, settings_for(sandbox)).result()
