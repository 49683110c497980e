"""Taking over what an update has found into the checkpoint of its archive."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from harvester.archive.checkpoint.facts import take_over
from harvester.archive.checkpoint.moving import PendingMerge
from harvester.archive.checkpoint.shallow import drop_unfetched
from harvester.archive.checkpoint.state import Length, State


def absorb(archive: State, newer: Path, *, keep_unlisted: bool, merge: PendingMerge) -> None:
    """Take over what an update has found: what it has seen, its stretches and notes, the lengths of its files.

    `merge` says which files are to take the place of this archive's; it stands in the checkpoint until they do.
    What could not be had is kept as such, and its last change as it was, so that the next update asks again.
    """
    db = archive.connection
    try:
        db.execute("ATTACH ? AS newer", (str(newer),))
    except sqlite3.Error as error:
        raise archive.refused(error) from None
    try:
        with archive.changing(durably=True):  # files change places next: a power cut must undo both or none
            _drop_unfetched(db)
            db.execute(
                "INSERT INTO seen(id, updated, uploaded) SELECT id, updated, uploaded FROM newer.seen "
                "WHERE id NOT IN (SELECT id FROM newer.todo) "
                "ON CONFLICT(id) DO UPDATE SET updated = coalesce(excluded.updated, updated), "
                "uploaded = coalesce(excluded.uploaded, uploaded) "
                "WHERE (updated, uploaded) IS NOT (excluded.updated, excluded.uploaded)"
            )
            which = "code IS NOT NULL" if keep_unlisted else "true"
            for table in ("seen", "line"):
                db.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM newer.gone WHERE {which})")  # noqa: S608
            db.execute("INSERT OR REPLACE INTO line SELECT * FROM newer.line")
            for table in ("todo", "walk"):
                which = "id" if table == "todo" else "NULL"
                db.execute(f"INSERT INTO unfetched SELECT {which}, failure FROM newer.{table}")  # noqa: S608
            _replace_sums(db, merge["files"], merge.get("kept", ()))
            found = archive.read_attached("newer")
            for table in ("entry",) if found.spared else ("entry", "stretch"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608
                db.execute(f"INSERT INTO {table} SELECT * FROM newer.{table}")  # noqa: S608
            for name, (length, lines) in merge["files"].items():
                archive.commit_length(name, Length(length, lines))
            archive.commit_parts(merge.get("parts", ()))
            archive.note(take_over(archive.facts, found, merge))
    finally:
        with suppress(sqlite3.Error):
            db.execute("DETACH newer")


def _drop_unfetched(db: sqlite3.Connection) -> None:
    """What earlier runs could not get, the newer one has, or has noted."""
    db.execute("DELETE FROM seen WHERE id IN (SELECT id FROM todo)")
    for table in ("todo", "walk", "gathered", "later"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
    drop_unfetched(db)


def _replace_sums(db: sqlite3.Connection, files: Iterable[str], kept: Sequence[tuple[str, str]]) -> None:
    """The checksums of these files are those of the newer lines, but for lines that are `kept`: file and id."""
    names, lines = orjson.dumps(list(files)).decode(), orjson.dumps(kept).decode()
    db.execute(
        "DELETE FROM list_line WHERE file IN (SELECT value FROM json_each(?)) AND (file, id) NOT IN "
        "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))",
        (names, lines),
    )
    db.execute(
        "INSERT OR REPLACE INTO list_line SELECT * FROM newer.list_line WHERE file IN (SELECT value FROM json_each(?))",
        (names,),
    )
