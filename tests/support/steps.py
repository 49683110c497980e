"""One run after another, in each of which another step on the way to the disk goes wrong."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harvester.engine.upkeep.update import run_update
from harvester.errors import CannotWrite
from harvester.jobs.model import Account, Job
from harvester.sandbox.server import Sandbox
from support.accounts import check_account, check_listed, owner
from support.archives import read_lines
from support.durable import LAST, Died, Disk
from support.harvest import harvest_into, settings_for

IS_LONG = bool(os.environ.get("HARVESTER_SOAK"))
"""All lists of an account instead of one, more ways of going wrong, and a further update after each: by `make soak`."""
HOW = ("fail", "die", "late", *(("full",) if IS_LONG else ()))


class Trial:
    """An account's archive in every state that one failing step leaves it in."""

    def __init__(self, sandbox: Sandbox, place: Path, disk: Disk) -> None:
        self._sandbox = sandbox
        self._disk = disk
        self.settings = settings_for(sandbox)
        self.nsid = owner(sandbox)
        only = {} if IS_LONG else {"only": "person,photos,photosets"}
        self.job = Job(source=Account(user=self.nsid, **only), detail="list")
        self.folder = place / "archive"
        self.before = place / "before"
        self.told: dict[str, set[str]] = {}

    async def harvest(self) -> Any:
        return await harvest_into(self.folder, self._sandbox, self.job)

    async def update(self) -> Any:
        return await run_update(self.folder, self.settings)

    async def keep_old(self) -> None:
        """Make the archive that updates begin with, then have the catalogue change."""
        await self.harvest()
        self.folder.rename(self.before)
        ids = [line["id"] for line in read_lines(self.before / "photos.ndjson")]
        self.told = {"changed": set(ids[:2]), "removed": set(ids[4:5])}
        added = self._sandbox.api.control({"change": ids[:2], "delete": ids[4:5], "add": 1})["added"]
        self.told["added"] = set(added)

    def begin(self) -> None:
        """The archive as it was before the run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.before.exists():
            shutil.copytree(self.before, self.folder)

    async def count(self, run: Callable[[], Awaitable[Any]]) -> list[str]:
        """The calls of a run in which nothing goes wrong."""
        self.begin()
        with self._disk.strike():
            await run()
        return self._disk.calls

    async def disturb(self, run: Callable[[], Awaitable[Any]], *, at: int, how: str) -> None:
        """A run in which one step goes wrong."""
        self.begin()
        with suppress(Died, CannotWrite), self._disk.strike(at, how):
            await run()

    async def survive(self, run: Callable[[], Awaitable[Any]], how: str, *, steps: Sequence[int]) -> AsyncIterator[int]:
        """The number of each step, once it has gone wrong and one more run has completed the archive."""
        for at in steps:
            await self.disturb(run, at=at, how=how)
            assert (await run()).status == "complete", f"{how} at call {at}: {self._disk.calls[at:][:1]}"
            yield at

    def read_photos(self) -> list[dict[str, Any]]:
        """The lines of its photos."""
        return read_lines(self.folder / "photos.ndjson")

    def check(self) -> None:
        """Everything is there once, and nothing else."""
        lines = self.read_photos()
        if IS_LONG:
            check_account(self.folder, self._sandbox, self.nsid, lines=lines)
        check_listed(self.folder, lines, self._sandbox, self.nsid)

    def check_told(self) -> None:
        """Each change is told once, and nothing of the update is left."""
        told = Counter((line["change"], line["id"]) for line in read_lines(self.folder / "changes.ndjson"))
        assert told == Counter((change, i) for change, ids in self.told.items() for i in ids)
        assert not (self.folder / ".update").exists()

    async def check_asks(self) -> None:
        """The next update asks Flickr again."""
        methods = self._sandbox.stats.methods
        asked = methods["flickr.people.getPhotos"]
        summary = await self.update()
        assert summary.status == "complete"
        assert summary.notes[0] == "Since the last time: nothing has changed."
        assert methods["flickr.people.getPhotos"] == asked + 1


def try_copy(
    whole: Path, folder: Path, disk: Disk, act: Callable[[Path], object], *, at: int = LAST, how: str = "fail"
) -> list[str]:
    """Do something to a copy of an archive, with one step going wrong; the steps."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    with suppress(Died, CannotWrite), disk.strike(at, how):
        act(folder)
    assert disk.list_open() == [], (at, disk.calls[at:][:1])
    return disk.calls


def strikes(calls: list[str], how: str) -> list[int]:
    """The calls that can go wrong in this way."""
    return [n for n, name in enumerate(calls) if how != "late" or name == "COMMIT"]
