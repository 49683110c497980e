"""The walk: how a list that is no search is read through, page by page. Pure.

Sets, their members, galleries, favourites, contacts, pools: their pages have numbers and no dates, so a walk can
only count on. What is added or taken away meanwhile moves the rows from page to page. A total that changes, or a
row that comes again, betrays that; the list is then read once more from its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec

from harvester.flickr.methods import EXTRAS, build_query
from harvester.flickr.responses import Listed

_MOST_READS = 3
_MOST_TRIES = 3
LAST_PAGE = 10_000
"""Pages past this one answer as this one does (alexis-mignon/python-flickr-api#54)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A method that lists, and what becomes of its rows.

    `rows` "" means that the container itself is the one row. Rows become lines of `file`, or, where `inside` names
    a further listing, each row heads one of those. With `gathers` all rows of all pages make one line together.
    """

    method: str
    subject: str
    """The argument that says whose list it is; "" where that is the login."""
    container: str
    rows: str = ""
    size: int = 0
    """Rows a page at most; 0 where there are no pages."""
    id: str = "id"
    file: str = ""
    member: str = ""
    """The member of a line that holds the row, or the head."""
    inside: str = ""
    gathers: bool = False
    shows_photos: bool = False
    whole_rows: bool = False
    """The gathered rows themselves stand on the line, not their ids alone."""


UPDATED = "updated"
"""The login's own photos that have changed since."""
_PHOTOS = Listing(method="", subject="", container="photos", rows="photo", size=500, shows_photos=True)
_FAVORITES = replace(
    _PHOTOS, method="flickr.favorites.getPublicList", subject="user_id", file="favorites", member="favorite"
)
_CONTACTS = Listing(
    method="flickr.contacts.getPublicList",
    subject="user_id",
    container="contacts",
    rows="contact",
    size=1000,
    id="nsid",
    file="contacts",
    member="contact",
)
LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        "person": Listing(
            method="flickr.people.getInfo", subject="user_id", container="person", file="people", member="person"
        ),
        "photosets": Listing(
            method="flickr.photosets.getList",
            subject="user_id",
            container="photosets",
            rows="photoset",
            size=500,
            inside="members",
        ),
        "photoset": Listing(
            method="flickr.photosets.getInfo", subject="photoset_id", container="photoset", inside="members"
        ),
        "members": Listing(
            method="flickr.photosets.getPhotos",
            subject="photoset_id",
            container="photoset",
            rows="photo",
            size=500,
            file="photosets",
            member="photoset",
            gathers=True,
            shows_photos=True,
        ),
        "collections": Listing(
            method="flickr.collections.getTree",
            subject="user_id",
            container="collections",
            rows="collection",
            file="collections",
            member="collection",
        ),
        "galleries": Listing(
            method="flickr.galleries.getList",
            subject="user_id",
            container="galleries",
            rows="gallery",
            size=500,
            inside="exhibits",
        ),
        "gallery": Listing(
            method="flickr.galleries.getInfo", subject="gallery_id", container="gallery", inside="exhibits"
        ),
        "exhibits": replace(
            _PHOTOS,
            method="flickr.galleries.getPhotos",
            subject="gallery_id",
            file="galleries",
            member="gallery",
            gathers=True,
            whole_rows=True,
        ),
        "groups": Listing(
            method="flickr.people.getPublicGroups",
            subject="user_id",
            container="groups",
            rows="group",
            id="nsid",
            file="groups",
            member="group",
        ),
        "own_groups": Listing(
            method="flickr.people.getGroups",
            subject="user_id",
            container="groups",
            rows="group",
            id="nsid",
            file="groups",
            member="group",
        ),
        "group": Listing(
            method="flickr.groups.getInfo", subject="group_id", container="group", file="groups", member="group"
        ),
        "pool": replace(_PHOTOS, method="flickr.groups.pools.getPhotos", subject="group_id"),
        "favorites": _FAVORITES,
        "own_favorites": replace(_FAVORITES, method="flickr.favorites.getList"),
        UPDATED: replace(_PHOTOS, method="flickr.photos.recentlyUpdated", subject="min_date"),
        "contacts": _CONTACTS,
        "own_contacts": replace(_CONTACTS, method="flickr.contacts.getList", subject=""),
    }
)
"""The lists of an account and of what is in it. A login's own contacts, groups and favourites have methods apart;
`updated` is the login's photos that have changed since a second of Unix time."""


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be read of a list.

    `head` is the row by which a list showed this one (a set, a gallery), as sent. `total` is what the first page of
    this reading claimed. `writes` and `hydrates` say whether its lines are wanted, and its photos. `owner` is set
    where its photos should be in the photostream of the account as well. A `top` walk is what the job itself is
    about: it cannot do without.
    """

    listing: str
    subject: str = ""
    head: str | None = None
    page: int = 1
    tries: int = 0
    reads: int = 1
    total: int | None = None
    moved: bool = False
    """Rows have come and gone during this reading."""
    writes: bool = True
    hydrates: bool = False
    owner: str = ""
    top: bool = False

    def enclose(self, subject: str, head: bytes) -> Walk:
        """The list that one of its rows heads."""
        return Walk(
            listing=self.shape.inside,
            subject=subject,
            head=head.decode(),
            writes=self.writes,
            hydrates=self.hydrates,
            owner=self.owner,
            top=self.top,
        )

    @property
    def shape(self) -> Listing:
        """How the list is asked for and read."""
        return LISTINGS[self.listing]

    @property
    def file(self) -> str:
        """The file that lacks lines as long as this list is not read."""
        return LISTINGS[self.shape.inside].file if self.shape.inside else self.shape.file

    @property
    def shows_all(self) -> bool:
        """Whether the job's photos are those of this list: without it nothing can be compared."""
        return self.top and bool(self.shape.inside or self.shape.shows_photos)

    @property
    def streams_photos(self) -> bool:
        """Whether each of its pages brings photos to be harvested at once."""
        return self.hydrates and self.shape.shows_photos and not self.shape.gathers

    @property
    def keeps_rows(self) -> bool:
        """Whether its rows themselves are kept, as photos or on lines: they are to tell all that they can."""
        shape = self.shape
        return self.hydrates or (self.writes and bool(shape.file) and (shape.whole_rows or not shape.gathers))

    def query(self, *, extras: bool) -> str:
        """The call for its next page. `extras` asks for all that rows of photos can tell."""
        shape = self.shape
        arguments = {shape.subject: self.subject} if shape.subject else {}
        if shape.size:
            arguments |= {"per_page": str(shape.size), "page": str(self.page)}
        if shape.shows_photos and extras:
            arguments["extras"] = EXTRAS
        return build_query(shape.method, arguments)


@dataclass(frozen=True, slots=True)
class Advance:
    """What a page leads to: the walk that goes on, None at the end; whether it begins anew; what is to be told."""

    walk: Walk | None
    anew: bool = False
    note: str = ""


def _is_last(walk: Walk, listed: Listed) -> bool:
    """Whether a page is the last by what is claimed: by the count of pages, unless the rows belie it."""
    if listed.pages is None or (listed.rows and listed.pages < 1):
        return False
    is_more_claimed = len(listed.rows) >= walk.shape.size and (listed.total or 0) > walk.page * walk.shape.size
    return walk.page >= listed.pages and not is_more_claimed


def advance_walk(walk: Walk, listed: Listed, *, repeated: int) -> Advance:
    """The next step after a page. `repeated` counts its rows that this reading had brought before."""
    if not walk.shape.size:
        return Advance(None)
    ended = _is_last(walk, listed) or 0 < len(listed.rows) == repeated
    if not listed.rows and not ended and listed.pages is not None and walk.tries < _MOST_TRIES:
        return Advance(msgspec.structs.replace(walk, tries=walk.tries + 1))  # pages are seen to be empty in passing
    total = walk.total if walk.page > 1 else listed.total
    has_no_pages = ended and walk.page == 2 and listed.pages is None  # all of it comes whatever page is asked for
    known = msgspec.structs.replace(
        walk,
        page=walk.page + 1,
        tries=0,
        total=total,
        moved=walk.moved or (repeated > 0 and not has_no_pages) or listed.total != total,
    )
    if listed.rows and not ended and walk.page < LAST_PAGE:
        return Advance(known)
    if not known.moved:
        is_cut = not listed.rows and not ended and (listed.pages or 0) > walk.page
        claim = f"{walk.shape.method} of {walk.subject} claims {listed.pages} pages, and page {walk.page} is empty"
        return Advance(None, note=claim if is_cut else "")
    if walk.reads < _MOST_READS:
        again = msgspec.structs.replace(known, page=1, total=None, moved=False, reads=walk.reads + 1)
        return Advance(again, anew=True)
    return Advance(
        None, note=f"{walk.shape.method} of {walk.subject} kept changing while it was read {walk.reads} times"
    )
