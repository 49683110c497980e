"""Addresses of flickr.com and flic.kr, and the source that each one means. Pure: nothing is looked up.

What short addresses hold was found by comparing them with the pages that they lead to: a photo, an album: its
number in base 58; a gallery: its number less a constant; a person or group: the NSID without its `@N`, as
flic.kr/ps/ZVcni (655419447) for 65541944@N07 and flic.kr/g/stemc (299541823) for 2995418@N23.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from harvester.errors import UsageError, show
from harvester.flickr.codes import NSID
from harvester.jobs.base58 import decode, decode_group, decode_person
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Photos, Search, Source
from harvester.jobs.pages import name_page
from harvester.jobs.sources import Kind
from harvester.jobs.values import read_photo_id
from harvester.jobs.web_search import read_query

PAGES = (
    "/photos/USER, /photos/USER/ID, /photos/USER/albums/ID, /photos/USER/galleries/ID, /photos/USER/collections/ID, "
    "/photos/USER/favorites, /photos/USER/tags/TAG, /photos/USER/archives/…, /photos/tags/TAG, /people/USER, "
    "/groups/NAME, /search/?text=…"
)
"""The kinds of pages that are known."""
LONGEST = 4000
"""Characters of an address: those of a photo may have a list of its neighbours behind it."""
FIRST_GALLERY = 72157616180848087
"""flic.kr/y/… counts from here: seen for galleries of 2016 and 2018, eighteen billion apart."""

_PAGE_HOST = re.compile(r"((www|m|secure|touch|beta)\.)?flickr\.com")
_FEED_HOST = re.compile(r"((www|api)\.)?flickr\.com")
_COMMONS_HOST, _EMBED_HOST = "commons.flickr.org", "embedr.flickr.com"
_ARCHIVED = re.compile(r"(https?:)?(//)?web\.archive\.org/web/\w+/", re.IGNORECASE)
_PHOTO_SCRIPT = re.compile(r"(photo|video)(_\w+)?\.gne", re.ASCII)
_SHORT_HOST = re.compile(r"(www\.)?flic\.kr")
_IMAGE_HOST = re.compile(r"((live|c\d+|farm\d+)\.)?static\.?flickr\.com|(photos|farm)\d+\.flickr\.com", re.ASCII)
_IMAGE = re.compile(r"(\d+)_[0-9a-f]+(_\w+)*\.\w+", re.ASCII | re.IGNORECASE)
_VIEW = re.compile(r"page\d+|with|show|map|detail|list|calendar|popular(-\w+)?", re.ASCII)
_NOBODY = frozenset({"contacts", "forsale", "friends", "organize", "tags", "upload"})
"""Pages beside those of people: /photos/friends/ is whoever looks at it."""


def read_url(text: str) -> Source:
    """What an address of flickr.com or flic.kr means, with or without its scheme; UsageError where it is unknown.

    A bare number is a photo's id.
    """
    address = _clean(text)
    if _is_number(address):
        return _photo(address)
    try:
        source = _read(address) if len(text) <= LONGEST else None
    except UsageError as error:
        raise UsageError(f"in {show(text)}, {error}") from None
    except ValueError:  # of urlsplit, of percent-encoding that is not UTF-8, of dates
        source = None
    if source is None:
        if what := _name_page(address):
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
    return source.listed[0]


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


def _clean(text: str) -> str:
    """An address without what stands around it in texts, mails and the Wayback Machine."""
    text = text.strip().removeprefix("<").rstrip(",;>").strip()
    return _ARCHIVED.sub("", text, count=1)


def _split(text: str) -> tuple[SplitResult, str]:
    parts = urlsplit("https://" + re.sub(r"(https?:)?//", "", text, count=1, flags=re.IGNORECASE))
    return parts, (parts.hostname or "").rstrip(".")


def _name_page(text: str) -> str | None:
    try:
        parts, host = _split(text)
    except ValueError:
        return None
    return name_page(unquote(parts.path)) if _PAGE_HOST.fullmatch(host) else None


def _read(text: str) -> Source | None:
    parts, host = _split(text)
    # m.flickr.com had the path in the fragment: m.flickr.com/#/photos/NAME/ID/.
    in_fragment = host.startswith("m.") and parts.fragment.startswith("/")
    path = parts.fragment.partition("?")[0] if in_fragment else parts.path
    words = [unquote(word, errors="strict") for word in path.split("/") if word]
    match words:
        case ["services", "feeds", name] if _FEED_HOST.fullmatch(host):
            return _read_feed(name, parts.query)
        case ["members", user, *rest] if host == _COMMONS_HOST and _is_view(rest):
            return _account(_read_user(user))
        case ["photos", photo, *_] if host == _EMBED_HOST:
            return _photo(photo)
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
    found: Source | None = None
    match words:
        case ["ps", letters, *_] if (person := decode_person(letters)) is not None:
            found = _account(person, "photos")
        case ["g", letters, *_] if (group := decode_group(letters)) is not None:
            found = Group(group=group)
        case ["p", letters, *_] if (number := decode(letters)) is not None:
            found = _photo(str(number))
        case ["s", letters, *_] if (number := decode(letters)) is not None:
            found = Album(album=str(number))
        case ["y", letters, *_] if (number := decode(letters)) is not None:
            found = Gallery(gallery=str(number + FIRST_GALLERY))
    return found


def _read_page(words: Sequence[str], query: str) -> Source | None:
    found: Source | None = None
    match words:
        case ["photos", "tags", tag, *rest] if _is_view(rest):
            found = Search(tags=[tag])
        case ["photos" | "photo", _, photo, *_] if _is_number(photo):
            found = _photo(photo)
        case ["photos", user, *rest] if user not in _NOBODY:
            found = _read_stream(_read_user(user), rest)
        case ["photos", "tags", tag, "interesting", *rest] if _is_view(rest):
            found = Search(tags=[tag], sort="interestingness-desc")
        case ["people", user, *rest] if _is_view(rest):
            found = _account(_read_user(user))
        case ["people", user, "contacts" | "groups" as kind, *rest] if _is_view(rest):
            found = _account(_read_user(user), "contacts" if kind == "contacts" else "groups")
        case ["groups", group, *rest]:
            found = _read_group(group.upper() if NSID.fullmatch(group.upper()) else group, rest)
        case _:
            found = _read_script(words, query)
    return found


def _read_script(words: Sequence[str], query: str) -> Source | None:
    """Of pages that have what they show in the query of their address."""
    match words:
        case ["search"] | ["search", "advanced" | "show"]:
            return _read_search(query)
        case ["slideShow", "index.gne"]:
            return _read_slides(query)
        case [script] if _PHOTO_SCRIPT.fullmatch(script):
            given = dict(parse_qsl(query))
            return _read_short(["p", given["short"]]) if "short" in given else _photo(given.get("id", ""))
    return None


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
        case ["collections", collection] if re.fullmatch(r"(\d+-)?\d+", collection, re.ASCII):
            found = _account(user, "collections")  # the API tells all of them together
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
        case [] | ["about" | "rules"] | ["members", *_]:
            return Group(group=group)
        case ["pool", *rest] if _is_view(rest):
            return Group(group=group)
        case ["pool", "tags", tag, *rest] if _is_view(rest):
            return Search(group=group, tags=[tag])
        case ["pool", user, *rest] if _is_view(rest):
            return Search(group=group, user=_read_user(user))
    return None


def _read_search(query: str) -> Source:
    fields = read_query(query)
    if "user" in fields:
        fields["user"] = _read_user(fields["user"])
    return Search(**fields)


def _read_slides(query: str) -> Source | None:
    """The slide shows of before 2014: of an album, a group, a person, or a search."""
    given = {name: value for name, value in parse_qsl(query, errors="strict") if value.strip()}
    if "set_id" in given:
        return Album(album=given["set_id"])
    if given.keys() & {"tags", "text", "q"}:
        return _read_search(query)
    if "group_id" in given:
        return Group(group=given["group_id"])
    return _account(_read_user(given["user_id"]), "photos") if "user_id" in given else None


def _read_feed(name: str, query: str) -> Source | None:
    """What a feed shows the latest photos of (services/feeds/photos_public.gne?id=NSID&tags=a,b)."""
    given = {name: value for name, value in parse_qsl(query, errors="strict") if value.strip()}
    owner = given.get("nsid") or given.get("id", "")
    match name:
        case "photos_public.gne" if "tags" in given:
            whose = _read_user(owner) if owner else None
            return Search(user=whose, tags=given["tags"], tag_mode="any" if given.get("tagmode") == "any" else "all")
        case "photos_public.gne" if owner:
            return _account(_read_user(owner), "photos")
        case "photos_faves.gne" if owner:
            return Favorites(user=_read_user(owner))
        case "photoset.gne" if "set" in given:
            return Album(album=given["set"])
        case "groups_pool.gne" if "id" in given:
            return Group(group=given["id"])
    return None


def _photo(text: str) -> Photos:
    return Photos(ids=(read_photo_id(text),))


def _account(user: str, *only: Kind) -> Account:
    return Account(user=user, only=only)


def _read_user(word: str) -> str:
    """An NSID, `me`, or the address of the photostream: a path alias may be the user name of somebody else."""
    if NSID.fullmatch(word.upper()):
        return word.upper()
    return word if word == "me" else f"https://www.flickr.com/photos/{quote(word, safe='')}/"


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 30


def _is_view(words: Sequence[str]) -> bool:
    """Whether it ends there, or goes on to a page or another look of the same."""
    return not words or _VIEW.fullmatch(words[0]) is not None
