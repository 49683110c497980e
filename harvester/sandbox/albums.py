"""Photosets and collections: an owner's own order on top of the photostream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from zlib import crc32

from .catalogue import Catalogue, Person
from .listings import Answer, Page, Shelf, database_id, read_extras
from .search import Failure, Query
from .shapes import FARM, SERVER, build_row
from .words import SET_TITLES

FIRST_SET = 72_157_600_000_000_000
_PER_OWNER = 10_000
_MEMBERS, _SECOND, _ORDER = 21, 22, 23


class Album(NamedTuple):
    """Set number `number` of an owner."""

    owner: int
    number: int

    @property
    def id(self) -> str:
        """The id that the API shows."""
        return str(FIRST_SET + self.owner * _PER_OWNER + self.number)

    @property
    def title(self) -> str:
        """Titles come again; only ids tell sets apart."""
        return SET_TITLES[(self.owner + self.number) % len(SET_TITLES)]


class Albums:
    """Answers `flickr.photosets.*` and `flickr.collections.*`."""

    def __init__(self, catalogue: Catalogue, shelf: Shelf) -> None:
        self._catalogue = catalogue
        self._shelf = shelf
        self._share_out = lru_cache(64)(self._fill)
        self.methods: Mapping[str, Callable[[Query], Answer]] = {
            "flickr.photosets.getList": self._list,
            "flickr.photosets.getInfo": self._info,
            "flickr.photosets.getPhotos": self._photos,
            "flickr.collections.getTree": self._tree,
        }

    def albums_of(self, owner: int) -> list[Album]:
        """The sets of an owner, in the owner's order: one for 40 photos, 520 at most, so that the list has pages."""
        return [Album(owner, number) for number in range(self._counts[owner])]

    def members(self, album: Album, query: Query) -> list[int]:
        """The photos of a set, in the owner's order. A photo is in one set, in two, or in none."""
        return self._shelf.visible(self._share_out(album.owner, self._catalogue.version)[album.number], query)

    def _fill(self, owner: int, _version: int) -> list[list[int]]:
        dice, count = self._catalogue.dice, self._counts[owner]
        found: list[list[int]] = [[] for _ in range(count)]
        for n in sorted(self._shelf.own(owner), key=lambda n: dice(n, _ORDER)):
            first = dice(n, _MEMBERS) % (count * 5 // 4 + 1)
            second = dice(n, _SECOND) // 10 % count if dice(n, _SECOND) % 10 == 0 else count
            for number in {first, second}:
                if number < count:
                    found[number].append(n)
        return found

    @cached_property
    def _counts(self) -> list[int]:
        """How many sets each owner has; uploads and deletions afterwards do not change it."""
        uploads = Counter(self._catalogue.owners[: self._catalogue.options.photos])
        return [min(520, -(-uploads[owner] // 40)) for owner in range(len(self._catalogue.people))]

    def _find(self, query: Query) -> Album:
        text = query.get("photoset_id", "")
        offset = int(text) - FIRST_SET if text.isascii() and text.isdigit() and len(text) < 19 else -1
        album = Album(*divmod(offset, _PER_OWNER))
        if offset < 0 or album.owner >= len(self._counts) or album.number >= self._counts[album.owner]:
            raise Failure(1, "Photoset not found")
        return album

    def _person(self, album: Album) -> Person:
        return self._catalogue.people[album.owner]

    def _list(self, query: Query) -> Answer:
        """At most 500 a page since November 2019 (beaufour/flickr-download#58)."""
        page = Page(self.albums_of(self._shelf.owner(query)), query, per_page=500)
        extras = read_extras(query, "primary_photo_extras")
        return {
            "photosets": {**page.claims(), "photoset": [self._row(a, query, extras) for a in page.shown]},
            "stat": "ok",
        }

    def _row(self, album: Album, query: Query, extras: tuple[str, ...]) -> Answer:
        members = self.members(album, query)
        row = self._head(album, members) | {
            "needs_interstitial": 0,
            "visibility_can_see_set": 1,
            "owner": self._person(album).nsid,
            "username": self._person(album).username,
        }
        if members and extras != ("",):
            shown = build_row(self._catalogue, members[0], extras)
            bare = build_row(self._catalogue, members[0], ())
            row["primary_photo_extras"] = {name: value for name, value in shown.items() if name not in bare}
        return row

    def _head(self, album: Album, members: list[int]) -> Answer:
        """`photos` counts without videos; counts come as texts and as numbers."""
        videos = sum(map(self._catalogue.is_video, members))
        first = members[0] if members else None
        return {
            "id": album.id,
            "primary": "0" if first is None else str(self._catalogue.id_of(first)),
            "secret": "" if first is None else self._catalogue.secret(first),
            "server": SERVER,
            "farm": FARM,
            "photos": len(members) - videos,
            "videos": str(videos),
            "count_photos": str(len(members) - videos),
            "count_videos": videos,
            "count_views": str(album.number * 7),
            "count_comments": "0",
            "can_comment": 0,
            "title": {"_content": album.title},
            "description": {"_content": "" if album.number % 2 else "Some text\n\n<b>here</b> &amp; new lines!"},
            "date_create": str(1_334_832_826 + album.number),
            # Moves with whatever is added or taken away.
            "date_update": str(1_735_251_318 + album.number + crc32(repr(members).encode()) % 86_400),
        }

    def _info(self, query: Query) -> Answer:
        album = self._find(query)
        person = self._person(album)
        head = self._head(album, self.members(album, query)) | {"owner": person.nsid, "username": person.username}
        return {"photoset": {**head, "coverphoto_server": "0", "coverphoto_farm": 0}, "stat": "ok"}

    def _photos(self, query: Query) -> Answer:
        """The rows have no owner: that is on the set. `perpage` comes under two names."""
        album = self._find(query)
        members = self.members(album, query)
        media = query.get("media", "all")
        if media in ("photos", "videos"):
            members = [n for n in members if self._catalogue.is_video(n) == (media == "videos")]
        page = Page(members, query, per_page=500)
        head = self._head(album, members)
        rows = [self._member(n, query, primary=str(head["primary"])) for n in page.shown]
        person = self._person(album)
        about = {"id": album.id, "primary": head["primary"], "owner": person.nsid, "ownername": person.username}
        claims = {**page.claims(), "per_page": page.per_page, "title": album.title}
        return {"photoset": {**about, "photo": rows, **claims}, "stat": "ok"}

    def _member(self, n: int, query: Query, *, primary: str) -> Answer:
        row = build_row(self._catalogue, n, read_extras(query))
        del row["owner"]
        return row | {"isprimary": str(int(row["id"] == primary))}

    def _tree(self, query: Query) -> Answer:
        """Three levels, no pages. Without collections the member is missing for some owners, and empty for others."""
        owner = self._shelf.owner(query)
        albums = self.albums_of(owner)
        if owner % 5 == 3 or not albums:
            return {"collections": {} if owner % 2 else {"collection": []}, "stat": "ok"}
        third = -(-len(albums) // 3)
        leaf = self._collection(owner, 3, sets=albums[:third])
        middle = self._collection(owner, 2, collections=[leaf], sets=albums[third : 2 * third])
        tree = [self._collection(owner, 1, collections=[middle]), self._collection(owner, 4, sets=albums[2 * third :])]
        return {"collections": {"collection": _pick(tree, query.get("collection_id", ""))}, "stat": "ok"}

    def _collection(
        self, owner: int, number: int, *, collections: list[Answer] | None = None, sets: list[Album] | None = None
    ) -> Answer:
        icon = "https://combo.staticflickr.com/pw/images/collection_default"
        found: Answer = {
            "id": f"{database_id(self._catalogue.people[owner])}-7215763492516{number:04d}",
            "title": f"Collection {number} & more",
            "description": "" if number % 2 else "<i>Just</i> a collection.",
            "iconlarge": f"{icon}_l.gif",
            "iconsmall": f"{icon}_s.gif",
        }
        if collections:
            found["collection"] = collections
        if sets:
            found["set"] = [{"id": album.id, "title": album.title, "description": ""} for album in sets]
        return found


def _pick(tree: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """The branch of one collection; all of the tree where none is named."""
    if not wanted:
        return tree
    for branch in tree:
        if branch["id"] == wanted:
            return [branch]
        if "collection" in branch and (found := _pick(branch["collection"], wanted)):
            return found
    return []
