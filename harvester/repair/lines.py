"""Telling the good lines of a damaged file from the others. Pure: bytes go in, pieces come out."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from harvester.answers import dump, read_number
from harvester.state import is_photo_id

_BOM = b"\xef\xbb\xbf"
_START = re.compile(rb'\{"id":"[^"]{1,64}","harvested_at":"')
"""How each line of an archive begins, and nothing within a line does."""
_ID_FIRST = b'{"id":"'


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file: `size` bytes from `place` on. It holds a record, or `record` is None and `why` says why not.

    `line` is the record as an archive writes it, line break included. `is_same` is false where the file's bytes
    differ from it: an editor or a file transfer has changed line breaks or spaces.
    """

    place: int
    size: int
    record: dict[str, Any] | None = None
    line: bytes = b""
    is_same: bool = False
    why: str = ""


def read_pieces(raw: bytes, place: int) -> Iterator[Piece]:
    """The records of one line of a file that begins at byte `place`.

    Where the break between two lines was lost, a line holds several records; where a write was torn, it may hold a
    whole record behind the rest of another.
    """
    whole = read_piece(raw, place)
    starts = [found.start() for found in _START.finditer(raw)]
    if whole.record is not None or starts in ([], [0]):
        yield whole
        return
    for begin, end in pairwise([*sorted({0, *starts}), len(raw)]):
        yield read_piece(raw[begin:end], place + begin)


def read_piece(raw: bytes, place: int) -> Piece:
    """The record that these bytes hold, taken as one."""
    text = raw.removeprefix(_BOM).strip(b"\r\n\x00")
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Piece(place, len(raw), why=f"not JSON ({error})")
    if not isinstance(record, dict):
        return Piece(place, len(raw), why="not an object")
    in_form = text.startswith(_ID_FIRST) and text.endswith(b"}") and b"\n" not in text and b"\r" not in text
    line = (text if in_form else _write_anew(text)) + b"\n"
    return Piece(place, len(raw), record, line, line == raw)


def _write_anew(text: bytes) -> bytes:
    """The record as an archive writes it: compact, on one line. Python's parser keeps whole numbers of any length."""
    record = json.loads(text)
    return dump({"id": record.pop("id", None), **record})


def find_fault(record: dict[str, Any], *, parts: Collection[str]) -> str:
    """What keeps a record from being a photo's, nothing where it is one. `parts` are the members that it must have."""
    photo_id = record.get("id")
    if not isinstance(photo_id, str) or not is_photo_id(photo_id):
        return "no photo id"
    for name in ("search", "info"):
        member = record.get(name)
        if isinstance(member, dict) and str(member.get("id")) != photo_id:
            return f"its {name} is that of photo {member.get('id')}"
        if member is not None and not isinstance(member, dict):
            return f"its {name} is no object"
    if missing := [name for name in ("harvested_at", "search", *parts) if name not in record]:
        return f"it has no {' and no '.join(missing)}"
    return ""


def find_list_fault(record: dict[str, Any]) -> str:
    """What keeps a record from being a line of sets, contacts and the like."""
    if not isinstance(record.get("id"), str) or not record["id"]:
        return "no id"
    return "" if "harvested_at" in record else "it has no harvested_at"


def read_seconds(record: dict[str, Any]) -> tuple[int | None, int | None]:
    """The seconds of a photo's last change and of its upload, in Unix time, as far as its line tells them."""
    row, info = record.get("search") or {}, record.get("info") or {}
    dates = info.get("dates")
    changed = row.get("lastupdate", dates.get("lastupdate") if isinstance(dates, dict) else None)
    return read_number(changed), read_number(row.get("dateupload", info.get("dateuploaded")))
