"""A photo's line as the members that its row is made of. Pure.

Most lines are read at once by their usual shapes. One that has another shape somewhere, or that lacks info or sizes,
is parsed whole, and each member is looked at for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
import orjson

from harvester.export.columns import COLUMNS, Column
from harvester.export.convert import CONVERTERS, DEGREES, Misfit, read_text
from harvester.export.shapes import (
    NO_ROW,
    Album,
    Contexts,
    Counted,
    Line,
    Refusal,
    Tag,
    Url,
    list_sizes,
    read_any_line,
    read_whole_line,
)
from harvester.export.table import Size
from harvester.flickr.sizes import LISTED_SIZES

Buffer: TypeAlias = bytes | memoryview
Misfits = Callable[[str, object, str], None]
"""Takes the column, the value, and what is wrong with it."""


class BrokenLine(ValueError):
    """A line that is no photo's: `line`."""

    def __init__(self, line: bytes) -> None:
        super().__init__("it is no photo's")
        self.line = line


def is_plain(column: Column) -> bool:
    """Whether a column is a member of a line, not made of others."""
    return not column.made and column.kind not in ("texts", "sizes")


PLAIN = tuple(filter(is_plain, COLUMNS))
FURTHER = (
    "id",
    "harvested_at",
    "tags",
    "sizes",
    "urls",
    "contexts",
    "errors",
    "listed_tags",
    "listed_machine_tags",
    "exif",
)
"""What else `read_members` returns, behind the plain columns. `tags` is None where there is only a listing's row.

`exif` is that part of the line, unread; good as long as the line is.
"""
_Read: TypeAlias = Callable[[Any], tuple[Any, ...]]
_get_whole: _Read = attrgetter(
    *(column.info.replace("_content", "text") for column in PLAIN),
    *(
        "id",
        "harvested_at",
        "info.tags.tag",
        "sizes.size",
        "info.urls.url",
        "contexts",
        "errors",
        "nothing",
        "nothing",
        "exif",
    ),
)
_get_info: _Read = attrgetter(*(column.info.replace("_content", "text") for column in PLAIN))
_get_listed: _Read = attrgetter(*(column.listed.replace("_content", "text") or "nothing" for column in PLAIN))
_NOT_COUNTED = Counted()


def _list_path(source: str) -> tuple[str, ...]:
    return tuple(name for name in source.split(".") if name not in ("", "_content"))


def _plan(which: str) -> list[tuple[str, tuple[str, ...], Callable[[Any], Any]]]:
    """For each plain column its name, the path to its member, and how that is converted."""
    converters = [DEGREES.get(column.name) or CONVERTERS[column.kind] for column in PLAIN]
    paths = [_list_path(getattr(column, which)) for column in PLAIN]
    return [(column.name, path, convert) for column, path, convert in zip(PLAIN, paths, converters, strict=True)]


_INFO, _LISTED = _plan("info"), _plan("listed")
_read_side = CONVERTERS["int32"]
_SIZE = [
    (name, _read_side if name in ("width", "height") else read_text)
    for name in ("label", "width", "height", "source", "url", "media")
]
_LISTED_SIZES = [
    (label, f"url_{suffix}", f"width_{suffix}", f"height_{suffix}") for suffix, label in LISTED_SIZES.items()
]


def read_members(data: Buffer, misfits: Misfits) -> tuple[Any, ...]:
    """The plain columns of a line, and the members that FURTHER names.

    BrokenLine where it is none. What cannot be used is None, and told as a misfit.
    """
    try:
        line = read_whole_line(data)
        if line.info is None or line.sizes is None:
            return _gather(read_any_line(data))
    except msgspec.ValidationError:
        return _read_odd(bytes(data), misfits)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BrokenLine(bytes(data)) from None
    if line.search is None:
        line.search = _NOT_COUNTED
    return _get_whole(line)


def _read_odd(data: bytes, misfits: Misfits) -> tuple[Any, ...]:
    """A line with a member of another shape. Nine of ten are videos, of which a stream has no width and height."""
    usual = data.replace(b'"width":""', b'"width":null').replace(b'"height":""', b'"height":null')
    if len(usual) != len(data):
        return read_members(usual, misfits)
    return _parse_members(data, misfits)


def _gather(line: Line) -> tuple[Any, ...]:
    """The members of a line that lacks a part, which the listing's row stands in for."""
    row, info = line.search or NO_ROW, line.info
    line.search = row
    return (
        *(_get_listed(line) if info is None else _get_info(line)),
        line.id,
        line.harvested_at,
        None if info is None else info.tags.tag,
        list_sizes(row) if line.sizes is None else line.sizes.size,
        () if info is None else info.urls.url,
        line.contexts,
        line.errors,
        row.tags,
        row.machine_tags,
        line.exif,
    )


def _parse_members(data: Buffer, misfits: Misfits) -> tuple[Any, ...]:
    try:
        line = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise BrokenLine(bytes(data)) from None
    if not isinstance(line, dict) or not all(isinstance(line.get(name), str) for name in ("id", "harvested_at")):
        raise BrokenLine(bytes(data))
    parts = _Parts(line, misfits)
    has_info = isinstance(line.get("info"), dict)
    return (
        *parts.list_plain(_INFO if has_info else _LISTED),
        line["id"],
        line["harvested_at"],
        parts.list_tags() if has_info else None,
        parts.list_sizes(),
        parts.list_urls(),
        parts.find_contexts(),
        parts.list_refusals(),
        *(parts.find_text("tags", "search", name) for name in ("tags", "machine_tags")),
        orjson.dumps(line["exif"]) if line.get("exif") else b"",
    )


def _unwrap(value: Any) -> Any:
    return value.get("_content", value) if value.__class__ is dict else value


class _Parts:
    """A parsed line, of which nothing is sure but that it is an object."""

    def __init__(self, line: Mapping[str, Any], misfits: Misfits) -> None:
        self._line = line
        self._misfits = misfits

    def list_plain(self, plan: Sequence[tuple[str, Sequence[str], Callable[[Any], Any]]]) -> list[Any]:
        """The values of the plain columns."""
        return [self._read(column, _unwrap(self._find(column, path)), convert) for column, path, convert in plan]

    def _find(self, column: str, path: Sequence[str]) -> Any:
        """The member at a path; None where there is none."""
        value: Any = self._line if path else None
        for name in path:
            if value.__class__ is not dict:
                if value not in (None, ""):
                    self._misfits(column, value, "is no object")
                return None
            value = value.get(name)
        return value

    def _read(self, column: str, value: Any, convert: Callable[[Any], Any] = read_text) -> Any:
        if value is None:
            return None
        try:
            return convert(value)
        except Misfit as misfit:
            self._misfits(column, value, str(misfit))
            return None

    def find_text(self, column: str, *path: str) -> str | None:
        """The text at a path."""
        text: str | None = self._read(column, self._find(column, path))
        return text

    def _list(self, column: str, *path: str) -> list[dict[str, Any]]:
        """The objects of a list; one that stands alone is a list of one, as converters from XML have it."""
        found = self._find(column, path)
        items = found if isinstance(found, list) else [] if found in (None, "") else [found]
        for item in items:
            if not isinstance(item, dict):
                self._misfits(column, item, "is no object")
        return [item for item in items if isinstance(item, dict)]

    def list_tags(self) -> list[Tag]:
        """The tags of getInfo."""
        return [
            Tag(
                raw=self._read("tags_raw", tag.get("raw")),
                text=self._read("tags", tag.get("_content")),
                machine_tag=tag.get("machine_tag"),
            )
            for tag in self._list("tags", "info", "tags", "tag")
        ]

    def list_sizes(self) -> list[Size] | None:
        """The sizes of getSizes, or those whose addresses are in the listing's row; None where there is neither."""
        if not isinstance(self._line.get("sizes"), dict):
            return self._list_listed_sizes() or None
        return [
            Size(*(self._read("sizes", size.get(name), convert) for name, convert in _SIZE))
            for size in self._list("sizes", "sizes", "size")
        ]

    def _list_listed_sizes(self) -> list[Size]:
        row = self._line.get("search")
        row = row if isinstance(row, dict) else {}
        return [
            Size(
                label,
                self._read("sizes", row.get(width), _read_side),
                self._read("sizes", row.get(height), _read_side),
                self._read("sizes", url),
                None,
                "photo",
            )
            for label, source, width, height in _LISTED_SIZES
            if (url := row.get(source))
        ]

    def list_urls(self) -> list[Url]:
        """The addresses of getInfo."""
        urls = self._list("page_url", "info", "urls", "url")
        return [Url(*(self._read("page_url", url.get(name)) for name in ("type", "_content"))) for url in urls]

    def find_contexts(self) -> Contexts | None:
        """The sets that getAllContexts has told of; None where it was not asked."""
        if not isinstance(self._line.get("contexts"), dict):
            return None
        found = self._list("albums", "contexts", "set")
        return Contexts([Album(self._read("albums", album.get("id"))) for album in found])

    def list_refusals(self) -> dict[str, Refusal]:
        """What Flickr refuses for good, by part."""
        errors = self._line.get("errors")
        told = errors.items() if isinstance(errors, dict) else ()
        return {
            part: Refusal(error.get("code"), error.get("message")) for part, error in told if isinstance(error, dict)
        }
