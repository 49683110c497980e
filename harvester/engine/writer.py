"""The end of the pipeline: writes what the workers have fetched, and commits it to the checkpoint."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, TypeAlias

from harvester.archive.checkpoint.state import Gone
from harvester.archive.disk.record import Record
from harvester.archive.sinks import Sink
from harvester.archive.store import Store
from harvester.engine.handoff import Handoff
from harvester.engine.run_end import tell_parts
from harvester.events import Observer, Tally
from harvester.flickr.methods import PAGE_SIZE

UNWRITTEN = 64
"""Photos fetched but not yet written: what a kill costs when the disk is slow. Rows of a listing cost no calls."""
COMMIT_PAUSE = 0.05
"""Seconds between a commit and the next one: a sync and a transaction for each handful of photos would take a tenth
of the time of all. A kill in between costs nothing, since the lines are in the file; a power cut costs so much more."""
DRAFT_PAUSE = 1.0
"""Seconds between two writings of the parts of photos in flight: what a kill may cost, in calls that were answered.
There are at most as many such photos as workers."""

Failure: TypeAlias = tuple[str, dict[str, Any]]
"""The id of a photo that could not be had for now, and what errors.ndjson tells of it."""


class Writer:
    """Takes records, photos that are gone, and failures from the outbox. None in it is the end.

    The outbox is bounded, so a slow output slows the workers.
    """

    def __init__(self, store: Store, sink: Sink, *, tally: Tally, observer: Observer, has_parts: bool) -> None:
        """`has_parts` is true where photos are fetched in parts, each of which costs a call."""
        self._store = store
        self._sink = sink
        self._tally = tally
        self._observer = observer
        self._has_parts = has_parts
        self.outbox: Handoff[Record | Gone | Failure | None] = Handoff(UNWRITTEN if has_parts else PAGE_SIZE)
        self._sent = asyncio.Event()
        self._all_sent = asyncio.Event()

    def start(self, group: asyncio.TaskGroup) -> None:
        """Write and commit in tasks of the group, until the outbox has come to its end."""
        group.create_task(self._write())
        group.create_task(self._commit())
        if self._has_parts:
            group.create_task(self._keep_drafts())

    async def _write(self) -> None:
        """Whatever is ready, in one go. Nothing waits for a batch to fill."""
        ended = False
        while not ended:
            batch = await self.outbox.take(self._sink.portion)
            ended = batch[-1] is None
            if failures := [item for item in batch if isinstance(item, tuple)]:
                await self._store.note_failures(failures)
            if gone := [item for item in batch if isinstance(item, Gone)]:
                await self._store.finish_gone(gone)
            if records := [item for item in batch if isinstance(item, Record)]:
                await self._store.send(records, self._sink)
                self._tally.written += len(records)
                self._sent.set()
        self._all_sent.set()
        self._sent.set()

    async def _commit(self) -> None:
        """The checkpoint is told of what was sent a moment later: one sync and one transaction for all of it."""
        ended = False
        while not ended:
            await self._sent.wait()
            self._sent.clear()
            ended = self._all_sent.is_set()
            tell_parts(await self._store.commit(self._sink), self._observer)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_PAUSE):
                    await self._all_sent.wait()

    async def _keep_drafts(self) -> None:
        """No call is made twice: the parts of a photo are kept while its others are still to come."""
        while not self._all_sent.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAFT_PAUSE):
                    await self._all_sent.wait()
            await self._store.keep_drafts()
