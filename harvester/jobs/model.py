"""The nouns: what is asked for, and what comes back. All values are frozen."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from harvester.errors import UsageError, show
from harvester.flickr.codes import SAFE_SEARCH
from harvester.flickr.methods import DETAILS, FURTHER, Detail, list_parts
from harvester.jobs.arguments import name_option, tell_unknown
from harvester.jobs.box import read_bbox, tell_crossing
from harvester.jobs.dates import Moment, is_relative, read_taken, read_upload, settle
from harvester.jobs.values import (
    check_choice,
    read_content_types,
    read_id_text,
    read_licenses,
    read_texts,
    stamp,
)

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

DATES = ("min_upload_date", "max_upload_date", "min_taken_date", "max_taken_date")
_RESERVED = frozenset({"method", "api_key", "format", "nojsoncallback", "per_page", "page"})
EXTRAS = "extras"
"""The one of `params` that adds: to the extras that every listing is asked for."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search of flickr.photos.search, by the names of the command line.

    Lists may be given as one text with commas. Dates are Moments: a largest date without a time goes to the end of its
    day, month or year, and words such as `yesterday` or `7 days ago` count from when the job begins. `license` takes
    ids and names (`cc-by`); `content_types` any of photos, screenshots, other; `bbox` is west, south, east, north in
    degrees; `safe_search` is safe, moderate or restricted (or 1 to 3); `user` is an NSID, a user name, a path alias,
    a flickr.com address or `me`; `group` an id or an address; `params` holds any other argument of the method, and
    `extras` among them adds to those that every listing is asked for.

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
        check_choice(self.tag_mode, get_args(TagMode), field="tag_mode")
        check_choice(self.media, get_args(Media), field="media")
        check_choice(self.sort, get_args(Sort), field="sort")
        self._check_params()
        self._check_texts()
        self._check_dates()
        if not self.arguments.keys() - {EXTRAS} and self.min_upload_date is None and self.max_upload_date is None:
            raise UsageError("A search needs at least one filter, such as tags or user.")

    def _check_params(self) -> None:
        for name in self.params:
            if name in _RESERVED:
                raise UsageError(f"{show(name)} is the harvester's own; leave it out.", field="params")
            if (option := name_option(name)) is not None:
                raise UsageError(
                    f"{show(name)} has an option of its own: use {option}, in a config file and from Python "
                    f"{option[2:].replace('-', '_')}.",
                    field="params",
                )

    def _check_texts(self) -> None:
        for name in ("tags", "machine_tags"):
            if getattr(self, name) and not read_texts(getattr(self, name), field=name):
                raise UsageError("there is no tag in it; leave it out to search without.", field=name)
        for name, value in self.arguments.items():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise UsageError("this is not valid UTF-8.", field=name) from None

    def _check_dates(self) -> None:
        for what in ("upload", "taken"):
            fields = f"min_{what}_date", f"max_{what}_date"
            oldest, newest = map(self._date, fields)
            is_settled = not any(is_relative(getattr(self, name)) for name in fields)
            if is_settled and oldest is not None and newest is not None and oldest > newest:
                raise UsageError(f"the first date is later than {fields[1]}: nothing can match.", field=fields[0])

    def settle_dates(self, now: float) -> Search:
        """The same search with dates that no longer depend on the clock, which says `now`."""
        if not any(is_relative(getattr(self, name)) for name in DATES):
            return self
        dates: dict[str, Any] = {name: settle(getattr(self, name), now=now, field=name) for name in DATES}
        return replace(self, **dates)

    @property
    def upload_span(self) -> tuple[int | None, int | None]:
        """First and last second of upload that match, both inclusive, in Unix seconds; None is open.

        ValueError where dates are relative and were not settled.
        """
        if is_relative(self.min_upload_date) or is_relative(self.max_upload_date):
            raise ValueError("relative dates are to be settled first")
        low, high = self.min_upload_date, self.max_upload_date
        return read_upload(low, field="min_upload_date"), read_upload(high, field="max_upload_date")

    def _date(self, name: str) -> Any:
        """A date in seconds or as Flickr's text; the words as they are where it is relative."""
        value = getattr(self, name)
        if is_relative(value):
            settle(value, now=0.0, field=name)  # the words are checked
            return str(value)
        return read_upload(value, field=name) if "upload" in name else read_taken(value, field=name)

    @cached_property
    def arguments(self) -> Mapping[str, str]:
        """Arguments of flickr.photos.search, but for dates of upload, order and paging, which sweeps set.

        `user` and `group` stand here as they were given; they are looked up when the run begins. Relative dates
        stand as words, until they are settled.
        """
        tags = read_texts(self.tags, field="tags")
        machine_tags = read_texts(self.machine_tags, field="machine_tags")
        licenses = read_licenses(str(self.license) if isinstance(self.license, int) else self.license)
        kinds = self.content_types
        found: dict[str, object] = {
            "tags": ",".join(tags),
            "tag_mode": self.tag_mode if tags else "",
            "text": self.text,
            "user_id": self.user,
            "group_id": self.group,
            "min_taken_date": self._date("min_taken_date"),
            "max_taken_date": self._date("max_taken_date"),
            "license": ",".join(licenses),
            "media": self.media if self.media != "all" else "",
            "content_type": read_content_types(str(kinds) if isinstance(kinds, int) else kinds),
            "bbox": read_bbox(self.bbox),
            "has_geo": None if self.has_geo is None else int(self.has_geo),
            "machine_tags": ",".join(machine_tags),
            "safe_search": self._safe_search(),
        }
        given = {name: str(value) for name, value in found.items() if value not in (None, "")}
        return {**given, **self._read_params()}

    def _read_params(self) -> dict[str, str]:
        known = {name: str(value) for name, value in self.params.items()}
        if EXTRAS in known:
            known[EXTRAS] = ",".join(read_texts(self.params[EXTRAS], field="params"))
        return {name: value for name, value in known.items() if value or name != EXTRAS}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on arguments that Flickr does not know, and on a box that may not be meant."""
        return *tell_unknown(self.params), *tell_crossing(self.arguments.get("bbox"))

    def _safe_search(self) -> int | None:
        if self.safe_search is None:
            return None
        text = str(self.safe_search)
        if text not in {"1", "2", "3"}:
            check_choice(text, SAFE_SEARCH, field="safe_search")
        return SAFE_SEARCH.get(text) or int(text)

    def describe(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as Flickr has them: what two runs of an archive must share."""
        known: dict[str, Any] = {"source": self.name, **self.arguments}
        if self.sort != "date-posted-desc":
            known["sort"] = self.sort
        for name in ("min_upload_date", "max_upload_date"):
            if (second := self._date(name)) is not None:
                known[name] = stamp(second) if isinstance(second, int) else second
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
    """Photos by id or address: nothing is listed, each is hydrated.

    `ids` are texts or whole numbers; one text is split at its commas. An iterator is read once, as the work goes on and
    ahead of it, on a thread of its own; an async iterator in the event loop. What it raises ends the harvest and is
    raised there. A text that is no photo id is noted as a failure and passed over.

    UsageError for ids that are neither texts nor numbers: here for a list, in the harvest for an iterator.
    """

    ids: Iterable[str | int] | AsyncIterable[str | int] = ()

    name: ClassVar[str] = "photos"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", _read_ids(self.ids))

    @property
    def listed(self) -> tuple[str, ...]:
        """The ids of a list; none of an iterator's, which are not known before they are read."""
        return self.ids if isinstance(self.ids, tuple) else ()

    def describe(self) -> dict[str, Any]:
        """What the archive remembers: ids may be added to it with every run."""
        return {"source": self.name}

    def asked(self) -> dict[str, Any]:
        """Nothing: ids are read once."""
        return {}


def _read_ids(ids: object) -> Iterable[str] | AsyncIterable[str]:
    """A list's ids as texts; an iterator as it is, since it is read later."""
    if isinstance(ids, str):
        return read_texts(ids, field="ids")
    if isinstance(ids, list | tuple | set | frozenset):
        return tuple(map(read_id_text, ids))
    if isinstance(ids, bytes | bytearray | memoryview) or not isinstance(ids, Iterable | AsyncIterable):
        raise UsageError(f"{show(ids)} is not a list of photo ids, such as ['4195976808'].", field="ids")
    return ids


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
        if not isinstance(self.album, str) or not re.fullmatch(r"\d{1,30}", self.album, re.ASCII):
            raise UsageError(
                f"{show(self.album)} is not the id of an album: it is a text of digits such as 72157644326967779.",
                field="album",
            )


@dataclass(frozen=True, kw_only=True)
class Gallery(_Named):
    """The photos of a gallery, by its id: `124834485-72157644749801090`, or the part behind the dash."""

    gallery: str

    name: ClassVar[str] = "gallery"

    def __post_init__(self) -> None:
        if not isinstance(self.gallery, str) or not re.fullmatch(r"(\d{1,20}-)?\d{1,30}", self.gallery, re.ASCII):
            raise UsageError(
                f"{show(self.gallery)} is not the id of a gallery, a text such as 124834485-72157644749801090.",
                field="gallery",
            )


@dataclass(frozen=True, kw_only=True)
class Group(_Named):
    """The photos of a group's pool, by the group's id, alias or address."""

    group: str

    name: ClassVar[str] = "group"

    def __post_init__(self) -> None:
        if not isinstance(self.group, str) or not self.group.strip():
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
            for text in read_texts(getattr(self, place), field=place):
                check_choice(text, allowed, field=place)
        if not self.kinds:
            raise UsageError("nothing is left of the account: every kind is skipped.", field="skip")
        for text in read_texts(self.hydrate, field="hydrate"):
            if text not in self.kinds:
                raise UsageError(f"{text} are not among the kinds to be harvested.", field="hydrate")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds to be harvested, in order."""
        only, skip = read_texts(self.only, field="only"), read_texts(self.skip, field="skip")
        return tuple(kind for kind in get_args(Kind) if (not only or kind in only) and kind not in skip)

    @property
    def hydrated(self) -> tuple[str, ...]:
        """The kinds of other people's photos that are harvested too."""
        return read_texts(self.hydrate, field="hydrate")

    def describe(self) -> dict[str, Any]:
        """Whose account, and which kinds."""
        known: dict[str, Any] = {"source": self.name, "user": self.user.strip()}
        if len(self.kinds) < len(get_args(Kind)):
            known["kinds"] = list(self.kinds)
        return {**known, "hydrate": sorted(set(self.hydrated))} if self.hydrated else known


def _check_user(user: object) -> None:
    if not isinstance(user, str) or not user.strip():
        raise UsageError("name a user by NSID, user name, path alias or flickr.com address.", field="user")


Source: TypeAlias = Search | Photos | Album | Gallery | Group | Favorites | Account
SOURCES: Mapping[str, Callable[..., Source]] = {
    source.name: source for source in (Search, Photos, Album, Gallery, Group, Favorites, Account)
}


def check_limit(limit: object) -> None:
    """UsageError for what is neither None nor a number of photos."""
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise UsageError(f"{show(limit)} is not a number of photos; use 1 or more.", field="limit")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to harvest, and how much of each photo.

    `detail` is `list` (the listing's row alone), `info` (and getInfo) or `full` (and getSizes); `extras` are
    further parts, one call each; `limit` ends the job after so many photos. UsageError where a value is wrong.
    """

    source: Source
    detail: Detail = "full"
    extras: Sequence[str] | str = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        check_choice(self.detail, DETAILS, field="detail")
        for extra in read_texts(self.extras, field="extras"):
            check_choice(extra, FURTHER, field="extras")
        if not isinstance(self.source, get_args(Source)):
            names = ", ".join(source.__name__ for source in get_args(Source))
            raise UsageError(f"{show(self.source)} is no source of photos; use one of {names}.", field="source")
        check_limit(self.limit)
        if isinstance(self.source, Photos) and self.detail == "list":
            raise UsageError("photos given by id have no listing; use info or full.", field="detail")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what is asked and does nothing."""
        return self.source.warnings if isinstance(self.source, Search) else ()

    @property
    def extras_asked(self) -> tuple[str, ...]:
        """The further parts, as a list."""
        return read_texts(self.extras, field="extras")

    @property
    def parts(self) -> tuple[str, ...]:
        """The members of a line that cost one call each, in their order on the line."""
        return list_parts(self.detail, self.extras_asked)

    def describe(self) -> dict[str, Any]:
        """The job as plain JSON. Two runs with equal descriptions may share an archive; a limit may differ."""
        known = {**self.source.describe(), "detail": self.detail}
        extras = [part for part in self.parts if part in FURTHER]
        return {**known, "with": extras} if extras else known
