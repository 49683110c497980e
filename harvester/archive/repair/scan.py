"""Reading an archive's files through: where the good lines stand, and what is wrong with the others.

Both go into a database on disk, which keeps memory flat: a million photos take some 60 MB of it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any
from zlib import crc32

from harvester.archive.disk.files import cannot_write
from harvester.archive.folder import CHANGES
from harvester.archive.line_scan import Piece, Wanted, find_fault, find_list_fault, read_pieces, read_seconds
from harvester.archive.parts.part import Part, sum_lines
from harvester.archive.repair.blocks import ToldFile, doubt_lines
from harvester.archive.repair.fast import read_head, read_line
from harvester.archive.sinks import PHOTOS

MOST_LINE = 64 << 20
"""Bytes of a line at most: no record comes near. Where a disk has left gigabytes of zeros memory stays flat."""
_SCHEMA = """
CREATE TABLE good(file TEXT, id, place INTEGER, size INTEGER, written INTEGER, sum INTEGER, at TEXT, same INTEGER,
    proved INTEGER, updated INTEGER, uploaded INTEGER, PRIMARY KEY(file, id)) WITHOUT ROWID;
CREATE TABLE bad(file TEXT, place INTEGER, size INTEGER, why TEXT);
"""
_INSERT = "INSERT INTO good VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_REPLACE = "INSERT OR REPLACE INTO good VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Sums:
    """The checksums of lines that a checkpoint knows; `db` None where there is no checkpoint.

    `is_older` says that the checkpoint is older than the files: a line that differs may be a later one.
    """

    db: sqlite3.Connection | None = None
    is_older: bool = False

    def find(self, name: str, line_id: str) -> int | None:
        """The checksum of a line of a file; None where none is known."""
        if name == PHOTOS:
            return self.find_photo(int(line_id))
        query = "SELECT sum FROM list_line WHERE file = ? AND id = ?"
        row = None if self.db is None else self.db.execute(query, (name, line_id)).fetchone()
        return None if row is None else int(row[0])

    def find_photo(self, photo_id: int) -> int | None:
        """The checksum of a photo's line; None where none is known."""
        if self.db is None:
            return None
        row = self.db.execute("SELECT sum FROM line WHERE id = ?", (photo_id,)).fetchone()
        return None if row is None else int(row[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found in one file."""

    name: str
    is_there: bool
    size: int
    """Bytes of the file."""
    kept: int = 0
    """Good lines, each id once."""
    kept_bytes: int = 0
    """Their bytes, as an archive writes them."""
    damaged: int = 0
    doubled: int
    """Lines whose id stands in another line too; the better one is kept."""
    reshaped: int = 0
    """Good lines whose line breaks or spaces are not those of an archive."""
    unproved: int = 0
    """Good lines of which no checksum is known."""
    doubted: int
    """Good lines of which one at least was changed, and nothing tells which."""
    sha256: str
    stands: bool = False
    """Whether the file begins with its good lines and nothing else, so that it need not be written anew."""
    reordered: bool = False
    """Whether the good lines are those of a manifest, in another order."""
    path: Path | None = None
    """Where the lines were read, if not in the file of that name."""
    parts: tuple[Part, ...] = ()
    """The closed parts that stand, whose lines are not counted here."""
    drops: tuple[str, ...] = ()
    """Files that are called as parts and of which the good lines were read with these."""

    @property
    def all_kept(self) -> int:
        """Good lines, those of closed parts too."""
        return self.kept + sum_lines(self.parts)

    def compare(self, told: tuple[int, str] | None) -> Found:
        """The same, with the file held to what a manifest says of it, its bytes and sha256."""
        is_sound = not (self.damaged or self.doubled or self.reshaped or self.unproved or self.doubted)
        is_other = told is not None and told[0] == self.size == self.kept_bytes and told[1] != self.sha256
        return replace(self, reordered=is_sound and is_other)


def open_table(path: Path) -> sqlite3.Connection:
    """A new database for what is found. It is of use to this run alone, so nothing of it waits for the disk."""
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    try:
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-8000"):
            db.execute(f"PRAGMA {setting}")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def scan_file(
    path: Path,
    *,
    table: sqlite3.Connection,
    sums: Sums,
    wanted: Wanted,
    told: ToldFile | None = None,
    name: str = "",
) -> Found:
    """Read one file through, as the file of a name or of its own. `told` is what a sound manifest says of it."""
    name, is_there, doubled = name or path.name, True, 0
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            doubled = scan_lines(name, _read_lines(file, digest), 0, table=table, sums=sums, wanted=wanted)
    except FileNotFoundError:
        is_there = False
    except OSError as error:
        raise cannot_write(path, error) from None
    size, sha256 = path.stat().st_size if is_there else 0, digest.hexdigest()
    doubted = doubt_lines(table, name, told, size=size, sha256=sha256)
    found = Found(name=name, is_there=is_there, size=size, doubled=doubled, doubted=doubted, sha256=sha256)
    return count_lines(found, table)


def scan_lines(
    name: str, lines: Iterable[bytes], place: int, *, table: sqlite3.Connection, sums: Sums, wanted: Wanted
) -> int:
    """Take in lines, the first of which stands at this place; how many ids stand in other lines, too."""
    doubled = 0
    table.execute("BEGIN")
    try:
        for raw in lines:
            if name != PHOTOS or not _take_fast(raw, place, table=table, sums=sums, wanted=wanted):
                for piece in read_pieces(raw, place):
                    doubled += _take(name, piece, table=table, sums=sums, wanted=wanted)
            place += len(raw)
    finally:
        table.execute("COMMIT")
    return doubled


def forget_file(table: sqlite3.Connection, name: str) -> None:
    """Forget what was found in a file, which is to be read again."""
    for kind in ("good", "bad"):
        table.execute(f"DELETE FROM {kind} WHERE file = ?", (name,))  # noqa: S608 - the names above


def count_lines(found: Found, table: sqlite3.Connection) -> Found:
    """The same with the lines counted; those of closed parts stand at places below 0, and are none of the file's."""
    kept, written, covered, end, reshaped, unproved = table.execute(
        "SELECT count(*), total(written), total(size), max(place + size), total(NOT same), total(NOT proved) "
        "FROM good WHERE file = ? AND place >= 0",
        (found.name,),
    ).fetchone()
    (damaged,) = table.execute("SELECT count(*) FROM bad WHERE file = ?", (found.name,)).fetchone()
    return replace(
        found,
        kept=kept,
        kept_bytes=int(written),
        damaged=damaged,
        reshaped=int(reshaped),
        unproved=int(unproved),
        stands=found.is_there and not reshaped and (end or 0) == covered,
    )


def _read_lines(file: IO[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    while raw := file.readline(MOST_LINE):
        digest.update(raw)
        yield raw


def _take_fast(raw: bytes, place: int, *, table: sqlite3.Connection, sums: Sums, wanted: Wanted) -> bool:
    """Take a line that is as it was written, the first of its photo; False where it is to be looked at closely."""
    head = read_head(raw)
    if head is None:
        return False
    if head[0] in wanted.withdrawn:  # of an older copy that was put back
        return True
    known, checksum = sums.find_photo(head[0]), crc32(raw)
    is_proved = known == checksum
    seconds: tuple[int | None, int | None] | None = (None, None) if is_proved else None
    if not is_proved and (known is None or sums.is_older):
        seconds = read_line(raw, wanted)
    if seconds is None:
        return False
    size = len(raw)
    row = (PHOTOS, head[0], place, size, size, checksum, head[1], True, is_proved, *seconds)
    return table.execute(_INSERT, row).rowcount == 1


def _take(name: str, piece: Piece, *, table: sqlite3.Connection, sums: Sums, wanted: Wanted) -> bool:
    """Put a piece into the table of the good or of the bad; whether its id was known already."""
    if _is_withdrawn(name, piece, wanted):
        return False
    why, is_proved = _judge(name, piece, sums=sums, wanted=wanted)
    if why or piece.record is None:
        _note_bad(table, name, piece.place, piece.size, why)
        return False
    row = _build_row(name, piece, is_proved=is_proved)
    known = table.execute("SELECT place, size, sum, at, proved FROM good WHERE file = ? AND id = ?", row[:2]).fetchone()
    if known is not None:
        place, size, known_sum, at, proved = known
        if (is_proved, row[6]) <= (proved, at):
            if known_sum != row[5]:
                _note_bad(table, name, piece.place, piece.size, f"another line of {row[1]} is kept")
            return True
        _note_bad(table, name, place, size, f"a later line of {row[1]} is kept")
    table.execute(_REPLACE, row)
    return known is not None


def _is_withdrawn(name: str, piece: Piece, wanted: Wanted) -> bool:
    photo_id = str((piece.record or {}).get("id"))
    return name == PHOTOS and photo_id.isdigit() and int(photo_id) in wanted.withdrawn


def _judge(name: str, piece: Piece, *, sums: Sums, wanted: Wanted) -> tuple[str, bool]:
    """What is wrong with a line, and whether its checksum proves it."""
    if piece.record is None or name == CHANGES:
        return piece.why, False
    record = piece.record
    why = find_fault(record, wanted) if name == PHOTOS else find_list_fault(name, record)
    if why:
        return why, False
    known = sums.find(name, str(piece.record["id"]))
    is_proved = known == crc32(piece.line)
    if known is not None and not is_proved and not sums.is_older:
        return "its checksum is not that of the line that was written", False
    return "", is_proved


def _build_row(name: str, piece: Piece, *, is_proved: bool) -> tuple[Any, ...]:
    record = piece.record or {}
    updated, uploaded = read_seconds(record) if name == PHOTOS else (None, None)
    # A photo changes again and again: a line of changes.ndjson is told from others by its place.
    key = piece.place if name == CHANGES else int(record["id"]) if name == PHOTOS else str(record["id"])
    at = str(record.get("harvested_at", ""))
    size, written = piece.size, len(piece.line)
    return name, key, piece.place, size, written, crc32(piece.line), at, piece.is_same, is_proved, updated, uploaded


def _note_bad(table: sqlite3.Connection, name: str, place: int, size: int, why: str) -> None:
    table.execute("INSERT INTO bad VALUES (?, ?, ?, ?)", (name, place, size, why))
