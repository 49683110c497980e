"""Finds lost photos by way of sets and galleries, since the listing of a search may not show them.

The lines of sets hold the ids of their members, those of galleries the whole rows. So it is known which sets are to be
read again, and a gallery's photos need no list at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson

from harvester.archive.checkpoint.state import is_photo_id
from harvester.archive.line_scan import read_piece
from harvester.flickr.lenient_json import dump
from harvester.jobs.model import Account, Gallery, Source
from harvester.jobs.model import Album as AlbumSource
from harvester.listing.walk import Walk

SETS, _GALLERIES = "photosets.ndjson", "galleries.ndjson"


_NO_LINE = "value NOT IN (SELECT id FROM scan.good WHERE file = 'photos.ndjson') AND value NOT IN (SELECT id FROM todo)"


def ask_members(db: sqlite3.Connection, folder: Path, source: Source, *, user: str, is_known: bool) -> None:
    """Have the sets and galleries that show lost photos bring them again; `sought` holds those photos then.

    `is_known` says that the table `lost` holds all that are lost; otherwise a member without a line is. Those of which
    `lost` has the second of upload are left out, since the listing shows them. `user` is the NSID of an account's
    owner: whose photos alone are harvested.
    """
    db.execute("CREATE TEMP TABLE sought(id INTEGER PRIMARY KEY)")
    which = "value IN (SELECT id FROM lost WHERE uploaded IS NULL)" if is_known else _NO_LINE
    if isinstance(source, AlbumSource | Account):
        owner = user if isinstance(source, Account) and "photos" in source.kinds else ""
        if owner or isinstance(source, AlbumSource):
            _ask_sets(db, folder, owner=owner, which=which)
    if isinstance(source, Gallery) or (isinstance(source, Account) and "galleries" in source.hydrated):
        _keep_rows(db, folder, which=which)


def _ask_sets(db: sqlite3.Connection, folder: Path, *, owner: str, which: str) -> None:
    """A set is read again where it shows a lost photo that no other one of those to be read shows."""
    for record in _read_good(db, folder, SETS):
        others = {str(row.get("id")) for row in record.get("photos_of_others") or () if isinstance(row, dict)}
        ids = [int(i) for i in record.get("photo_ids") or () if _is_id(i) and i not in others]
        if not _note_sought(db, ids, which=which):
            continue
        head = record.get("photoset")
        walk = Walk(
            listing="members",
            subject=str(record["id"]),
            head=None if head is None else dump(head).decode(),
            writes=False,
            hydrates=not owner,
            owner=owner,
        )
        db.execute("INSERT INTO walk(body) VALUES (?)", (msgspec.json.encode(walk).decode(),))


def _note_sought(db: sqlite3.Connection, ids: list[int], *, which: str) -> int:
    """Note the lost photos among these ids; how many of them were not noted before."""
    query = f"INSERT OR IGNORE INTO sought SELECT value FROM json_each(?) WHERE {which}"  # noqa: S608 - the words above
    return db.execute(query, (orjson.dumps(ids).decode(),)).rowcount


def _keep_rows(db: sqlite3.Connection, folder: Path, *, which: str) -> None:
    """The rows of a gallery's lost photos are on its line."""
    for record in _read_good(db, folder, _GALLERIES):
        rows = [row for row in record.get("photos") or () if isinstance(row, dict) and _is_id(row.get("id"))]
        _note_sought(db, [int(row["id"]) for row in rows], which=which)
        kept = ({"id": int(row["id"]), "row": dump(row)} for row in rows)
        db.executemany("INSERT OR REPLACE INTO later SELECT :id, :row WHERE :id IN (SELECT id FROM sought)", kept)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_photo_id(value)


def _read_good(db: sqlite3.Connection, folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The good lines of a file, as they stand in it."""
    places = db.execute("SELECT place, size FROM scan.good WHERE file = ? ORDER BY place", (name,)).fetchall()
    if not places:
        return
    with suppress(FileNotFoundError), (folder / name).open("rb") as file:
        for place, size in places:
            if (record := _read_at(file, place, size)) is not None:
                yield record


def _read_at(file: IO[bytes], place: int, size: int) -> dict[str, Any] | None:
    file.seek(place)
    return read_piece(file.read(size), place).record
