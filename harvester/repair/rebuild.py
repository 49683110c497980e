"""A new checkpoint out of the good lines, and out of what the old one knows.

Photos that the old checkpoint knows as written, and that have no good line, are lost. They are listed again, for their
rows are gone too: where the second of their upload is known, only stretches around these seconds are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import orjson

from harvester.archive import REPAIRED, STATE, UNREAD
from harvester.model import Account, Favorites, Gallery, Group, Photos, Search, Source
from harvester.model import Album as AlbumSource
from harvester.repair.facts import Facts
from harvester.repair.scan import Found
from harvester.schema import prepare
from harvester.seeds import plant
from harvester.sinks import PHOTOS
from harvester.store import HORIZON
from harvester.sweep import OPEN_END, Sweep
from harvester.walk import LISTINGS

ROWS_A_CALL = 400
"""Photos that lie between two lost ones, at most, for both to be listed by one call of 500 rows."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What is to be fetched again: photos that are known to be lost, other lines, and whether all is listed again."""

    photos: int = 0
    lists: Mapping[str, int] = field(default_factory=dict)
    lists_all: bool = False
    """What is lost is not known: the listing tells."""

    @property
    def is_left(self) -> bool:
        """Whether something is to be fetched again."""
        return bool(self.photos or self.lists or self.lists_all)


def rebuild(
    scratch: Path, facts: Facts, found: Sequence[Found], *, table: Path, moves: Sequence[tuple[str, str]]
) -> Rebuilt:
    """Make `scratch`/state.sqlite the checkpoint of the archive as it will be once `moves` are made."""
    path = scratch / STATE
    if facts.copy is None:
        for old in (path, path.with_name(f"{STATE}-wal"), path.with_name(f"{STATE}-shm")):
            old.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        prepare(db, lasting=True)
        db.execute("ATTACH ? AS scan", (str(table),))
        db.execute("BEGIN IMMEDIATE")
        rebuilt = _rebuild(db, facts, {each.name: each for each in found})
        _settle(db, facts, rebuilt, found, moves=moves)
        db.execute("COMMIT")
        db.execute("DETACH scan")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")  # nothing but the one file is to be put into place
    return rebuilt


def count_lost(facts: Facts, table: Path) -> int:
    """Photos that the checkpoint knows as written, and that have no good line."""
    if facts.copy is None:
        return 0
    with closing(sqlite3.connect(facts.copy, isolation_level=None)) as db:
        db.execute("ATTACH ? AS scan", (str(table),))
        return len(_find_lost(db))


def _rebuild(db: sqlite3.Connection, facts: Facts, found: Mapping[str, Found]) -> Rebuilt:
    is_new = facts.copy is None
    lost = _find_lost(db)
    lists = _find_lost_lists(db)
    db.execute("INSERT OR IGNORE INTO seen SELECT id, updated, uploaded FROM scan.good WHERE file = ?", (PHOTOS,))
    db.execute("DELETE FROM todo WHERE id IN (SELECT id FROM scan.good WHERE file = ?)", (PHOTOS,))
    _renew_sums(db)
    _renew_entries(db)
    _renew_lengths(db, found)
    if is_new:
        for name, value in facts.meta.items():
            _remember(db, name, value)
        _remember(db, "looked_up", facts.meta.get("arguments"))
        _remember(db, "arguments", None)
    job = facts.job
    if job is not None and not is_new and (lost or lists):
        _list_again(db, job.source, facts, lost=lost, lists=lists)
    return Rebuilt(len(lost), lists, lists_all=is_new)


def _find_lost(db: sqlite3.Connection) -> list[tuple[int, int | None]]:
    """Photos that were written and have no good line, each with the second of its upload, newest first."""
    query = (
        "SELECT id, uploaded FROM seen WHERE id NOT IN (SELECT id FROM todo) "
        "AND id NOT IN (SELECT id FROM scan.good WHERE file = ?) ORDER BY uploaded DESC, id DESC"
    )
    return db.execute(query, (PHOTOS,)).fetchall()


def _find_lost_lists(db: sqlite3.Connection) -> dict[str, int]:
    """How many lines of each file beside the photos are lost."""
    query = (
        "SELECT file, count(*) FROM list_line WHERE (file, id) NOT IN (SELECT file, id FROM scan.good) GROUP BY file"
    )
    return dict(db.execute(query).fetchall())


def _renew_sums(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM line")
    db.execute("INSERT INTO line SELECT id, sum FROM scan.good WHERE file = ?", (PHOTOS,))
    db.execute("DELETE FROM list_line")
    db.execute(
        "INSERT INTO list_line SELECT file, id, sum FROM scan.good WHERE file <> ? AND typeof(id) = 'text'", (PHOTOS,)
    )


def _renew_entries(db: sqlite3.Connection) -> None:
    """Rows whose lines are there are not written again when their list is read again; those of lost lines are."""
    for listing, file in _name_listings():
        db.execute("DELETE FROM entry WHERE list = ?", (listing,))
        db.execute("INSERT INTO entry SELECT ?, id, 0 FROM scan.good WHERE file = ?", (listing, file))


def _name_listings() -> Iterator[tuple[str, str]]:
    """Each listing that notes its rows, with the file in which their lines are."""
    for name, listing in LISTINGS.items():
        file = LISTINGS[listing.inside].file if listing.inside else listing.file
        if file and not listing.gathers:
            yield name, f"{file}.ndjson"


def _renew_lengths(db: sqlite3.Connection, found: Mapping[str, Found]) -> None:
    db.execute("DELETE FROM file")
    rows = ((each.name, each.kept_bytes, each.kept) for each in found.values() if each.is_there or each.name == PHOTOS)
    db.executemany("INSERT INTO file VALUES (?, ?, ?)", rows)


def _list_again(
    db: sqlite3.Connection,
    source: Source,
    facts: Facts,
    *,
    lost: Sequence[tuple[int, int | None]],
    lists: Mapping[str, int],
) -> None:
    """Have lost photos and lines asked for again."""
    ids = ((photo_id,) for photo_id, _ in lost)
    if isinstance(source, Photos):
        db.executemany("INSERT OR IGNORE INTO todo(id) VALUES (?)", ids)
        return
    login, meta = facts.meta.get("login") or {}, facts.meta
    arguments, horizon = meta.get("arguments"), meta.get(HORIZON) or OPEN_END
    if arguments is None:
        return  # the run that goes on begins with the whole listing anyway
    seeds = plant(source, arguments, horizon=horizon, login=login.get("nsid") if meta.get("signed") else None)
    # What no listing shows any more is asked for by its id in the end.
    db.executemany("INSERT OR IGNORE INTO later VALUES (?, NULL)", ids)
    if lost and isinstance(source, Search | Account):
        for sweep in _narrow(db, lost) or seeds.sweeps:
            db.execute("INSERT INTO sweep(body) VALUES (?)", (msgspec.json.encode(sweep).decode(),))
    if lists or (lost and isinstance(source, AlbumSource | Gallery | Group | Favorites)):
        for walk in seeds.walks:
            db.execute("INSERT INTO walk(body) VALUES (?)", (msgspec.json.encode(walk).decode(),))
    db.execute("DELETE FROM seen WHERE id IN (SELECT id FROM later WHERE row IS NULL)")


def _narrow(db: sqlite3.Connection, lost: Sequence[tuple[int, int | None]]) -> list[Sweep]:
    """Stretches of upload time in which all lost photos lie, a call each; none where a second is not known."""
    seconds = [second for _, second in lost if second is not None]
    if len(seconds) < len(lost):
        return []
    stretches: list[list[int]] = []
    between = 0
    shown = (second for (second,) in db.execute("SELECT uploaded FROM seen WHERE uploaded >= 0 ORDER BY uploaded DESC"))
    next_shown = next(shown, None)
    for second in seconds:  # both go from new to old
        while next_shown is not None and next_shown > second:
            between, next_shown = between + 1, next(shown, None)
        if stretches and between <= ROWS_A_CALL:
            stretches[-1][0] = second
        else:
            stretches.append([second, second])
            between = 0
    return [Sweep(since=since, until=until) for since, until in stretches]


def _settle(
    db: sqlite3.Connection,
    facts: Facts,
    rebuilt: Rebuilt,
    found: Sequence[Found],
    *,
    moves: Sequence[tuple[str, str]],
) -> None:
    """The facts of the new checkpoint, and what is to be done once it is in its place."""
    is_finished = bool(facts.meta.get("finished")) and not rebuilt.is_left
    _remember(db, "finished", is_finished)
    _remember(db, "stream", False)
    _remember(db, REPAIRED, True)
    if rebuilt.lists_all and isinstance(facts.job and facts.job.source, Photos):
        _remember(db, UNREAD, facts.meta.get(UNREAD, True))
    counts = {each.name.removesuffix(".ndjson"): each.kept for each in found if each.kept}
    repair = {
        "moves": list(moves),
        "files": [each.name for each in found if each.sha256 != facts.digests.get(each.name, (0, ""))[1]],
        "cuts": {each.name: each.kept_bytes for each in found if each.is_there},
        "status": "complete" if is_finished else "stopped",
        "facts": {"counts": {**counts, "reported": facts.meta.get("expected"), "failed": 0}},
    }
    _remember(db, "repair", repair)


def _remember(db: sqlite3.Connection, name: str, value: Any) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, orjson.dumps(value).decode()))
