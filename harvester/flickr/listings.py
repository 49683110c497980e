"""Which method lists what: the lists of an account and of what is in it, and what their rows come to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Itself:
    """The container of the answer is the one row."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """One answer brings all rows, in this member of the container."""

    name: str


@dataclass(frozen=True, slots=True)
class Paged:
    """Rows stand in this member of the container, on pages of at most `size` of them."""

    name: str
    size: int = 500


@dataclass(frozen=True, slots=True)
class Photos(Paged):
    """Each row shows a photo, and tells of it what `extras` ask for."""

    name: str = "photo"


Rows: TypeAlias = Itself | AtOnce | Paged
"""Where the rows of an answer stand."""


@dataclass(frozen=True, slots=True)
class EachLine:
    """Each row makes a line of `file`, and stands on it as `member`."""

    file: str
    member: str


@dataclass(frozen=True, slots=True)
class Together:
    """All rows of all pages make one line of `file` together; `member` holds the row that has opened the list.

    With `whole` the rows themselves stand on the line, not their ids alone.
    """

    file: str
    member: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Opens:
    """Each row opens a further list, by the row's id, and stands on the line of that list."""

    listing: str


@dataclass(frozen=True, slots=True)
class PhotosOnly:
    """The rows are photos of the harvest and make no lines besides."""


Becomes: TypeAlias = EachLine | Together | Opens | PhotosOnly
"""What rows come to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A method that lists, and what becomes of its rows."""

    method: str
    subject: str | None
    """The argument that says whose list it is; None where that is the login."""
    container: str
    rows: Rows
    id: str = "id"
    """The member of a row that names it."""
    becomes: Becomes

    @property
    def shows_photos(self) -> bool:
        """Whether each row is a photo."""
        return isinstance(self.rows, Photos)

    @property
    def line(self) -> EachLine | Together | None:
        """The lines that come of it, be it by way of the lists that its rows open."""
        match self.becomes:
            case Opens(name):
                return LISTINGS[name].line
            case EachLine() | Together() as line:
                return line
            case PhotosOnly():
                return None


UPDATED = "updated"
"""The login's own photos that have changed since."""
_FAVORITES = Listing(
    method="flickr.favorites.getPublicList",
    subject="user_id",
    container="photos",
    rows=Photos(),
    becomes=EachLine("favorites", "favorite"),
)
_CONTACTS = Listing(
    method="flickr.contacts.getPublicList",
    subject="user_id",
    container="contacts",
    rows=Paged("contact", 1000),
    id="nsid",
    becomes=EachLine("contacts", "contact"),
)
_GROUPS = Listing(
    method="flickr.people.getPublicGroups",
    subject="user_id",
    container="groups",
    rows=AtOnce("group"),
    id="nsid",
    becomes=EachLine("groups", "group"),
)
LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        "person": Listing(
            method="flickr.people.getInfo",
            subject="user_id",
            container="person",
            rows=Itself(),
            becomes=EachLine("people", "person"),
        ),
        "photosets": Listing(
            method="flickr.photosets.getList",
            subject="user_id",
            container="photosets",
            rows=Paged("photoset"),
            becomes=Opens("members"),
        ),
        "photoset": Listing(
            method="flickr.photosets.getInfo",
            subject="photoset_id",
            container="photoset",
            rows=Itself(),
            becomes=Opens("members"),
        ),
        "members": Listing(
            method="flickr.photosets.getPhotos",
            subject="photoset_id",
            container="photoset",
            rows=Photos(),
            becomes=Together("photosets", "photoset"),
        ),
        "collections": Listing(
            method="flickr.collections.getTree",
            subject="user_id",
            container="collections",
            rows=AtOnce("collection"),
            becomes=EachLine("collections", "collection"),
        ),
        "galleries": Listing(
            method="flickr.galleries.getList",
            subject="user_id",
            container="galleries",
            rows=Paged("gallery"),
            becomes=Opens("exhibits"),
        ),
        "gallery": Listing(
            method="flickr.galleries.getInfo",
            subject="gallery_id",
            container="gallery",
            rows=Itself(),
            becomes=Opens("exhibits"),
        ),
        "exhibits": Listing(
            method="flickr.galleries.getPhotos",
            subject="gallery_id",
            container="photos",
            rows=Photos(),
            becomes=Together("galleries", "gallery", whole=True),
        ),
        "groups": _GROUPS,
        "own_groups": replace(_GROUPS, method="flickr.people.getGroups"),
        "group": Listing(
            method="flickr.groups.getInfo",
            subject="group_id",
            container="group",
            rows=Itself(),
            becomes=EachLine("groups", "group"),
        ),
        "pool": Listing(
            method="flickr.groups.pools.getPhotos",
            subject="group_id",
            container="photos",
            rows=Photos(),
            becomes=PhotosOnly(),
        ),
        "favorites": _FAVORITES,
        "own_favorites": replace(_FAVORITES, method="flickr.favorites.getList"),
        UPDATED: Listing(
            method="flickr.photos.recentlyUpdated",
            subject="min_date",
            container="photos",
            rows=Photos(),
            becomes=PhotosOnly(),
        ),
        "contacts": _CONTACTS,
        "own_contacts": replace(_CONTACTS, method="flickr.contacts.getList", subject=None),
    }
)
"""The lists of an account and of what is in it. A login's own contacts, groups and favourites have methods apart;
`updated` is the login's photos that have changed since a second of Unix time."""


def _list_lines() -> Iterator[tuple[EachLine | Together, str]]:
    """The lines of all lists, each with the member of a row that holds its id."""
    for listing in LISTINGS.values():
        if isinstance(line := listing.becomes, EachLine | Together):
            yield line, listing.id


LINE_FILES: tuple[str, ...] = tuple(sorted({line.file for line, _ in _list_lines()}))
"""The names of the files that lines of lists make, without their suffix."""
LINE_MEMBERS: Mapping[str, frozenset[tuple[str, str]]] = MappingProxyType(
    {name: frozenset((line.member, key) for line, key in _list_lines() if line.file == name) for name in LINE_FILES}
)
"""By file: the members that hold what a list has sent, each with the name under which its id is there."""
