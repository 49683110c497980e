"""The checkpoint: what was listed, what is still to be done, where each sweep stands. SQLite, on one thread.

A photo's id enters `seen` when a listing first shows it, and `todo` until its line is written. What the
checkpoint says is in a file, is on the disk before it says so; what lies behind that is cut off on resuming.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from zlib import crc32

import msgspec
import orjson

from harvester.checkpoint.facts import Fold, JobFacts, read_facts, read_json, take_over, write_facts
from harvester.checkpoint.schema import FORMAT, is_misnumbered, prepare, read_version
from harvester.checkpoint.shallow import SHALLOW, drop_unfetched
from harvester.disk.layout import DATA, find_archive
from harvester.disk.record import Record
from harvester.errors import CannotWrite, UsageError, shorten, show
from harvester.filesystem.lapses import LAPSES
from harvester.filesystem.ways import WAYS, Way, is_locked, is_refused, list_other_ways, name_reason
from harvester.flickr.listings import LISTINGS
from harvester.flickr.responses import Row
from harvester.jobs.sameness import Difference, is_open, leave_out_same_people, list_differences
from harvester.listing.sweep import Step, Stretch, Sweep
from harvester.listing.walk import Walk

_OWNER = "json_extract(CAST(row AS TEXT), '$.owner')"
T = TypeVar("T")
SPARE = 16_000_000
"""Bytes of a checkpoint that may lie idle."""

PATIENCE = 5.0
"""Seconds to wait for a lock that another process holds on the checkpoint."""

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


@dataclass(frozen=True, slots=True)
class Length:
    """How much of a file the checkpoint vouches for."""

    bytes: int = 0
    lines: int = 0


class Reading(StrEnum):
    """How SQLite is to read a checkpoint in which nothing may be written."""

    AT_REST = "immutable=1"
    """Nobody changes it: SQLite makes no file beside it."""
    BESIDE = "mode=ro"
    """A harvester is writing it: its locks and its log count."""


class State:
    """The checkpoint of one harvest. Use it from one thread at a time."""

    def __init__(
        self,
        path: Path,
        *,
        lasting: bool = True,
        reading: Reading | None = None,
        shown: Path | None = None,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        """Opens or makes the checkpoint. `lasting` False leaves out what only a crash would need.

        `reading` opens it to be read only. `shown` is the path for messages where that is another. `guard` raises
        where another harvester may be at work in the archive by now.
        """
        self._guard = guard
        self.path = shown or path
        self.is_update = False
        """It is compared with an older one."""
        self._folder = path.parent
        self._may_write = reading is None
        attempt = partial(self._open, path, reading=reading, lasting=lasting)
        try:
            attempt(WAYS[0], patience=0)
        except sqlite3.Error as error:
            self._open_otherwise(attempt, error)

    def _open_otherwise(self, attempt: Callable[..., None], first: sqlite3.Error) -> None:
        """Open it in another way than the first one, which has failed without waiting for any lock."""
        for way in list_other_ways(first, self._folder, may_write=self._may_write):
            try:
                attempt(way, patience=PATIENCE)
            except sqlite3.Error as error:
                if not is_refused(error, self._folder, may_write=self._may_write):
                    first = error if is_locked(error) else first
                    break
            else:
                return
        raise self.refused(first) from None

    def _open(self, path: Path, way: Way, *, reading: Reading | None, lasting: bool, patience: float) -> None:
        self._way = way
        name = way.name(path, reading or "")
        self._db = sqlite3.connect(name, timeout=patience, uri=True, isolation_level=None, check_same_thread=False)
        try:
            if reading is None and not way.shares_memory:
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")  # a log that is there is read without shared memory
            self._check_version()
            if reading is None:
                self._prepare(lasting=lasting)
                if way.lapse:
                    LAPSES.note(way.lapse, path)
            self._db.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
        except BaseException:
            self._db.close()  # and with it goes what was begun, and its lock
            raise

    def _prepare(self, *, lasting: bool) -> None:
        prepare(self._db, way=self._way, lasting=lasting)

    def _check_version(self) -> None:
        if (version := read_version(self._db)) > FORMAT:
            if is_misnumbered(self._db):
                raise self._damaged(f"it bears the number of format {version}")
            raise CannotWrite(f"{self.path} was written by a newer harvester (format {version}); update this one.")
        # A trigger or a view would run what somebody else has written whenever a table is used.
        other = "type IN ('trigger', 'view')" if version else "true"
        if self._db.execute(f"SELECT 1 FROM sqlite_schema WHERE {other}").fetchone():  # noqa: S608 - the words above
            raise CannotWrite(f"{self.path} is a database of something else; choose another folder.")

    def refused(self, error: sqlite3.Error) -> CannotWrite:
        """The error for what SQLite refuses."""
        is_damage = str(error).startswith(("no such table", "no such column", "Could not decode"))
        if isinstance(error, sqlite3.DatabaseError) and (is_damage or not isinstance(error, sqlite3.OperationalError)):
            return self._damaged(error)
        if is_refused(error, self._folder, may_write=self._may_write):
            return CannotWrite(
                f"Cannot use the checkpoint {self.path}: its file system refuses what SQLite needs ({error}): keep the "
                "archive on a local disk, and copy it to the share when it is complete."
            )
        reason = name_reason(error, self._folder) if self._may_write else error
        return CannotWrite(f"Cannot use the checkpoint {self.path}: {reason}. Mend that, then run the same again.")

    def _damaged(self, what: object) -> CannotWrite:
        return CannotWrite(
            f"The checkpoint {self.path} is damaged ({shorten(str(what), most=200)}): "
            f"`harvester repair {find_archive(Path(self.path))}` makes a new one out of the files."
        )

    @property
    def connection(self) -> sqlite3.Connection:
        """The database, for whoever proves that it is sound."""
        return self._db

    @property
    def is_current(self) -> bool:
        """Whether it is of this format."""
        return read_version(self._db) == FORMAT

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        if isinstance(error, sqlite3.Error):  # of a reading: damage shows when a page is reached
            raise self.refused(error) from None

    @contextmanager
    def changing(self, *, durably: bool = False) -> Iterator[None]:
        """All changes inside count together, or none does; `durably`, they outlive a power cut right after."""
        self._guard()
        try:
            if durably and self._way.shares_memory:
                self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._guard()
            self._db.execute("COMMIT")
            if durably:
                self._db.execute(f"PRAGMA synchronous={self._way.synchronous}")
        except BaseException as error:
            with suppress(sqlite3.Error):  # the first error tells more
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self.refused(error) from None
            raise

    def settle(self) -> None:
        """What was committed so far outlives a power cut too."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise self.refused(error) from None

    def shrink(self) -> None:
        """Give back the room of what is done with, where it is most of the file; on a full disk it stays as it is."""
        free, pages, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count", "page_size")
        )
        if free * size > SPARE and free > pages // 2:
            with suppress(sqlite3.Error, CannotWrite):
                self._db.execute("VACUUM")
                self.settle()

    # -- what was asked

    @property
    def facts(self) -> JobFacts:
        """What is known of the job at this moment; CannotWrite where any of it is damaged."""
        try:
            return self._read(read_facts, self._db)
        except sqlite3.Error as error:
            raise self.refused(error) from None

    def _read(self, read: Callable[..., T], *given: Any) -> T:
        """What a cell of the checkpoint says; CannotWrite where it is nothing that the harvester has written."""
        try:
            return read(*given)
        except ValueError as error:
            raise self._damaged(error) from None

    def note(self, facts: JobFacts) -> None:
        """Write the facts that differ from those that are known. Within a transaction.

        `facts` are to be those of this moment with a change: `state.note(replace(state.facts, …))`.
        """
        self._read(write_facts, self._db, facts)

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

    # -- listing

    def sweeps(self) -> list[tuple[int, Sweep]]:
        """The sweeps still to be asked, oldest first, each with its number."""
        rows = self._db.execute("SELECT n, body FROM sweep ORDER BY n").fetchall()
        return [(n, self._read(read_json, "sweep", body, Sweep)) for n, body in rows]

    def add_sweep(self, sweep: Sweep) -> int:
        """Take up a sweep; its number."""
        body = msgspec.json.encode(sweep).decode()
        return int(self._db.execute("INSERT INTO sweep(body) VALUES (?)", (body,)).lastrowid or 0)

    def drop_listing(self) -> None:
        """Forget what is to be asked of the search and what is known of it; the photos it has shown stay.

        Photos that it has not shown are no longer held for gone.
        """
        for table in ("sweep", "stretch", "gone"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        self._db.execute("DELETE FROM todo WHERE missing")

    def list_again(self, sweeps: Iterable[Sweep]) -> None:
        """Take up sweeps of all that was listed: what is known of its stretches they will tell anew."""
        self._db.execute("DELETE FROM stretch")
        for sweep in sweeps:
            self.add_sweep(sweep)

    def replace_stretches(self, stretches: Collection[Stretch], sweeps: Iterable[Sweep]) -> None:
        """Take up sweeps in place of what is known of these stretches."""
        rows = self._db.execute("SELECT n, body FROM stretch").fetchall()
        old = ((n,) for n, body in rows if self._read(read_json, "stretch", body, Stretch) in stretches)
        self._db.executemany("DELETE FROM stretch WHERE n = ?", list(old))
        for sweep in sweeps:
            self.add_sweep(sweep)

    def replace_sweep(self, n: int, step: Step) -> list[tuple[int, Sweep]]:
        """A sweep was answered: what is to be asked instead, numbered."""
        self._db.execute("DELETE FROM sweep WHERE n = ?", (n,))
        rows = ((msgspec.json.encode(stretch).decode(),) for stretch in step.stretches)
        self._db.executemany("INSERT INTO stretch(body) VALUES (?)", rows)
        return [(self.add_sweep(sweep), sweep) for sweep in step.sweeps]

    def stretches(self) -> Iterator[Stretch]:
        """What is known of each stretch of upload time that was read."""
        for (body,) in self._db.execute("SELECT body FROM stretch ORDER BY n"):
            yield self._read(read_json, "stretch", body, Stretch)

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Those of the rows that were never seen before; now they are."""
        ids = orjson.dumps([(int(row.id), row.updated, row.uploaded) for row in rows]).decode()
        found = self._db.execute(
            "INSERT OR IGNORE INTO seen(id, updated, uploaded) SELECT json_extract(value, '$[0]'), "
            "json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?) RETURNING id",
            (ids,),
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

    # -- lists that are no search

    def walks(self) -> list[tuple[int, Walk]]:
        """The lists still to be read, oldest first, each with its number."""
        rows = self._db.execute("SELECT n, body FROM walk ORDER BY n").fetchall()
        walks = [(n, self._read(read_json, "walk", body, Walk)) for n, body in rows]
        if unknown := next((walk.listing for _, walk in walks if walk.listing not in LISTINGS), None):
            raise self._damaged(f"walk: there is no list {unknown}")
        return walks

    def add_walk(self, walk: Walk) -> int:
        """Take up a list; its number."""
        body = msgspec.json.encode(walk).decode()
        return int(self._db.execute("INSERT INTO walk(body) VALUES (?)", (body,)).lastrowid or 0)

    def replace_walk(self, n: int, walk: Walk | None) -> None:
        """A page was read: what is to be read now; None where the list is done."""
        if walk is None:
            self._db.execute("DELETE FROM walk WHERE n = ?", (n,))
        else:
            self._db.execute("UPDATE walk SET body = ? WHERE n = ?", (msgspec.json.encode(walk).decode(), n))

    def enter(self, name: str, rows: Iterable[tuple[str, bytes]], *, reading: int) -> tuple[list[bool], int]:
        """Note rows of a list as taken: for each whether it is new, and how many this reading had brought before."""
        new: list[bool] = []
        repeated = 0
        for row_id, _ in rows:
            known = self._db.execute("SELECT reading FROM entry WHERE list = ? AND id = ?", (name, row_id)).fetchone()
            new.append(known is None)
            repeated += known is not None and known[0] == reading
            self._db.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", (name, row_id, reading))
        return new, repeated

    def gather(self, n: int, rows: Iterable[tuple[str, bytes]]) -> int:
        """Keep rows of a list that make one line together; how many of them it had brought before."""
        added = [
            self._db.execute("INSERT OR IGNORE INTO gathered VALUES (?, ?, ?)", (n, row_id, raw)).rowcount
            for row_id, raw in rows
        ]
        return added.count(0)

    def gathered_ids(self, n: int) -> list[str]:
        """The ids of a list's rows in their order."""
        return [i for (i,) in self._db.execute("SELECT id FROM gathered WHERE walk = ? ORDER BY rowid", (n,))]

    def gathered(self, n: int, *, not_of: str = "") -> Iterator[tuple[str, bytes]]:
        """The rows of a list in their order; with `not_of`, those that name another owner."""
        query = f"SELECT id, row FROM gathered WHERE walk = ? AND coalesce({_OWNER}, ?) <> ? ORDER BY rowid"  # noqa: S608
        yield from self._db.execute(query, (n, not_of, not_of or "-"))

    def drop_gathered(self, n: int) -> None:
        """The list is written, or read anew."""
        self._db.execute("DELETE FROM gathered WHERE walk = ?", (n,))

    def keep_for_later(self, n: int, *, owner: str = "") -> None:
        """Photos of a gathered list, to be harvested once the listing is through; of one owner, or all."""
        self._db.execute(
            "INSERT INTO later SELECT CAST(id AS INTEGER), row FROM gathered "  # noqa: S608
            f"WHERE walk = ? AND CAST(id AS INTEGER) > 0 AND (? = '' OR coalesce({_OWNER}, ?) = ?) "
            "ON CONFLICT(id) DO UPDATE SET row = excluded.row WHERE later.row IS NULL",
            (n, owner, owner, owner),
        )

    def later(self, *, after: int, most: int) -> list[tuple[str, bytes]]:
        """Photos kept for later, in the order of their ids."""
        rows = self._db.execute("SELECT id, row FROM later WHERE id > ? ORDER BY id LIMIT ?", (after, most))
        return [(str(i), raw) for i, raw in rows]

    def is_later_left(self) -> bool:
        """Whether a photo kept for later is still to be taken."""
        return bool(self._db.execute("SELECT 1 FROM later WHERE id NOT IN (SELECT id FROM seen) LIMIT 1").fetchone())

    def drop_later(self) -> None:
        """All photos kept for later are taken."""
        self._db.execute("DELETE FROM later")

    def note_walk_failure(self, n: int, failure: dict[str, Any]) -> None:
        """A list could not be had for now."""
        self._db.execute("UPDATE walk SET failure = ? WHERE n = ?", (orjson.dumps(failure).decode(), n))

    def is_untouched(self) -> bool:
        """Whether nothing was listed or written yet, whatever was asked. What an update is compared with, was."""
        if self.is_update:
            return False
        query = "SELECT NOT EXISTS(SELECT 1 FROM seen) AND NOT EXISTS(SELECT 1 FROM file WHERE length > 0)"
        return bool(self._db.execute(query).fetchone()[0])

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
        """These photos are written."""
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

    # -- updating another checkpoint

    def compare_with(self, older: Path) -> None:
        """Take up another archive's checkpoint, to be compared with and in the end brought up to date."""
        try:
            self._db.execute("ATTACH ? AS older", (str(older),))
        except sqlite3.Error as error:
            raise self.refused(error) from None
        self.is_update = True

    def differing(self, rows: Sequence[Row]) -> list[Row]:
        """Those of the rows that the older archive does not have, or has from before their last change."""
        ids = orjson.dumps([(int(row.id), row.updated) for row in rows]).decode()
        query = (
            "SELECT old.id FROM json_each(?) JOIN older.seen AS old ON old.id = json_extract(value, '$[0]') "
            "WHERE old.updated = json_extract(value, '$[1]') AND old.id NOT IN (SELECT id FROM older.todo)"
        )
        same = {str(i) for (i,) in self._db.execute(query, (ids,))}
        return [row for row in rows if row.id not in same]

    def spare_sweeps(self, claimed: int) -> bool:
        """Whether the older archive's photos and the new ones are as many as Flickr claims: then none is gone.

        If so, nothing is left to be listed. What an earlier run could not get only a listing shows again.
        """
        unfetched = f"SELECT 1 FROM older.unfetched WHERE NOT ({SHALLOW})"  # noqa: S608
        if self._db.execute(f"SELECT 1 FROM older.todo UNION {unfetched} LIMIT 1").fetchone():  # noqa: S608
            return False
        if self._db.execute("SELECT 1 FROM older.stretch WHERE NOT json_extract(body, '$.whole') LIMIT 1").fetchone():
            return False
        query = (
            "SELECT (SELECT count(*) FROM older.seen) + (SELECT count(*) FROM seen WHERE id NOT IN "
            "(SELECT id FROM older.seen))"
        )
        if self._db.execute(query).fetchone()[0] != claimed:
            return False
        self._db.execute("DELETE FROM sweep")
        self._db.execute("DELETE FROM later WHERE id IN (SELECT id FROM older.seen)")
        self.note(replace(self.facts, spared=True))
        return True

    def add_missing(self) -> None:
        """Photos of the older archive that no listing has shown: what became of them is to be found out."""
        self._db.execute(
            "INSERT OR IGNORE INTO todo(id, missing) SELECT id, 1 FROM older.seen "
            "WHERE id NOT IN (SELECT id FROM seen) AND id NOT IN (SELECT id FROM older.todo)"
        )

    def todo_missing(self, *, after: int, most: int) -> list[Todo]:
        """The next photos that are missing, in the order of their ids."""
        query = "SELECT id FROM todo WHERE missing AND id > ? ORDER BY id LIMIT ?"
        return [Todo(str(i), None, missing=True) for (i,) in self._db.execute(query, (after, most))]

    def note_gone(self, gone: Iterable[Gone]) -> None:
        """What became of missing photos."""
        self._db.executemany(
            "INSERT OR REPLACE INTO gone VALUES (?, ?, ?)", ((int(g.id), g.code, g.message) for g in gone)
        )

    def gone(self) -> Iterator[Gone]:
        """What became of the photos that no listing shows any more, in the order of their ids."""
        for photo_id, code, message in self._db.execute("SELECT id, code, message FROM gone ORDER BY id"):
            yield Gone(str(photo_id), code, message)

    def absorb(self, newer: Path, *, keep_unlisted: bool, fold: Fold) -> None:
        """Take over what an update has found: what it has seen, its stretches and notes, the lengths of its files.

        `fold` says which files are to take the place of this archive's; it stands in the checkpoint until they do.
        What could not be had is kept as such, and its last change as it was, so that the next update asks again.
        """
        try:
            self._db.execute("ATTACH ? AS newer", (str(newer),))
        except sqlite3.Error as error:
            raise self.refused(error) from None
        try:
            with self.changing(durably=True):  # files change places next: a power cut must undo both or none
                self._drop_unfetched()
                self._db.execute(
                    "INSERT INTO seen(id, updated, uploaded) SELECT id, updated, uploaded FROM newer.seen "
                    "WHERE id NOT IN (SELECT id FROM newer.todo) "
                    "ON CONFLICT(id) DO UPDATE SET updated = coalesce(excluded.updated, updated), "
                    "uploaded = coalesce(excluded.uploaded, uploaded) "
                    "WHERE (updated, uploaded) IS NOT (excluded.updated, excluded.uploaded)"
                )
                which = "code IS NOT NULL" if keep_unlisted else "true"
                for table in ("seen", "line"):
                    self._db.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM newer.gone WHERE {which})")  # noqa: S608
                self._db.execute("INSERT OR REPLACE INTO line SELECT * FROM newer.line")
                for table in ("todo", "walk"):
                    which = "id" if table == "todo" else "NULL"
                    self._db.execute(f"INSERT INTO unfetched SELECT {which}, failure FROM newer.{table}")  # noqa: S608
                self._replace_sums(fold["files"], fold.get("kept", ()))
                found = self._read(partial(read_facts, schema="newer"), self._db)
                for table in ("entry",) if found.spared else ("entry", "stretch"):
                    self._db.execute(f"DELETE FROM {table}")  # noqa: S608
                    self._db.execute(f"INSERT INTO {table} SELECT * FROM newer.{table}")  # noqa: S608
                for name, (length, lines) in fold["files"].items():
                    self.vouch(name, Length(length, lines))
                self.note(take_over(self.facts, found, fold))
        finally:
            with suppress(sqlite3.Error):
                self._db.execute("DETACH newer")

    def _drop_unfetched(self) -> None:
        """What earlier runs could not get, the newer one has, or has noted."""
        self._db.execute("DELETE FROM seen WHERE id IN (SELECT id FROM todo)")
        for table in ("todo", "walk", "gathered", "later"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        drop_unfetched(self._db)

    def _replace_sums(self, files: Iterable[str], kept: Sequence[tuple[str, str]]) -> None:
        """The checksums of these files are those of the newer lines, but for lines that are `kept`: file and id."""
        names, lines = orjson.dumps(list(files)).decode(), orjson.dumps(kept).decode()
        self._db.execute(
            "DELETE FROM list_line WHERE file IN (SELECT value FROM json_each(?)) AND (file, id) NOT IN "
            "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))",
            (names, lines),
        )
        self._db.execute(
            "INSERT OR REPLACE INTO list_line SELECT * FROM newer.list_line "
            "WHERE file IN (SELECT value FROM json_each(?))",
            (names,),
        )

    def has_unknown_changes(self) -> bool:
        """Whether there are photos whose last change is not known."""
        return bool(self._db.execute("SELECT 1 FROM seen WHERE updated IS NULL LIMIT 1").fetchone())

    def note_changes(self, changes: Iterable[tuple[int, int]]) -> None:
        """The last change of photos, by id, where it was not known."""
        self._db.executemany(
            "UPDATE seen SET updated = ? WHERE id = ? AND updated IS NULL",
            ((changed, photo_id) for photo_id, changed in changes),
        )

    def is_begun(self) -> bool:
        """Whether it has a job."""
        return self.facts.job is not None

    def is_whole(self) -> bool:
        """Whether it was begun, and nothing is left to be asked."""
        begun = self.facts.arguments is not None
        return begun and not (self.sweeps() or self.walks() or self.count_todo() or self.is_later_left())

    def count_seen(self) -> int:
        """Photos that listings have shown."""
        return int(self._db.execute("SELECT count(*) FROM seen").fetchone()[0])

    def count_there(self) -> int:
        """Photos that listings have shown; in an update also those of the older archive that are not gone."""
        if not self.is_update:
            return self.count_seen()
        query = (
            "SELECT count(*) FROM (SELECT id FROM seen UNION SELECT id FROM older.seen) "
            "WHERE id NOT IN (SELECT id FROM gone WHERE code IS NOT NULL)"
        )
        return int(self._db.execute(query).fetchone()[0])

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
        """These photos have other lines than those whose checksums are kept."""
        self._db.executemany("DELETE FROM line WHERE id = ?", ((i,) for i in ids))

    def note_list_lines(self, name: str, lines: Iterable[tuple[str, bytes]]) -> None:
        """Keep the checksums of lines of a file beside the photos."""
        self._db.executemany(
            "INSERT OR REPLACE INTO list_line VALUES (?, ?, ?)", ((name, i, crc32(line)) for i, line in lines)
        )

    def length(self, name: str) -> Length:
        """How much of a file is vouched for."""
        row = self._db.execute("SELECT length, lines FROM file WHERE name = ?", (name,)).fetchone()
        return self._read(_read_length, name, *row) if row else Length()

    def files(self) -> dict[str, Length]:
        """All files that are vouched for, by name."""
        rows = self._db.execute("SELECT name, length, lines FROM file ORDER BY name")
        return {name: self._read(_read_length, name, length, lines) for name, length, lines in rows}

    def vouch(self, name: str, length: Length) -> None:
        """So much of the file is on the disk."""
        self._db.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?)", (name, length.bytes, length.lines))


def _read_length(name: object, size: object, lines: object) -> Length:
    """The length of one of the archive's files; ValueError where it is none of them, or no length."""
    if name not in DATA:
        raise ValueError(f"it vouches for {show(name)}, which is no file of an archive")
    if not isinstance(size, int) or not isinstance(lines, int) or lines < 0 or size < 0:
        raise ValueError(f"the length of {name} is none")
    return Length(size, lines)


def is_photo_id(text: str) -> bool:
    """Whether a text is an id as the checkpoint holds them."""
    return text.isascii() and text.isdigit() and len(text) < 19


def settle_letters(state: State, *, unescape: bool, is_new: bool, where: Path | None) -> None:
    """Remember whether lines are written with letters in place of escapes; UsageError where they were begun without.

    Within a transaction. An update remembers it from its archive.
    """
    if is_new and state.facts.unescape is None:
        state.note(replace(state.facts, unescape=unescape))
    elif unescape and not state.facts.unescape:
        raise UsageError(
            f"{where} was begun without it: its text is written as Flickr sends it. Leave it out, or choose another "
            "folder.",
            field="unescape",
        )


def check_same_job(state: State, job: dict[str, Any], *, where: Path | None) -> bool:
    """Whether the checkpoint has begun this job before; UsageError where it has begun another.

    Names that may stand for the same person are passed over: `confirm_names` asks Flickr about them.
    """
    known = state.facts.job
    if known is None:
        return False
    differences = leave_out_same_people(list_differences(known, job), state.facts.arguments or {})
    if not all(map(is_open, differences)):
        raise tell_other_job(differences, where=where)
    return True


def tell_other_job(differences: Sequence[Difference], *, where: Path | None) -> UsageError:
    """The error for a job that is not the one that the archive was begun with."""
    *most, last = map(str, differences)
    told = f"{', '.join(most)} and {last}" if most else last
    return UsageError(
        f"{where} was begun with another query, which differs in {told}: choose another folder, or use the first query."
    )
