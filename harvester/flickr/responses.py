"""From the bytes of an answer to data or an error. Pure: no I/O, no clock.

An answer is taken in three ways, the swiftest that fits. A part of a photo that stands between the very bytes that
Flickr puts around it is cut out and proved whole, valid JSON in valid UTF-8 (orjson accepts nothing else). Other
bodies that are valid are searched for their members, which are cut out as they stand, byte for byte. Anything odd
takes the careful way: decode with replacement, parse leniently, write anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from harvester.errors import TryLater
from harvester.flickr.failures import check_failure
from harvester.flickr.lenient_json import dump, read_members, read_number
from harvester.flickr.listings import AtOnce, Itself, Listing, Paged
from harvester.flickr.methods import ADDRESSES, Part
from harvester.flickr.ownership import check_owner, check_whose
from harvester.flickr.whole_json import parse_whole


class Row(msgspec.Struct, frozen=True, gc=False):
    """A photo as a listing shows it: its id, the second of its upload (None where not told), the row as sent."""

    id: str
    uploaded: int | None
    taken: str | None
    raw: bytes
    updated: int | None = None
    """The second of its last change."""


_NEVER = 4_102_444_800
"""2100 as Unix time: a later second of upload is none."""


class _Sketch(msgspec.Struct, gc=False):
    """What is read of a listing's row, in whatever type it comes."""

    id: Any = None
    dateupload: Any = None
    datetaken: Any = None
    lastupdate: Any = None
    owner: Any = None

    def read(self, raw: bytes) -> Row:
        """The row, given its JSON."""
        uploaded, updated = read_number(self.dateupload), read_number(self.lastupdate)
        if uploaded is not None and uploaded >= _NEVER:
            uploaded = None
        taken = self.datetaken if isinstance(self.datetaken, str) else None
        return Row(str(self.id), uploaded, taken, raw, updated)


def _sketch(row: Mapping[str, Any]) -> _Sketch:
    return _Sketch(*(row.get(name) for name in _Sketch.__struct_fields__))


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_sketches = msgspec.json.Decoder(list[_Sketch])
_CLAIMS = frozenset({"total", "perpage", "per_page", "pages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a listing. `total` is Flickr's claim, None where it makes none (`""` has been reported)."""

    rows: tuple[Row, ...]
    total: int | None
    per_page: int | None
    pages: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One answer of a list that is no search: each row's id and JSON as sent, and the claims."""

    rows: tuple[tuple[str, bytes], ...]
    total: int | None = None
    pages: int | None = None


def read_part(body: bytes, part: Part, *, photo_id: str | None = None) -> bytes:
    """The JSON of what is kept of an answer, as sent, on one line.

    Where the answer names a photo, it must be `photo_id`: Flickr has been seen to give one method's answer to
    another's question (bridgy#537).
    """
    answer, parts = read_members(body)
    if photo_id is not None:
        check_whose(answer, part, photo_id=photo_id)
    check_failure(answer, method=part.method)
    if part.member is None:
        rest = [(name, raw) for name, raw in parts.items() if name != "stat"]
        return b"{" + b",".join(dump(name) + b":" + raw for name, raw in rest) + b"}"
    if not isinstance(answer.get(part.member), dict):
        raise TryLater("an answer without what was asked for")
    return parts[part.member]


class PartReader:
    """Reads the answers that bring one part of a photo, as `read_part` does, most of them in a fraction of the time."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._head = b'{"%s":{' % part.member.encode() if part.member else b"\0"  # which no answer begins with
        self._start = len(self._head) - 1
        self._name = None if part.named == ADDRESSES else part.named
        self._kind = b'"%s":' % part.mark.encode() if part.mark else b""
        self._mark = b"/%s_" if part.named == ADDRESSES else b'"%s"'
        self._is_nameless = part.named is None

    def mark(self, photo_id: str) -> bytes:
        """What stands in an answer about this photo, and in no answer about another, unless it is nameless."""
        return self._mark % photo_id.encode()

    def __call__(self, body: bytes, photo_id: str) -> bytes:
        """The part's JSON; the errors of `read_part`."""
        if body.startswith(self._head) and body.endswith(_TAIL) and b"\n" not in body and b"\r" not in body:
            raw = body[self._start : _END]
            try:
                found = parse_whole(raw)
                is_own = found[self._name] == photo_id if self._name else self._mark % photo_id.encode() in raw
                if (is_own or self._is_nameless) and self._kind in raw:
                    return raw
            except (ValueError, RuntimeError, LookupError):
                pass  # for the careful way
        return read_part(body, self._part, photo_id=photo_id)


_TAIL = b'},"stat":"ok"}'
_END = 1 - len(_TAIL)


def read_page(body: bytes, *, method: str, owner: str | None = None) -> Page:
    """A page of photos out of `photos`, `photoset` and the like.

    Where the photos of `owner` were asked for, a page that shows other people's alone is another question's answer.
    """
    return _read_page_swiftly(body, owner) or _read_page_carefully(body, owner, method=method)


def _read_page_swiftly(body: bytes, owner: str | None) -> Page | None:
    """A page whose rows are proved and cut out, but not built; None where anything is odd."""
    if b"\n" in body or b"\r" in body:
        return None
    try:
        parse_whole(body)
        parts = _members.decode(body)
        if bytes(parts["stat"]) != b'"ok"':
            return None
        found = _members.decode(next(raw for raw in map(bytes, parts.values()) if raw.startswith(b"{")))
        rows = found.pop("photo")
        sketches, raws = _sketches.decode(rows), _elements.decode(rows)
        told = {name: msgspec.json.decode(raw) for name, raw in found.items() if name in _CLAIMS}
    except (ValueError, RuntimeError, LookupError, StopIteration, msgspec.DecodeError):
        return None
    return _build_page([*zip(sketches, map(bytes, raws), strict=True)], told, owner)


def _read_page_carefully(body: bytes, owner: str | None, *, method: str) -> Page:
    answer, parts = read_members(body)
    check_failure(answer, method=method)
    name = next((n for n, value in answer.items() if isinstance(value, dict)), None)
    if name is None:
        raise TryLater("a listing without its list")
    found = answer[name]
    photos = found.get("photo", [])
    if not isinstance(photos, list):
        raise TryLater("a listing without its list")
    raws = [bytes(r) for r in _elements.decode(_members.decode(parts[name])["photo"])] if photos else []
    rows = zip(photos, raws, strict=True)
    return _build_page([(_sketch(row), raw) for row, raw in rows if isinstance(row, dict)], found, owner)


def _build_page(rows: Sequence[tuple[_Sketch, bytes]], told: Mapping[str, Any], owner: str | None) -> Page:
    if owner is not None:
        check_owner([sketch.owner for sketch, _ in rows], owner)
    found = [sketch.read(raw) for sketch, raw in rows]
    return Page(
        rows=tuple(row for row in found if _is_id(row.id)),
        total=read_number(told.get("total")),
        per_page=read_number(told.get("perpage", told.get("per_page"))),
        pages=read_number(told.get("pages")),
    )


def read_list(body: bytes, listing: Listing) -> Listed:
    """A page of sets, contacts and the like.

    An account without collections, say, answers with an empty list, without one, or with an empty container, be it
    an object, an array or a text.
    """
    answer, parts = read_members(body)
    check_failure(answer, method=listing.method)
    found, raw = answer.get(listing.container), parts.get(listing.container, b"")
    match listing.rows:
        case Itself() if isinstance(found, dict):
            return Listed(rows=((_read_id(found, listing.id), raw),), total=1, pages=1)
        case AtOnce(name) | Paged(name) if isinstance(found, dict):
            return _read_rows(found, raw, name=name, id_name=listing.id)
        case AtOnce() | Paged() if found in ([], ""):
            return Listed(rows=())
    raise TryLater("an answer to something else than was asked")


def _read_rows(found: Mapping[str, Any], raw: bytes, *, name: str, id_name: str) -> Listed:
    listed = found.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise TryLater("a listing without its list")
    raws = [bytes(each) for each in _elements.decode(_members.decode(raw)[name])] if listed else []
    rows = ((_read_id(row, id_name), each) for row, each in zip(listed, raws, strict=True))
    return Listed(
        rows=tuple((row_id, each) for row_id, each in rows if row_id),  # without it, the row counts as not come
        total=read_number(found.get("total")),
        pages=read_number(found.get("pages")),
    )


def _read_id(row: Mapping[str, Any], name: str) -> str:
    """A group's id comes as `id` or as `nsid`, or as both."""
    return str(row.get(name) or row.get("id") or row.get("nsid") or "")


_is_id = re.compile(r"[1-9]\d{0,17}", re.ASCII).fullmatch
