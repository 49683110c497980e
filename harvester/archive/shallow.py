"""The lines of an archive that lack parts, and the same lines with these parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from harvester.archive.disk.record import Record, build_record
from harvester.archive.folder import damaged
from harvester.archive.pieces import Pieces
from harvester.flickr.methods import PAGE_SIZE, PARTS, name_member
from harvester.flickr.responses import Row
from harvester.flickr.sizes import is_listed

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_id = msgspec.json.Decoder(str)
_errors = msgspec.json.Decoder(dict[str, dict[str, Any]])


class Shallow:
    """The lines of an archive's photos that lack some of these parts."""

    def __init__(self, pieces: Pieces, *, parts: Sequence[str]) -> None:
        """`pieces` are those of an archive that is locked: no part of it is closed meanwhile."""
        self._pieces = pieces
        self.parts = tuple(parts)

    def read(self) -> Iterator[tuple[list[Row], int]]:
        """Rows whose `raw` is the whole line, by the page; and how many lines in between lack nothing.

        CannotWrite where a line is none of an archive.
        """
        pieces = self._pieces
        if not pieces.lines:
            return
        with pieces.tail.open("rb") as file:
            lines = chain(pieces.take_parts(), islice(file, pieces.length.lines))
            while some := list(islice(lines, PAGE_SIZE)):
                try:
                    rows = [Row(_read_id(line), None, None, line) for line in some if find_missing(line, self.parts)]
                except (msgspec.DecodeError, UnicodeError, KeyError):
                    raise damaged(pieces.tail, "holds a line that is none of a photo") from None
                yield rows, len(some) - len(rows)


def _read_id(line: bytes) -> str:
    return _id.decode(_members.decode(line)["id"])


def find_missing(line: bytes, parts: Sequence[str]) -> list[str]:
    """The parts that a line does not have. One that Flickr has refused for good is there: null, or told in `errors`."""
    members = _members.decode(line)
    return [part for part in parts if name_member(part) not in members or _is_less(members, part)]


def _is_less(members: Mapping[str, msgspec.Raw], part: str) -> bool:
    """Whether the sizes of a line are those of the listing where those of getSizes are wanted."""
    if part != "sizes" or not is_listed(bytes(members[part])):
        return False
    return "errors" not in members or part not in _errors.decode(members["errors"])


def read_row(line: bytes) -> bytes | None:
    """The listing's row on a line."""
    raw = bytes(_members.decode(line).get("search", b"null"))
    return None if raw == b"null" else raw


def keep_listed(line: bytes, found: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
    """The parts that have come, without sizes that Flickr refuses where the line has those of the listing."""
    if found.get("sizes", b"") is None and is_listed(bytes(_members.decode(line).get("sizes", b""))):
        return {name: raw for name, raw in found.items() if name != "sizes"}
    return found


def add_parts(
    line: bytes, found: Mapping[str, bytes | None], *, errors: Mapping[str, Mapping[str, Any]], at: float
) -> Record:
    """The line with further parts. What it has stays byte for byte, but for the moment of the harvest."""
    members = _members.decode(line)
    photo_id = _id.decode(members.pop("id"))
    members.pop("harvested_at", None)
    search = members.pop("search", None)
    known_errors = _errors.decode(members.pop("errors")) if "errors" in members else {}
    known: dict[str, bytes | None] = {name: bytes(raw) for name, raw in members.items()}
    whole = known | dict(found)
    parts = {name: whole[name] for name in (*(n for n in PARTS if n in whole), *(n for n in whole if n not in PARTS))}
    row = None if search is None else bytes(search)
    return build_record(photo_id, at=at, search=row, parts=parts, errors={**known_errors, **errors})
