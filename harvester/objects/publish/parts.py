"""Closed parts go to the store while the harvest goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from harvester.archive.disk.files import cannot_write
from harvester.archive.put_away import hash_file
from harvester.errors import StopRun
from harvester.events import Noticed, Observer
from harvester.objects import Store
from harvester.objects.publish.plan import Item
from harvester.objects.publish.upload import put_item


class PartUploads:
    """Parts that wait for their turn, and the task that puts one after the other.

    What fails is told once. The publication at the end of the harvest finds what is missing.
    """

    def __init__(self, folder: Path, open_store: Callable[[], Store], observer: Observer) -> None:
        self._folder = folder
        self._open_store = open_store
        self._observer = observer
        self._names: asyncio.Queue[str | None] = asyncio.Queue()
        self._is_told = False
        self._task: asyncio.Task[None] | None = None

    def add(self, name: str) -> None:
        """A part that stands in the archive's folder."""
        self._names.put_nowait(name)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Put parts as they come, within the block."""
        self._task = asyncio.create_task(self._work())
        try:
            yield
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def finish(self) -> None:
        """Wait until all have had their turn."""
        self._names.put_nowait(None)
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        while (name := await self._names.get()) is not None:
            try:
                await self._put(name)
            except StopRun as error:
                if not (self._folder / name).exists():
                    continue
                if not self._is_told:
                    self._observer(Noticed(sentence=f"{name} is not published yet, and the harvest goes on: {error}"))
                self._is_told = True
            else:
                self._is_told = False

    async def _put(self, name: str) -> None:
        path = self._folder / name
        try:
            found = await asyncio.to_thread(hash_file, path)
        except OSError as error:
            raise cannot_write(path, error) from None
        store, item = self._open_store(), Item(name, found.bytes, found.sha256)
        if await store.head(item.key) is None:
            await put_item(self._folder, store, item)
