"""The nouns: what is asked for, and what comes back. All values are frozen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from harvester.errors import UsageError, show

Moment: TypeAlias = int | float | str | date | datetime
"""A point in time: Unix seconds, an ISO date or time as text, or Python's own. Without a zone it is UTC."""

Detail: TypeAlias = Literal["list", "info", "full"]
Extra: TypeAlias = Literal["exif", "comments", "contexts", "people", "favorites"]
Kind: TypeAlias = Literal[
    "person", "photos", "photosets", "collections", "galleries", "groups", "favorites", "contacts"
]
"""What an account is made of."""
Hydrated: TypeAlias = Literal["favorites", "galleries"]
"""Kinds whose photos are other people's: listed with their rows, harvested only where that is asked for."""
TagMode: TypeAlias = Literal["any", "all"]
Media: TypeAlias = Literal["all", "photos", "videos"]
Sort: TypeAlias = Literal[
    "date-posted-desc",
    "date-posted-asc",
    "date-taken-desc",
    "date-taken-asc",
    "interestingness-desc",
    "interestingness-asc",
    "relevance",
]

LICENSES: Mapping[str, int] = {
    "all-rights-reserved": 0,
    "cc-by-nc-sa-2.0": 1,
    "cc-by-nc-2.0": 2,
    "cc-by-nc-nd-2.0": 3,
    "cc-by-2.0": 4,
    "cc-by-sa-2.0": 5,
    "cc-by-nd-2.0": 6,
    "no-known-copyright": 7,
    "us-government": 8,
    "cc0": 9,
    "public-domain": 10,
    "cc-by-4.0": 11,
    "cc-by-sa-4.0": 12,
    "cc-by-nd-4.0": 13,
    "cc-by-nc-4.0": 14,
    "cc-by-nc-sa-4.0": 15,
    "cc-by-nc-nd-4.0": 16,
}
"""Names for flickr.photos.licenses.getInfo as recorded 2025-06-19. `cc-by` alone means each version of it."""

CONTENT_TYPES: Mapping[str, int] = {"photos": 1, "screenshots": 2, "other": 3}
SAFE_SEARCH: Mapping[str, int] = {"safe": 1, "moderate": 2, "restricted": 3}

# 250 characters hold every tag that Flickr takes; an id of 18 digits is millions of times beyond today's.
_PHOTO_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_RESERVED = frozenset({"method", "api_key", "format", "nojsoncallback", "per_page", "page", "extras"})


def read_moment(value: Moment, *, field: str) -> int:
    """Unix seconds of a point in time; UsageError where it is none."""
    if isinstance(value, bool):
        raise UsageError(f"{value!r} is not a date.", field=field)
    if isinstance(value, str):
        value = _parse_moment(value, field=field)
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    if isinstance(value, date):
        return int(datetime.combine(value, time(), UTC).timestamp())
    if not 0 <= value < 1 << 40:
        raise UsageError(f"{value} is not a Unix time in seconds.", field=field)
    return int(value)


def _parse_moment(text: str, *, field: str) -> float | datetime:
    text = text.strip()
    try:
        return float(text) if re.fullmatch(r"\d+(\.\d*)?", text) else datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{show(text)} is not a date; write 2009-12-01, 2009-12-01T08:30:00 or a Unix time.",
            field=field,
        ) from None


def stamp(seconds: float) -> str:
    """A moment as ISO time in UTC, to the second: `2026-11-23T22:30:05Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_photo_id(value: object) -> str:
    """A photo id in its plain form; UsageError where it is none."""
    text = str(value).strip()
    if not _PHOTO_ID.fullmatch(text):
        raise UsageError(f"{show(text)} is not a photo id: ids are numbers such as 4195976808.")
    return text


def _choice(value: object, allowed: Iterable[object], *, field: str) -> None:
    names = [str(a) for a in allowed]
    if value not in names:
        raise UsageError(f"{show(value)} is not known; use {', '.join(names)}.", field=field)


def _texts(value: object, *, field: str) -> tuple[str, ...]:
    """A list of texts as given; one text is split at its commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, Sequence | set | frozenset) or isinstance(parts, bytes):
        raise UsageError(f"{show(value)} is not a list of names.", field=field)
    return tuple(text for part in parts if (text := str(part).strip()))


def _read_licenses(value: object) -> tuple[str, ...]:
    """Licence ids of ids, names and families of names (`cc-by` is 4 and 11)."""
    found: list[str] = []
    for text in _texts(value, field="license"):
        name = text.lower().replace("_", "-").replace(" ", "-")
        ids = [i for n, i in LICENSES.items() if n == name or re.fullmatch(re.escape(name) + r"-\d\.0", n)]
        if text.isascii() and text.isdigit():
            ids = [i for i in LICENSES.values() if str(i) == (text.lstrip("0") or "0")]
        if not ids:
            names = ", ".join(f"{n} ({i})" for n, i in LICENSES.items())
            raise UsageError(f"{show(text)} is not known; use names or ids of {names}.", field="license")
        found += map(str, ids)
    return tuple(dict.fromkeys(found))


def _read_content_types(value: object) -> int | None:
    """Flickr's one number for a set of kinds: 1 to 3 alone, 4 = 1+2, 5 = 2+3, 6 = 1+3, 7 all."""
    texts = _texts(value, field="content_types")
    if not texts:
        return None
    if len(texts) == 1 and re.fullmatch("[1-7]", texts[0]):
        return int(texts[0])
    for text in texts:
        if text not in {"1", "2", "3"}:
            _choice(text, CONTENT_TYPES, field="content_types")
    kinds = frozenset(CONTENT_TYPES.get(t) or int(t) for t in texts)
    sums = {frozenset({1, 2}): 4, frozenset({2, 3}): 5, frozenset({1, 3}): 6, frozenset({1, 2, 3}): 7}
    return sums.get(kinds) or min(kinds)


def _read_bbox(value: object) -> str | None:
    if value is None:
        return None
    texts = _texts(value, field="bbox")
    try:
        west, south, east, north = (float(t) for t in texts)
    except ValueError:
        west, south, east, north = 1.0, 0.0, 0.0, 0.0
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise UsageError(
            f"{show(','.join(texts))} is not a box; write WEST,SOUTH,EAST,NORTH in degrees, as -0.6,51.2,0.4,51.8.",
            field="bbox",
        )
    return ",".join(texts)


def _read_taken(value: Moment | None, *, field: str) -> str | None:
    """Flickr's dates taken have no zone: they are the owner's local time, sent as written."""
    if value is None:
        return None
    return datetime.fromtimestamp(read_moment(value, field=field), UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search of flickr.photos.search, by the names of the command line.

    Lists may be given as one text with commas. Dates are Moments; `license` takes ids and names (`cc-by`);
    `content_types` any of photos, screenshots, other; `bbox` is west, south, east, north in degrees;
    `safe_search` is safe, moderate or restricted (or 1 to 3); `user` is an NSID, a user name, a path alias, a
    flickr.com address or `me`; `group` an id or an address; `params` holds any other argument of the method.

    UsageError, with the field's name, where a value cannot be meant.
    """

    tags: Sequence[str] | str = ()
    tag_mode: TagMode = "any"
    text: str | None = None
    user: str | None = None
    group: str | None = None
    min_upload_date: Moment | None = None
    max_upload_date: Moment | None = None
    min_taken_date: Moment | None = None
    max_taken_date: Moment | None = None
    license: Sequence[str | int] | str | int = ()
    media: Media = "all"
    content_types: Sequence[str | int] | str | int = ()
    bbox: Sequence[float] | str | None = None
    has_geo: bool | None = None
    machine_tags: Sequence[str] | str = ()
    safe_search: str | int | None = None
    sort: Sort = "date-posted-desc"
    params: Mapping[str, str] = field(default_factory=dict)

    name: ClassVar[str] = "search"

    def __post_init__(self) -> None:
        _choice(self.tag_mode, get_args(TagMode), field="tag_mode")
        _choice(self.media, get_args(Media), field="media")
        _choice(self.sort, get_args(Sort), field="sort")
        self._check_params()
        self._check_texts()
        self._check_dates()
        if not self.arguments and self.upload_span == (None, None):
            raise UsageError("A search needs at least one filter, such as --tags monkey or --user NAME.")

    def _check_params(self) -> None:
        for name in self.params:
            if name in _RESERVED or name in {"min_upload_date", "max_upload_date", "sort"}:
                raise UsageError(f"{show(name)} is the harvester's own; leave it out.", field="params")

    def _check_texts(self) -> None:
        for name in ("tags", "machine_tags"):
            if getattr(self, name) and not _texts(getattr(self, name), field=name):
                raise UsageError("there is no tag in it; leave it out to search without.", field=name)
        for name, value in self.arguments.items():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise UsageError("this is not valid UTF-8.", field=name) from None

    def _check_dates(self) -> None:
        oldest, newest = self.upload_span
        if oldest is not None and newest is not None and oldest > newest:
            raise UsageError(
                "the first date is later than max_upload_date: nothing can match.", field="min_upload_date"
            )

    @property
    def upload_span(self) -> tuple[int | None, int | None]:
        """First and last second of upload that match, both inclusive, in Unix seconds; None is open."""
        low, high = self.min_upload_date, self.max_upload_date
        return (
            None if low is None else read_moment(low, field="min_upload_date"),
            None if high is None else read_moment(high, field="max_upload_date"),
        )

    @cached_property
    def arguments(self) -> Mapping[str, str]:
        """Arguments of flickr.photos.search, but for dates of upload, order and paging, which sweeps set.

        `user` and `group` stand here as they were given; they are looked up when the run begins.
        """
        tags = _texts(self.tags, field="tags")
        machine_tags = _texts(self.machine_tags, field="machine_tags")
        licenses = _read_licenses(str(self.license) if isinstance(self.license, int) else self.license)
        kinds = self.content_types
        found: dict[str, object] = {
            "tags": ",".join(tags),
            "tag_mode": self.tag_mode if tags else "",
            "text": self.text,
            "user_id": self.user,
            "group_id": self.group,
            "min_taken_date": _read_taken(self.min_taken_date, field="min_taken_date"),
            "max_taken_date": _read_taken(self.max_taken_date, field="max_taken_date"),
            "license": ",".join(licenses),
            "media": self.media if self.media != "all" else "",
            "content_type": _read_content_types(str(kinds) if isinstance(kinds, int) else kinds),
            "bbox": _read_bbox(self.bbox),
            "has_geo": None if self.has_geo is None else int(self.has_geo),
            "machine_tags": ",".join(machine_tags),
            "safe_search": self._safe_search(),
        }
        given = {name: str(value) for name, value in found.items() if value not in (None, "")}
        return {**given, **{name: str(value) for name, value in self.params.items()}}

    def _safe_search(self) -> int | None:
        if self.safe_search is None:
            return None
        text = str(self.safe_search)
        if text not in {"1", "2", "3"}:
            _choice(text, SAFE_SEARCH, field="safe_search")
        return SAFE_SEARCH.get(text) or int(text)

    def describe(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as Flickr has them: what two runs of an archive must share."""
        oldest, newest = self.upload_span
        known: dict[str, Any] = {"source": self.name, **self.arguments}
        if self.sort != "date-posted-desc":
            known["sort"] = self.sort
        if oldest is not None:
            known["min_upload_date"] = stamp(oldest)
        if newest is not None:
            known["max_upload_date"] = stamp(newest)
        return known

    def asked(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain JSON: `Search(**asked)` is this search again."""
        return _asked(self)


def _asked(source: Any) -> dict[str, Any]:
    plain = {f.name: _plain(getattr(source, f.name)) for f in fields(source)}
    return {name: value for name, value in plain.items() if value not in (None, (), [], {}, "")}


def _plain(value: Any) -> Any:
    """A field's value as JSON holds it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | Mapping) or not isinstance(value, Iterable) else list(value)


@dataclass(frozen=True, kw_only=True)
class Photos:
    """Photos by id: nothing is listed, each is hydrated. `ids` is read once, as the work goes on.

    A text that is no photo id is noted as a failure and passed over.
    """

    ids: Iterable[str] = ()

    name: ClassVar[str] = "photos"

    def describe(self) -> dict[str, Any]:
        """What the archive remembers: ids may be added to it with every run."""
        return {"source": self.name}

    def asked(self) -> dict[str, Any]:
        """Nothing: ids are read once."""
        return {}


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A source that its fields name."""

    name: ClassVar[str]

    def describe(self) -> dict[str, Any]:
        """The fields that differ from their defaults: what two runs of an archive must share."""
        return {"source": self.name, **_asked(self)}

    def asked(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain JSON."""
        return _asked(self)


@dataclass(frozen=True, kw_only=True)
class Album(_Named):
    """The photos of a photoset, by its id."""

    album: str

    name: ClassVar[str] = "album"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{1,30}", self.album, re.ASCII):
            raise UsageError(
                f"{self.album[:60]!r} is not the id of an album: it is a number such as 72157644326967779.",
                field="album",
            )


@dataclass(frozen=True, kw_only=True)
class Gallery(_Named):
    """The photos of a gallery, by its id: `124834485-72157644749801090`, or the part behind the dash."""

    gallery: str

    name: ClassVar[str] = "gallery"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(\d{1,20}-)?\d{1,30}", self.gallery, re.ASCII):
            raise UsageError(
                f"{self.gallery[:60]!r} is not the id of a gallery, such as 124834485-72157644749801090.",
                field="gallery",
            )


@dataclass(frozen=True, kw_only=True)
class Group(_Named):
    """The photos of a group's pool, by the group's id, alias or address."""

    group: str

    name: ClassVar[str] = "group"

    def __post_init__(self) -> None:
        if not self.group.strip():
            raise UsageError("name a group by id, alias or address.", field="group")


@dataclass(frozen=True, kw_only=True)
class Favorites(_Named):
    """The photos that somebody has favoured; `user` as in a Search."""

    user: str

    name: ClassVar[str] = "favorites"

    def __post_init__(self) -> None:
        _check_user(self.user)


@dataclass(frozen=True, kw_only=True)
class Account(_Named):
    """All of an account; `user` as in a Search.

    `only` and `skip` choose among the kinds. The photos of `hydrate` (favorites, galleries), which are other
    people's, are harvested too instead of being listed alone.
    """

    user: str
    only: Sequence[Kind] | str = ()
    skip: Sequence[Kind] | str = ()
    hydrate: Sequence[Hydrated] | str = ()

    name: ClassVar[str] = "account"

    def __post_init__(self) -> None:
        _check_user(self.user)
        for place, allowed in (("only", get_args(Kind)), ("skip", get_args(Kind)), ("hydrate", get_args(Hydrated))):
            for text in _texts(getattr(self, place), field=place):
                _choice(text, allowed, field=place)
        if not self.kinds:
            raise UsageError("nothing is left of the account: every kind is skipped.", field="skip")
        for text in _texts(self.hydrate, field="hydrate"):
            if text not in self.kinds:
                raise UsageError(f"{text} are not among the kinds to be harvested.", field="hydrate")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds to be harvested, in order."""
        only, skip = _texts(self.only, field="only"), _texts(self.skip, field="skip")
        return tuple(kind for kind in get_args(Kind) if (not only or kind in only) and kind not in skip)

    @property
    def hydrated(self) -> tuple[str, ...]:
        """The kinds of other people's photos that are harvested too."""
        return _texts(self.hydrate, field="hydrate")

    def describe(self) -> dict[str, Any]:
        """Whose account, and which kinds."""
        known: dict[str, Any] = {"source": self.name, "user": self.user.strip()}
        if len(self.kinds) < len(get_args(Kind)):
            known["kinds"] = list(self.kinds)
        return {**known, "hydrate": sorted(set(self.hydrated))} if self.hydrated else known


def _check_user(user: str) -> None:
    if not user.strip():
        raise UsageError("name a user by NSID, user name, path alias or flickr.com address.", field="user")


Source: TypeAlias = Search | Photos | Album | Gallery | Group | Favorites | Account
SOURCES: Mapping[str, Callable[..., Source]] = {
    source.name: source for source in (Search, Photos, Album, Gallery, Group, Favorites, Account)
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to harvest, and how much of each photo.

    `detail` is `list` (the listing's row alone), `info` (and getInfo) or `full` (and getSizes); `extras` are
    further parts, one call each; `limit` ends the job after so many photos. UsageError where a value is wrong.
    """

    source: Source
    detail: Detail = "full"
    extras: Sequence[Extra] | str = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        _choice(self.detail, get_args(Detail), field="detail")
        for extra in _texts(self.extras, field="with"):
            _choice(extra, get_args(Extra), field="with")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"{self.limit} is not a number of photos; use 1 or more.", field="limit")
        if isinstance(self.source, Photos) and self.detail == "list":
            raise UsageError("photos given by id have no listing; use info or full.", field="detail")

    @property
    def extras_asked(self) -> tuple[str, ...]:
        """The further parts, as a list."""
        return _texts(self.extras, field="with")

    @property
    def parts(self) -> tuple[str, ...]:
        """The members of a line that cost one call each, in their order on the line."""
        own = {"list": (), "info": ("info",), "full": ("info", "sizes")}[self.detail]
        asked = _texts(self.extras, field="with")
        return (*own, *(extra for extra in get_args(Extra) if extra in asked))

    def describe(self) -> dict[str, Any]:
        """The job as plain JSON. Two runs with equal descriptions may share an archive; a limit may differ."""
        known = {**self.source.describe(), "detail": self.detail}
        extras = [part for part in self.parts if part not in ("info", "sizes")]
        return {**known, "with": extras} if extras else known
