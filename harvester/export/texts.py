"""Rows as text: CSV and NDJSON. Pure.

CSV follows RFC 4180. A null is an empty cell. The items of a list are joined by `|`; in each of them a backslash stands
before `|` and before a backslash. Sizes are JSON. Times are written as in JSON: `2009-12-17T08:03:40Z`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from harvester.export.columns import Column, Kind

_BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that spreadsheets calculate or run."""
_FIRST_DAY = date(1970, 1, 1)
_MINUTES = [f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in range(24 * 60)]
"""Of a day."""
encode_json = msgspec.json.Encoder().encode
"""Any value of a row as JSON."""


def build_header(columns: Sequence[Column], *, excel: bool) -> bytes:
    """The first line of CSV."""
    line = ",".join(column.name for column in columns) + "\r\n"
    return (_BOM + line if excel else line).encode()


def write_csv(columns: Sequence[Column], values: Sequence[Sequence[Any]], *, excel: bool) -> bytes:
    """Rows as lines of CSV, given column by column."""
    out = io.StringIO()
    cells = [_format(column.kind, each, excel=excel) for column, each in zip(columns, values, strict=True)]
    csv.writer(out, lineterminator="\r\n").writerows(zip(*cells, strict=True))
    return out.getvalue().encode()


def _format(kind: Kind, values: Sequence[Any], *, excel: bool) -> Sequence[Any]:
    formatter = _FORMATTERS.get(kind)
    cells = values if formatter is None else [None if value is None else formatter(value) for value in values]
    return [*map(_defuse, cells)] if excel and kind in ("text", "texts") else cells


def _defuse(cell: str | None) -> str | None:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell and cell.startswith(_FORMULA) else cell


def join_texts(texts: Sequence[str]) -> str:
    """A list in one cell."""
    return "|".join(text.replace("\\", "\\\\").replace("|", "\\|") for text in texts)


def split_texts(cell: str) -> list[str]:
    """The list of a cell, as `join_texts` wrote it; none of an empty one."""
    items, escaped = [""], False
    for character in cell:
        if escaped or character not in "\\|":
            items[-1] += character
            escaped = False
        elif character == "|":
            items.append("")
        else:
            escaped = True
    return items if cell else []


def write_moment(seconds: int) -> str:
    """`2009-12-17T08:03:40Z`"""
    days, rest = divmod(seconds, 86_400)
    minutes, rest = divmod(rest, 60)
    return f"{_write_day(days)}T{_MINUTES[minutes]}:{rest:02d}Z"


@lru_cache(maxsize=10_000)
def _write_day(days: int) -> str:
    return (_FIRST_DAY + timedelta(days)).isoformat()


_FORMATTERS: dict[Kind, Callable[[Any], str]] = {
    "moment": write_moment,
    "local": datetime.isoformat,
    "bool": lambda value: "true" if value else "false",
    "texts": join_texts,
    "sizes": lambda value: encode_json(value).decode(),
}


def write_ndjson(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> bytes:
    """Rows as lines of JSON, given column by column; a member for each column, also where it is null."""
    names = [column.name for column in columns]
    cells = [
        [None if value is None else write_moment(value) for value in each] if column.kind == "moment" else each
        for column, each in zip(columns, values, strict=True)
    ]
    return b"".join(encode_json(dict(zip(names, row, strict=True))) + b"\n" for row in zip(*cells, strict=True))
