"""Finds the sets and collections of a photo in an archive's lists; compact, for a million photos."""

from __future__ import annotations

import io
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import orjson

from harvester.export.source import File, damaged, open_file

_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
SETS, COLLECTIONS = "photosets.ndjson", "collections.ndjson"


class ListMemberships:
    """Sets and collections of an archive; of those that it has no list of, None."""

    def __init__(self, sets: Iterable[Any] | None, collections: Iterable[Any] | None) -> None:
        """Takes the lines of the two lists, parsed."""
        self._sets: list[str] = []
        photos, places = array("q"), array("l")
        for line in sets or ():
            ids = [int(each) for each in line.get("photo_ids") or () if _ID.fullmatch(str(each))]
            photos.extend(ids)
            places.extend([len(self._sets)] * len(ids))
            self._sets.append(str(line["id"]))
        order = sorted(range(len(photos)), key=photos.__getitem__)
        self._photos = array("q", [photos[n] for n in order])
        self._places = array("l", [places[n] for n in order])
        self._has_sets = sets is not None
        self._above: dict[str, list[str]] | None = None if collections is None else _list_above(collections)

    def find_albums(self, photo_id: str) -> list[str] | None:
        """Ids of the sets that hold a photo, in the owner's order."""
        if not self._has_sets:
            return None
        if not _ID.fullmatch(photo_id):
            return []
        number, found = int(photo_id), []
        n = bisect_left(self._photos, number)
        while n < len(self._photos) and self._photos[n] == number:
            found.append(self._sets[self._places[n]])
            n += 1
        return found

    def find_collections(self, albums: Iterable[str]) -> list[str] | None:
        """Ids of the collections that hold one of these sets, the outer before the inner."""
        if self._above is None:
            return None
        return list(dict.fromkeys(each for album in albums for each in self._above.get(album, ())))

    def digest(self) -> str:
        """What stays the same as long as everything is where it was."""
        told = orjson.dumps((self._has_sets, self._sets, self._above))
        return blake2b(told + self._photos.tobytes() + self._places.tobytes(), digest_size=16).hexdigest()


def _list_above(lines: Iterable[Any]) -> dict[str, list[str]]:
    """For each set the collections that it is in."""
    above: dict[str, list[str]] = {}
    waiting: list[tuple[Any, list[str]]] = [(line.get("collection"), []) for line in lines]
    while waiting:
        collection, outer = waiting.pop()
        if not isinstance(collection, dict):
            continue
        path = [*outer, str(collection.get("id"))]
        for each in _list_of(collection, "set"):
            above.setdefault(str(each.get("id")), []).extend(path)
        waiting += [(each, path) for each in _list_of(collection, "collection")]
    return {each: list(dict.fromkeys(ids)) for each, ids in above.items()}


def _list_of(collection: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    items = collection.get(name)
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def read_memberships(lists: Mapping[str, File]) -> ListMemberships:
    """The sets and collections of an archive, of its files."""
    return ListMemberships(*(read_entries(lists[name]) if name in lists else None for name in (SETS, COLLECTIONS)))


def read_entries(file: File) -> Iterator[dict[str, Any]]:
    """The lines of a list, parsed; UsageError where one is damaged."""
    if not file.bytes:
        return
    left = file.bytes
    with io.BufferedReader(open_file(file)) as lines:
        for number, line in enumerate(lines, 1):
            if left <= 0:
                return
            if (found := _parse(line)) is None:
                raise damaged(file.path, number)
            yield found
            left -= len(line)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and "id" in found else None
