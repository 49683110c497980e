"""Archives on disks of their own, with the sandbox that they are harvested from."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from harvester.sandbox.server import Sandbox
from support.accounts import check_listed, list_photos, owner
from support.archives import read_lines
from support.harvest import KEY, Opener
from support.shim import Ran, Zygote

FULL_SPEED = ("--quota", "none", "--pace", "none")


class Lane:
    """An archive on a disk of its own, and the runs on it."""

    def __init__(self, sandbox: Sandbox, place: Path, zygote: Zygote) -> None:
        self.sandbox = sandbox
        self.zygote = zygote
        self.nsid = owner(sandbox)
        self.disk = place / "disk"
        self.archive = self.disk / "archive"
        self.before = place / "before"
        self.log = place / "log"
        self.env = {"FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url, "HARVESTER_STATE_DIR": str(place / "state")}
        self.first = ("account", self.nsid, "-o", str(self.archive), "--only", "person,photos,photosets", *FULL_SPEED)
        self.update = ("update", str(self.archive), *FULL_SPEED)

    async def run(self, command: Sequence[str], **given: object) -> Ran:
        return await self.zygote.run(*command, env=self.env, folder=self.disk, **given)  # type: ignore[arg-type]

    def begin(self) -> None:
        """The disk as it was before the run."""
        shutil.rmtree(self.disk, ignore_errors=True)
        self.disk.mkdir(parents=True)
        if self.before.exists():
            shutil.copytree(self.before, self.archive)

    async def keep_old(self) -> None:
        """Make the archive that updates begin with."""
        self.begin()
        assert (await self.run(self.first)).code == 0
        self.archive.rename(self.before)

    def change(self, *, at: float | None = None) -> None:
        """Have the catalogue change, now or at another time."""
        ids = [photo["id"] for photo in self.list_photos()]
        catalogue = self.sandbox.catalogue
        clock = catalogue.clock
        catalogue.clock = clock if at is None else lambda: at
        self.sandbox.api.control({"change": ids[:2], "delete": ids[3:4], "add": 1})
        catalogue.clock = clock

    def list_photos(self) -> list[dict[str, Any]]:
        return list_photos(self.sandbox, self.nsid)

    def check(self) -> None:
        """Everything is there once, and nothing else."""
        check_listed(self.archive, read_lines(self.archive / "photos.ndjson"), self.sandbox, self.nsid)

    async def go_on(self, command: Sequence[str], trace: str) -> None:
        """One more run, and all is well; and where it is an update, the next one asks Flickr."""
        ran = await self.run(command)
        assert ran.code == 0, f"{trace}: {ran.said}"
        self.check()
        if command == self.first:
            return
        asked = self.count_asked()
        ran = await self.run(self.update)
        assert ran.code == 0, f"{trace}: {ran.said}"
        assert "nothing has changed" in ran.said, f"{trace}: {ran.said}"
        assert self.count_asked() == asked + 1, trace
        assert not (self.archive / ".update").exists(), trace

    def count_asked(self) -> int:
        return self.sandbox.stats.methods["flickr.people.getPhotos"]

    @property
    def command(self) -> tuple[str, ...]:
        """What is to be run: the update of an archive that was kept, or the first run."""
        return self.update if self.before.exists() else self.first


@asynccontextmanager
async def open_lanes(
    zygotes: list[Zygote], sandbox_of: Opener, place: Path, *, is_update: bool
) -> AsyncIterator[list[Lane]]:
    """Lanes to work side by side, with sandboxes that are equal. An update's catalogues have changed meanwhile."""
    async with AsyncExitStack() as stack:
        lanes = []
        for n, zygote in enumerate(zygotes):
            sandbox = await stack.enter_async_context(sandbox_of(photos=6, owners=1))
            lanes.append(Lane(sandbox, place / f"lane{n}", zygote))
        for lane in lanes:
            lane.begin()
            if is_update:
                await lane.keep_old()
        if is_update:  # what one lane's sandbox has dated, another lane's may be asked for
            now = time.time()
            for lane in lanes:
                lane.change(at=now)
        yield lanes
