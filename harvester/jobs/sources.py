"""Sources of photos that are no search, as frozen values: given ids, sets, galleries, pools, accounts. Pure."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from harvester.errors import UsageError, show
from harvester.jobs.dates import Moment, read_upload
from harvester.jobs.plain import list_given
from harvester.jobs.values import check_choice, read_id_text, read_texts, stamp

Kind: TypeAlias = Literal[
    "person", "photos", "photosets", "collections", "galleries", "groups", "favorites", "contacts"
]
"""What an account is made of."""
Hydrated: TypeAlias = Literal["favorites", "galleries"]
"""Kinds whose photos are other people's: listed with their rows, harvested only where that is asked for."""


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
        """An empty dict: ids are not stored, since they are read once."""
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
        return {"source": self.name, **list_given(self)}

    def asked(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain JSON."""
        return list_given(self)


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
    people's, are harvested too instead of being listed alone. `min_upload_date` and `max_upload_date`, as in a Search
    but not relative to today, choose among the account's own photos.
    """

    user: str
    only: Sequence[Kind] | str = ()
    skip: Sequence[Kind] | str = ()
    hydrate: Sequence[Hydrated] | str = ()
    min_upload_date: Moment | None = None
    max_upload_date: Moment | None = None

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
        _ = self.upload_span

    @property
    def upload_span(self) -> tuple[int | None, int | None]:
        """First and last second of upload of the photos, both inclusive, in Unix seconds; None is open."""
        low, high = self.min_upload_date, self.max_upload_date
        return read_upload(low, field="min_upload_date"), read_upload(high, field="max_upload_date")

    @property
    def is_bounded(self) -> bool:
        """Whether photos of a part of its time are asked for, so that its owner's count says nothing about them."""
        return self.upload_span != (None, None)

    @property
    def is_part(self) -> bool:
        """Whether nothing but photos of a part of its time are asked for."""
        return self.is_bounded and self.kinds == ("photos",)

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
        known |= {"hydrate": sorted(set(self.hydrated))} if self.hydrated else {}
        span = zip(("min_upload_date", "max_upload_date"), self.upload_span, strict=True)
        return {**known, **{name: stamp(second) for name, second in span if second is not None}}


def _check_user(user: object) -> None:
    if not isinstance(user, str) or not user.strip():
        raise UsageError("name a user by NSID, user name, path alias or flickr.com address.", field="user")
