"""Galleries: photos of others that a person has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .catalogue import Catalogue
from .listings import Answer, Page, PhotoIndex, build_photos, build_primary, read_extras
from .search import Failure, Query
from .sizes import FARM, SERVER, list_sizes

FIRST_GALLERY = 72_157_700_000_000_000
_SALT = 1_000


class Galleries:
    """Answers `flickr.galleries.*`."""

    def __init__(self, catalogue: Catalogue, index: PhotoIndex) -> None:
        self._catalogue = catalogue
        self._index = index
        self.methods: Mapping[str, Callable[[Query], Answer]] = {
            "flickr.galleries.getList": self._list,
            "flickr.galleries.getInfo": self._info,
            "flickr.galleries.getPhotos": self._photos,
        }

    def _list(self, query: Query) -> Answer:
        """The size of a page comes as `per_page` only."""
        owner = self._index.owner(query)
        page = Page(range(owner % 5), query)
        claims = {"total": page.total, "page": page.page, "pages": page.pages, "per_page": page.per_page}
        rows = [self._row(owner, number, query) for number in page.shown]
        user = {"user_id": self._catalogue.people[owner].nsid}
        return {"galleries": {**claims, **user, "gallery": rows}, "stat": "ok"}

    def _row(self, owner: int, number: int, query: Query) -> Answer:
        members = self._members(owner, number, query)
        primary = build_primary(self._catalogue, members, read_extras(query, "primary_photo_extras"))
        return self._head(owner, number, members) | primary

    def _head(self, owner: int, number: int, members: list[int]) -> Answer:
        person, short = self._catalogue.people[owner], str(FIRST_GALLERY + owner * 100 + number)
        videos = sum(map(self._catalogue.is_video, members))
        return {
            "id": f"{person.database_id}-{short}",
            "gallery_id": short,
            "url": f"https://www.flickr.com/photos/{person.alias or person.nsid}/galleries/{short}",
            "owner": person.nsid,
            "username": person.username,
            **person.icon,
            "primary_photo_id": str(self._catalogue.id_of(members[0])) if members else "",
            "date_create": "1402704503",
            "date_update": "1484094962",
            "count_photos": len(members) - videos,
            "count_videos": videos,
            "count_total": len(members),
            "count_views": 6,
            "count_comments": 0,
            "title": {"_content": f"Gallery № {number}"},
            "description": {"_content": ""},
            "sort_group": "",
            "primary_photo_server": SERVER if members else "",
            "primary_photo_farm": FARM if members else 0,
            "primary_photo_secret": self._catalogue.secret(members[0]) if members else "",
        }

    def _members(self, owner: int, number: int, query: Query) -> list[int]:
        """Photos of others, in the order of the gallery."""
        count = 5 + self._catalogue.draw(owner, _SALT + number) % 40
        return self._index.sample(owner, count, salt=_SALT * 100 + number, query=query)

    def _find(self, query: Query) -> tuple[int, int]:
        text = query.get("gallery_id", "").rpartition("-")[2]
        offset = int(text) - FIRST_GALLERY if text.isascii() and text.isdigit() and len(text) < 19 else -1
        owner, number = divmod(offset, 100)
        if offset < 0 or owner >= len(self._catalogue.people) or number >= owner % 5:
            raise Failure(1, "Invalid gallery ID")
        return owner, number

    def _info(self, query: Query) -> Answer:
        owner, number = self._find(query)
        members = self._members(owner, number, query)
        more = {"current_state": "4ce80e3c8107fdf294c861fdd6769920"}
        covers = {"cover_photos": {"photo": [self._cover(n, first=n == members[0]) for n in members[:3]]}}
        return {"gallery": {**self._head(owner, number, members), **more, **covers}, "stat": "ok"}

    def _cover(self, n: int, *, first: bool) -> Answer:
        url = next(source for _, name, _, _, source in list_sizes(self._catalogue, n) if name == "q")
        kind = {"is_primary": int(first), "is_video": int(self._catalogue.is_video(n))}
        return {"url": url, "width": 150, "height": 150, **kind}

    def _photos(self, query: Query) -> Answer:
        """The gallery itself stands beside the photos. A photo may have the owner's comment."""
        owner, number = self._find(query)
        members = self._members(owner, number, query)
        more = {n: {"is_primary": int(n == members[0]), **self._comment(n)} for n in members}
        answer = build_photos(Page(members, query), query, self._catalogue, more)
        return {**answer, "gallery": self._head(owner, number, members)}

    def _comment(self, n: int) -> Answer:
        if self._catalogue.draw(n, 18) & 7:
            return {"has_comment": 0}
        return {"has_comment": 1, "comment": {"_content": "I like the <i>light</i> in this one."}}
