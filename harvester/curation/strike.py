"""Removes a photo from a line. Pure: bytes go in, bytes come out."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from harvester.flickr.lenient_json import dump

_PHOTO = re.compile(rb'\{"id":"(\d{1,18})"')
_OF_PHOTO = re.compile(rb'\{"id":"(\d{1,18})",(?:"harvested_at":"[^"]{0,40}","(?:search|favorite)"|"at")')
"""How lines begin that tell of one photo: its own, a favourite's, a change's."""
_ROWS = ("photos", "photos_of_others")
"""Members of the lines of sets and galleries in which whole rows of photos stand."""
_NUMBERS = re.compile(r"\d{1,18}", re.ASCII)


def strike_photo(line: bytes, ids: Collection[int]) -> tuple[bytes, set[int]]:
    """A line of a file that holds photos alone: empty where it is one of them; and whose it was.

    ValueError where it is no photo's.
    """
    found = _PHOTO.match(line)
    if found is None:
        raise ValueError("no photo")
    photo_id = int(found[1])
    return (b"", {photo_id}) if photo_id in ids else (line, set())


def strike_any(line: bytes, ids: Collection[int]) -> tuple[bytes, set[int]]:
    """A line of a list, of changes, or of the history: without rows of these photos, or empty where it is of one.

    A set keeps the ids of its members. ValueError where it is no JSON.
    """
    if _OF_PHOTO.match(line):
        return strike_photo(line, ids)
    if not any(b'"%s":[' % name.encode() in line for name in _ROWS):
        return line, set()
    record: dict[str, Any] = json.loads(line)
    struck: set[int] = set()
    for name in _ROWS:
        rows = record.get(name)
        if isinstance(rows, list):
            struck |= {_find_id(row, ids) for row in rows} - {0}
            record[name] = [row for row in rows if not _find_id(row, ids)]
    return (dump(record) + b"\n", struck) if struck else (line, struck)


def _find_id(row: Any, ids: Collection[int]) -> int:
    text = str(row.get("id")) if isinstance(row, dict) else ""
    return int(text) if text.isascii() and text.isdigit() and int(text) in ids else 0


def strike_damaged(line: bytes, ids: Collection[int]) -> tuple[bytes, set[int]]:
    """A line of damaged.ndjson: empty where the damaged text has one of these numbers in it."""
    record = json.loads(line)
    text = str(record.get("text", ""))
    with suppress(ValueError):
        text += b64decode(record.get("base64", "")).decode(errors="replace")
    struck = {number for number in map(int, _NUMBERS.findall(text)) if number in ids}
    return (b"" if struck else line), struck
