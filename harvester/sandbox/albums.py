"""Photosets and collections: an owner's own order on top of the photostream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from zlib import crc32

from .catalogue import Catalogue
from .listings import Answer, Page, PhotoIndex, build_primary, read_extras
from .search import CALLER, Failure, Query
from .shapes import build_row
from .sizes import FARM, SERVER
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
    def has_old_shape(self) -> bool:
        """Whether answers about the set look as they did in 2012."""
        return self.number % 3 == 2

    @property
    def title(self) -> str:
        """Titles come again; only ids tell sets apart."""
        return SET_TITLES[(self.owner + self.number) % len(SET_TITLES)]


class Albums:
    """Answers `flickr.photosets.*` and `flickr.collections.*`."""

    def __init__(self, catalogue: Catalogue, index: PhotoIndex) -> None:
        self._catalogue = catalogue
        self._index = index
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
        return self._index.visible(self._share_out(album.owner, self._catalogue.version)[album.number], query)

    def _fill(self, owner: int, _version: int) -> list[list[int]]:
        draw, count = self._catalogue.draw, self._counts[owner]
        found: list[list[int]] = [[] for _ in range(count)]
        for n in sorted(self._index.own(owner), key=lambda n: draw(n, _ORDER)):
            for number in self._sets_of(n, count):
                found[number].append(n)
        return found

    def _sets_of(self, n: int, count: int) -> list[int]:
        """The numbers of the sets of a photo, out of so many sets of its owner."""
        if not count:
            return []
        draw, moved = self._catalogue.draw, self._catalogue.moves.get(n, 0)
        first = (draw(n, _MEMBERS) + moved) % (count * 5 // 4 + 1)
        second = draw(n, _SECOND) // 10 % count if draw(n, _SECOND) % 10 == 0 else count
        return sorted({number for number in (first, second) if number < count})

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

    def _list(self, query: Query) -> Answer:
        """At most 500 a page since November 2019 (beaufour/flickr-download#58). The owner may create further sets."""
        owner = self._index.owner(query)
        page = Page(self.albums_of(owner), query, per_page=500)
        extras = read_extras(query, "primary_photo_extras")
        claims = {"page": page.page, "pages": page.pages, "perpage": page.per_page, "total": page.total}
        if self._is_caller(owner, query):
            claims = {"cancreate": 1, **claims}
        return {
            "photosets": {**claims, "photoset": [self._row(a, query, extras) for a in page.shown]},
            "stat": "ok",
        }

    def _is_caller(self, owner: int, query: Query) -> bool:
        return self._catalogue.people[owner].nsid == query.get(CALLER)

    def _row(self, album: Album, query: Query, extras: tuple[str, ...]) -> Answer:
        """Every third set has the members and types of 2012, when counts were texts, and the owner was not told."""
        members = self.members(album, query)
        photos, videos = self._count(members)
        row = self._head(album, members, query) | {"needs_interstitial": 0, "visibility_can_see_set": 1}
        if album.has_old_shape:
            row |= {"photos": str(photos), "videos": str(videos)}
        else:
            row |= {"photos": photos, "videos": videos, "count_photos": photos, "count_videos": videos}
            row |= self._owner(album)
        return row | build_primary(self._catalogue, members, extras)

    def _count(self, members: list[int]) -> tuple[int, int]:
        """Photos without videos, and videos."""
        videos = sum(map(self._catalogue.is_video, members))
        return len(members) - videos, videos

    def _owner(self, album: Album) -> Answer:
        person = self._catalogue.people[album.owner]
        return {"owner": person.nsid, "username": person.username}

    def _head(self, album: Album, members: list[int], query: Query) -> Answer:
        first = members[0] if members else None
        return {
            "id": album.id,
            "primary": "0" if first is None else str(self._catalogue.id_of(first)),
            "secret": "" if first is None else self._catalogue.secret(first),
            "server": SERVER,
            "farm": FARM,
            "count_views": str(album.number * 7),
            "count_comments": "0",
            "can_comment": int(self._is_caller(album.owner, query)),
            "title": {"_content": album.title},
            "description": {"_content": "" if album.number % 2 else "Some text\n\n<b>here</b> &amp; new lines!"},
            "date_create": str(1_334_832_826 + album.number),
            # Moves with whatever is added or taken away.
            "date_update": str(1_735_251_318 + album.number + crc32(repr(members).encode()) % 86_400),
        }

    def _info(self, query: Query) -> Answer:
        album = self._find(query)
        members = self.members(album, query)
        photos, videos = self._count(members)
        found = self._head(album, members, query) | self._owner(album) | {"photos": photos, "count_videos": videos}
        if album.has_old_shape:
            found |= {"count_photos": str(photos), "coverphoto_server": "0", "coverphoto_farm": 0}
        else:
            found |= {"count_photos": photos, "visibility_can_see_set": 1, "needs_interstitial": 0}
        return {"photoset": found, "stat": "ok"}

    def contexts(self, n: int, query: Query) -> list[Answer]:
        """The sets of a photo, as getAllContexts tells them: a text counts the photos, and a number the videos."""
        owner = self._catalogue.owners[n]
        albums = [Album(owner, number) for number in self._sets_of(n, self._counts[owner])]
        return [self._context(album, self.members(album, query), query) for album in albums]

    def _context(self, album: Album, members: list[int], query: Query) -> Answer:
        head = self._head(album, members, query)
        shown = {name: head[name] for name in ("id", "primary", "secret", "server", "farm")}
        counts = {"view_count": head["count_views"], "comment_count": head["count_comments"]}
        photos, videos = self._count(members)
        return {"title": album.title, **shown, **counts, "count_photo": str(photos), "count_video": videos}

    def _photos(self, query: Query) -> Answer:
        """The rows have no owner: that is on the set. `perpage` comes under two names."""
        album = self._find(query)
        members = self.members(album, query)
        primary = str(self._catalogue.id_of(members[0])) if members else "0"
        media = query.get("media", "all")
        if media in ("photos", "videos"):
            members = [n for n in members if self._catalogue.is_video(n) == (media == "videos")]
        page = Page(members, query, per_page=500)
        extras = read_extras(query)
        rows = [self._member(n, extras, primary=primary) for n in page.shown]
        person = self._catalogue.people[album.owner]
        about = {"id": album.id, "primary": primary, "owner": person.nsid, "ownername": person.username}
        size = str(page.per_page) if album.has_old_shape and query.get("per_page") else page.per_page
        more = {"perpage": size, "per_page": size, "title": album.title, "sorting_option_id": "manual-add-to-end"}
        return {"photoset": {**about, "photo": rows, **page.claims(), **more}, "stat": "ok"}

    def _member(self, n: int, extras: tuple[str, ...], *, primary: str) -> Answer:
        row = build_row(self._catalogue, n, extras)
        del row["owner"]
        return row | {"isprimary": str(int(row["id"] == primary))}

    def _tree(self, query: Query) -> Answer:
        """Three levels, no pages. Without collections the member is missing for some owners, and empty for others."""
        owner = self._index.owner(query)
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
            "id": f"{self._catalogue.people[owner].database_id}-7215763492516{number:04d}",
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
