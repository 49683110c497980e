"""Where records go: an archive's file, standard output, a consumer in the same loop.

A record is delivered at once; its length is committed a moment later, with all records that came meanwhile
(`Store.commit`). A kill between the two costs no call: whole lines behind the committed length are taken on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

import orjson

from harvester.archive.checkpoint.state import Length, State
from harvester.archive.closing import close_parts
from harvester.archive.disk.files import Appender, cannot_write, sync_file
from harvester.archive.disk.layout import PHOTOS
from harvester.archive.disk.record import Record
from harvester.archive.parts.part import Part
from harvester.text.escapes import escape_controls
from harvester.text.streams import cannot_write_stdout

__all__ = ["PHOTOS", "ArchiveSink", "ChannelSink", "OpenSink", "PipeClosed", "Sink", "StreamSink", "recover_lines"]


class PipeClosed(Exception):
    """Whoever read the output has gone."""


class Sink(Protocol):
    """Takes records and delivers them: to a file, a stream or a consumer."""

    @property
    def portion(self) -> int:
        """How many records are sent at a time at most."""

    @property
    def length(self) -> int:
        """Bytes of the output's file, whole lines all of them; 0 where the output is none."""

    async def send(self, records: Sequence[Record], thread: Executor) -> None:
        """Deliver the records; what may block is done on the thread."""

    def sync(self) -> None:
        """Have all that was sent on the disk. CannotWrite where that fails: then nothing that was sent counts."""

    def cut(self, length: int) -> None:
        """Take back what was sent behind so many bytes, where that is possible."""

    def close_parts(self, state: State) -> Sequence[Part]:
        """Close the parts that are full; all that was sent is committed, and nothing is sent meanwhile."""


class ArchiveSink:
    """Lines into photos.ndjson.

    They are handed to the system where they stand, in microseconds; a trip to a thread would cost ten times that.
    The disk is waited for on the thread, by `sync`.
    """

    portion = sys.maxsize

    def __init__(self, file: Appender, *, guard: Callable[[], None] = lambda: None) -> None:
        """`guard` raises where another harvester may be writing the file by now."""
        self._file = file
        self._guard = guard

    @property
    def length(self) -> int:
        """Bytes of the file."""
        return self._file.length

    async def send(self, records: Sequence[Record], thread: Executor) -> None:  # noqa: ARG002 - see above
        """One write for all that is ready."""
        self._guard()
        self._file.write(b"".join([record.line for record in records]))

    def sync(self) -> None:
        """Wait for the disk."""
        self._file.sync()

    def cut(self, length: int) -> None:
        """Cut the file back."""
        self._guard()
        self._file.cut(length)

    def close_parts(self, state: State) -> Sequence[Part]:
        """Close them, and go on behind them."""
        self._guard()
        closed = close_parts(self._file.path.parent, state)
        if closed:
            self._file.reopen(state.length(PHOTOS).bytes)
        return closed


class OpenSink(Protocol):
    """Makes the sink of an archive's photos."""

    def __call__(self, file: Appender, *, guard: Callable[[], None]) -> Sink:
        """As ArchiveSink."""


class StreamSink:
    """Lines to standard output, or another open file. A slow reader slows the harvest."""

    length = 0
    portion = sys.maxsize

    def __init__(self, file: int = 1) -> None:
        self._file = file
        self._is_terminal = os.isatty(file)

    async def send(self, records: Sequence[Record], thread: Executor) -> None:
        """Write the records; a crash before they are committed sends them again. PipeClosed where nobody reads."""
        lines = b"".join([record.line for record in records])
        if self._is_terminal:  # the same JSON, but nothing in it that the terminal obeys
            lines = escape_controls(lines.decode()).encode()
        await asyncio.get_running_loop().run_in_executor(thread, self._write, lines)

    def sync(self) -> None:
        """Do nothing: the reader of the stream keeps the records."""

    def cut(self, length: int) -> None:
        """Do nothing: records that were read cannot be taken back."""

    def close_parts(self, state: State) -> Sequence[Part]:  # noqa: ARG002 - there are none
        """Nor has it parts."""
        return ()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except BrokenPipeError:
            raise PipeClosed from None
        except OSError as error:
            raise cannot_write_stdout(error) from None


class ChannelSink:
    """Records to a consumer in the same event loop, through a bounded queue."""

    length = 0
    portion = sys.maxsize

    def __init__(self, queue: asyncio.Queue[Record | None]) -> None:
        self._queue = queue

    async def send(self, records: Sequence[Record], thread: Executor) -> None:  # noqa: ARG002 - nothing blocks
        """Waits while the consumer is behind."""
        for record in records:
            await self._queue.put(record)

    def sync(self) -> None:
        """Do nothing: the consumer has the records."""

    def cut(self, length: int) -> None:
        """Do nothing: records that were handed over cannot be taken back."""

    def close_parts(self, state: State) -> Sequence[Part]:  # noqa: ARG002 - there are none
        """There are no parts of it."""
        return ()


def recover_lines(state: State, path: Path) -> None:
    """Commit whole lines behind the committed length, written before a kill came between file and checkpoint.

    Only a line that is valid JSON, of a photo still to be done, is taken; the first other one ends it, and is cut
    off with all behind it when the file is opened. So a kill costs no call whose answer was already in the file.
    """
    committed = state.length(PHOTOS)
    try:
        with path.open("rb+") as file:
            file.seek(committed.bytes)
            found = list(_whole_records(file, state))
            sync_file(file.fileno(), path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(path, error) from None
    if found:
        with state.changing():
            state.finish(record.id for record in found)
            state.note_lines(found)
            size = sum(len(record.line) for record in found)
            state.commit_length(PHOTOS, Length(committed.bytes + size, committed.lines + len(found)))


def _whole_records(lines: Iterable[bytes], state: State) -> Iterator[Record]:
    taken: set[str] = set()
    for line in lines:
        try:
            photo_id = orjson.loads(line)["id"] if line.endswith(b"}\n") else ""
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return
        if not isinstance(photo_id, str) or photo_id in taken or not state.is_todo(photo_id):
            return
        taken.add(photo_id)
        yield Record(photo_id, line)
