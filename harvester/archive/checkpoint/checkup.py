"""The proof that a checkpoint is sound: its pages, its tables, its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from harvester.archive.checkpoint.schema import FORMAT, prepare, read_version
from harvester.archive.checkpoint.state import State
from harvester.errors import CannotWrite

_JSON = {
    "meta": ("value",),
    "sweep": ("body",),
    "stretch": ("body",),
    "part": ("body",),
    "walk": ("body", "failure"),
    "todo": ("row", "failure", "draft"),
    "bad_input": ("failure",),
    "unfetched": ("failure",),
    "gathered": ("row",),
    "later": ("row",),
}
_MOST = 20


def check_checkpoint(state: State) -> Iterator[str]:
    """One sentence for each damage; whatever else it tells is worth nothing then."""
    try:
        found = [*_check_pages(state.connection)] or [*_check_tables(state.connection)]
        found = found or [*_check_rows(state.connection)]
    except sqlite3.Error as error:
        found = [str(error)]
    for what in found:
        yield f"The checkpoint {state.path} is damaged: {what}."
    if not found:
        yield from _check_values(state)


def _check_pages(db: sqlite3.Connection) -> Iterator[str]:
    for (text,) in db.execute(f"PRAGMA integrity_check({_MOST})"):
        if text != "ok":
            yield " ".join(str(text).split())


def _check_tables(db: sqlite3.Connection) -> Iterator[str]:
    if read_version(db) < FORMAT:  # one of an older format that nobody can change has the tables of that
        return
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as sound:
        prepare(sound, lasting=False)
        for (table,) in sound.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"):
            wanted, there = _columns(sound, table), _columns(db, table)
            if wanted - there:
                yield f"the table {table} lacks {', '.join(sorted(wanted - there))}" if there else f"no table {table}"


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _check_rows(db: sqlite3.Connection) -> Iterator[str]:
    for table, columns in _JSON.items():
        for column in columns:
            query = (
                f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND NOT json_valid(CAST({column} AS TEXT))"  # noqa: S608
            )
            (count,) = db.execute(query).fetchone()
            if count:
                yield f"{table}.{column} is no JSON in {count} of its rows"


def _check_values(state: State) -> Iterator[str]:
    """All that is decoded when it is used."""
    try:
        for _ in (state.facts, *state.sweeps(), *state.walks(), *state.files(), *state.parts()):
            pass
        for _ in state.stretches():
            pass
        for _ in state.failures():
            pass
    except CannotWrite as error:
        yield str(error)
