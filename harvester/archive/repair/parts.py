"""The closed parts of a damaged archive: those that are as they were closed stay, and of the others the lines are kept.

A part stands where its sha256 is that of checkpoint or manifest, and each of its lines is the one that is kept of its
photo. What can be unpacked of any other goes before the lines of photos.ndjson, into one file that is read as that.
"""

from __future__ import annotations

import mmap
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harvester.archive.disk.layout import PHOTOS, list_part_files
from harvester.archive.disk.modes import make_file
from harvester.archive.line_scan import Wanted
from harvester.archive.parts.packing import recover_frames
from harvester.archive.parts.part import Part, find_packing
from harvester.archive.parts.reading import BrokenPart, read_part
from harvester.archive.repair.blocks import ToldFile
from harvester.archive.repair.scan import MOST_LINE, Found, Sums, count_lines, forget_file, scan_file, scan_lines
from harvester.archive.repair.write import GATHERED

_BELOW = -(1 << 62)
"""Lines of parts that stand have places from here on, below those of photos.ndjson."""


def scan_photos(
    folder: Path,
    scratch: Path,
    parts: Sequence[Part],
    *,
    table: sqlite3.Connection,
    sums: Sums,
    wanted: Wanted,
    told: ToldFile | None,
) -> Found:
    """Read the photos through. `parts` are those that are known, in order; what else is called so is none of them."""
    standing, names = list(parts), [path.name for path in list_part_files(folder)]
    while True:
        forget_file(table, PHOTOS)
        others = [name for name in names if name not in {part.name for part in standing}]
        source = _gather(folder, scratch, others)
        is_whole = source == folder / PHOTOS
        found = scan_file(source, name=PHOTOS, table=table, sums=sums, wanted=wanted, told=told if is_whole else None)
        broken = _scan_standing(folder, standing, table=table, sums=sums, wanted=wanted)
        if not broken:
            break
        standing = [part for part in standing if part.name not in broken]
    found = count_lines(found, table)
    stands = found.stands and is_whole
    return replace(found, parts=tuple(standing), drops=tuple(others), path=source, stands=stands)


def _gather(folder: Path, scratch: Path, others: Sequence[str]) -> Path:
    """Where the lines are that stand in no part: photos.ndjson, or a file that holds those of `others`, too."""
    path, photos = scratch / GATHERED, folder / PHOTOS
    if not others:
        return photos
    make_file(path)
    with path.open("wb") as target:
        for name in others:
            for data in _recover(folder / name):
                target.write(data if data.endswith(b"\n") else data + b"\n")
        if not target.tell():
            return photos
        with suppress(FileNotFoundError), photos.open("rb") as tail:
            shutil.copyfileobj(tail, target, 1 << 20)
    return path


def _recover(path: Path) -> Iterator[bytes]:
    packing = find_packing(path.name)
    if not path.stat().st_size:  # such a file cannot be mapped
        return
    if packing == "none":
        with path.open("rb") as lines:
            yield from iter(lambda: lines.readline(MOST_LINE), b"")
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield from recover_frames(data, packing)


def _scan_standing(
    folder: Path, parts: Sequence[Part], *, table: sqlite3.Connection, sums: Sums, wanted: Wanted
) -> set[str]:
    """Take in the lines of parts; the names of those that do not stand."""
    begin, broken = _BELOW, set()
    for part in parts:
        try:
            scan_lines(PHOTOS, read_part(folder / part.name, part), begin, table=table, sums=sums, wanted=wanted)
        except BrokenPart:
            broken.add(part.name)
        end = begin + part.plain_bytes
        table.execute("UPDATE good SET proved = 1 WHERE file = ? AND place >= ? AND place < ?", (PHOTOS, begin, end))
        begin = end
    begin = _BELOW
    for part in parts:
        query = "SELECT count(*) FROM good WHERE file = ? AND same AND place >= ? AND place < ?"
        (count,) = table.execute(query, (PHOTOS, begin, begin + part.plain_bytes)).fetchone()
        if count != part.lines:
            broken.add(part.name)
        begin += part.plain_bytes
    return broken
