"""One run after another, in each of which another step on the way to the disk goes wrong."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from harvester.errors import CannotWrite
from harvester.flickr.methods import LISTING_EXTRAS
from harvester.jobs.model import Account, Job
from harvester.sandbox.server import Sandbox
from harvester.upkeep.update import run_update
from harvester.verify.archive import verify_archive
from support.accounts import ask_all, check_account, owner
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
        self._disk.arm(LAST, "fail")
        await run()
        return self._disk.calls

    async def disturb(self, run: Callable[[], Awaitable[Any]], *, at: int, how: str) -> None:
        """A run in which one step goes wrong."""
        self.begin()
        self._disk.arm(at, how)
        with suppress(Died, CannotWrite):
            await run()
        self._disk.rest()

    def read_photos(self) -> list[dict[str, Any]]:
        """The lines of its photos."""
        return read_lines(self.folder / "photos.ndjson")

    def check(self) -> None:
        """Everything is there once, and nothing else."""
        if IS_LONG:
            check_account(self.folder, self._sandbox, self.nsid)
        asked = {"user_id": self.nsid, "content_type": "7", "extras": LISTING_EXTRAS}
        rows = ask_all(self._sandbox, "people.getPhotos", "photos", "photo", **asked)
        lines = self.read_photos()
        assert {line["id"]: line["search"] for line in lines} == {row["id"]: row for row in rows}
        assert len(lines) == len(rows)
        sets = ask_all(self._sandbox, "photosets.getList", "photosets", "photoset", user_id=self.nsid)
        assert [line["photoset"] for line in read_lines(self.folder / "photosets.ndjson")] == sets
        assert verify_archive(self.folder) == []
        assert not [path.name for path in self.folder.iterdir() if path.name.endswith(".part")]

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


def strikes(calls: list[str], how: str) -> list[int]:
    """The calls that can go wrong in this way."""
    return [n for n, name in enumerate(calls) if how != "late" or name == "COMMIT"]
