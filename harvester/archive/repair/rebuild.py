"""A new checkpoint out of the good lines, and out of what the old one knows.

Photos that the old checkpoint knows as written, and that have no good line, are lost. They are listed again, for their
rows are gone too: where the second of their upload is known, only stretches around these seconds are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from harvester.archive.checkpoint.facts import JobFacts, read_facts, write_facts
from harvester.archive.checkpoint.moving import Repair
from harvester.archive.checkpoint.schema import prepare
from harvester.archive.checkpoint.withdrawn import IDS, forget_rows
from harvester.archive.folder import CHANGES, STATE
from harvester.archive.parts.part import list_names, read_number
from harvester.archive.repair.facts import Facts
from harvester.archive.repair.members import SETS, ask_members
from harvester.archive.repair.narrow import narrow
from harvester.archive.repair.scan import Found
from harvester.archive.sinks import PHOTOS
from harvester.flickr.listings import LISTINGS, Together
from harvester.jobs.model import Photos, Source
from harvester.listing.roots import Roots, find_roots
from harvester.listing.sweep import OPEN_END, Sweep
from harvester.listing.walk import Walk


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
    scratch: Path,
    facts: Facts,
    found: Sequence[Found],
    *,
    folder: Path,
    table: Path,
    moves: Sequence[tuple[str, str]],
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
        rebuilt = _rebuild(db, folder, facts, {each.name: each for each in found})
        _settle(db, facts, rebuilt, found, moves=moves)
        db.execute("COMMIT")
        db.execute("DETACH scan")
        if facts.holds_withdrawn:
            db.execute("VACUUM")  # SQLite leaves the text of deleted rows where it was
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")  # nothing but the one file is to be put into place
    return rebuilt


def count_lost(facts: Facts, table: Path) -> int:
    """Photos that the checkpoint knows as written, and that have no good line."""
    if facts.copy is None:
        return 0
    with closing(sqlite3.connect(facts.copy, isolation_level=None)) as db:
        db.execute("ATTACH ? AS scan", (str(table),))
        withdrawn = msgspec.json.encode([int(each["id"]) for each in facts.meta.withdrawn or ()]).decode()
        query = f"SELECT count(*) FROM seen WHERE {_UNWRITTEN} AND id NOT IN (SELECT value FROM json_each(?))"  # noqa: S608 - the words below
        return int(db.execute(query, (PHOTOS, withdrawn)).fetchone()[0])


def _rebuild(db: sqlite3.Connection, folder: Path, facts: Facts, found: Mapping[str, Found]) -> Rebuilt:
    is_new = facts.copy is None
    if facts.meta.withdrawn:
        forget_rows(db, (int(each["id"]) for each in facts.meta.withdrawn))
        if not facts.is_update:  # its archive knows them
            write_facts(db, replace(read_facts(db), withdrawn=facts.meta.withdrawn))
    _find_lost(db, is_update=facts.is_update)
    rebuilt = _count_lost_as_told(facts, found) if is_new else _count_lost(db)
    _renew_photos(db)
    _renew_sums(db)
    _renew_entries(db)
    _renew_lengths(db, facts, found)
    if is_new:
        _restore_facts(db, facts, lists_all=rebuilt.lists_all)
    job = facts.job
    if job is not None and rebuilt.is_left:
        _list_again(db, folder, job.source, facts, rebuilt)
    return rebuilt


_UNWRITTEN = "id NOT IN (SELECT id FROM todo) AND id NOT IN (SELECT id FROM scan.good WHERE file = ?)"
_LOST = f"SELECT id, uploaded FROM seen WHERE {_UNWRITTEN} AND id NOT IN {IDS}"  # noqa: S608 - the words above


def _find_lost(db: sqlite3.Connection, *, is_update: bool) -> None:
    """Photos and lines that the checkpoint knows as written, and of which no good line is there."""
    db.execute("CREATE TEMP TABLE lost(id INTEGER PRIMARY KEY, uploaded INTEGER)")
    which = "AND id IN (SELECT id FROM line)" if is_update else ""
    db.execute(f"INSERT INTO lost {_LOST} {which}", (PHOTOS,))
    db.execute("CREATE TEMP TABLE lost_line(file TEXT, id TEXT)")
    db.execute(
        "INSERT INTO lost_line SELECT file, id FROM list_line WHERE (file, id) NOT IN (SELECT file, id FROM scan.good)"
    )


def _count_lost(db: sqlite3.Connection) -> Rebuilt:
    (photos,) = db.execute("SELECT count(*) FROM lost").fetchone()
    return Rebuilt(photos, dict(db.execute("SELECT file, count(*) FROM lost_line GROUP BY file").fetchall()))


def _count_lost_as_told(facts: Facts, found: Mapping[str, Found]) -> Rebuilt:
    """What is lost of an archive without a checkpoint: a manifest that says it was complete tells how many lines.

    Where that is not known, all is listed again.
    """
    if not facts.tells_all:
        return Rebuilt(lists_all=True)
    lost = {name: lines - found[name].all_kept for name, lines in facts.lines.items() if name in found}
    if any(count < 0 for count in lost.values()):
        return Rebuilt(lists_all=True)
    photos = lost.pop(PHOTOS, 0)
    return Rebuilt(photos, {name: count for name, count in lost.items() if count and name != CHANGES})


def _renew_photos(db: sqlite3.Connection) -> None:
    """What is in the file or still to be done was seen. A line may be of a later change than the checkpoint knows."""
    db.execute("DELETE FROM todo WHERE id IN (SELECT id FROM scan.good WHERE file = ?)", (PHOTOS,))
    db.execute(
        "INSERT INTO seen SELECT id, updated, uploaded FROM scan.good WHERE file = ? ON CONFLICT(id) DO UPDATE "
        "SET updated = excluded.updated WHERE excluded.updated > seen.updated",
        (PHOTOS,),
    )
    db.execute("INSERT OR IGNORE INTO seen(id) SELECT id FROM todo")


def _renew_sums(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM line")
    db.execute("INSERT INTO line SELECT id, sum FROM scan.good WHERE file = ?", (PHOTOS,))
    db.execute("DELETE FROM list_line")
    db.execute(
        "INSERT INTO list_line SELECT file, id, sum FROM scan.good WHERE file <> ? AND typeof(id) = 'text'", (PHOTOS,)
    )


def _renew_entries(db: sqlite3.Connection) -> None:
    """Rows whose lines are there are not written again when their list is read again; those of lost lines are."""
    for name, listing in LISTINGS.items():
        if listing.line and not isinstance(listing.becomes, Together):
            file = f"{listing.line.file}.ndjson"
            db.execute(
                "DELETE FROM entry WHERE list = ? AND id IN (SELECT id FROM lost_line WHERE file = ?)", (name, file)
            )
            db.execute("INSERT OR IGNORE INTO entry SELECT ?, id, 0 FROM scan.good WHERE file = ?", (name, file))


def _renew_lengths(db: sqlite3.Connection, facts: Facts, found: Mapping[str, Found]) -> None:
    """Commit the length of each file that is there, and for those that should be: they are made anew, empty."""
    known = {name for (name,) in db.execute("SELECT name FROM file")} | (set(facts.lines) if facts.tells_all else set())
    db.execute("DELETE FROM file")
    rows = (
        (each.name, each.kept_bytes, each.kept)
        for each in found.values()
        if each.is_there or each.name == PHOTOS or each.name in known
    )
    db.executemany("INSERT INTO file VALUES (?, ?, ?)", rows)
    db.execute("DELETE FROM part")
    parts = (msgspec.json.encode(part).decode() for part in found[PHOTOS].parts) if PHOTOS in found else ()
    db.executemany("INSERT INTO part(body) VALUES (?)", ((body,) for body in parts))


def _restore_facts(db: sqlite3.Connection, facts: Facts, *, lists_all: bool) -> None:
    """The facts of a checkpoint that is lost. Where all is listed again, the run that goes on begins with that."""
    write_facts(db, facts.meta)
    if lists_all:
        write_facts(db, replace(facts.meta, looked_up=facts.meta.arguments, arguments=None))
        return
    rows = ((msgspec.json.encode(stretch).decode(),) for stretch in facts.coverage)
    db.executemany("INSERT INTO stretch(body) VALUES (?)", rows)


def _list_again(db: sqlite3.Connection, folder: Path, source: Source, facts: Facts, rebuilt: Rebuilt) -> None:
    """Have lost photos and lines asked for again."""
    if isinstance(source, Photos):
        db.execute("INSERT OR IGNORE INTO todo(id) SELECT id FROM lost")
        return
    is_known = facts.copy is not None
    arguments = facts.meta.arguments
    if rebuilt.photos or rebuilt.lists_all:
        ask_members(db, folder, source, user=str((arguments or {}).get("user_id", "")), is_known=is_known)
        # What no listing shows any more is asked for by its id in the end.
        db.execute("INSERT OR IGNORE INTO later SELECT id, NULL FROM lost")
        db.execute("INSERT OR IGNORE INTO later SELECT id, NULL FROM sought")
    if arguments is not None and not rebuilt.lists_all:
        roots = _find_roots(source, arguments, facts)
        _read_again(db, roots.walks, rebuilt)
        if rebuilt.photos and roots.sweeps:
            sweeps = narrow(db, is_in_lists=SETS in rebuilt.lists) if is_known else list(roots.sweeps)
            _sweep_again(db, roots.sweeps if sweeps is None else sweeps)
    db.execute("DELETE FROM seen WHERE id IN (SELECT id FROM lost)")


def _find_roots(source: Source, arguments: Mapping[str, str], facts: Facts) -> Roots:
    """Where the listings of the archive's job, or of its update, begin."""
    login = facts.meta.login["nsid"] if facts.meta.login and facts.meta.signed else None
    roots = find_roots(source, arguments, horizon=facts.meta.horizon or OPEN_END, login=login)
    changed_since = facts.meta.changed_since
    if login is not None and login == arguments.get("user_id") and changed_since and roots.sweeps:
        return roots.since(changed_since)  # an update of one's own account may do without the sweeps
    return roots


def _sweep_again(db: sqlite3.Connection, sweeps: Sequence[Sweep]) -> None:
    rows = ((msgspec.json.encode(sweep).decode(),) for sweep in sweeps)
    db.executemany("INSERT INTO sweep(body) VALUES (?)", rows)


def _read_again(db: sqlite3.Connection, walks: Sequence[Walk], rebuilt: Rebuilt) -> None:
    """Take up the lists of lost lines, and those that stream lost photos, in place of what is left of them."""
    left = {n: msgspec.json.decode(body, type=Walk) for n, body in db.execute("SELECT n, body FROM walk").fetchall()}
    for walk in walks:
        brings_lines = walk.writes and f"{walk.file}.ndjson" in rebuilt.lists
        brings_photos = rebuilt.photos and walk.streams_photos
        if not brings_lines and not brings_photos:
            continue
        same = ((n,) for n, old in left.items() if (old.listing, old.subject) == (walk.listing, walk.subject))
        db.executemany("DELETE FROM walk WHERE n = ?", same)
        if not walk.file or not walk.writes:  # no line tells of its rows: all of them are new to this reading
            db.execute("DELETE FROM entry WHERE list = ?", (walk.listing,))
        db.execute("UPDATE entry SET reading = 0 WHERE list = ?", (walk.listing,))  # none of them comes again in it
        db.execute("INSERT INTO walk(body) VALUES (?)", (msgspec.json.encode(walk).decode(),))


def _count_kept(found: Sequence[Found]) -> dict[str, int]:
    return {each.name.removesuffix(".ndjson"): each.all_kept for each in found if each.all_kept}


def _list_renewed(facts: Facts, found: Sequence[Found]) -> list[str]:
    """The files that are not what the manifest tells, or are written anew."""
    return [each.name for each in found if not each.stands or each.sha256 != facts.digests.get(each.name, (0, ""))[1]]


def _settle(
    db: sqlite3.Connection,
    facts: Facts,
    rebuilt: Rebuilt,
    found: Sequence[Found],
    *,
    moves: Sequence[tuple[str, str]],
) -> None:
    """The facts of the new checkpoint, and what is to be done once it is in its place."""
    is_finished = facts.was_finished and not rebuilt.is_left
    known = read_facts(db)
    doubted = {each.name: each.doubted for each in found if each.doubted}
    # No listing tells which photos are lost that were given by their ids, nor does a manifest.
    is_left_unread = facts.copy is None and isinstance(facts.job and facts.job.source, Photos)
    repair: Repair = {
        "moves": list(moves),
        "drops": _list_drops(found),
        "files": _list_renewed(facts, found),
        "cuts": dict(db.execute("SELECT name, length FROM file").fetchall()),
        "status": "complete" if is_finished else "stopped",
        "facts": {"counts": {**_count_kept(found), "reported": facts.meta.expected, "failed": 0}},
    }
    write_facts(
        db,
        replace(
            known,
            finished=is_finished,
            stream=False,
            repaired=True,
            harmed=sorted(facts.harmed) or None,
            doubted={**(known.doubted or {}), **doubted} if doubted else known.doubted,
            unread=rebuilt.is_left if is_left_unread else known.unread,
            repair=repair,
            closing=None,
            last_part=_find_last_part(known, found),
        ),
    )


def _list_drops(found: Sequence[Found]) -> list[str]:
    return [name for each in found for name in each.drops]


def _find_last_part(known: JobFacts, found: Sequence[Found]) -> int | None:
    """The greatest number that a part ever had, as far as that is known: none is given again."""
    names = [*_list_drops(found), *(name for each in found for name in list_names(each.parts))]
    return max([known.last_part or 0, *(read_number(name)[0] for name in names)]) or None
