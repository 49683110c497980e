"""The tables of the checkpoint, what brings an older format to this one, and how SQLite is to keep them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from harvester.filesystem.sqlite_modes import SQLITE_MODES, SqliteMode

FORMAT = 6
# What the last update could not get: the photo, NULL where it is a list, and the line of errors.ndjson.
_UNFETCHED = "CREATE TABLE unfetched(id INTEGER, failure TEXT NOT NULL);"
# A line's checksum (CRC-32 of its bytes) tells which line of a damaged file is not what was written.
_SUMS = """
CREATE TABLE line(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL);
CREATE TABLE list_line(file TEXT, id TEXT, sum INTEGER NOT NULL, PRIMARY KEY(file, id)) WITHOUT ROWID;
"""
# The closed parts of the photos, in their order.
_PARTS = "CREATE TABLE part(n INTEGER PRIMARY KEY, body TEXT NOT NULL);"
_WALKS = """
CREATE TABLE walk(n INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, failure TEXT);
CREATE TABLE gathered(walk INTEGER NOT NULL, id TEXT NOT NULL, row BLOB NOT NULL, UNIQUE(walk, id));
CREATE TABLE entry(list TEXT, id TEXT, reading INTEGER NOT NULL, PRIMARY KEY(list, id)) WITHOUT ROWID;
CREATE TABLE later(id INTEGER PRIMARY KEY, row BLOB);
CREATE TABLE gone(id INTEGER PRIMARY KEY, code INTEGER, message TEXT);
"""
# Counting a million photos to be done, or those that failed, would read through gigabytes of rows without it.
_INDEX = "CREATE INDEX IF NOT EXISTS todo_failure ON todo(failure);"
_SCHEMA = f"""
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen(id INTEGER PRIMARY KEY, updated INTEGER, uploaded INTEGER);
CREATE TABLE todo(id INTEGER PRIMARY KEY, row BLOB, failure TEXT, missing INTEGER NOT NULL DEFAULT 0, draft BLOB);
CREATE TABLE bad_input(text TEXT PRIMARY KEY, failure TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sweep(n INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE stretch(n INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE file(name TEXT PRIMARY KEY, length INTEGER NOT NULL, lines INTEGER NOT NULL) WITHOUT ROWID;
{_WALKS}{_SUMS}{_UNFETCHED}{_PARTS}
"""
_STEPS = {
    1: "ALTER TABLE seen ADD COLUMN updated INTEGER;"
    f"ALTER TABLE todo ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;{_WALKS}{_INDEX}",
    2: f"ALTER TABLE seen ADD COLUMN uploaded INTEGER;{_SUMS}",
    3: _UNFETCHED,
    4: "ALTER TABLE todo ADD COLUMN draft BLOB;",
    5: _PARTS,
}
"""What brings a checkpoint of an older format to the next one."""


def read_version(db: sqlite3.Connection) -> int:
    """The format in which a checkpoint was written; 0 for a new file, or one of something else."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def prepare(db: sqlite3.Connection, *, lasting: bool, mode: SqliteMode = SQLITE_MODES[0]) -> None:
    """Make the tables, or bring them to this format. `lasting` False leaves out what only a crash would need."""
    # Three of a listing's rows fit where 4,096 bytes hold one, which saves writes. New files have it.
    db.execute("PRAGMA page_size=8192")
    # NORMAL may forget the last transactions in a power cut, never tear them: then some work is done
    # again. The files are synced before each commit, so nothing in them is committed too early.
    db.execute(f"PRAGMA synchronous={mode.synchronous if lasting else 'OFF'}")
    db.execute(f"PRAGMA journal_mode={mode.journal if lasting else 'OFF'}")
    db.execute("PRAGMA secure_delete=OFF")  # where it is on, each row that is done with is written over
    db.execute("PRAGMA cache_size=-8000")
    db.execute("PRAGMA wal_autocheckpoint=2000")  # pages: 16 MB of log
    version = read_version(db)
    if not version:
        db.executescript(f"BEGIN;{_SCHEMA}{_INDEX}PRAGMA user_version={FORMAT};COMMIT;")
    for older in range(version or FORMAT, FORMAT):
        db.executescript(f"BEGIN;{_STEPS[older]}PRAGMA user_version={older + 1};COMMIT;")
    if lasting and mode.synchronous != "OFF":
        _try_sync(db, mode)
    if not mode.shares_memory:  # whoever looks may read between two transactions
        db.execute("PRAGMA locking_mode=NORMAL")
        db.execute("SELECT count(*) FROM meta").fetchone()


def is_misnumbered(db: sqlite3.Connection) -> bool:
    """Whether a checkpoint of this format bears the number of another: a newer format would have other tables."""
    if read_version(db) in (FORMAT, 0):
        return False
    return _list_tables(db) == _list_sound_tables()


def number_anew(db: sqlite3.Connection) -> None:
    """Give a checkpoint the number of this format."""
    db.execute(f"PRAGMA user_version={FORMAT}")


def _list_tables(db: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    """The columns of all tables: table and column."""
    return frozenset(
        (str(table), str(column))
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (column,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))
    )


def _list_sound_tables() -> frozenset[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        prepare(db, lasting=False)
        return _list_tables(db)


def _try_sync(db: sqlite3.Connection, mode: SqliteMode) -> None:
    """Write to the log and sync it. Otherwise it would show in the middle of a run that the system cannot sync."""
    db.execute("PRAGMA synchronous=FULL")
    db.execute(f"PRAGMA user_version={read_version(db)}")
    db.execute(f"PRAGMA synchronous={mode.synchronous}")
