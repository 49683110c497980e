"""Repairing an update that is under way: its folder holds a checkpoint and lines of its own.

Its checkpoint knows the checksum of each line that was written. Where it is lost, the good photo lines are kept all the
same, and the update lists everything again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from harvester.archive.checkpoint.facts import JobFacts, find_changed_since, inherit
from harvester.archive.checkpoint.state import State
from harvester.archive.checkpoint.withdrawn import find_held, find_withdrawn, read_tombstones
from harvester.archive.disk.files import put_in_place, sync_folder
from harvester.archive.disk.layout import DAMAGED, PHOTOS, STATE, UPDATE
from harvester.archive.line_scan import Wanted
from harvester.archive.merge.staging import is_merged
from harvester.archive.repair.facts import Facts, read_facts
from harvester.archive.repair.scan import Found
from harvester.archive.repair.write import write_damaged
from harvester.errors import UsageError
from harvester.jobs.restore import rebuild_job


def read_wanted(archive: State) -> Wanted:
    """What the lines of an update must have."""
    withdrawn = find_withdrawn(archive)
    with suppress(UsageError, KeyError, TypeError, ValueError, AttributeError):
        return Wanted(
            rebuild_job(archive.facts.job or {}, archive.facts.asked or {}, limit=None).members, withdrawn=withdrawn
        )
    return Wanted(withdrawn=withdrawn)


def read_staged_facts(staging: Path, scratch: Path, archive: State) -> Facts:
    """What is known of an update, and which photos were taken down from its archive."""
    facts, tombstones = read_facts(staging, scratch), read_tombstones(archive)
    is_behind = False
    if facts.copy is not None:
        with closing(sqlite3.connect(facts.copy, isolation_level=None)) as db:
            is_behind = bool(find_held(db, find_withdrawn(archive)))
    meta = replace(facts.meta, withdrawn=tombstones or None)
    return replace(facts, meta=meta, is_update=True, holds_withdrawn=is_behind)


def is_of_use(folder: Path, facts: Facts, archive: State) -> bool:
    """Whether the folder holds something of an update that is not yet in the archive."""
    is_there = any((folder / UPDATE / name).is_file() for name in (STATE, PHOTOS))
    return is_there and not is_merged(facts.meta.update, archive)


def is_hurt(facts: Facts, files: Sequence[Found]) -> bool:
    """Whether lines or checkpoint are not what was written. Lines behind the committed length do no harm."""
    if facts.checkpoint != "sound" or any(each.damaged or each.doubled or each.reshaped for each in files):
        return True
    lengths = facts.read_lengths()
    return any(each.kept_bytes < lengths.get(each.name, (0, 0))[0] for each in files) or any(
        lengths.keys() - {each.name for each in files if each.is_there}
    )


def complete_facts(facts: Facts, archive: State, table: Path) -> Facts:
    """What is to stand in the new checkpoint of an update: where its own is lost, what it had from the archive."""
    if facts.copy is not None:
        return facts
    known = archive.facts
    meta = JobFacts(
        update=uuid4().hex,
        update_begun=_find_beginning(table),
        arguments=known.arguments,
        changed_since=find_changed_since(known),
    )
    return replace(facts, meta=inherit(known, meta))


def _find_beginning(table: Path) -> str | None:
    """The moment of the first line; None where there is none, so that the update begins anew."""
    with closing(sqlite3.connect(table, isolation_level=None)) as db:
        query = "SELECT min(at) FROM good WHERE file = ? AND at <> ''"
        row: tuple[str | None] = db.execute(query, (PHOTOS,)).fetchone()
        return row[0]


def set_aside(folder: Path, scratch: Path, *, table: sqlite3.Connection) -> None:
    """Add damaged lines of the update to those of its archive, since the update's own folder will be removed."""
    if write_damaged(folder / UPDATE, scratch, table=table, before=folder / DAMAGED, shown=UPDATE):
        put_in_place(scratch / DAMAGED, folder / DAMAGED)
        sync_folder(folder)


def select_files(files: Sequence[Found], facts: Facts) -> tuple[Found, ...]:
    """The files whose lengths the new checkpoint commits: without the old one the lists are read again."""
    return tuple(each for each in files if facts.copy is not None or each.name == PHOTOS)
