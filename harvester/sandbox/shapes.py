"""What Flickr's JSON looks like: numbers here, numeric texts there, as recorded (2012 to 2025)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any

import orjson

from .catalogue import Catalogue
from .info import write_granularity, write_point
from .sizes import FARM, SERVER, SIZES, can_download, list_sizes, original_sides
from .web_extras import WEB_EXTRAS

_FOREIGN = re.compile(rb'[\x80-\xff](?:[^"\\]*[\x80-\xff])?')
"""From the first foreign letter of a stretch without quotes and backslashes to its last."""


def encode(value: Any) -> bytes:
    """JSON as Flickr writes it: ASCII, and slashes escaped."""
    body = orjson.dumps(value).replace(b"/", b"\\/")
    return body if body.isascii() else _FOREIGN.sub(lambda run: _escape(run[0]), body)


@lru_cache(8192)
def _escape(run: bytes) -> bytes:
    return encode_basestring_ascii(run.decode())[1:-1].encode()


Row = dict[str, Any]


def _geo(catalogue: Catalogue, n: int) -> Row:
    place = catalogue.place(n)
    if place is None:
        return {"latitude": 0, "longitude": 0, "accuracy": 0, "context": 0}
    where = {**write_point(catalogue, n, place), "accuracy": "16", "context": 0}
    known = {"place_id": place.place_id, "woeid": place.woeid}
    return {**where, **known, "geo_is_public": 1, "geo_is_contact": 0, "geo_is_friend": 0, "geo_is_family": 0}


def _taken(catalogue: Catalogue, n: int) -> Row:
    """`datetakenunknown` came after 2014."""
    taken: Row = {"datetaken": catalogue.taken_text(n), "datetakengranularity": write_granularity(catalogue, n)}
    unknown = {"datetakenunknown": str(int(catalogue.taken_unknown(n)))}
    return taken if catalogue.has_old_shape(n) else taken | unknown


def _original_format(catalogue: Catalogue, n: int) -> Row:
    downloads = can_download(catalogue, n)
    return {"originalsecret": catalogue.secret(n, 8), "originalformat": "jpg"} if downloads else {}


def _o_dims(catalogue: Catalogue, n: int) -> Row:
    width, height = original_sides(catalogue, n)
    return {"o_width": str(width), "o_height": str(height)} if can_download(catalogue, n) else {}


EXTRAS: Mapping[str, Callable[[Catalogue, int], Row]] = {
    "description": lambda c, n: {"description": {"_content": c.text(n).description}},
    "license": lambda c, n: {"license": str(c.license(n))},
    "date_upload": lambda c, n: {"dateupload": str(c.uploads[n])},
    "date_taken": _taken,
    "owner_name": lambda c, n: {"ownername": c.people[c.owners[n]].username},
    "icon_server": lambda c, n: c.people[c.owners[n]].icon,
    "original_format": _original_format,
    "last_update": lambda c, n: {"lastupdate": str(c.updated(n))},
    "geo": _geo,
    "tags": lambda c, n: {"tags": " ".join(tag.clean for tag in c.text(n).tags)},
    "machine_tags": lambda c, n: {"machine_tags": " ".join(c.text(n).machine_names)},
    "o_dims": _o_dims,
    "views": lambda c, n: {"views": str(c.draw(n, 10) % 5000)},
    "media": lambda c, n: {"media": "video" if c.is_video(n) else "photo", "media_status": "ready"},
    "path_alias": lambda c, n: {"pathalias": c.people[c.owners[n]].alias},
    **WEB_EXTRAS,
}
_URL_EXTRAS = frozenset(f"url_{name}" for _, name, _, _ in SIZES) | {"url_o"}


def build_row(catalogue: Catalogue, n: int, extras: tuple[str, ...]) -> Row:
    """A photo as a listing shows it. Unknown extras are ignored; those of a size come only where the size exists."""
    return _keep_row(catalogue, catalogue.version, n, extras).copy()


@lru_cache(4096)
def _keep_row(catalogue: Catalogue, _version: int, n: int, extras: tuple[str, ...]) -> Row:
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
