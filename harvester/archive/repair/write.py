"""Writing what takes the place of damaged files: the good lines, and the damaged ones set aside."""

from __future__ import annotations

import os
import shutil
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from harvester.archive.disk.layout import DAMAGED, PHOTOS, REPAIR
from harvester.archive.disk.modes import make_file
from harvester.archive.line_scan import read_piece
from harvester.archive.repair.scan import Found
from harvester.flickr.lenient_json import dump

GATHERED = "gathered.ndjson"
"""What could be unpacked of parts that are damaged, and behind it the lines of photos.ndjson."""
_CHUNK = 1 << 20
_MOST_SHOWN = 1 << 20
"""Bytes of a damaged stretch that are set aside at most; a disk may have left gigabytes of zeros."""


def write_good(folder: Path, scratch: Path, found: Found, *, table: sqlite3.Connection) -> tuple[str, str]:
    """Write a file's good lines into `scratch`, in the order in which they stand; the move that puts it in place."""
    make_file(scratch / found.name)
    with (found.path or folder / found.name).open("rb") as source, (scratch / found.name).open("wb") as target:
        for place, size, is_same in _join_runs(table, found.name):
            source.seek(place)
            if is_same:
                _copy(source.fileno(), place, size, target.fileno())
            else:
                target.write(read_piece(source.read(size), place).line)
                target.flush()
        os.fsync(target.fileno())
    return f"{REPAIR}/{found.name}", found.name


def _join_runs(table: sqlite3.Connection, name: str) -> Iterator[tuple[int, int, bool]]:
    """Stretches of a file to be copied: neighbouring lines that stay as they are make one stretch."""
    begin = end = 0
    for place, size, is_same in table.execute(
        "SELECT place, size, same FROM good WHERE file = ? AND place >= 0 ORDER BY place", (name,)
    ):
        if is_same and place == end:
            end += size
            continue
        if end > begin:
            yield begin, end - begin, True
        begin = end = place + size
        if is_same:
            begin = place
        else:
            yield place, size, False
    if end > begin:
        yield begin, end - begin, True


def _copy(source: int, place: int, size: int, target: int) -> None:
    while size > 0:
        data = memoryview(os.pread(source, min(size, _CHUNK), place))
        if not data:
            raise OSError(5, "the file became shorter while it was read")
        place, size = place + len(data), size - len(data)
        while data:
            data = data[os.write(target, data) :]


def write_damaged(
    folder: Path, scratch: Path, *, table: sqlite3.Connection, before: Path | None = None, shown: str = ""
) -> list[tuple[str, str]]:
    """Write damaged.ndjson with what is damaged now behind what was set aside before; the move, if there is one.

    `before` is the file of what was set aside, where that is not in the folder; `shown` names the folder then.
    """
    if table.execute("SELECT 1 FROM bad LIMIT 1").fetchone() is None:
        return []
    before, gathered = before or folder / DAMAGED, scratch / GATHERED
    make_file(scratch / DAMAGED)
    with (scratch / DAMAGED).open("wb") as target:
        if before.is_file():
            with before.open("rb") as known:
                shutil.copyfileobj(known, target)
        for name, place, size, why in table.execute("SELECT file, place, size, why FROM bad ORDER BY file, place"):
            if place < 0:  # a line of a part, of which another one is kept
                continue
            with (gathered if name == PHOTOS and gathered.exists() else folder / name).open("rb") as source:
                source.seek(place)
                raw = source.read(min(size, _MOST_SHOWN))
            target.write(encode_damaged(f"{shown}/{name}" if shown else name, place, raw, why))
        target.flush()
        os.fsync(target.fileno())
    return [(f"{REPAIR}/{DAMAGED}", DAMAGED)]


def encode_damaged(name: str, place: int, raw: bytes, why: str) -> bytes:
    """A line of damaged.ndjson: file, byte, reason, and the bytes as text, or in base64 where they are no UTF-8."""
    try:
        content = {"text": raw.decode()}
    except UnicodeDecodeError:
        content = {"base64": b64encode(raw).decode()}
    return dump({"file": name, "byte": place, "why": why, **content}) + b"\n"
