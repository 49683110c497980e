"""Reading a file of an archive through: its lines, its ids, its sha256."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import orjson

from harvester.archive.checkpoint.state import is_photo_id
from harvester.archive.disk.files import cannot_write
from harvester.archive.disk.layout import CHANGES, PHOTOS
from harvester.archive.line_scan import Wanted, find_fault
from harvester.archive.manifest import FilePrefix
from harvester.archive.parts.part import Part
from harvester.archive.parts.reading import BrokenPart, read_part
from harvester.archive.repair.fast import read_id
from harvester.text.words import name_count

_READ_AT_ONCE = 1 << 20
_COMPARED_AT_ONCE = 1000
"""Lines."""


class Found(NamedTuple):
    """The id of a record, and where that begins."""

    key: int | str
    line: int
    byte: int


class Ids:
    """The ids of records, and where each stands. In a table on disk, so that memory stays flat."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.execute("PRAGMA cache_size=-8000")
        self._table.execute("CREATE TABLE id(id PRIMARY KEY, place INTEGER) WITHOUT ROWID")
        self._table.execute("BEGIN")
        self._before = 0
        self._files: list[tuple[int, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._table.close()

    def begin(self, name: str, *, behind: int) -> None:
        """Further lines are those of a file by this name; `behind` so many of the file before."""
        self._before += behind
        self._files.append((self._before, name))

    def add(self, found: Sequence[Found]) -> list[Found]:
        """Take what was found in lines of the file, in one go; those whose id stands before are returned."""
        # Inserted in their order, ids cost a third of the time that they take one by one.
        rows = sorted((each.key, self._before + each.line) for each in found)
        if self._table.executemany("INSERT OR IGNORE INTO id VALUES (?, ?)", rows).rowcount == len(rows):
            return []
        return [each for each in found if self._find_place(each.key) != self._before + each.line]

    def find(self, key: int | str) -> str:
        """Where an id stands first: `line 5`, and of which file, where that is another."""
        place = self._find_place(key)
        begin, name = next(file for file in reversed(self._files) if file[0] < place)
        return f"line {place - begin}" + ("" if name == self._files[-1][1] else f" of {name}")

    def _find_place(self, key: int | str) -> int:
        (place,) = self._table.execute("SELECT place FROM id WHERE id = ?", (key,)).fetchone()
        return int(place)


# Many attributes: a file is read once for all that is counted and summed of it.
class Reader:
    """Reads a file of records through. Ids are compared in a table, which other files of the same records may share.

    `end` is the byte at which the reading ends, None for the end of the file. `beginning` is what is known of the
    file's first bytes. A `part` is unpacked, and its bytes are those of its lines. `on_read` hears of the bytes read.
    """

    def __init__(
        self,
        path: Path,
        *,
        ids: Ids,
        end: int | None = None,
        beginning: FilePrefix | None = None,
        part: Part | None = None,
        on_read: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.path = path
        self._part = part
        self.lines = 0
        self.bytes = 0
        self.size = 0
        """Bytes of the whole file."""
        self.is_as_known: bool | None = None
        """Whether the file begins with what is known of it; None where the reading ended before that."""
        self._is_photos = part is not None or path.name == PHOTOS
        self._end = end
        self._beginning = beginning
        self._digest = hashlib.sha256()
        self._ids = ids
        self._on_read = on_read
        self._found: list[Found] = []
        """What is not compared yet."""
        self._told = 0
        """Bytes that were told of as read."""

    def read(self) -> Iterator[str]:
        """What is wrong, line by line."""
        try:
            yield from self._read_file() if self._part is None else self._read_part(self._part)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def _read_file(self) -> Iterator[str]:
        with self.path.open("rb", buffering=_READ_AT_ONCE) as file:
            self.size = os.fstat(file.fileno()).st_size
            self._hash(b"")
            yield from self._read(file if self._end is None else _read_until(self._end, file))
            if self._beginning is not None and self.size < self._beginning.bytes:
                self.is_as_known = False

    def _read_part(self, part: Part) -> Iterator[str]:
        try:
            yield from self._read(read_part(self.path, part))
        except BrokenPart as broken:
            yield from self._compare()
            yield f"{self.path.name} {broken.why}."

    def _read(self, lines: Iterable[bytes]) -> Iterator[str]:
        for line in lines:
            self.lines += 1
            key: int | str | None = read_id(line) if self._is_photos and line.endswith(b"\n") else None
            if key is None:  # no photo's line, or not surely
                key = yield from self._check(line)
            if key is not None:
                self._found.append(Found(key, self.lines, self.bytes))
            self._hash(line)
            self.bytes += len(line)
            if self.lines % _COMPARED_AT_ONCE == 0:
                yield from self._compare()
        yield from self._compare()

    def _compare(self) -> Iterator[str]:
        """The lines whose id stands in a line before."""
        found, self._found = self._found, []
        for each in self._ids.add(found):
            what = f"{'photo ' if self._is_photos else ''}{each.key}"
            yield f"{self._place(each)}: {what} stands in {self._ids.find(each.key)} already."
        self._on_read(self.bytes - self._told)
        self._told = self.bytes

    def _hash(self, line: bytes) -> None:
        known = self._beginning
        if known is None or self.is_as_known is not None:
            return
        self._digest.update(line[: known.bytes - self.bytes])
        if self.bytes + len(line) >= known.bytes:
            self.is_as_known = self._digest.hexdigest() == known.sha256

    def _check(self, line: bytes) -> Generator[str, None, int | str | None]:
        """What is wrong with a line; its id is returned, where it has one."""
        where = self._place(Found("", self.lines, self.bytes))
        if not line.endswith(b"\n"):
            yield f"{where}: the line is cut off after {name_count(len(line), 'byte')}."
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield f"{where}: not JSON ({error})."
            return None
        record_id = record.get("id") if isinstance(record, dict) else None
        if self.path.name == CHANGES:  # a photo may change again and again
            return None
        if not isinstance(record_id, str) or not record_id or (self._is_photos and not is_photo_id(record_id)):
            yield f"{where}: no {'photo id' if self._is_photos else 'id'}."
            return None
        if self._is_photos and (fault := find_fault(record, Wanted())):
            yield f"{where}: {fault}."
        return int(record_id) if self._is_photos else record_id

    def _place(self, found: Found) -> str:
        return f"{self.path.name} line {found.line}, byte {found.byte}"


def _read_until(end: int, file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file up to a byte, at which the last may be cut off."""
    while end > 0 and (line := file.readline(end)):
        end -= len(line)
        yield line
