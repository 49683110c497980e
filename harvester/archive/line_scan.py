"""Telling the good lines of a damaged file from the others. Pure: bytes go in, pieces come out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from harvester.archive.checkpoint.state import is_photo_id
from harvester.flickr.lenient_json import dump, read_number
from harvester.flickr.listings import LINE_MEMBERS

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
    if whole.record is not None:
        yield whole
        return
    starts = [found.start() for found in _START.finditer(raw)]
    if starts in ([], [0]):
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a photo's line must have: the members `parts`, and the `owner` where all photos are one person's.

    Lines of photos that were `withdrawn` are none.
    """

    parts: tuple[str, ...] = ()
    owner: str = ""
    withdrawn: frozenset[int] = frozenset()


def find_fault(record: dict[str, Any], wanted: Wanted) -> str:
    """What keeps a record from being a photo's that was asked for, nothing where it is one."""
    photo_id = record.get("id")
    if not isinstance(photo_id, str) or not is_photo_id(photo_id):
        return "no photo id"
    for name in ("search", "info"):
        if fault := _find_member_fault(name, record.get(name), photo_id):
            return fault
    if missing := [name for name in ("harvested_at", "search", *wanted.parts) if name not in record]:
        return f"it has no {' and no '.join(missing)}"
    owner = find_owner(record.get("search") or {}, record.get("info") or {})
    if wanted.owner and owner not in ("", wanted.owner):
        return f"it is a photo of {owner}"
    return ""


def _find_member_fault(name: str, member: Any, photo_id: str) -> str:
    if isinstance(member, dict) and str(member.get("id")) != photo_id:
        return f"its {name} is that of photo {member.get('id')}"
    return "" if member is None or isinstance(member, dict) else f"its {name} is no object"


def find_owner(row: Mapping[str, Any], info: Mapping[str, Any]) -> str:
    """Whose photo it is; "" where its line does not tell."""
    owner = row.get("owner") or info.get("owner")
    owner = owner.get("nsid") if isinstance(owner, dict) else owner
    return owner if isinstance(owner, str) else ""


def find_list_fault(name: str, record: dict[str, Any]) -> str:
    """What keeps a record from being a line of sets, contacts and the like."""
    line_id = record.get("id")
    if not isinstance(line_id, str) or not line_id:
        return "no id"
    for member, key in LINE_MEMBERS[name.removesuffix(".ndjson")]:
        sent = record.get(member)
        if isinstance(sent, dict) and key in sent and str(sent[key]) != line_id:
            return f"its {member} is that of {sent[key]}"
    return "" if "harvested_at" in record else "it has no harvested_at"


def read_seconds(record: dict[str, Any]) -> tuple[int | None, int | None]:
    """The seconds of a photo's last change and of its upload, in Unix time, as far as its line tells them."""
    row, info = record.get("search") or {}, record.get("info") or {}
    dates = info.get("dates")
    changed = row.get("lastupdate", dates.get("lastupdate") if isinstance(dates, dict) else None)
    return read_number(changed), read_number(row.get("dateupload", info.get("dateuploaded")))
