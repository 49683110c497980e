"""The members of a photo's line that a row is made of, in the shapes that they usually have. Pure.

msgspec reads them at once, takes numbers that are text for numbers, and skips the rest. A line of which a member has
another shape, or a number that is none or too large, is refused; it is then read member by member.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Annotated, Any, ClassVar

import msgspec

from harvester.export.convert import LAST_MOMENT
from harvester.export.table import Int16, Int32, Int64, Size
from harvester.flickr.sizes import LISTED_SIZES

Unix = Annotated[int, msgspec.Meta(ge=0, le=LAST_MOMENT)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class Text(msgspec.Struct, gc=False):
    """`{"_content": …}`"""

    text: str | None = msgspec.field(name="_content", default=None)


class Number(msgspec.Struct, gc=False):
    """The same around a number."""

    text: Int32 | None = msgspec.field(name="_content", default=None)


class Owner(msgspec.Struct, gc=False):
    """Whose photo it is."""

    nsid: str | None = None
    username: str | None = None
    realname: str | None = None
    path_alias: str | None = None


class Dates(msgspec.Struct, gc=False):
    """When it was uploaded, taken and changed."""

    posted: Unix | None = None
    taken: str | None = None
    takengranularity: Int16 | None = None
    lastupdate: Unix | None = None
    takenunknown: bool | None = None


class Visibility(msgspec.Struct, gc=False):
    """Who may see it."""

    ispublic: bool | None = None
    isfriend: bool | None = None
    isfamily: bool | None = None


_NONE = msgspec.field(default_factory=Text)


class Location(msgspec.Struct, gc=False):
    """Where it was taken."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    accuracy: Int16 | None = None
    locality: Text = _NONE
    county: Text = _NONE
    region: Text = _NONE
    country: Text = _NONE


class Tag(msgspec.Struct, gc=False):
    """A tag as it was written and as Flickr compares it."""

    raw: str | None = None
    text: str | None = msgspec.field(name="_content", default=None)
    machine_tag: Any = None
    """1, 0, false, "1" or ""."""


class Tags(msgspec.Struct, gc=False):
    """All of them, in their order."""

    tag: list[Tag] = []


class Url(msgspec.Struct, gc=False):
    """An address and what it leads to."""

    type: str | None = None
    text: str | None = msgspec.field(name="_content", default=None)


class Urls(msgspec.Struct, gc=False):
    """The addresses of a photo."""

    url: list[Url] = []


class Info(msgspec.Struct, gc=False):
    """The `photo` of flickr.photos.getInfo."""

    license: Int16 | None = None
    safety_level: Int16 | None = None
    rotation: Int16 | None = None
    originalformat: str | None = None
    owner: Owner = msgspec.field(default_factory=Owner)
    title: Text = _NONE
    description: Text = _NONE
    visibility: Visibility = msgspec.field(default_factory=Visibility)
    dates: Dates = msgspec.field(default_factory=Dates)
    views: Int64 | None = None
    comments: Number = msgspec.field(default_factory=Number)
    tags: Tags = msgspec.field(default_factory=Tags)
    location: Location = msgspec.field(default_factory=Location)
    urls: Urls = msgspec.field(default_factory=Urls)
    media: str | None = None


class Sizes(msgspec.Struct, gc=False):
    """The `sizes` of flickr.photos.getSizes."""

    size: list[Size] = []


class Counted(msgspec.Struct, gc=False):
    """What a listing's row alone tells, however much was fetched besides."""

    count_faves: Int32 | None = None


class Row(msgspec.Struct, gc=False):
    """A listing's row, without its addresses of sizes."""

    owner: str | None = None
    title: str | None = None
    ispublic: bool | None = None
    isfriend: bool | None = None
    isfamily: bool | None = None
    description: Text = _NONE
    license: Int16 | None = None
    dateupload: Unix | None = None
    datetaken: str | None = None
    datetakengranularity: Int16 | None = None
    datetakenunknown: bool | None = None
    ownername: str | None = None
    originalformat: str | None = None
    lastupdate: Unix | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    accuracy: Int16 | None = None
    tags: str | None = None
    machine_tags: str | None = None
    views: Int64 | None = None
    media: str | None = None
    pathalias: str | None = None
    realname: str | None = None
    count_comments: Int32 | None = None
    count_faves: Int32 | None = None
    safety_level: Int16 | None = None
    rotation: Int16 | None = None


_TYPES: Mapping[str, Any] = {"url": str | None, "height": Int32 | None, "width": Int32 | None}
_SIDES = [(f"{name}_{suffix}", kind, None) for suffix in LISTED_SIZES for name, kind in _TYPES.items()]
_Listed = msgspec.defstruct("_Listed", _SIDES, bases=(Row,), gc=False)
NO_ROW: Any = _Listed()
"""What a listing tells that has not shown the photo."""
_get_sides = attrgetter(*(name for name, _, _ in _SIDES))


def list_sizes(row: Row) -> list[Size] | None:
    """The sizes whose addresses are in a listing's row; None where it has none."""
    sides = iter(_get_sides(row))
    found = [
        Size(label, width, height, url, None, "photo")
        for label, (url, height, width) in zip(
            LISTED_SIZES.values(), zip(sides, sides, sides, strict=True), strict=True
        )
        if url
    ]
    return found or None


class Album(msgspec.Struct, gc=False):
    """A set that a photo is in."""

    id: str | None = None


class Contexts(msgspec.Struct, gc=False):
    """The answer of flickr.photos.getAllContexts, where it was asked for."""

    set: list[Album] = []


class Refusal(msgspec.Struct, gc=False):
    """What Flickr says where it refuses a part."""

    code: Any = None
    message: Any = None


_NO_JSON = msgspec.Raw()


class Whole(msgspec.Struct, gc=False, kw_only=True):
    """A line that has info and sizes."""

    nothing: ClassVar[None] = None
    """What a column is read from that no member of a line tells."""
    id: str
    harvested_at: str
    search: Counted | None = None
    info: Info | None = None
    sizes: Sizes | None = None
    contexts: Contexts | None = None
    errors: dict[str, Refusal] = {}
    exif: msgspec.Raw = _NO_JSON
    """Unread: a table has no column for it."""


class Line(Whole, gc=False, kw_only=True):
    """A line of whose listing more is needed."""

    search: _Listed | None = None  # type: ignore[valid-type]


read_whole_line = msgspec.json.Decoder(Whole, strict=False).decode
"""A line as bytes to its members. msgspec.DecodeError where it is no JSON, ValidationError for other shapes."""
read_any_line = msgspec.json.Decoder(Line, strict=False).decode
"""The same, with all of the listing's row."""
