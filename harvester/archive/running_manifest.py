"""The manifest of a harvest under way: written when it begins, and twice a minute from then on.

A copy made meanwhile, or what a kill leaves, can thus be proved up to the length that was committed. The manifest
costs the harvest nothing that grows with the archive: each time a limited part of what was added is hashed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from harvester.archive.blocks import Blocks
from harvester.archive.checkpoint.read_only import locate
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import PHOTOS
from harvester.archive.folder import count_lists, write_manifest
from harvester.archive.manifest import FilePrefix, read_manifest
from harvester.archive.parts.part import list_names
from harvester.errors import CannotWrite

INTERVAL = 30.0
"""Seconds between two manifests. Promised is one a minute, also where a disk is slow."""
READ_AT_ONCE = 32_000_000
"""Bytes of a file that are hashed for one manifest: some 50 ms."""
_CHUNK = 1 << 20

Do: TypeAlias = Callable[[Callable[[], None]], Awaitable[None]]
"""Does some work where the checkpoint may be read."""


@asynccontextmanager
async def keep_manifest(
    write: Callable[[], None], *, do: Do, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[None]:
    """Write the manifest now and again and again, until the block ends."""

    async def repeat() -> None:
        while True:
            await sleep(INTERVAL)
            await do(write)

    await do(write)
    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Unfinished:
    """The manifest of an archive that is being harvested."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder = folder
        self._state = state
        self._hashed: dict[str, tuple[int, Any, Blocks]] = {}
        self._closed: list[str] | None = None
        before = read_manifest(folder)
        self._known = {name: entry.beginning for name, entry in before.files.items()} if before else {}
        if before is not None and list_names(before.parts) != list_names(state.parts()):
            self._known.pop(PHOTOS, None)

    def write(self) -> None:
        """Write it. Where that fails the harvest goes on: its end writes the manifest once more, and tells."""
        state = self._state
        with suppress(CannotWrite):
            with state.changing():  # only where no other harvester can be at work there
                files = {PHOTOS: state.length(PHOTOS), **state.files()}
                failed = sum(1 for _ in state.failures())
                photos, closed = state.count_photos(), list_names(state.parts())
            self._begin_anew(closed)
            counts = {**count_lists(state), "photos": photos}
            write_manifest(
                self._folder,
                state,
                status="unfinished",
                facts={"counts": {**counts, "reported": state.facts.expected, "failed": failed}},
                begins={name: self._hash(name, length.bytes) for name, length in files.items()},
            )

    def _begin_anew(self, closed: list[str]) -> None:
        """What was hashed of the photos counts as long as no part was closed, which takes their beginning away."""
        if self._closed not in (None, closed):
            self._hashed.pop(PHOTOS, None)
            self._known.pop(PHOTOS, None)
        self._closed = closed

    def _hash(self, name: str, length: int) -> FilePrefix:
        """The sha256 of a file's beginning, which is longer each time.

        A beginning that is not what the manifest before told stays as that had it, so that it is not blessed.
        """
        place, digest, blocks = self._hashed.get(name, (0, hashlib.sha256(), Blocks()))
        known = self._known.get(name)
        if known is not None and place == known.bytes:
            if digest.hexdigest() != known.sha256:
                return known
            known = self._known[name] = None
        with suppress(OSError), locate(self._folder, self._state, name).open("rb") as file:
            file.seek(place)
            end = min(length, place + READ_AT_ONCE, known.bytes if known else length)
            while part := file.read(max(0, min(end - place, _CHUNK))):
                digest.update(part)
                blocks.feed(part)
                place += len(part)
                self._hashed[name] = place, digest, blocks
        place, digest, blocks = self._hashed.get(name, (0, digest, blocks))
        return FilePrefix(place, digest.hexdigest(), blocks.encode())
