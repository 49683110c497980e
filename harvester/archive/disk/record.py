"""A photo's line: what Flickr sent, as sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harvester.flickr.lenient_json import dump
from harvester.jobs.values import stamp


class Record(msgspec.Struct, frozen=True, gc=False):
    """A photo's id and its line of photos.ndjson, the line break included."""

    id: str
    line: bytes


def build_record(
    photo_id: str,
    *,
    at: float,
    search: bytes | None,
    parts: Mapping[str, bytes | None] | None = None,
    errors: Mapping[str, Mapping[str, Any]] | None = None,
) -> Record:
    """The line of a photo.

    `at` is the Unix time of the harvest, `search` the listing's row, `parts` the JSON of each part asked for, in
    order; a part that Flickr refuses is None and has its code and message in `errors`.
    """
    line = [b'{"id":"%s","harvested_at":"%s","search":' % (photo_id.encode(), _stamp(int(at))), search or b"null"]
    for name, raw in (parts or {}).items():
        line += b',"%s":' % name.encode(), b"null" if raw is None else raw
    if errors:
        line += b',"errors":', dump(errors)
    line.append(b"}\n")
    return Record(photo_id, b"".join(line))


def build_entry(
    entry_id: str,
    *,
    at: float,
    member: str,
    raw: bytes | None,
    more: Mapping[str, bytes] | None = None,
    errors: Mapping[str, Mapping[str, Any]] | None = None,
) -> bytes:
    """The line of a set, a contact and the like: its row as sent under `member`, and further members as JSON."""
    line = b'{"id":%s,"harvested_at":"%s","%s":%s' % (dump(entry_id), _stamp(int(at)), member.encode(), raw or b"null")
    for name, value in (more or {}).items():
        line += b',"%s":%s' % (name.encode(), value)
    if errors:
        line += b',"errors":' + dump(errors)
    return line + b"}\n"


_last: tuple[int, bytes] = (-1, b"")


def _stamp(second: int) -> bytes:
    """`2026-11-23T22:30:05Z`; photos of one second share the work."""
    global _last  # noqa: PLW0603
    if _last[0] != second:
        _last = second, stamp(second).encode()
    return _last[1]
