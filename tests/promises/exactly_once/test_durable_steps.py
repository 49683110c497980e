"""Whatever step on the way to the disk fails or is the last one: one more run, and the archive equals the catalogue."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from harvester.status.inspect import read_status
from support.durable import lay_under
from support.harvest import Opener
from support.steps import HOW, IS_LONG, Trial, strikes


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_a_first_run_survives_each_step_going_wrong(
    how: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=8, owners=2) as sandbox:
        trial = Trial(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        calls = await trial.count(trial.harvest)
        assert len(calls) > 30
        async for _ in trial.survive(trial.harvest, how, steps=strikes(calls, how)):
            trial.check()


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_an_update_and_its_fold_survive_each_step_going_wrong(
    how: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=8, owners=2) as sandbox:
        trial = Trial(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        await trial.keep_old()
        calls = await trial.count(trial.update)
        merges = [n for n, name in enumerate(calls) if name == "COMMIT"][-2]
        assert "rmdir" in calls[merges:]
        async for at in trial.survive(trial.update, how, steps=strikes(calls, how)):
            trial.check()
            trial.check_told()
            if IS_LONG or at >= merges:
                await trial.check_asks()


async def test_remains_of_an_update_that_can_never_be_removed_hinder_no_other(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    async with sandbox_of(photos=8, owners=2) as sandbox:
        trial = Trial(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        await trial.keep_old()
        trial.begin()
        with monkeypatch.context() as patched:
            patched.setattr("harvester.archive.disk.files.remove_files", lambda _: None)
            for name in ("unlink", "rmdir"):
                patched.setattr(os, name, refuse)
            for _ in range(2):
                assert (await trial.update()).status == "complete"
                trial.check()
                status = await asyncio.to_thread(read_status, trial.folder, trial.settings)
                assert status["state"] == "complete"
        assert (trial.folder / ".update" / "state.sqlite").exists()
        await trial.check_asks()
        trial.check_told()
