"""How addresses are written for those who fetch them. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from harvester.export.pictures.sizes import Size
from harvester.flickr.codes import name_license
from harvester.flickr.lenient_json import dump

COLUMNS = ("url", "id", "caption", "license")
Form = Callable[[Mapping[str, Any], Size], str]
"""Takes a photo's line and the size that was chosen; returns one line of output or more, without the last break."""


def _write_plain(_: Mapping[str, Any], size: Size) -> str:
    return size.address


def _write_aria2(record: Mapping[str, Any], size: Size) -> str:
    return f"{size.address}\n  out={size.name_file(record['id'])}"


def _write_ndjson(record: Mapping[str, Any], size: Size) -> str:
    return dump(_describe(record, size)).decode()


def _write_csv(record: Mapping[str, Any], size: Size) -> str:
    return write_row([" ".join(text.split()) for text in _describe(record, size).values()])


def write_row(cells: list[str] | tuple[str, ...]) -> str:
    """A row as of RFC 4180, without the line break."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


FORMS: Mapping[str, Form] = MappingProxyType(
    {"plain": _write_plain, "aria2": _write_aria2, "img2dataset": _write_ndjson, "csv": _write_csv}
)
HEADS: Mapping[str, str] = MappingProxyType({"csv": write_row(COLUMNS)})
"""What stands above the first address."""


def _describe(record: Mapping[str, Any], size: Size) -> dict[str, str]:
    row, info = _dict(record.get("search")), _dict(record.get("info"))
    told = info.get("license", row.get("license"))
    name = "" if told is None else name_license(told)
    caption = _text(info.get("title")) or _text(row.get("title"))
    return dict(zip(COLUMNS, (size.address, record["id"], caption, name), strict=True))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Flickr writes a title as a text, as a number, and as an object around either."""
    inner = value.get("_content") if isinstance(value, dict) else value
    return "" if inner is None or isinstance(inner, dict | list) else str(inner)
