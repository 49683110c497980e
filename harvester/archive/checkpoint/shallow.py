"""Photos whose lines lack parts that a deepening could not get, as the checkpoint holds them: rows of `unfetched`."""

from __future__ import annotations

import sqlite3

SHALLOW = "failure IS NOT NULL AND json_extract(failure, '$.deepening') IS NOT NULL"
"""What is true of these rows among those of `unfetched`; the others are what an update could not get."""
_RENEWED = "SELECT id FROM {0}.line UNION SELECT id FROM {0}.gone WHERE code IS NOT NULL UNION SELECT id FROM {0}.todo"
"""Photos that an update has new lines for, has found to be gone, or has failures of its own for."""


def count_shallow(db: sqlite3.Connection) -> int:
    """The photos of an archive whose lines lack parts."""
    return int(db.execute(f"SELECT count(*) FROM unfetched WHERE {SHALLOW}").fetchone()[0])  # noqa: S608


def count_left_shallow(db: sqlite3.Connection) -> int:
    """How many shallow photos of the archive `older` the update in `db` does not touch."""
    renewed = _RENEWED.format("main")
    query = f"SELECT count(*) FROM older.unfetched WHERE {SHALLOW} AND id NOT IN ({renewed})"  # noqa: S608
    return int(db.execute(query).fetchone()[0])


def drop_unfetched(db: sqlite3.Connection) -> None:
    """What earlier runs could not get, the update `newer` has, or has noted: but for lines that it leaves as they are.

    Within a transaction.
    """
    renewed = _RENEWED.format("newer")
    db.execute(f"DELETE FROM unfetched WHERE NOT ({SHALLOW}) OR id IN ({renewed})")  # noqa: S608


def has_brought(db: sqlite3.Connection) -> bool:
    """Whether anything has come to a deepening: a line, a part of one, or what became of a photo.

    It enters all that it is to fetch before its first call.
    """
    query = (
        "SELECT EXISTS(SELECT 1 FROM file WHERE length > 0) OR EXISTS(SELECT 1 FROM todo WHERE draft IS NOT NULL) "
        "OR EXISTS(SELECT 1 FROM gone)"
    )
    return bool(db.execute(query).fetchone()[0])
