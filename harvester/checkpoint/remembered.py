"""What a checkpoint remembers under which name, and of which type: one from elsewhere may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NotRequired, TypeAlias, TypedDict

import msgspec

from harvester.disk.layout import DATA, is_moment, is_own_move
from harvester.flickr.methods import Detail

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_Number: TypeAlias = Annotated[int, msgspec.Meta(gt=-(1 << 62), lt=1 << 62)]
_Second: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 37)]
_Object: TypeAlias = dict[str, Any]


class Fold(TypedDict):
    """An update that counts and whose files are on their way to their places."""

    update: NotRequired[str | None]
    time: str
    files: dict[str, tuple[_Count, _Count]]
    moves: list[tuple[str, str]]
    status: str
    facts: _Object


class Depth(TypedDict):
    """How much of each photo an archive is to hold; how many lines may lack of it.

    Where some of it could not be had, what the archive was without.
    """

    detail: Detail
    extras: list[str]
    lines: NotRequired[_Count]
    complete: NotRequired[bool]
    finished: NotRequired[bool]


class Login(TypedDict):
    """In whose name an archive was made."""

    nsid: str
    username: str


class Claim(TypedDict):
    """What Flickr has claimed beyond what is there."""

    claimed: _Count
    there: _Count
    counts_hidden: NotRequired[bool]


class Incomplete(TypedDict):
    """A stretch of upload time of which Flickr keeps photos back."""

    after: str
    before: str
    claimed: _Number | None
    found: _Count
    note: str


class Reread(TypedDict):
    """A stretch of upload time that was incomplete and is being read again."""

    since: _Second
    until: _Second
    reported: _Number | None
    found: _Count
    note: str


class Repair(TypedDict):
    """A repair that counts and whose files are on their way to their places; files that end too late are cut."""

    moves: list[tuple[str, str]]
    files: list[str]
    cuts: dict[str, _Count]
    status: str
    facts: _Object


_TYPES: Mapping[str, Any] = MappingProxyType(
    {
        "job": _Object | None,
        "asked": _Object | None,
        "arguments": _Object | None,
        "looked_up": _Object | None,
        "names": list[tuple[str, str, str, str]] | None,
        "login": Login | None,
        "limit": _Number | None,
        "expected": _Number | None,
        "claims": dict[str, _Number] | None,
        "difference": Claim | None,
        "incomplete_stretches": list[Incomplete] | None,
        "reread": list[Reread] | None,
        "horizon": _Second | None,
        "changed_since": _Second | None,
        "notes": list[str] | None,
        "refusals": list[_Object] | None,
        "update_begun": str | None,
        "updated": str | None,
        "begun": str | None,
        "fold": Fold | None,
        "folded": str | None,
        "deepen": Depth | None,
        "deepens": Depth | None,
        "least": list[str] | None,
        "update": str | None,
        **dict.fromkeys(("finished", "signed", "spared", "stream", "unread"), bool | None),
        "repair": Repair | None,
    }
)


def read_remembered(name: str, text: object) -> Any:
    """The value of a name; ValueError that says what is wrong with it."""
    if not isinstance(text, str | bytes):
        raise ValueError(f"{name} is not JSON")  # noqa: TRY004 - what a file holds, not what a caller gives
    value = read_json(name, text, _TYPES.get(name, Any))
    if name in ("fold", "repair") and value is not None and not all(is_own_move(*move) for move in value["moves"]):
        raise ValueError(f"{name} moves a file that is not the archive's own")
    if name == "repair" and value is not None and not DATA.issuperset(value["cuts"]):
        raise ValueError("repair cuts a file that is not the archive's own")
    if name == "update_begun" and value is not None and not is_moment(value):
        raise ValueError("update_begun is no moment")
    return value


def read_json(what: str, text: str | bytes, kind: Any) -> Any:
    """JSON of a type; ValueError that says what is wrong with it."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{what}: {error}") from None
