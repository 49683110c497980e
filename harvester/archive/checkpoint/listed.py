"""What listings have shown, and what is still to be listed: sweeps, and lists that are no search."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import orjson

from harvester.archive.checkpoint.database import Database
from harvester.archive.checkpoint.facts import read_json
from harvester.flickr.listings import LISTINGS
from harvester.flickr.responses import Row
from harvester.listing.sweep import Step, Stretch, Sweep
from harvester.listing.walk import Walk

_OWNER = "json_extract(CAST(row AS TEXT), '$.owner')"


class Listed(Database):
    """The part of a checkpoint that tells how far the listing is."""

    # -- the search

    def sweeps(self) -> list[tuple[int, Sweep]]:
        """The sweeps still to be asked, oldest first, each with its number."""
        rows = self._db.execute("SELECT n, body FROM sweep ORDER BY n").fetchall()
        return [(n, self._read(read_json, "sweep", body, Sweep)) for n, body in rows]

    def add_sweep(self, sweep: Sweep) -> int:
        """Take up a sweep; its number."""
        body = msgspec.json.encode(sweep).decode()
        return int(self._db.execute("INSERT INTO sweep(body) VALUES (?)", (body,)).lastrowid or 0)

    def drop_listing(self) -> None:
        """Forget what is to be asked of the search and what is known of it; the photos it has shown stay.

        Photos that it has not shown are no longer held for gone.
        """
        for table in ("sweep", "stretch", "gone"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        self._db.execute("DELETE FROM todo WHERE missing")

    def list_again(self, sweeps: Iterable[Sweep]) -> None:
        """Take up sweeps of all that was listed: what is known of its stretches they will tell anew."""
        self._db.execute("DELETE FROM stretch")
        for sweep in sweeps:
            self.add_sweep(sweep)

    def replace_stretches(self, stretches: Collection[Stretch], sweeps: Iterable[Sweep]) -> None:
        """Take up sweeps in place of what is known of these stretches."""
        rows = self._db.execute("SELECT n, body FROM stretch").fetchall()
        old = ((n,) for n, body in rows if self._read(read_json, "stretch", body, Stretch) in stretches)
        self._db.executemany("DELETE FROM stretch WHERE n = ?", list(old))
        for sweep in sweeps:
            self.add_sweep(sweep)

    def replace_sweep(self, n: int, step: Step) -> list[tuple[int, Sweep]]:
        """A sweep was answered: what is to be asked instead, numbered."""
        self._db.execute("DELETE FROM sweep WHERE n = ?", (n,))
        rows = ((msgspec.json.encode(stretch).decode(),) for stretch in step.stretches)
        self._db.executemany("INSERT INTO stretch(body) VALUES (?)", rows)
        return [(self.add_sweep(sweep), sweep) for sweep in step.sweeps]

    def stretches(self) -> Iterator[Stretch]:
        """What is known of each stretch of upload time that was read."""
        for (body,) in self._db.execute("SELECT body FROM stretch ORDER BY n"):
            yield self._read(read_json, "stretch", body, Stretch)

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Mark the rows as seen, and return those that were not seen before."""
        ids = orjson.dumps([(int(row.id), row.updated, row.uploaded) for row in rows]).decode()
        found = self._db.execute(
            "INSERT OR IGNORE INTO seen(id, updated, uploaded) SELECT json_extract(value, '$[0]'), "
            "json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?) RETURNING id",
            (ids,),
        ).fetchall()
        new = {str(i) for (i,) in found}
        fresh = []
        for row in rows:
            if row.id in new:
                new.remove(row.id)
                fresh.append(row)
        return fresh

    def has_seen(self, photo_id: str) -> bool:
        """Whether a listing has shown this photo."""
        return self._db.execute("SELECT 1 FROM seen WHERE id = ?", (int(photo_id),)).fetchone() is not None

    def count_seen(self) -> int:
        """Photos that listings have shown."""
        return int(self._db.execute("SELECT count(*) FROM seen").fetchone()[0])

    # -- lists that are no search

    def walks(self) -> list[tuple[int, Walk]]:
        """The lists still to be read, oldest first, each with its number."""
        rows = self._db.execute("SELECT n, body FROM walk ORDER BY n").fetchall()
        walks = [(n, self._read(read_json, "walk", body, Walk)) for n, body in rows]
        if unknown := next((walk.listing for _, walk in walks if walk.listing not in LISTINGS), None):
            raise self._damaged(f"walk: there is no list {unknown}")
        return walks

    def add_walk(self, walk: Walk) -> int:
        """Take up a list; its number."""
        body = msgspec.json.encode(walk).decode()
        return int(self._db.execute("INSERT INTO walk(body) VALUES (?)", (body,)).lastrowid or 0)

    def replace_walk(self, n: int, walk: Walk | None) -> None:
        """A page was read: what is to be read now; None where the list is done."""
        if walk is None:
            self._db.execute("DELETE FROM walk WHERE n = ?", (n,))
        else:
            self._db.execute("UPDATE walk SET body = ? WHERE n = ?", (msgspec.json.encode(walk).decode(), n))

    def enter(self, name: str, rows: Iterable[tuple[str, bytes]], *, reading: int) -> tuple[list[bool], int]:
        """Note rows of a list as taken: for each whether it is new, and how many this reading had brought before."""
        new: list[bool] = []
        repeated = 0
        for row_id, _ in rows:
            known = self._db.execute("SELECT reading FROM entry WHERE list = ? AND id = ?", (name, row_id)).fetchone()
            new.append(known is None)
            repeated += known is not None and known[0] == reading
            self._db.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", (name, row_id, reading))
        return new, repeated

    def gather(self, n: int, rows: Iterable[tuple[str, bytes]]) -> int:
        """Keep rows of a list that make one line together; how many of them it had brought before."""
        added = [
            self._db.execute("INSERT OR IGNORE INTO gathered VALUES (?, ?, ?)", (n, row_id, raw)).rowcount
            for row_id, raw in rows
        ]
        return added.count(0)

    def gathered_ids(self, n: int) -> list[str]:
        """The ids of a list's rows in their order."""
        return [i for (i,) in self._db.execute("SELECT id FROM gathered WHERE walk = ? ORDER BY rowid", (n,))]

    def gathered(self, n: int, *, not_of: str = "") -> Iterator[tuple[str, bytes]]:
        """The rows of a list in their order; with `not_of`, those that name another owner."""
        query = f"SELECT id, row FROM gathered WHERE walk = ? AND coalesce({_OWNER}, ?) <> ? ORDER BY rowid"  # noqa: S608
        yield from self._db.execute(query, (n, not_of, not_of or "-"))

    def drop_gathered(self, n: int) -> None:
        """The list is written, or read anew."""
        self._db.execute("DELETE FROM gathered WHERE walk = ?", (n,))

    def keep_for_later(self, n: int, *, owner: str = "") -> None:
        """Photos of a gathered list, to be harvested once the listing is through; of one owner, or all."""
        self._db.execute(
            "INSERT INTO later SELECT CAST(id AS INTEGER), row FROM gathered "  # noqa: S608
            f"WHERE walk = ? AND CAST(id AS INTEGER) > 0 AND (? = '' OR coalesce({_OWNER}, ?) = ?) "
            "ON CONFLICT(id) DO UPDATE SET row = excluded.row WHERE later.row IS NULL",
            (n, owner, owner, owner),
        )

    def later(self, *, after: int, most: int) -> list[tuple[str, bytes]]:
        """Photos kept for later, in the order of their ids."""
        rows = self._db.execute("SELECT id, row FROM later WHERE id > ? ORDER BY id LIMIT ?", (after, most))
        return [(str(i), raw) for i, raw in rows]

    def is_later_left(self) -> bool:
        """Whether a photo kept for later is still to be taken."""
        return bool(self._db.execute("SELECT 1 FROM later WHERE id NOT IN (SELECT id FROM seen) LIMIT 1").fetchone())

    def drop_later(self) -> None:
        """All photos kept for later are taken."""
        self._db.execute("DELETE FROM later")

    def note_walk_failure(self, n: int, failure: dict[str, Any]) -> None:
        """A list could not be had for now."""
        self._db.execute("UPDATE walk SET failure = ? WHERE n = ?", (orjson.dumps(failure).decode(), n))
