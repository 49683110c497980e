"""What archives hold besides photos as tables of Arrow: sets, collections, people and the like, and errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson
import pyarrow as pa

from harvester.export.memberships import read_entries
from harvester.export.source import File, Source, open_source
from harvester.flickr.listings import LINE_FILES, LINE_MEMBERS

Rows: TypeAlias = Iterator[dict[str, Any]]
TABLES: Mapping[str, str] = MappingProxyType({("albums" if name == "photosets" else name): name for name in LINE_FILES})
"""The tables of lists, and the archive's files that they are made of."""
GONE = "gone"
_AT_ONCE = 1000
_COMMON = [pa.field("archive", pa.string(), nullable=False), pa.field(GONE, pa.bool_()), pa.field("id", pa.string())]
LIST_SCHEMA = pa.schema(
    [
        *_COMMON,
        ("harvested_at", pa.timestamp("us", tz="UTC")),
        ("owner_id", pa.string()),
        ("title", pa.string()),
        ("description", pa.string()),
        ("photo_ids", pa.list_(pa.field("element", pa.string()))),
        ("record", pa.string()),
    ]
)
ERROR_SCHEMA = pa.schema(
    [
        *_COMMON,
        ("list", pa.string()),
        ("of", pa.string()),
        ("code", pa.int64()),
        ("message", pa.string()),
        ("attempts", pa.int64()),
        ("record", pa.string()),
    ]
)
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "archive": "The archive's folder.",
        GONE: "True in a row that stands for the removal of all rows of an archive; there is none where dlt can merge.",
        "id": "Its id at Flickr; of an error, the photo's, null where it is about a list.",
        "harvested_at": "When it was fetched.",
        "owner_id": "Whose it is, or who: the NSID; null where that was not sent.",
        "title": "Its title or name.",
        "description": "Its description.",
        "photo_ids": "Its photos in the owner's order; null where it has none.",
        "record": "The whole line of the archive, as JSON.",
        "list": "The list that could not be read.",
        "of": "Whose list, or of which set.",
        "code": "Flickr's code, where it gave one.",
        "message": "Why it could not be had.",
        "attempts": "How often it was tried.",
    }
)


def read_list(folders: Sequence[Path], kind: str, bookmarks: MutableMapping[str, Any]) -> Iterator[pa.Table]:
    """The rows of one of the lists, of archives where it has changed since the bookmark, which is then moved."""
    name = f"{kind}.ndjson"
    for folder in folders:
        file = open_source(folder, lists=(name,)).lists.get(name)
        if file is not None:
            rows = (_build_row(kind, line) for line in read_entries(file))
            yield from _read_changed(folder, _sum_up(file), rows, bookmarks, LIST_SCHEMA)


def read_errors(folders: Sequence[Path], bookmarks: MutableMapping[str, Any]) -> Iterator[pa.Table]:
    """What could not be had, as `read_list`. A table without rows is told, too."""
    if not bookmarks:
        yield ERROR_SCHEMA.empty_table()
    for folder in folders:
        errors = _list_errors(open_source(folder, lists=()))
        digest = blake2b(orjson.dumps(errors), digest_size=16).hexdigest() if errors else ""
        yield from _read_changed(folder, digest, iter(errors), bookmarks, ERROR_SCHEMA)


def _list_errors(source: Source) -> list[dict[str, Any]]:
    members = ("id", "list", "of", "message")
    return [
        {name: None if error.get(name) is None else str(error[name]) for name in members}
        | {name: _as_number(error.get(name)) for name in ("code", "attempts")}
        | {"record": orjson.dumps(error).decode()}
        for error in source.errors
    ]


def _as_number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _sum_up(file: File) -> str:
    """A digest of what counts of a file; "" where that is nothing."""
    if not file.bytes:
        return ""
    digest, left = blake2b(digest_size=16), file.bytes
    with file.path.open("rb") as data:
        while left and (block := data.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def _read_changed(
    folder: Path, digest: str, rows: Rows, bookmarks: MutableMapping[str, Any], schema: pa.Schema
) -> Iterator[pa.Table]:
    """The rows of an archive, where they are others than last time: they then take the place of all that it had."""
    archive = str(folder)
    if bookmarks.get(archive, "") == digest:
        return
    if not digest:
        yield pa.Table.from_pylist([{"archive": archive, GONE: True}], schema)
    while few := [{"archive": archive, GONE: False, **row} for row in islice(rows, _AT_ONCE)]:
        yield pa.Table.from_pylist(few, schema)
    bookmarks[archive] = digest


def _build_row(kind: str, line: Mapping[str, Any]) -> dict[str, Any]:
    members = (line[name] for name, _ in LINE_MEMBERS[kind] if isinstance(line.get(name), dict))
    member: Mapping[str, Any] = next(members, {})
    ids = line.get("photo_ids")
    return {
        "id": str(line["id"]),
        "harvested_at": _read_moment(line.get("harvested_at")),
        "owner_id": _choose(member, ("owner", "nsid")),
        "title": _choose(member, ("title", "name", "realname", "username")),
        "description": _choose(member, ("description",)),
        "photo_ids": [str(each) for each in ids] if isinstance(ids, list) else None,
        "record": orjson.dumps(line).decode(),
    }


def _read_moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _choose(member: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first of these that is a text, bare or as `_content`."""
    texts = (_find_text(member.get(name)) for name in names)
    return next((text for text in texts if text), None)


def _find_text(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("_content")
    return value if isinstance(value, str) else None
