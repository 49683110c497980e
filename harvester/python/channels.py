"""How records get from a harvest to whoever iterates over it, in the same event loop.

A Buffer holds some records ahead of the consumer. A Handover holds none: a record is written into the archive only
when the consumer asks for it, so an archive holds exactly the photos that its loops were given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Protocol

from harvester.archive.disk.files import Appender
from harvester.archive.disk.record import Record
from harvester.archive.sinks import ArchiveSink, ChannelSink
from harvester.errors import CannotWrite

AHEAD = 64
"""Photos fetched ahead of the consumer; more would be lost work when the loop is left early."""


class Channel(Protocol):
    """The consumer's end. `take` returns None at the end of the records, and again each time after."""

    async def take(self) -> Record | None:
        """Wait for the next record."""

    async def end(self) -> None:
        """No record comes any more: those that wait are taken first."""

    def wake(self) -> None:
        """The harvest was cancelled: drop what waits, and wake whoever waits for more."""


class Buffer:
    """Holds up to AHEAD records."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Record | None] = asyncio.Queue(AHEAD)
        self.sink = ChannelSink(self._queue)

    async def take(self) -> Record | None:
        """Wait for the next record."""
        record = await self._queue.get()
        if record is None:
            self._queue.put_nowait(None)
        return record

    async def end(self) -> None:
        """Put the end behind the records that wait."""
        await self._queue.put(None)

    def wake(self) -> None:
        """Put the end in place of the records that wait."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class Handover:
    """Gives one record for each that is asked for."""

    def __init__(self) -> None:
        self._asked = asyncio.Semaphore(0)
        self._given: asyncio.Queue[Record | None] = asyncio.Queue()
        self._taken = asyncio.Semaphore(0)
        self._last: Record | None = None

    async def take(self) -> Record | None:
        """Ask for a record and wait for it."""
        self._asked.release()
        record = await self._given.get()
        if record is None:
            self._given.put_nowait(None)
        else:
            self._last = record
            self._taken.release()
        return record

    async def wait_for_demand(self) -> None:
        """Wait until a record is asked for."""
        await self._asked.acquire()

    async def give(self, record: Record) -> None:
        """Give the record and wait until it is taken."""
        self._given.put_nowait(record)
        await self._taken.acquire()

    def withdraw(self, record: Record) -> bool:
        """Take a record back that was to be given; False where the consumer has it already."""
        if not self._given.empty():
            self._given.get_nowait()
        return self._last is not record

    async def end(self) -> None:
        """Say that there is no more."""
        self.wake()

    def wake(self) -> None:
        """Say that there is no more."""
        self._given.put_nowait(None)


class HandedSink(ArchiveSink):
    """Lines into photos.ndjson, each on the disk before its photo is given away, and not before it is asked for."""

    portion = 1

    def __init__(self, file: Appender, *, guard: Callable[[], None], handover: Handover) -> None:
        super().__init__(file, guard=guard)
        self._handover = handover

    async def send(self, records: Sequence[Record], thread: Executor) -> None:
        """Write and give the records, one after the other. One that was not taken is cut off again."""
        for record in records:
            await self._handover.wait_for_demand()
            before = self.length
            try:
                await super().send([record], thread)
                await asyncio.get_running_loop().run_in_executor(thread, self.sync)
                await self._handover.give(record)
            except BaseException:
                if self._handover.withdraw(record):
                    with suppress(CannotWrite):  # the first error tells more
                        self.cut(before)
                raise
