"""The last lines of an archive's photos, in a few words each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson

from harvester.archive.parts.part import Part
from harvester.archive.parts.reading import BrokenPart, PartReader
from harvester.archive.pieces import Pieces
from harvester.errors import shorten

MOST = 12
_TAIL = 1 << 19
"""Bytes that are read for it: lines with comments are long, and then there are fewer."""


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """A photo as the page names it. All texts are Flickr's, to be shown as text."""

    id: str
    title: str
    owner: str
    taken: str
    harvested_at: str


def read_latest(pieces: Pieces) -> list[Latest]:
    """The last photos of an archive, the newest first."""
    lines = _read_tail(pieces.tail, pieces.length.bytes)
    if len(lines) < MOST and pieces.parts:
        lines = [*_read_part(pieces.folder, pieces.parts[-1]), *lines]
    return [found for line in reversed(lines[-MOST:]) if (found := describe_photo(line)) is not None]


def _read_tail(path: Path, size: int) -> list[bytes]:
    begin = max(0, size - _TAIL)
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return _split(file.read(size - begin), is_cut=begin > 0)
    except OSError:
        return []


def _read_part(folder: Path, part: Part) -> list[bytes]:
    begin = place = max(0, part.plain_bytes - _TAIL)
    data = bytearray()
    try:
        reader = PartReader(folder / part.name, part)
        try:
            while some := reader.pread(part.plain_bytes - place, place):
                data += some
                place += len(some)
        finally:
            reader.close()
    except (BrokenPart, OSError):
        return []
    return _split(bytes(data), is_cut=begin > 0)


def _split(data: bytes, *, is_cut: bool) -> list[bytes]:
    """The whole lines; the first one is none where the data begin within it."""
    return data.split(b"\n")[int(is_cut) : -1]


def describe_photo(line: bytes) -> Latest | None:
    """A photo in a few words; None where the line is none."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict):
        return None
    return Latest(
        id=_read(record, "id"),
        title=_read(record, "info", "title", "_content") or _read(record, "search", "title"),
        owner=_read(record, "info", "owner", "username") or _read(record, "search", "ownername"),
        taken=_read(record, "info", "dates", "taken") or _read(record, "search", "datetaken"),
        harvested_at=_read(record, "harvested_at"),
    )


def _read(value: Any, *names: str) -> str:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return shorten(value, most=200) if isinstance(value, str) else ""
