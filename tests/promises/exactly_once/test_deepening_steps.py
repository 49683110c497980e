"""Whatever step of a deepening fails or is the last one: the same command again, and each line has its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.merge.staging import is_under_way
from harvester.engine.run import Output
from harvester.engine.upkeep.deepening import resume_archive, run_whole_job
from harvester.jobs.model import Account, Job
from harvester.sandbox.server import Sandbox
from support.archives import history_of, read_lines
from support.durable import Disk, lay_under
from support.harvest import Opener
from support.steps import HOW, IS_LONG, Trial, strikes

LASTING = ("COMMIT", "replace", "rename", "unlink", "rmdir", "mkdir")
"""Steps that a kill leaves done or not: what is written between them, the checkpoint has not committed."""


class Deepening(Trial):
    """An account's archive whose lines are to get getInfo's answers."""

    def __init__(self, sandbox: Sandbox, place: Path, disk: Disk) -> None:
        super().__init__(sandbox, place, disk)
        self.deep = Job(source=Account(user=self.nsid, only=["person", "photos", "photosets"]), detail="info")
        if IS_LONG:
            self.deep = Job(source=Account(user=self.nsid), detail="info")

    async def deepen(self) -> Any:
        return await run_whole_job(self.deep, self.settings, output=Output(folder=self.folder))

    async def resume(self) -> Any:
        return await resume_archive(self.folder, self.settings)

    async def keep_shallow(self, *, limit: int | None = None) -> None:
        """Make the archive that deepenings begin with."""
        job = Job(source=self.job.source, detail="list", limit=limit)
        await run_whole_job(job, self.settings, output=Output(folder=self.folder))
        self.folder.rename(self.before)

    def check_deep(self, *, shallow: int) -> None:
        """Each line has its part, and each that was written without it is in the history once."""
        self.check()
        lines = read_lines(self.folder / "photos.ndjson")
        assert all(line["info"]["id"] == line["id"] for line in lines)
        assert len(history_of(self.folder)) == shallow
        assert read_lines(self.folder / "changes.ndjson") == []
        with open_archive_to_read(self.folder) as state:  # remains that could not be removed do no harm
            assert not is_under_way(self.folder, state)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_a_deepening_survives_each_step_going_wrong(
    how: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=8, owners=2) as sandbox:
        trial = Deepening(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        await trial.keep_shallow()
        shallow = len(read_lines(trial.before / "photos.ndjson"))
        calls = await trial.count(trial.deepen)
        assert "rmdir" in calls
        steps = strikes(calls, how)[:: 1 if IS_LONG or how == "late" else 9]  # each of them takes a minute
        async for _ in trial.survive(trial.deepen, how, steps=steps):
            trial.check_deep(shallow=shallow)


@pytest.mark.slow
async def test_a_deepening_of_an_unfinished_archive_survives_a_kill_at_each_lasting_step(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=4, owners=1) as sandbox:
        trial = Deepening(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        await trial.keep_shallow(limit=2)
        steps = [n for n, name in enumerate(await trial.count(trial.deepen)) if name in LASTING]
        assert len(steps) > 20
        async for _ in trial.survive(trial.deepen, "die", steps=steps):
            trial.check_deep(shallow=2)


@pytest.mark.skipif(not IS_LONG, reason="a minute: by `make soak`")
@pytest.mark.parametrize("how", HOW)
async def test_a_deepening_of_an_unfinished_archive_is_resumed_behind_each_step(
    how: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=8, owners=2) as sandbox:
        trial = Deepening(sandbox, tmp_path, lay_under(monkeypatch, tmp_path))
        await trial.keep_shallow(limit=2)
        calls = await trial.count(trial.deepen)
        for at in strikes(calls, how):
            await trial.disturb(trial.deepen, at=at, how=how)
            await trial.resume()
            assert (await trial.deepen()).status == "complete", (at, calls[at])
            trial.check_deep(shallow=2)
