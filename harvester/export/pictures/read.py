"""The addresses of an archive's pictures, photo by photo."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.lines import read_photo_lines, tell_damaged
from harvester.export.pictures.forms import Form
from harvester.export.pictures.sizes import Choice, list_sizes


@dataclass(slots=True)
class Counts:
    """What came of the photos that were read."""

    written: int = 0
    without: int = 0
    """Those that have no such size."""
    strange: int = 0
    """Those whose address is none of the web's."""
    doubled: int = 0
    """Those that an earlier folder had."""


def read_addresses(folders: Sequence[Path], *, choose: Choice, write: Form, counts: Counts) -> Iterator[str]:
    """What is written for each photo, in the order of the folders and their lines; `counts` grows meanwhile.

    A photo that stands in several folders is written once. UsageError as of `read_photo_lines`.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as table:
        table.execute("PRAGMA cache_size=-8000")
        table.execute("CREATE TABLE id(id INTEGER PRIMARY KEY)")
        table.execute("BEGIN")
        for folder in folders:
            for number, (photo_id, line) in enumerate(read_photo_lines(folder), 1):
                if len(folders) > 1 and not _add(table, photo_id):
                    counts.doubled += 1
                else:
                    record = {**_decode(folder, number, line), "id": photo_id}
                    yield from _write(record, choose=choose, write=write, counts=counts)


def _add(table: sqlite3.Connection, photo_id: str) -> bool:
    return table.execute("INSERT OR IGNORE INTO id VALUES (?)", (int(photo_id),)).rowcount > 0


def _decode(folder: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise tell_damaged(folder, f"line {number}") from None
    return record


def _write(record: dict[str, Any], *, choose: Choice, write: Form, counts: Counts) -> Iterator[str]:
    size = choose(list_sizes(record))
    if size is None:
        counts.without += 1
    elif not size.is_address:
        counts.strange += 1
    else:
        counts.written += 1
        yield write(record, size)
