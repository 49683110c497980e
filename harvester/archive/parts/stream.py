"""The pieces of an archive's photos as one stream of lines, which can be read from anywhere."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from harvester.archive.parts.part import Part
from harvester.archive.parts.reading import PartReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class PiecesStream(io.RawIOBase):
    """The lines of closed parts, and behind them those of an open file. BrokenPart where a part cannot be read."""

    def __init__(self, folder: Path, parts: Sequence[Part], tail: io.RawIOBase | None) -> None:
        """`tail` is closed with the stream."""
        self._folder = folder
        self._parts = parts
        self._tail = tail
        self._starts = [0, *accumulate(part.plain_bytes for part in parts)]
        self._place = 0
        self._reader: tuple[int, PartReader] | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is, from the beginning."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the beginning or from where it stands."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("its end is not known")
        self._place = offset + (self._place if whence == io.SEEK_CUR else 0)
        return self._place

    def tell(self) -> int:
        """Where it stands."""
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read up to the end of a frame at most."""
        view = memoryview(buffer).cast("B")
        data = self._read(len(view))
        view[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _read(self, size: int) -> bytes:
        number = bisect_right(self._starts, self._place) - 1
        if number < len(self._parts):
            return self._open(number).pread(size, self._place - self._starts[number])
        if self._tail is None:
            return b""
        self._tail.seek(self._place - self._starts[-1])
        return self._tail.read(size) or b""

    def _open(self, number: int) -> PartReader:
        if self._reader is None or self._reader[0] != number:
            self._close_reader()
            part = self._parts[number]
            self._reader = number, PartReader(self._folder / part.name, part)
        return self._reader[1]

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def close(self) -> None:
        """Close all that is open."""
        self._close_reader()
        if self._tail is not None:
            self._tail.close()
        super().close()
