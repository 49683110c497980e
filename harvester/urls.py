"""Addresses of flickr.com and flic.kr, and the source that each one means. Pure: nothing is looked up.

What short addresses hold was found by comparing them with the pages that they lead to: a photo, an album: its
number in base 58; a gallery: its number less a constant; a person or group: the NSID without its `@N`, as
flic.kr/ps/ZVcni (655419447) for 65541944@N07 and flic.kr/g/stemc (299541823) for 2995418@N23.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from harvester.errors import UsageError, show
from harvester.model import Account, Album, Favorites, Gallery, Group, Kind, Photos, Search, Source
from harvester.query.pages import name_page
from harvester.values import read_photo_id, stamp

PAGES = (
    "/photos/USER, /photos/USER/ID, /photos/USER/albums/ID, /photos/USER/galleries/ID, /photos/USER/favorites, "
    "/photos/USER/tags/TAG, /photos/USER/archives/…, /photos/tags/TAG, /people/USER, /groups/NAME, /search/?text=…"
)
"""The kinds of pages that are known."""
LONGEST = 4000
"""Characters of an address: those of a photo may have a list of its neighbours behind it."""
FIRST_GALLERY = 72157616180848087
"""flic.kr/y/… counts from here: seen for galleries of 2016 and 2018, eighteen billion apart."""

_PAGE_HOST = re.compile(r"((www|m|secure)\.)?flickr\.com")
_SHORT_HOST = re.compile(r"(www\.)?flic\.kr")
_IMAGE_HOST = re.compile(r"((live|c\d+|farm\d+)\.)?static\.?flickr\.com|(photos|farm)\d+\.flickr\.com", re.ASCII)
_IMAGE = re.compile(r"(\d+)_[0-9a-f]+(_\w+)*\.\w+", re.ASCII | re.IGNORECASE)
_ALPHABET = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_BASE58 = re.compile(f"[{_ALPHABET}]{{1,20}}")
_NSID = re.compile(r"\d+@N\d\d", re.ASCII)
_VIEW = re.compile(r"page\d+|with|show|map|detail|list|calendar", re.ASCII)
_NOBODY = frozenset({"contacts", "forsale", "friends", "organize", "upload"})
"""Pages beside those of people: /photos/friends/ is whoever looks at it."""


def read_url(text: str) -> Source:
    """What an address of flickr.com or flic.kr means, with or without its scheme; UsageError where it is unknown.

    A bare number is a photo's id.
    """
    if _is_number(text.strip()):
        return _photo(text.strip())
    try:
        source = _read(text.strip()) if len(text) <= LONGEST else None
    except UsageError as error:
        raise UsageError(f"in {show(text)}, {error}") from None
    except ValueError:  # of urlsplit, of percent-encoding that is not UTF-8, of dates
        source = None
    if source is None:
        if what := _name_page(text):
            raise UsageError(f"{show(text)} is {what}")
        raise UsageError(
            f"{show(text)} is no address that can be harvested; those of flickr.com are {PAGES}; "
            "those of flic.kr and of images are known too."
        )
    return source


def parse_photo(text: str) -> str:
    """The id of a photo given as id, page (`flickr.com/photos/x/1`), short address or image address.

    UsageError where it is none of them.
    """
    if len(text) > LONGEST:
        raise UsageError(f"{show(text)} is too long for a photo's id or address.")
    if "/" not in text and "." not in text:
        return read_photo_id(text)
    try:
        source = read_url(text)
    except UsageError:
        source = None
    if not isinstance(source, Photos):
        raise UsageError(f"{show(text)} is not the address of a photo, such as https://flickr.com/photos/NAME/ID.")
    return next(iter(source.ids))


NAMED = {"album": "album", "gallery": "gallery", "group": "group", "favorites": "user", "account": "user"}
"""The sources that one id or name stands for, and the field that holds it."""
_WHAT = {
    "search": "a search",
    "photos": "a photo",
    "album": "an album",
    "gallery": "a gallery",
    "group": "a group",
    "favorites": "somebody's favourites",
    "account": "an account",
}


def is_address(text: str) -> bool:
    """Whether a text is meant as an address: `https://…`, or a path on a host of Flickr's."""
    if re.match(r"\s*(https?:)?//", text, re.IGNORECASE):
        return True
    host, slash, _ = text.strip().lower().partition("/")
    return bool(slash) and any(known.fullmatch(host) for known in (_PAGE_HOST, _SHORT_HOST, _IMAGE_HOST))


def read_named(text: str, kind: str) -> str:
    """The id or name of a source of NAMED, given as such or by address; UsageError where that is another kind's."""
    is_name = kind in ("account", "favorites") and not is_address(text)  # a user name may have slashes
    if is_name or "/" not in text:
        return text.strip()
    source = read_url(text)
    if source.name != kind and not (kind == "favorites" and isinstance(source, Account)):
        use = f"harvester {source.name} or " if source.name in (*NAMED, "photos") else ""
        raise UsageError(f"{show(text)} is the address of {_WHAT[source.name]}: use {use}harvester get.")
    return str(getattr(source, NAMED[kind]))


def _split(text: str) -> tuple[SplitResult, str]:
    parts = urlsplit("https://" + re.sub(r"(https?:)?//", "", text, count=1, flags=re.IGNORECASE))
    return parts, (parts.hostname or "").rstrip(".")


def _name_page(text: str) -> str | None:
    try:
        parts, host = _split(text.strip())
    except ValueError:
        return None
    return name_page(unquote(parts.path)) if _PAGE_HOST.fullmatch(host) else None


def _read(text: str) -> Source | None:
    parts, host = _split(text)
    # m.flickr.com had the path in the fragment: m.flickr.com/#/photos/NAME/ID/.
    in_fragment = host.startswith("m.") and parts.fragment.startswith("/")
    path = parts.fragment.partition("?")[0] if in_fragment else parts.path
    words = [unquote(word, errors="strict") for word in path.split("/") if word]
    if _PAGE_HOST.fullmatch(host):
        return _read_page(words, parts.query)
    if _SHORT_HOST.fullmatch(host):
        return _read_short(words)
    return _read_image(words) if _IMAGE_HOST.fullmatch(host) else None


def _read_image(words: Sequence[str]) -> Source | None:
    match words:
        case ["video", photo, *_]:  # live.staticflickr.com/video/ID/SECRET/1080p.mp4
            return _photo(photo)
        case [*_, file] if found := _IMAGE.fullmatch(file):
            return _photo(found[1])
    return None


def _read_short(words: Sequence[str]) -> Source | None:
    if len(words) < 2 or not _BASE58.fullmatch(words[1]):
        return None
    number = 0
    for letter in words[1]:
        number = number * 58 + _ALPHABET.index(letter)
    sources: dict[str, Callable[[], Source]] = {
        "p": lambda: _photo(str(number)),
        "s": lambda: Album(album=str(number)),
        "y": lambda: Gallery(gallery=str(number + FIRST_GALLERY)),
        "ps": lambda: _account(f"{number // 10}@N0{number % 10}", "photos"),
        "g": lambda: Group(group=_group_id(number)),
    }
    return sources[words[0]]() if words[0] in sources else None


def _group_id(number: int) -> str:
    """New groups are @N20 and up; the first ones were numbered as people are."""
    is_new = number // 10 % 10 == 2
    return f"{number // 100}@N{number % 100}" if is_new else f"{number // 10}@N0{number % 10}"


def _read_page(words: Sequence[str], query: str) -> Source | None:
    found: Source | None = None
    match words:
        case ["photos", "tags", tag, *rest] if _is_view(rest):
            found = Search(tags=[tag])
        case ["photos" | "photo", _, photo, *_] if _is_number(photo):
            found = _photo(photo)
        case ["photos", user, *rest] if user not in _NOBODY:
            found = _read_stream(_read_user(user), rest)
        case ["people", user]:
            found = _account(_read_user(user))
        case ["people", user, "contacts" | "groups" as kind, *rest] if _is_view(rest):
            found = _account(_read_user(user), "contacts" if kind == "contacts" else "groups")
        case ["groups", group, *rest]:
            found = _read_group(group.upper() if _NSID.fullmatch(group.upper()) else group, rest)
        case ["search"]:
            found = _read_search(query)
        case ["photo.gne" | "photo_zoom.gne" | "photo_exif.gne" | "video.gne"]:
            given = dict(parse_qsl(query))
            found = _read_short(["p", given["short"]]) if "short" in given else _photo(given.get("id", ""))
    return found


_SHELVES: Mapping[str, Kind] = {
    "albums": "photosets",
    "sets": "photosets",
    "galleries": "galleries",
    "collections": "collections",
}


def _read_stream(user: str, words: Sequence[str]) -> Source | None:
    """Of all that stands under /photos/USER/."""
    found: Source | None = None
    match words:
        case ["albums" | "sets", album, *_] if _is_number(album):
            found = Album(album=album)
        case ["galleries" | "gallery", gallery, *_] if _is_number(gallery):
            found = Gallery(gallery=gallery)
        case ["favorites" | "faves", *rest] if _is_view(rest):
            found = Favorites(user=user)
        case ["tags", tag, *rest] if _is_view(rest):
            found = Search(user=user, tags=[tag])
        case ["archives", "date-posted" | "date-taken" as kind, *dates] if not _is_view(dates):
            found = _read_archive(user, kind, dates)
        case ["archives", *_]:
            found = _account(user, "photos")
        case [shelf, *rest] if shelf in _SHELVES and _is_view(rest):
            found = _account(user, _SHELVES[shelf])
        case rest if _is_view(rest):
            found = _account(user, "photos")
    return found


def _read_archive(user: str, kind: str, words: Sequence[str]) -> Source | None:
    """A year, a month or a day. Days of upload are taken as UTC's; Flickr's own are those of the owner's zone."""
    numbers = [int(word) for word in words if _is_number(word)]
    if not 1 <= len(numbers) <= 3 or 0 in numbers or not _is_view(words[len(numbers) :]):
        return None
    year, month, day = (*numbers, 0, 0)[:3]
    first = date(year, month or 1, day or 1)
    last = date(year, month or 12, day or monthrange(year, month or 12)[1])
    end = f"{last}T23:59:59"
    if kind == "date-taken":
        return Search(user=user, min_taken_date=first.isoformat(), max_taken_date=end)
    return Search(user=user, min_upload_date=first.isoformat(), max_upload_date=end)


def _read_group(group: str, words: Sequence[str]) -> Source | None:
    match words:
        case [] | ["about" | "rules"]:
            return Group(group=group)
        case ["pool", *rest] if _is_view(rest):
            return Group(group=group)
        case ["pool", "tags", tag, *rest] if _is_view(rest):
            return Search(group=group, tags=[tag])
        case ["pool", user, *rest] if _is_view(rest):
            return Search(group=group, user=_read_user(user))
    return None


_FIELDS = {
    **{name: name for name in ("text", "tags", "tag_mode", "license", "sort", "media", "bbox", "machine_tags")},
    **{f"{end}_{what}_date": f"{end}_{what}_date" for end in ("min", "max") for what in ("upload", "taken")},
    "q": "text",
    "user_id": "user",
    "group_id": "group",
    "content_type": "content_types",
    "content_types": "content_types",
    "has_geo": "has_geo",
    "safe_search": "safe_search",
}
"""The web's parameters of a search, and the fields of a Search."""
_ARGUMENTS = frozenset(
    "accuracy contacts geo_context in_gallery is_commons is_getty lat lon machine_tag_mode place_id privacy_filter "
    "radius radius_units woe_id".split()
)
"""Those that flickr.photos.search has besides."""
_LOOKS = frozenset({"advanced", "lang", "page", "per_page", "view", "view_all"})
"""Those that change nothing about what is found."""
_WEB_TYPES = {"0": "photos", "1": "screenshots", "2": "other"}
"""`content_types` of the web counts from 0, `content_type` of the API from 1."""


def _read_search(query: str) -> Source:
    given = {name: value for name, value in parse_qsl(query, errors="strict") if value.strip()}
    kept = {name: value for name, value in given.items() if name not in _LOOKS and not name.startswith("utm_")}
    if unknown := sorted(kept.keys() - _FIELDS.keys() - _ARGUMENTS):
        raise UsageError(f"{', '.join(unknown)}: Flickr's API cannot search by that; take it out of the address.")
    fields: dict[str, Any] = {_FIELDS[name]: value for name, value in kept.items() if name in _FIELDS}
    if "user" in fields:
        fields["user"] = _read_user(fields["user"])
    for name in {"min_taken_date", "max_taken_date"} & fields.keys():
        fields[name] = _read_web_date(fields[name])
    if "has_geo" in fields:
        fields["has_geo"] = fields["has_geo"] not in ("0", "false")
    if "content_types" in kept:
        fields["content_types"] = [_WEB_TYPES.get(name, name) for name in kept["content_types"].split(",")]
    return Search(**fields, params={name: value for name, value in kept.items() if name in _ARGUMENTS})


def _read_web_date(text: str) -> str:
    """The web writes dates taken as Unix time, those before 2004 too."""
    return stamp(int(text)) if re.fullmatch(r"\d{9,10}", text, re.ASCII) else text


def _photo(text: str) -> Photos:
    return Photos(ids=(read_photo_id(text),))


def _account(user: str, *only: Kind) -> Account:
    return Account(user=user, only=only)


def _read_user(word: str) -> str:
    """An NSID, `me`, or the address of the photostream: a path alias may be the user name of somebody else."""
    if _NSID.fullmatch(word.upper()):
        return word.upper()
    return word if word == "me" else f"https://www.flickr.com/photos/{quote(word, safe='')}/"


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 30


def _is_view(words: Sequence[str]) -> bool:
    """Whether it ends there, or goes on to a page or another look of the same."""
    return not words or _VIEW.fullmatch(words[0]) is not None
