"""The checkpoint: what was listed, what is still to be done, where each sweep stands. SQLite, on one thread.

A photo's id enters `seen` when a listing first shows it, and `todo` until its line is written. What the
checkpoint says is in a file, is on the disk before it says so; what lies behind that is cut off on resuming.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import orjson

from harvester.answers import Row
from harvester.errors import CannotWrite, UsageError
from harvester.sweep import Step, Stretch, Sweep

FORMAT = 1
_SCHEMA = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen(id INTEGER PRIMARY KEY);
CREATE TABLE todo(id INTEGER PRIMARY KEY, row BLOB, failure TEXT);
CREATE TABLE bad_input(text TEXT PRIMARY KEY, failure TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sweep(n INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE stretch(n INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE file(name TEXT PRIMARY KEY, length INTEGER NOT NULL, lines INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Todo:
    """A photo to be hydrated: its id, and the listing's row, None where no listing showed it."""

    id: str
    row: bytes | None


@dataclass(frozen=True, slots=True)
class Length:
    """How much of a file the checkpoint vouches for."""

    bytes: int = 0
    lines: int = 0


class State:
    """The checkpoint of one harvest. Use it from one thread at a time."""

    def __init__(self, path: Path | str, *, lasting: bool = True) -> None:
        """Opens or makes the checkpoint. `lasting` False leaves out what only a crash would need."""
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL" if lasting else "PRAGMA journal_mode=OFF")
            # NORMAL may forget the last transactions in a power cut, never tear them: then some work is done
            # again. The files are synced before each commit, so nothing in them is vouched for too early.
            self._db.execute(f"PRAGMA synchronous={'NORMAL' if lasting else 'OFF'}")
            self._db.execute("PRAGMA cache_size=-8000")
            self._prepare()
        except sqlite3.Error as error:
            raise self._refused(error) from None

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise CannotWrite(f"{self.path} was written by a newer harvester (format {version}); update this one.")
        if version == 0:
            self._db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version={FORMAT};COMMIT;")

    def _refused(self, error: sqlite3.Error) -> CannotWrite:
        return CannotWrite(f"Cannot use the checkpoint {self.path}: {error}. Mend that, then run the same again.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All changes inside count together, or none does."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._refused(error) from None
            raise

    # -- what was asked

    def recall(self, name: str) -> Any:
        """A remembered value, None where there is none."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return orjson.loads(row[0]) if row else None

    def remember(self, name: str, value: Any) -> None:
        """Remember a value of plain JSON."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, orjson.dumps(value).decode()))

    def forget(self) -> None:
        """Forget what was asked, as if it had never begun."""
        self._db.execute("DELETE FROM meta WHERE name <> 'stream'")
        self._db.execute("DELETE FROM sweep")

    # -- listing

    def sweeps(self) -> list[tuple[int, Sweep]]:
        """The sweeps still to be asked, oldest first, each with its number."""
        rows = self._db.execute("SELECT n, body FROM sweep ORDER BY n").fetchall()
        return [(n, msgspec.json.decode(body, type=Sweep)) for n, body in rows]

    def add_sweep(self, sweep: Sweep) -> int:
        """Take up a sweep; its number."""
        body = msgspec.json.encode(sweep).decode()
        return int(self._db.execute("INSERT INTO sweep(body) VALUES (?)", (body,)).lastrowid or 0)

    def replace_sweep(self, n: int, step: Step) -> list[tuple[int, Sweep]]:
        """A sweep was answered: what is to be asked instead, numbered."""
        self._db.execute("DELETE FROM sweep WHERE n = ?", (n,))
        rows = ((msgspec.json.encode(stretch).decode(),) for stretch in step.stretches)
        self._db.executemany("INSERT INTO stretch(body) VALUES (?)", rows)
        return [(self.add_sweep(sweep), sweep) for sweep in step.sweeps]

    def stretches(self) -> Iterator[Stretch]:
        """What is known of each stretch of upload time that was read."""
        for (body,) in self._db.execute("SELECT body FROM stretch ORDER BY n"):
            yield msgspec.json.decode(body, type=Stretch)

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Those of the rows that were never seen before; now they are."""
        ids = orjson.dumps([int(row.id) for row in rows]).decode()
        found = self._db.execute(
            "INSERT OR IGNORE INTO seen SELECT value FROM json_each(?) RETURNING id", (ids,)
        ).fetchall()
        new = {str(i) for (i,) in found}
        fresh = []
        for row in rows:
            if row.id in new:
                new.remove(row.id)
                fresh.append(row)
        return fresh

    def has_seen(self, photo_id: str) -> bool:
        """Whether a listing has shown this photo."""
        return self._db.execute("SELECT 1 FROM seen WHERE id = ?", (int(photo_id),)).fetchone() is not None

    # -- work

    def add_todo(self, photos: Iterable[Todo]) -> None:
        """Photos to be hydrated."""
        self._db.executemany("INSERT INTO todo(id, row) VALUES (?, ?)", ((int(p.id), p.row) for p in photos))

    def todo(self, *, after: int, most: int) -> list[Todo]:
        """The next photos to be hydrated, in the order of their ids."""
        query = "SELECT id, row FROM todo WHERE id > ? ORDER BY id LIMIT ?"
        return [Todo(str(i), row) for i, row in self._db.execute(query, (after, most))]

    def is_todo(self, photo_id: str) -> bool:
        """Whether this photo was listed and is not yet written."""
        if not (photo_id.isascii() and photo_id.isdigit() and len(photo_id) < 19):
            return False
        return self._db.execute("SELECT 1 FROM todo WHERE id = ?", (int(photo_id),)).fetchone() is not None

    def finish(self, ids: Iterable[str]) -> None:
        """These photos are written."""
        self._db.executemany("DELETE FROM todo WHERE id = ?", ((int(i),) for i in ids))

    def note_failure(self, photo_id: str, failure: dict[str, Any]) -> None:
        """A photo could not be had for now."""
        self._db.execute("UPDATE todo SET failure = ? WHERE id = ?", (orjson.dumps(failure).decode(), int(photo_id)))

    def note_bad_input(self, text: str, failure: dict[str, Any]) -> None:
        """A line of input that is no photo."""
        self._db.execute("INSERT OR REPLACE INTO bad_input VALUES (?, ?)", (text, orjson.dumps(failure).decode()))

    def clear_failures(self) -> None:
        """A new run tries everything again."""
        self._db.execute("UPDATE todo SET failure = NULL WHERE failure IS NOT NULL")
        self._db.execute("DELETE FROM bad_input")

    def failures(self) -> Iterator[dict[str, Any]]:
        """What could not be had for now."""
        for table in ("todo", "bad_input"):
            query = f"SELECT failure FROM {table} WHERE failure IS NOT NULL"  # noqa: S608 - the names above
            for (failure,) in self._db.execute(query):
                yield orjson.loads(failure)

    def count_todo(self) -> int:
        """Photos listed but not yet written."""
        return int(self._db.execute("SELECT count(*) FROM todo").fetchone()[0])

    # -- files

    def length(self, name: str) -> Length:
        """How much of a file is vouched for."""
        row = self._db.execute("SELECT length, lines FROM file WHERE name = ?", (name,)).fetchone()
        return Length(*row) if row else Length()

    def vouch(self, name: str, length: Length) -> None:
        """So much of the file is on the disk."""
        self._db.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?)", (name, length.bytes, length.lines))


def check_same_job(state: State, job: dict[str, Any], *, where: Path | None) -> bool:
    """Whether the checkpoint has begun this job before; UsageError where it has begun another."""
    known = state.recall("job")
    if known is None:
        return False
    if known != job:
        raise UsageError(
            f"{where} was begun with another query: it holds {_show(known)}, and this is {_show(job)}. "
            "Choose another folder with -o, or use the first query."
        )
    return True


def _show(job: dict[str, Any]) -> str:
    return orjson.dumps(job, option=orjson.OPT_SORT_KEYS).decode()
