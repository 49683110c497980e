"""The checkpoint: what was listed, what is still to be done, where each sweep stands. SQLite, on one thread.

A photo's id enters `seen` when a listing first shows it, and `todo` until its line is written. What the
checkpoint says is in a file, is on the disk before it says so; what lies behind that is cut off on resuming.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from zlib import crc32

import msgspec
import orjson

from harvester.archive.checkpoint.facts import JobFacts, read_json
from harvester.archive.checkpoint.listed import Listed
from harvester.archive.checkpoint.shallow import SHALLOW
from harvester.archive.disk.layout import DATA, PHOTOS
from harvester.archive.disk.record import Record
from harvester.archive.parts.part import Part
from harvester.errors import show

_ROOM_OF_PHOTO, _ROOM_OF_ROW = 40, 150
"""Bytes that a photo, and a line of another file, take in full pages."""
LINE_ID = re.compile(rb'\{"id":"([0-9]{1,18})"')


class Todo(msgspec.Struct, frozen=True, gc=False):
    """A photo to be hydrated: its id, and the listing's row, None where no listing showed it."""

    id: str
    row: bytes | None
    missing: bool = False
    """The archive has it, and no listing shows it any more: it is to be found out why."""
    draft: bytes | None = None
    """The parts of it that an earlier run has left."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What became of a photo that no listing shows any more. `code` None: it is there, but no longer matches."""

    id: str
    code: int | None
    message: str | None
    updated: int | None = None
    """The second of its last change, where it is there."""


@dataclass(frozen=True, slots=True)
class Length:
    """The committed length of a file: what lies behind it does not count."""

    bytes: int = 0
    lines: int = 0


class State(Listed):
    """The checkpoint of one harvest: besides the listing what is to be done, and what is in the files."""

    is_update: ClassVar[bool] = False
    """Whether it is of an update or a deepening, which stands in a folder within its archive."""

    def is_begun(self) -> bool:
        """Whether it has a job."""
        return self.facts.job is not None

    def is_whole(self) -> bool:
        """Whether it was begun, and nothing is left to be asked."""
        begun = self.facts.arguments is not None
        return begun and not (self.sweeps() or self.walks() or self.count_todo() or self.is_later_left())

    def is_untouched(self) -> bool:
        """Whether nothing was listed or written yet, whatever was asked."""
        query = "SELECT NOT EXISTS(SELECT 1 FROM seen) AND NOT EXISTS(SELECT 1 FROM file WHERE length > 0)"
        return bool(self._db.execute(query).fetchone()[0])

    def may_begin_anew(self) -> bool:
        """Whether nothing would be lost if it were begun otherwise, as with another login."""
        return self.is_untouched()

    def forget(self) -> None:
        """Forget what was asked, as if it had never begun: where no photo was listed yet."""
        kept = JobFacts(stream=self.facts.stream)
        self._db.execute("DELETE FROM meta")
        self.note(kept)
        for table in ("sweep", "stretch", "walk", "gathered", "entry", "later", "file", "list_line"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above

    def wipe(self) -> None:
        """Forget everything: an update begins anew in what an earlier one has left."""
        self.forget()
        for table in ("seen", "line", "todo", "bad_input", "gone"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above

    # -- work

    def add_todo(self, photos: Iterable[Todo]) -> None:
        """Photos to be hydrated."""
        self._db.executemany("INSERT INTO todo(id, row) VALUES (?, ?)", ((int(p.id), p.row) for p in photos))

    def todo(self, *, after: int, most: int) -> list[Todo]:
        """The next photos to be hydrated, in the order of their ids."""
        query = "SELECT id, row, draft FROM todo WHERE id > ? AND NOT missing ORDER BY id LIMIT ?"
        return [Todo(str(i), row, draft=draft) for i, row, draft in self._db.execute(query, (after, most))]

    def is_todo(self, photo_id: str) -> bool:
        """Whether this photo was listed and is not yet written."""
        if not is_photo_id(photo_id):
            return False
        return self._db.execute("SELECT 1 FROM todo WHERE id = ?", (int(photo_id),)).fetchone() is not None

    def finish(self, ids: Iterable[str]) -> None:
        """Take these photos, whose lines are written, off `todo`."""
        self._db.execute("DELETE FROM todo WHERE id IN (SELECT value FROM json_each(?))", (f"[{','.join(ids)}]",))

    def keep_drafts(self, drafts: Iterable[tuple[str, bytes]]) -> None:
        """What has come of photos whose other parts are still to be asked for; by id, as JSON."""
        self._db.executemany("UPDATE todo SET draft = ? WHERE id = ?", ((draft, int(i)) for i, draft in drafts))

    def note_failure(self, photo_id: str, failure: dict[str, Any]) -> None:
        """A photo could not be had for now."""
        self._db.execute("UPDATE todo SET failure = ? WHERE id = ?", (orjson.dumps(failure).decode(), int(photo_id)))

    def note_bad_input(self, text: str, failure: dict[str, Any]) -> None:
        """A line of input that is no photo."""
        self._db.execute("INSERT OR REPLACE INTO bad_input VALUES (?, ?)", (text, orjson.dumps(failure).decode()))

    def clear_failures(self) -> None:
        """A new run tries everything again."""
        self._db.execute("UPDATE todo SET failure = NULL WHERE failure IS NOT NULL")
        self._db.execute("UPDATE walk SET failure = NULL WHERE failure IS NOT NULL")
        self._db.execute("DELETE FROM bad_input")

    def failures(self) -> Iterator[dict[str, Any]]:
        """What could not be had for now."""
        for table in ("todo", "walk", "bad_input", "unfetched"):
            query = f"SELECT failure FROM {table} WHERE failure IS NOT NULL"  # noqa: S608 - the names above
            for (failure,) in self._db.execute(query):
                yield self._read(read_json, "failure", failure, dict[str, Any])

    def count_failures(self) -> dict[str, int]:
        """How much could not be had for now, by table."""
        query = "SELECT count(*) FROM {} WHERE failure IS NOT NULL"
        tables = ("todo", "walk", "bad_input", "unfetched")
        return {table: int(self._db.execute(query.format(table)).fetchone()[0]) for table in tables}

    def count_unfetched(self, *, without_line: bool = False) -> int:
        """What the last update could not get; of it, the photos of which no older line is there."""
        which = "id IS NOT NULL AND id NOT IN (SELECT id FROM seen)" if without_line else "true"
        query = f"SELECT count(*) FROM unfetched WHERE {which} AND NOT ({SHALLOW})"  # noqa: S608
        return int(self._db.execute(query).fetchone()[0])

    def has_only_failures(self) -> bool:
        """Whether it was begun, and all that is left was tried and could not be had; none of it shows the photos."""
        if self.facts.arguments is None or self.sweeps() or self.is_later_left():
            return False
        if any(walk.shows_all for _, walk in self.walks()):
            return False
        untried = (f"SELECT 1 FROM {table} WHERE failure IS NULL LIMIT 1" for table in ("todo", "walk"))  # noqa: S608
        return not any(self._db.execute(query).fetchone() for query in untried)

    def count_todo(self) -> int:
        """Photos listed but not yet written."""
        return int(self._db.execute("SELECT count(*) FROM todo").fetchone()[0])

    def note_gone(self, gone: Sequence[Gone]) -> None:
        """What became of missing photos."""
        self._db.executemany(
            "INSERT OR REPLACE INTO gone VALUES (?, ?, ?)", ((int(g.id), g.code, g.message) for g in gone)
        )

    def gone(self) -> Iterator[Gone]:
        """What became of the photos that no listing shows any more, in the order of their ids."""
        for photo_id, code, message in self._db.execute("SELECT id, code, message FROM gone ORDER BY id"):
            yield Gone(str(photo_id), code, message)

    def has_unknown_changes(self) -> bool:
        """Whether there are photos whose last change is not known."""
        return bool(self._db.execute("SELECT 1 FROM seen WHERE updated IS NULL LIMIT 1").fetchone())

    def note_changes(self, changes: Iterable[tuple[int, int]]) -> None:
        """The last change of photos, by id, where it was not known."""
        self._db.executemany(
            "UPDATE seen SET updated = ? WHERE id = ? AND updated IS NULL",
            ((changed, photo_id) for photo_id, changed in changes),
        )

    # -- files

    def note_lines(self, records: Iterable[Record]) -> None:
        """Keep the checksums of lines that are on the disk."""
        self._db.executemany("INSERT OR REPLACE INTO line VALUES (?, ?)", ((int(r.id), crc32(r.line)) for r in records))

    def is_as_noted(self, line: bytes) -> bool:
        """Whether a photo's line has the checksum that was kept of it; older versions have kept none."""
        photo = LINE_ID.match(line)
        if photo is None:
            return False
        row = self._db.execute("SELECT sum FROM line WHERE id = ?", (int(photo[1]),)).fetchone()
        return row is None or row[0] == crc32(line)

    def forget_lines(self, ids: Iterable[int]) -> None:
        """Drop the checksums of these photos' lines, since the lines have changed."""
        self._db.executemany("DELETE FROM line WHERE id = ?", ((i,) for i in ids))

    def note_list_lines(self, name: str, lines: Iterable[tuple[str, bytes]]) -> None:
        """Keep the checksums of lines of a file beside the photos."""
        self._db.executemany(
            "INSERT OR REPLACE INTO list_line VALUES (?, ?, ?)", ((name, i, crc32(line)) for i, line in lines)
        )

    def parts(self) -> list[Part]:
        """The closed parts of the photos, in order; PHOTOS holds what comes behind them."""
        rows = self._db.execute("SELECT body FROM part ORDER BY n")
        return [self._read(read_json, "part", body, Part) for (body,) in rows]

    def commit_parts(self, parts: Iterable[Part]) -> None:
        """These are the closed parts, in their order: they are on the disk."""
        self._db.execute("DELETE FROM part")
        rows = ((msgspec.json.encode(part).decode(),) for part in parts)
        self._db.executemany("INSERT INTO part(body) VALUES (?)", rows)

    def count_photos(self) -> int:
        """The lines of photos, in closed parts or not."""
        query = "SELECT coalesce(sum(json_extract(body, '$.lines')), 0) FROM part"
        return int(self._db.execute(query).fetchone()[0]) + self.length(PHOTOS).lines

    def shrink(self) -> None:
        """Give back the room that what is written does not need, where that is much."""
        others = sum(length.lines for name, length in self.files().items() if name != PHOTOS)
        self.compact(_ROOM_OF_PHOTO * self.count_photos() + _ROOM_OF_ROW * others)

    def length(self, name: str) -> Length:
        """The committed length of a file: of PHOTOS what stands in the file of that name, behind the parts."""
        row = self._db.execute("SELECT length, lines FROM file WHERE name = ?", (name,)).fetchone()
        return self._read(_read_length, name, *row) if row else Length()

    def files(self) -> dict[str, Length]:
        """The committed lengths of all files, by name."""
        rows = self._db.execute("SELECT name, length, lines FROM file ORDER BY name")
        return {name: self._read(_read_length, name, length, lines) for name, length, lines in rows}

    def commit_length(self, name: str, length: Length) -> None:
        """Commit this length of a file: so much of it is on the disk."""
        self._db.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?)", (name, length.bytes, length.lines))


def _read_length(name: object, size: object, lines: object) -> Length:
    """The length of one of the archive's files; ValueError where it is none of them, or no length."""
    if name not in DATA:
        raise ValueError(f"it counts {show(name)}, which is no file of an archive")
    if not isinstance(size, int) or not isinstance(lines, int) or lines < 0 or size < 0:
        raise ValueError(f"the length of {name} is none")
    return Length(size, lines)


def is_photo_id(text: str) -> bool:
    """Whether a text is an id as the checkpoint holds them."""
    return text.isascii() and text.isdigit() and len(text) < 19
