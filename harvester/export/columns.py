"""The columns of a row one by one, as the formats take them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from harvester.errors import UsageError, show
from harvester.export.table import Row, Size

Kind: TypeAlias = Literal["text", "int16", "int32", "int64", "float64", "bool", "moment", "local", "texts", "sizes"]
"""`moment` is a point in time, `local` a time of day somewhere, without a zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. `info` and `listed` are members of a line, `made` says what it is made of otherwise."""

    name: str
    kind: Kind
    nullable: bool
    meaning: str
    info: str
    listed: str
    made: str
    terms: tuple[str, ...]


_BY_LARGEST: dict[int, Kind] = {2**15 - 1: "int16", 2**31 - 1: "int32", 2**63 - 1: "int64"}
_BY_TYPE: dict[Any, Kind] = {str: "text", float: "float64", bool: "bool"}


def _name_kind(hint: Any) -> Kind:
    if get_origin(hint) is list:
        return "sizes" if get_args(hint)[0] is Size else "texts"
    if get_origin(hint) is not Annotated:
        return _BY_TYPE[hint]
    base, meta = get_args(hint)
    if base is datetime:
        return "moment" if meta.tz else "local"
    return _BY_LARGEST[meta.le]


def _list_columns() -> Iterable[Column]:
    for name, hint in get_type_hints(Row, include_extras=True).items():
        inner, meta = hint.__origin__, hint.__metadata__[0]
        members = [kind for kind in get_args(inner) if kind is not type(None)]
        is_union = type(None) in get_args(inner)
        where = meta.extra
        info, listed = where["info"], where["listed"]
        yield Column(
            name=name,
            kind=_name_kind(members[0] if is_union else inner),
            nullable=is_union,
            meaning=meta.description,
            info=info if not info or info.startswith("search.") else f"info.{info}",
            listed=f"search.{listed}" if listed else "",
            made=where["made"],
            terms=tuple(where["terms"]),
        )


COLUMNS: tuple[Column, ...] = tuple(_list_columns())
NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)


def choose_columns(text: str | None) -> tuple[Column, ...]:
    """The columns of a list of names, in its order; all where there is none. UsageError for an unknown one."""
    if text is None:
        return COLUMNS
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = dict(zip(NAMES, COLUMNS, strict=True))
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, NAMES, n=1)
            advice = f" Did you mean {close[0]}?" if close else f" There are {', '.join(NAMES)}."
            raise UsageError(f"there is no column {show(name)}.{advice}", field="columns")
        if names.count(name) > 1:
            raise UsageError(f"{name} is named twice.", field="columns")
    if not names:
        raise UsageError("it names no column.", field="columns")
    return tuple(known[name] for name in names)
