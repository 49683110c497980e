"""Photos that were taken down: the checkpoint remembers each by its id, and holds nothing else of it.

Listings go on to count them as seen, so that Flickr's totals still fit; nothing of them is asked for or written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import orjson

from harvester.archive.checkpoint.comparison import Comparison
from harvester.archive.checkpoint.facts import Tombstone, read_facts
from harvester.archive.checkpoint.state import State
from harvester.flickr.lenient_json import dump

IDS = (
    "(SELECT CAST(json_extract(one.value, '$.id') AS INTEGER) FROM main.meta AS kept, json_each(kept.value) AS one "
    "WHERE kept.name = 'withdrawn' AND one.type = 'object')"
)
"""Their ids, in SQL."""
_BY_ID = ("todo", "later", "line", "gone", "unfetched")


def read_tombstones(state: State) -> list[Tombstone]:
    """The photos that were taken down, in the order in which they were."""
    return list(state.facts.withdrawn or ())


def find_withdrawn(state: State) -> frozenset[int]:
    """The ids of photos that were taken down from an archive, or from the one that an update is compared with."""
    places = {row[1] for row in state.connection.execute("PRAGMA database_list")}
    known = read_tombstones(state)
    if "older" in places:
        known += read_facts(state.connection, schema="older").withdrawn or []
    return frozenset(int(each["id"]) for each in known)


def count_withdrawn(state: State) -> int:
    """How many photos were taken down."""
    return len(state.facts.withdrawn or ())


def join_tombstones(*witnesses: object) -> list[Tombstone]:
    """What several witnesses tell, the first of them of each photo; what is none is passed over."""
    found: dict[str, Tombstone] = {}
    for told in witnesses:
        for each in told if isinstance(told, list) else ():
            if isinstance(each, dict) and str(each.get("id")).isdigit():
                at, reason = str(each.get("withdrawn_at", "")), str(each.get("reason", ""))
                found.setdefault(str(each["id"]), {"id": str(each["id"]), "withdrawn_at": at, "reason": reason})
    return list(found.values())


def find_known(state: State, ids: Collection[int]) -> set[int]:
    """The ids, out of these, that the checkpoint knows."""
    return _find_in(state.connection, ids, (*_BY_ID, "seen"))


def find_held(db: sqlite3.Connection, ids: Collection[int]) -> set[int]:
    """The ids, out of these, of which a checkpoint knows more than that listings have shown them."""
    return _find_in(db, ids, _BY_ID)


def _find_in(db: sqlite3.Connection, ids: Collection[int], tables: Iterable[str]) -> set[int]:
    asked = (orjson.dumps(list(ids)).decode(),)
    queries = (f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(?))" for table in tables)  # noqa: S608
    return {int(i) for query in queries for (i,) in db.execute(query, asked)}


def forget_rows(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Forget all that a checkpoint holds of photos, but that listings have shown them. Within a transaction."""
    asked = (orjson.dumps(list(ids)).decode(),)
    which = "IN (SELECT value FROM json_each(?))"
    for table in _BY_ID:
        db.execute(f"DELETE FROM {table} WHERE id {which}", asked)  # noqa: S608 - the names above
    db.execute(
        "UPDATE gathered SET row = CAST(json_object('id', id) AS BLOB) "
        "WHERE id IN (SELECT CAST(value AS TEXT) FROM json_each(?))",
        asked,
    )


def purge(state: State, ids: Iterable[int], tombstones: Sequence[Tombstone]) -> None:
    """Forget all that the checkpoint holds of photos, and note their tombstones. Within a transaction."""
    forget_rows(state.connection, ids)
    if tombstones:
        state.note(replace(state.facts, withdrawn=list(tombstones)))


def add_missing(state: Comparison) -> None:
    """As the checkpoint's `add_missing`, without photos that were taken down."""
    state.add_missing()
    asked = (orjson.dumps(list(find_withdrawn(state))).decode(),)
    state.connection.execute("DELETE FROM todo WHERE missing AND id IN (SELECT value FROM json_each(?))", asked)


def count_unshown(state: State) -> int:
    """Withdrawn photos that an update, which has listed everything, has not seen: Flickr shows them no more."""
    if not state.is_update or state.facts.spared:
        return 0
    return sum(not state.has_seen(str(photo_id)) for photo_id in find_withdrawn(state))


def forget_unshown(archive: State, state: State) -> None:
    """Have an archive no longer count the photos that were taken down and that its update was not shown."""
    if not state.facts.spared:
        gone = ((i,) for i in find_withdrawn(archive) if not state.has_seen(str(i)))
        with archive.changing():
            archive.connection.executemany("DELETE FROM seen WHERE id = ?", gone)


def blank_row(photo_id: str) -> bytes:
    """The row that replaces the row of a photo that was taken down."""
    return dump({"id": photo_id})
