"""The last lines of an archive's photos, in a few words each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson

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


def read_latest(path: Path, size: int) -> list[Latest]:
    """The last photos of so many bytes of the file, the newest first."""
    try:
        with path.open("rb") as file:
            begin = max(0, size - _TAIL)
            file.seek(begin)
            lines = file.read(size - begin).split(b"\n")
    except OSError:
        return []
    whole = lines[1:-1] if begin else lines[:-1]
    return [found for line in reversed(whole[-MOST:]) if (found := describe_photo(line)) is not None]


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
