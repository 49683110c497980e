"""The file of a checkpoint: how SQLite opens it, its transactions, and the facts of the job. On one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from harvester.archive.checkpoint.facts import JobFacts, read_facts, write_facts
from harvester.archive.checkpoint.schema import FORMAT, is_misnumbered, prepare, read_version
from harvester.archive.disk.layout import find_archive
from harvester.errors import CannotWrite, shorten
from harvester.filesystem.limitations import LIMITATIONS
from harvester.filesystem.sqlite_modes import (
    SQLITE_MODES,
    SqliteMode,
    is_locked,
    is_refused,
    list_other_modes,
    name_reason,
)

T = TypeVar("T")
SPARE = 2_000_000
"""Bytes of a checkpoint that may lie idle."""

PATIENCE = 5.0
"""Seconds to wait for a lock that another process holds on the checkpoint."""


class ReadMode(StrEnum):
    """How SQLite is to read a checkpoint in which nothing may be written."""

    AT_REST = "immutable=1"
    """Nobody changes it: SQLite makes no file beside it."""
    BESIDE = "mode=ro"
    """A harvester is writing it: its locks and its log count."""


class Database:
    """An open checkpoint. Use it from one thread at a time."""

    def __init__(
        self,
        path: Path,
        *,
        lasting: bool = True,
        reading: ReadMode | None = None,
        shown: Path | None = None,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        """Opens or makes the checkpoint. `lasting` False leaves out what only a crash would need.

        `reading` opens it to be read only. `shown` is the path for messages where that is another. `guard` raises
        where another harvester may be at work in the archive by now.
        """
        self._guard = guard
        self.path = shown or path
        self._folder = path.parent
        self._may_write = reading is None
        attempt = partial(self._open, path, reading=reading, lasting=lasting)
        try:
            attempt(SQLITE_MODES[0], patience=0)
        except sqlite3.Error as error:
            self._open_otherwise(attempt, error)

    def _open_otherwise(self, attempt: Callable[..., None], first: sqlite3.Error) -> None:
        """Open it in another mode than the first one, which has failed without waiting for any lock."""
        for mode in list_other_modes(first, self._folder, may_write=self._may_write):
            try:
                attempt(mode, patience=PATIENCE)
            except sqlite3.Error as error:
                if not is_refused(error, self._folder, may_write=self._may_write):
                    first = error if is_locked(error) else first
                    break
            else:
                return
        raise self.refused(first) from None

    def _open(self, path: Path, mode: SqliteMode, *, reading: ReadMode | None, lasting: bool, patience: float) -> None:
        self._mode = mode
        name = mode.name(path, reading or "")
        self._db = sqlite3.connect(name, timeout=patience, uri=True, isolation_level=None, check_same_thread=False)
        try:
            if reading is None and not mode.shares_memory:
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")  # a log that is there is read without shared memory
            self._check_version()
            if reading is None:
                self._prepare(lasting=lasting)
                if mode.limitation:
                    LIMITATIONS.note(mode.limitation, path)
            self._db.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
        except BaseException:
            self._db.close()  # and with it goes what was begun, and its lock
            raise

    def _prepare(self, *, lasting: bool) -> None:
        prepare(self._db, mode=self._mode, lasting=lasting)

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
        """The SQLite connection, for checks of the whole database."""
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
            if durably and self._mode.shares_memory:
                self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._guard()
            self._db.execute("COMMIT")
            if durably:
                self._db.execute(f"PRAGMA synchronous={self._mode.synchronous}")
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

    def compact(self, needed: int) -> None:
        """Write the file anew where a third of it and more is idle, if so many bytes are needed.

        Idle is the room of what is done with, and of pages that stand half empty, as those do of ids that come in
        falling order. On a full disk the file stays as it is.
        """
        pages, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        if pages * size - needed > max(SPARE, pages * size // 3):
            with suppress(sqlite3.Error, CannotWrite):
                self._db.execute("VACUUM")
                self.settle()

    @property
    def facts(self) -> JobFacts:
        """What is known of the job at this moment; CannotWrite where any of it is damaged."""
        try:
            return self._read(read_facts, self._db)
        except sqlite3.Error as error:
            raise self.refused(error) from None

    def read_attached(self, schema: str) -> JobFacts:
        """The facts of a checkpoint that is attached under this name."""
        return self._read(partial(read_facts, schema=schema), self._db)

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
