"""Reading a part: from the first line to the last, held against what is known of it, or from anywhere."""

from __future__ import annotations

import hashlib
import io
import os
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import IO

from harvester.archive.disk.files import damaged
from harvester.archive.disk.layout import NO_FOLLOW
from harvester.archive.parts.packing import FRAME, Unreadable, unpack
from harvester.archive.parts.part import Part


class BrokenPart(ValueError):
    """The file at `path` is not the one that was closed; `why` is what follows its name in a sentence."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.path = path
        self.why = why


def open_part(path: Path) -> IO[bytes]:
    """The file of a part, to be read; BrokenPart where it cannot be."""
    try:
        return open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | NO_FOLLOW), "rb")  # noqa: PTH123 - a descriptor
    except FileNotFoundError:
        raise BrokenPart(path, "is missing") from None
    except OSError as error:
        raise BrokenPart(path, f"cannot be read ({error.strerror})") from None


def read_part(path: Path, part: Part) -> Iterator[bytes]:
    """The lines of a part. BrokenPart, at the end at the latest, where the file is not the one that was closed."""
    digest, lines = hashlib.sha256(), 0
    with open_part(path) as file:
        for data in _read_frames(path, part, file, digest):
            for line in io.BytesIO(data) if part.frames else (data,):
                lines += 1
                yield line
        if file.read(1):
            raise BrokenPart(path, "is longer than it was when it was closed")
    if digest.hexdigest() != part.sha256 or lines != part.lines:
        raise BrokenPart(path, "does not have the sha256 that it was closed with")


def take_part(path: Path, part: Part) -> Iterator[bytes]:
    """The same for whoever builds upon it: CannotWrite in place of BrokenPart."""
    try:
        yield from read_part(path, part)
    except BrokenPart as broken:
        raise damaged(broken.path, broken.why) from None


def _read_frames(path: Path, part: Part, file: IO[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    """The frames of a part, unpacked; of one that is not packed, its lines."""
    if not part.frames:
        for line in _read_lines(file, part.bytes):
            digest.update(line)
            yield line
        return
    for number, (packed, plain) in enumerate(part.list_frames(), 1):
        frame = file.read(packed)
        digest.update(frame)
        try:
            yield unpack(frame, part.packing, plain)
        except Unreadable as error:
            raise BrokenPart(path, f"cannot be unpacked in frame {number} ({error})") from None


def _read_lines(file: IO[bytes], left: int) -> Iterator[bytes]:
    while left > 0 and (line := file.readline(left)):
        left -= len(line)
        yield line


class PartReader:
    """Reads the lines of a part from anywhere: `pread` as of a file with all its lines, unpacked.

    It remembers the frame that it has unpacked last. BrokenPart where that cannot be unpacked.
    """

    def __init__(self, path: Path, part: Part) -> None:
        self._path = path
        self._part = part
        self._sizes = list(part.list_frames())
        self._starts = [0, *accumulate(plain for _, plain in self._sizes)]
        self._places = [0, *accumulate(packed for packed, _ in self._sizes)]
        self._file = open_part(path)
        self._known: tuple[int, bytes] = (-1, b"")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def pread(self, size: int, place: int) -> bytes:
        """Up to `size` bytes from a place on, at least one where the part has it."""
        if place >= self._part.plain_bytes:
            return b""
        if not self._sizes:
            return os.pread(self._file.fileno(), min(size, self._part.bytes - place, FRAME), place)
        number = bisect_right(self._starts, place) - 1
        begin = place - self._starts[number]
        return self._unpack(number)[begin : begin + size]

    def _unpack(self, number: int) -> bytes:
        if self._known[0] != number:
            packed, plain = self._sizes[number]
            frame = os.pread(self._file.fileno(), packed, self._places[number])
            try:
                self._known = number, unpack(frame, self._part.packing, plain)
            except Unreadable as error:
                raise BrokenPart(self._path, f"cannot be unpacked in frame {number + 1} ({error})") from None
        return self._known[1]
