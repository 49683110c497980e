"""What Flickr's JSON looks like: numbers here, numeric texts there, as recorded (2012 to 2025)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any

import orjson

from .catalogue import Catalogue, Person

SIZES = (
    ("Square", "sq", "s", 75),
    ("Large Square", "q", "q", 150),
    ("Thumbnail", "t", "t", 100),
    ("Small", "s", "m", 240),
    ("Small 320", "n", "n", 320),
    ("Small 400", "w", "w", 400),
    ("Medium", "m", "", 500),
    ("Medium 640", "z", "z", 640),
    ("Medium 800", "c", "c", 800),
    ("Large", "l", "b", 1024),
    ("Large 1600", "h", "h", 1600),
    ("Large 2048", "k", "k", 2048),
    ("X-Large 3K", "3k", "3k", 3072),
    ("X-Large 4K", "4k", "4k", 4096),
)
"""Label, name of the extra, suffix of the address, longest side."""
_OWN_SECRET = frozenset({"h", "k", "3k", "4k"})
"""Sizes above 1024 each have a secret of their own."""
SERVER, FARM = "65535", 66
_FOREIGN = re.compile(rb'[\x80-\xff](?:[^"\\]*[\x80-\xff])?')
"""From the first foreign letter of a stretch without quotes and backslashes to its last."""


def encode(value: Any) -> bytes:
    """JSON as Flickr writes it: ASCII, and slashes escaped."""
    body = orjson.dumps(value).replace(b"/", b"\\/")
    return body if body.isascii() else _FOREIGN.sub(lambda run: _escape(run[0]), body)


@lru_cache(8192)
def _escape(run: bytes) -> bytes:
    return encode_basestring_ascii(run.decode())[1:-1].encode()


def page_url(catalogue: Catalogue, n: int) -> str:
    """The photo's page."""
    person = catalogue.people[catalogue.owners[n]]
    return f"https://www.flickr.com/photos/{person.alias or person.nsid}/{catalogue.id_of(n)}/"


def list_sizes(catalogue: Catalogue, n: int) -> list[tuple[str, str, int, int, str]]:
    """Label, name, width, height and address of each size that the photo has."""
    longest, portrait = _shape(catalogue, n)
    photo_id, secret = catalogue.id_of(n), catalogue.secret(n)
    found = []
    for label, name, suffix, side in SIZES:
        if side > longest:
            break
        short = side if "Square" in label else side * 3 // 4
        width, height = (short, side) if portrait else (side, short)
        own = catalogue.secret(n, side) if suffix in _OWN_SECRET else secret
        tail = f"_{suffix}" if suffix else ""
        source = f"https://live.staticflickr.com/{SERVER}/{photo_id}_{own}{tail}.jpg"
        found.append((label, name, width, height, source))
    if can_download(catalogue, n):  # the original is there only where the owner lets it be downloaded
        source = f"https://live.staticflickr.com/{SERVER}/{photo_id}_{catalogue.secret(n, 8)}_o.jpg"
        found.append(("Original", "o", *_original_sides(catalogue, n), source))
    return found


def _shape(catalogue: Catalogue, n: int) -> tuple[int, bool]:
    """The longest side of the original, and whether that is the height."""
    dice = catalogue.dice(n, 7)
    return (800, 1024, 2048, 4000)[dice & 3], bool(dice & 4)


def _original_sides(catalogue: Catalogue, n: int) -> tuple[int, int]:
    longest, portrait = _shape(catalogue, n)
    return (longest * 3 // 4, longest) if portrait else (longest, longest * 3 // 4)


def can_download(catalogue: Catalogue, n: int) -> bool:
    """Three in four."""
    return catalogue.dice(n, 7) >> 3 & 3 != 0


def build_sizes(catalogue: Catalogue, n: int) -> dict[str, Any]:
    """The answer of getSizes. Of photos uploaded in some years the long side is a text and the other a number."""
    page = page_url(catalogue, n)
    mixed = catalogue.dice(n, 7) >> 5 & 7 == 0
    sizes: list[dict[str, Any]] = []
    for label, name, width, height, source in list_sizes(catalogue, n):
        sides = (str(width), height) if mixed and width > height else (width, height)
        url = f"{page}sizes/{name}/"
        shape = {"label": label, "width": sides[0], "height": sides[1], "source": source, "url": url, "media": "photo"}
        sizes.append(shape)
    if catalogue.is_video(n):
        sizes += _video_sizes(catalogue, n, page)
    downloads = int(can_download(catalogue, n))
    return {"sizes": {"canblog": 0, "canprint": 0, "candownload": downloads, "size": sizes}, "stat": "ok"}


def _video_sizes(catalogue: Catalogue, n: int, page: str) -> list[dict[str, Any]]:
    """Streams come after the pictures; their sides may be empty texts or null."""
    rows = (("Video Player", "640", "480"), ("Site MP4", "", ""), ("720p", None, None), ("Video Original", 1280, 720))
    return [
        {
            "label": label,
            "width": width,
            "height": height,
            "source": f"{page}play/{label.split()[-1].lower()}/{catalogue.secret(n)}/",
            "url": page,
            "media": "video",
        }
        for label, width, height in rows
    ]


def build_info(catalogue: Catalogue, n: int) -> dict[str, Any]:
    """The answer of getInfo."""
    person = catalogue.people[catalogue.owners[n]]
    photo_id, text = str(catalogue.id_of(n)), catalogue.text(n)
    downloads = can_download(catalogue, n)
    photo: dict[str, Any] = {
        "id": photo_id,
        "secret": catalogue.secret(n),
        "server": SERVER,
        "farm": FARM,
        "dateuploaded": str(catalogue.uploads[n]),
        "isfavorite": 0,
        "license": str(catalogue.license(n)),
        "safety_level": "0",
        "rotation": 0,
    }
    if downloads:
        photo |= {"originalsecret": catalogue.secret(n, 8), "originalformat": "jpg"}
    photo |= {
        "owner": build_owner(person),
        "title": {"_content": catalogue.title(n)},
        "description": {"_content": text.description},
        "visibility": {"ispublic": int(not catalogue.is_private(n)), "isfriend": 0, "isfamily": 0},
        "dates": {
            "posted": str(catalogue.uploads[n]),
            "taken": catalogue.taken_text(n),
            "takengranularity": catalogue.granularity(n),
            "takenunknown": str(int(catalogue.taken_unknown(n))),
            "lastupdate": str(catalogue.updated(n)),
        },
        "views": str(catalogue.dice(n, 10) % 5000),
        "editability": {"cancomment": 0, "canaddmeta": 0},
        "publiceditability": {"cancomment": 1, "canaddmeta": 0},
        "usage": {"candownload": int(downloads), "canblog": 0, "canprint": 0, "canshare": 1},
        "comments": {"_content": str(count_comments(catalogue, n))},
        "notes": {"note": _notes(catalogue, n, person)},
        "people": {"haspeople": 0},
        "tags": {"tag": build_tags(catalogue, n, person)},
    }
    photo |= _location(catalogue, n)
    photo["urls"] = {"url": [{"type": "photopage", "_content": page_url(catalogue, n)}]}
    photo["media"] = "video" if catalogue.is_video(n) else "photo"
    if catalogue.is_video(n):
        seconds = str(catalogue.dice(n, 11) % 180)
        photo["video"] = {"ready": 1, "failed": 0, "pending": 0, "duration": seconds, "width": None, "height": ""}
    return {"photo": photo, "stat": "ok"}


def build_owner(person: Person) -> dict[str, Any]:
    """The owner within a photo: a real name and a location may be empty, or missing."""
    owner: dict[str, Any] = {"nsid": person.nsid, "username": person.username}
    owner |= {} if person.realname is None else {"realname": person.realname}
    owner |= {} if person.location is None else {"location": person.location}
    return owner | {"iconserver": "7", "iconfarm": 1, "path_alias": person.alias}


def build_tags(catalogue: Catalogue, n: int, person: Person) -> list[dict[str, Any]]:
    """The tags within a photo; an all-punctuation tag has an empty `_content`."""
    photo_id = catalogue.id_of(n)
    author = person.nsid.split("@", maxsplit=1)[0]
    return [
        {
            "id": f"{author}-{photo_id}-{i}",
            "author": person.nsid,
            "authorname": person.username,
            "raw": tag.raw,
            "_content": tag.clean,
            "machine_tag": (1 if tag.machine else 0) if i % 7 else tag.machine,
        }
        for i, tag in enumerate(catalogue.text(n).tags)
    ]


def count_comments(catalogue: Catalogue, n: int) -> int:
    """Most photos have none."""
    dice = catalogue.dice(n, 12)
    return dice >> 4 & 7 if dice & 3 == 0 else 0


def _notes(catalogue: Catalogue, n: int, person: Person) -> list[dict[str, Any]]:
    if catalogue.dice(n, 13) & 31:
        return []
    note: dict[str, Any] = {
        "id": str(catalogue.dice(n, 14) % 10**11),
        "photo_id": str(catalogue.id_of(n)),
        "author": person.nsid,
    }
    note |= {"authorname": person.username, "authorrealname": person.realname or "", "authorispro": 0}
    return [{**note, "x": "10", "y": "20", "w": "50", "h": "50", "_content": "who is this?"}]


def _location(catalogue: Catalogue, n: int) -> dict[str, Any]:
    place = catalogue.place(n)
    if place is None:
        return {}
    location: dict[str, Any] = {
        "latitude": f"{place.latitude:.6f}",
        "longitude": f"{place.longitude:.6f}",
        "accuracy": "16",
        "context": "0",
    }
    for part in ("neighbourhood", "locality", "county", "region", "country"):
        if name := getattr(place, part):
            location[part] = {"_content": name}
    return {"location": location, "geoperms": {"ispublic": 1, "iscontact": 0, "isfriend": 0, "isfamily": 0}}


Row = dict[str, Any]


def _geo(catalogue: Catalogue, n: int) -> Row:
    place = catalogue.place(n)
    if place is None:
        return {"latitude": 0, "longitude": 0, "accuracy": 0, "context": 0}
    where = {"latitude": f"{place.latitude:.6f}", "longitude": f"{place.longitude:.6f}", "accuracy": "16", "context": 0}
    known = {"place_id": place.place_id, "woeid": place.woeid}
    return {**where, **known, "geo_is_public": 1, "geo_is_contact": 0, "geo_is_friend": 0, "geo_is_family": 0}


def _taken(catalogue: Catalogue, n: int) -> Row:
    return {
        "datetaken": catalogue.taken_text(n),
        "datetakengranularity": catalogue.granularity(n),
        "datetakenunknown": str(int(catalogue.taken_unknown(n))),
    }


def _original_format(catalogue: Catalogue, n: int) -> Row:
    downloads = can_download(catalogue, n)
    return {"originalsecret": catalogue.secret(n, 8), "originalformat": "jpg"} if downloads else {}


def _o_dims(catalogue: Catalogue, n: int) -> Row:
    width, height = _original_sides(catalogue, n)
    return {"o_width": str(width), "o_height": str(height)} if can_download(catalogue, n) else {}


EXTRAS: Mapping[str, Callable[[Catalogue, int], Row]] = {
    "description": lambda c, n: {"description": {"_content": c.text(n).description}},
    "license": lambda c, n: {"license": str(c.license(n))},
    "safety_level": lambda _c, _n: {"safety_level": "0"},
    "date_upload": lambda c, n: {"dateupload": str(c.uploads[n])},
    "date_taken": _taken,
    "owner_name": lambda c, n: {"ownername": c.people[c.owners[n]].username},
    "icon_server": lambda _c, _n: {"iconserver": "7", "iconfarm": 1},
    "original_format": _original_format,
    "last_update": lambda c, n: {"lastupdate": str(c.updated(n))},
    "geo": _geo,
    "tags": lambda c, n: {"tags": " ".join(tag.clean for tag in c.text(n).tags)},
    "machine_tags": lambda c, n: {"machine_tags": " ".join(c.text(n).machine_names)},
    "o_dims": _o_dims,
    "views": lambda c, n: {"views": str(c.dice(n, 10) % 5000)},
    "media": lambda c, n: {"media": "video" if c.is_video(n) else "photo", "media_status": "ready"},
    "path_alias": lambda c, n: {"pathalias": c.people[c.owners[n]].alias},
    "realname": lambda c, n: {"realname": c.people[c.owners[n]].realname or ""},
    "count_faves": lambda c, n: {"count_faves": str(c.dice(n, 15) % 60)},
    "count_comments": lambda c, n: {"count_comments": str(count_comments(c, n))},
    "count_views": lambda c, n: {"count_views": str(c.dice(n, 10) % 5000)},
}
_URL_EXTRAS = frozenset(f"url_{name}" for _, name, _, _ in SIZES) | {"url_o"}


def build_row(catalogue: Catalogue, n: int, extras: tuple[str, ...]) -> Row:
    """A photo as a listing shows it. Unknown extras are ignored; those of a size come only where the size exists."""
    row: Row = {
        "id": str(catalogue.id_of(n)),
        "owner": catalogue.people[catalogue.owners[n]].nsid,
        "secret": catalogue.secret(n),
        "server": SERVER,
        "farm": FARM,
        "title": catalogue.title(n),
        "ispublic": int(not catalogue.is_private(n)),
        "isfriend": 0,
        "isfamily": 0,
    }
    for extra in extras:
        if build := EXTRAS.get(extra):
            row |= build(catalogue, n)
    asked = _URL_EXTRAS.intersection(extras)
    for _, name, width, height, source in list_sizes(catalogue, n) if asked else ():
        if (url := f"url_{name}") in asked:
            row[url], row[f"height_{name}"], row[f"width_{name}"] = source, height, width
    return row
