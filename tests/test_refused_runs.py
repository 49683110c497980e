"""A run that is refused before anything came leaves nothing begun: no folder, no update under way."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import KEY, harvest_into, read_archive, settings_for

from harvester.checkpoint.look import look_at
from harvester.engine.run import Output, run_job
from harvester.errors import KeyRefused, UsageError
from harvester.jobs.model import Account, Album, Job, Search, Source
from harvester.merge.staging import UPDATE, is_under_way
from harvester.sandbox.server import Sandbox
from harvester.upkeep.update import run_update
from harvester.verify.archive import verify_archive

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
        with look_at(tmp_path) as state:
            assert not is_under_way(tmp_path, state)
    assert verify_archive(tmp_path) == []
