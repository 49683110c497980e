"""The lines of a stretch of a file. They stay where they were read to, and are not copied."""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harvester.export.source import File, open_file, too_short

STRETCH = 1 << 20
"""Bytes that are read at once: what is read must not leave the core's cache before it is used."""
_ROOM = 1 << 16
"""For the rest of the last line."""


class LineReader:
    """Reads stretches one after the other into the same memory: new memory for each takes as long as reading them."""

    def __init__(self) -> None:
        self._bytes = bytearray(_ROOM)
        self._memory = memoryview(self._bytes)
        self._kept: tuple[File, io.RawIOBase] | None = None

    def read(self, file: File, start: int, end: int, *, without: Sequence[int] = ()) -> list[memoryview]:
        """The lines that begin in the stretch, but for those that begin at one of the places `without`.

        They are good until the next call. UsageError where the file is shorter than it should be.
        """
        origin = max(start - 1, 0)
        filled = self._fill(file, origin, end)
        data = self._bytes
        place = data.find(b"\n", 0, filled) + 1 if start else 0
        lines = []
        while origin + place < end and (stop := data.find(b"\n", place, filled)) >= 0:
            if not without or not _is_in(without, origin + place):
                lines.append(self._memory[place:stop])
            place = stop + 1
        if origin + place < end:
            raise too_short(file.path)
        return lines

    def _fill(self, file: File, origin: int, end: int) -> int:
        """Read from the origin to the end, and on to the end of the line; the bytes that are there now."""
        with self._open(file) as source:
            source.seek(origin)
            filled, wanted = 0, end - origin
            while True:
                self._make_room(wanted, keep=filled)
                while filled < wanted and (count := source.readinto(self._memory[filled:wanted])):
                    filled += count
                is_whole = self._bytes.find(b"\n", end - origin - 1, filled) >= 0
                if filled < wanted or is_whole or origin + filled >= file.bytes:
                    return filled
                wanted = min(filled + _ROOM, file.bytes - origin)

    @contextmanager
    def _open(self, file: File) -> Iterator[io.RawIOBase]:
        """A file, as it is now; parts never change, and stay open for the next stretch."""
        if not file.parts:
            with open_file(file) as source:
                yield source
            return
        if self._kept is None or self._kept[0] != file:
            self.close()
            self._kept = file, open_file(file)
        yield self._kept[1]

    def close(self) -> None:
        """Close what stayed open."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def _make_room(self, size: int, *, keep: int) -> None:
        if len(self._bytes) < size:
            kept = self._bytes[:keep]
            self._bytes = kept + bytes(size + _ROOM - keep)
            self._memory = memoryview(self._bytes)


def iterate_lines(file: File) -> Iterator[bytes]:
    """All lines of a file, without their line breaks."""
    reader = LineReader()
    for start in range(0, file.bytes, STRETCH):
        yield from map(bytes, reader.read(file, start, min(start + STRETCH, file.bytes)))


def _is_in(places: Sequence[int], place: int) -> bool:
    n = bisect_left(places, place)
    return n < len(places) and places[n] == place
