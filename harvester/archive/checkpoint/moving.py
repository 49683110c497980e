"""Files on their way to their places: what counts already, and what is left to be moved, removed or cut."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypeAlias, TypedDict

import msgspec

from harvester.archive.disk.layout import DATA, is_own_move, is_part
from harvester.archive.parts.part import Part

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_Object: TypeAlias = dict[str, Any]
MOVING = ("fold", "repair", "closing")
"""The facts that are such, by their names in a checkpoint."""


class PendingMerge(TypedDict):
    """An update that counts and whose files are on their way to their places.

    `parts` are those of the archive as it is from now on; `drops` are the names of those that go.
    """

    update: NotRequired[str | None]
    time: str
    files: dict[str, tuple[_Count, _Count]]
    kept: NotRequired[list[tuple[str, str]]]
    parts: NotRequired[list[Part]]
    drops: NotRequired[list[str]]
    moves: list[tuple[str, str]]
    status: str
    facts: _Object


class Repair(TypedDict):
    """A repair that counts and whose files are on their way to their places; files that end too late are cut.

    Parts that others have taken the place of are removed.
    """

    drops: NotRequired[list[str]]
    moves: list[tuple[str, str]]
    files: list[str]
    cuts: dict[str, _Count]
    status: str
    facts: _Object


def check_moves(name: str, value: Any) -> None:
    """ValueError where a fact of this name would move, remove or cut a file that is not the archive's own."""
    known = {"moves": value} if isinstance(value, list) else value
    if not all(is_own_move(*move) for move in known["moves"]):
        raise ValueError(f"{name} moves a file that is not the archive's own")
    if not all(map(is_part, known.get("drops", ()))):
        raise ValueError(f"{name} removes a file that is no part")
    if not DATA.issuperset(known.get("cuts", ())):
        raise ValueError(f"{name} cuts a file that is not the archive's own")
