"""Reading a file of an archive through: its lines, its ids, its sha256."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import orjson

from harvester.archive.line_scan import Wanted, find_fault
from harvester.archive.manifest import FilePrefix
from harvester.checkpoint.state import is_photo_id
from harvester.disk.files import cannot_write
from harvester.disk.layout import CHANGES, PHOTOS
from harvester.repair.fast import read_id
from harvester.text.words import name_count

_READ_AT_ONCE = 1 << 20


class Reader:
    """Reads a file of records through. Ids are compared in a table on disk, so that memory stays flat.

    `end` is the byte at which the reading ends, None for the end of the file. `beginning` is what is known of the
    file's first bytes.
    """

    def __init__(self, path: Path, *, end: int | None = None, beginning: FilePrefix | None = None) -> None:
        self.path = path
        self.lines = 0
        self.bytes = 0
        self.size = 0
        """Bytes of the whole file."""
        self.is_as_known: bool | None = None
        """Whether the file begins with what is known of it; None where the reading ended before that."""
        self._is_photos = path.name == PHOTOS
        self._end = end
        self._beginning = beginning
        self._digest = hashlib.sha256()
        self._ids = sqlite3.connect("", isolation_level=None)
        self._ids.execute("PRAGMA cache_size=-8000")
        self._ids.execute("CREATE TABLE id(id PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def read(self) -> Iterator[str]:
        """What is wrong, line by line."""
        self._ids.execute("BEGIN")
        try:
            with self.path.open("rb", buffering=_READ_AT_ONCE) as file:
                self.size = os.fstat(file.fileno()).st_size
                self._hash(b"")
                while self._end is None or self.bytes < self._end:
                    line = file.readline(-1 if self._end is None else self._end - self.bytes)
                    if not line:
                        break
                    self.lines += 1
                    if not self._is_sound(line):
                        yield from self._check(line)
                    self._hash(line)
                    self.bytes += len(line)
                if self._beginning is not None and self.size < self._beginning.bytes:
                    self.is_as_known = False
        except OSError as error:
            raise cannot_write(self.path, error) from None
        finally:
            self._ids.close()

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
        return self._ids.execute("INSERT OR IGNORE INTO id VALUES (?, ?)", (key, self.lines)).rowcount == 1

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
            (first,) = self._ids.execute("SELECT line FROM id WHERE id = ?", (key,)).fetchone()
            yield f"{where}: {'photo ' if self._is_photos else ''}{record_id} stands in line {first} already."
