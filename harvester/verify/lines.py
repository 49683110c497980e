"""Reading a file of an archive through: its lines, its ids, its sha256."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

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

    def add(self, key: int | str, line: int) -> bool:
        """Take the id of a line; False where it stands already."""
        place = self._before + line
        return self._table.execute("INSERT OR IGNORE INTO id VALUES (?, ?)", (key, place)).rowcount == 1

    def find(self, key: int | str) -> str:
        """Where an id stands first: `line 5`, and of which file, where that is another."""
        (place,) = self._table.execute("SELECT place FROM id WHERE id = ?", (key,)).fetchone()
        begin, name = next(file for file in reversed(self._files) if file[0] < place)
        return f"line {place - begin}" + ("" if name == self._files[-1][1] else f" of {name}")


# Many attributes: a file is read once for all that is counted and summed of it.
class Reader:
    """Reads a file of records through. Ids are compared in a table, which other files of the same records may share.

    `end` is the byte at which the reading ends, None for the end of the file. `beginning` is what is known of the
    file's first bytes. A `part` is unpacked, and its bytes are those of its lines. `on_read` hears of
    each line's length.
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

    def read(self) -> Iterator[str]:
        """What is wrong, line by line."""
        try:
            yield from self._read() if self._part is None else self._read_part(self._part)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def _read(self) -> Iterator[str]:
        with self.path.open("rb", buffering=_READ_AT_ONCE) as file:
            self.size = os.fstat(file.fileno()).st_size
            self._hash(b"")
            while self._end is None or self.bytes < self._end:
                line = file.readline(-1 if self._end is None else self._end - self.bytes)
                if not line:
                    break
                yield from self._take(line)
            if self._beginning is not None and self.size < self._beginning.bytes:
                self.is_as_known = False

    def _read_part(self, part: Part) -> Iterator[str]:
        try:
            for line in read_part(self.path, part):
                yield from self._take(line)
        except BrokenPart as broken:
            yield f"{self.path.name} {broken.why}."

    def _take(self, line: bytes) -> Iterator[str]:
        self.lines += 1
        if not self._is_sound(line):
            yield from self._check(line)
        self._hash(line)
        self.bytes += len(line)
        self._on_read(len(line))

    def _hash(self, line: bytes) -> None:
        known = self._beginning
        if known is None or self.is_as_known is not None:
            return
        self._digest.update(line[: known.bytes - self.bytes])
        if self.bytes + len(line) >= known.bytes:
            self.is_as_known = self._digest.hexdigest() == known.sha256

    def _is_sound(self, line: bytes) -> bool:
        """Whether this is surely a photo's line, and no id's second one; else `_check` tells what it is."""
        if not self._is_photos or not line.endswith(b"\n"):
            return False
        photo_id = read_id(line)
        return photo_id is not None and self._is_new(photo_id)

    def _is_new(self, key: int | str) -> bool:
        return self._ids.add(key, self.lines)

    def _check(self, line: bytes) -> Iterator[str]:
        where = f"{self.path.name} line {self.lines}, byte {self.bytes}"
        if not line.endswith(b"\n"):
            yield f"{where}: the line is cut off after {name_count(len(line), 'byte')}."
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield f"{where}: not JSON ({error})."
            return
        record_id = record.get("id") if isinstance(record, dict) else None
        if self.path.name == CHANGES:  # a photo may change again and again
            return
        if not isinstance(record_id, str) or not record_id or (self._is_photos and not is_photo_id(record_id)):
            yield f"{where}: no {'photo id' if self._is_photos else 'id'}."
            return
        if self._is_photos and (fault := find_fault(record, Wanted())):
            yield f"{where}: {fault}."
        key = int(record_id) if self._is_photos else record_id
        if not self._is_new(key):
            first = self._ids.find(key)
            yield f"{where}: {'photo ' if self._is_photos else ''}{record_id} stands in {first} already."
