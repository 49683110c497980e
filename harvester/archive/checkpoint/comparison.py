"""The checkpoint of an update, beside that of the archive: what is new, what has changed, what is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import orjson

from harvester.archive.checkpoint.shallow import SHALLOW
from harvester.archive.checkpoint.state import Gone, State, Todo
from harvester.flickr.responses import Row

_UNCHANGED = "unchanged"
"""Stands in place of a refusal's message where a photo that no listing shows is there, and as the archive has it."""
_USUAL = 5
"""One in so many photos may leave a search though they have not changed: a group gives them back, say."""


class Staged(State):
    """The checkpoint of what is to become part of an archive, whose own it leaves as it was."""

    is_update: ClassVar[bool] = True

    def may_begin_anew(self) -> bool:
        """The archive was begun as it is."""
        return False


class Comparison(Staged):
    """The checkpoint of an update. `compare_with` comes before anything that needs the older one."""

    def compare_with(self, older: Path) -> None:
        """Take up another archive's checkpoint, to be compared with and in the end brought up to date."""
        try:
            self._db.execute("ATTACH ? AS older", (str(older),))
        except sqlite3.Error as error:
            raise self.refused(error) from None

    def differing(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that the older archive lacks, or has in a version from before their last change."""
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
        """Add photos of the older archive that no listing has shown to `todo`: each is asked for by its id."""
        self._db.execute(
            "INSERT OR IGNORE INTO todo(id, missing) SELECT id, 1 FROM older.seen "
            "WHERE id NOT IN (SELECT id FROM seen) AND id NOT IN (SELECT id FROM older.todo)"
        )

    def todo_missing(self, *, after: int, most: int) -> list[Todo]:
        """The next photos that are missing, in the order of their ids."""
        query = "SELECT id FROM todo WHERE missing AND id > ? ORDER BY id LIMIT ?"
        return [Todo(str(i), None, missing=True) for (i,) in self._db.execute(query, (after, most))]

    def note_gone(self, gone: Sequence[Gone]) -> None:
        """What became of missing photos; of those that are there, whether they have changed since."""
        query = "SELECT 1 FROM older.seen WHERE id = ? AND updated = ?"
        known = [g.code is None and self._db.execute(query, (int(g.id), g.updated)).fetchone() for g in gone]
        super().note_gone([replace(g, message=_UNCHANGED) if k else g for g, k in zip(gone, known, strict=True)])

    def count_withheld(self) -> int:
        """Photos that a listing no longer shows though they are as they were; 0 where so few may well have left it."""
        query = (
            "SELECT (SELECT count(*) FROM gone WHERE code IS NULL AND message = ?), (SELECT count(*) FROM older.seen)"
        )
        withheld, known = self._db.execute(query, (_UNCHANGED,)).fetchone()
        return int(withheld) if withheld * _USUAL > known else 0

    def count_there(self) -> int:
        """Photos that the older archive has or listings have shown, without those that are gone."""
        query = (
            "SELECT count(*) FROM (SELECT id FROM seen UNION SELECT id FROM older.seen) "
            "WHERE id NOT IN (SELECT id FROM gone WHERE code IS NOT NULL)"
        )
        return int(self._db.execute(query).fetchone()[0])
