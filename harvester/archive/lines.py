"""The lines of an archive's photos, up to the committed length. A harvest may be under way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from harvester.archive.disk.layout import PHOTOS
from harvester.archive.parts.part import Part
from harvester.archive.parts.reading import BrokenPart, read_part
from harvester.archive.pieces import Pieces, hold_pieces
from harvester.errors import UsageError

_LINE = re.compile(rb'\{"id":"(\d{1,18})"')


def read_photo_lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each photo's id and line, in the order of the file; a copy without checkpoint is read by its manifest.

    UsageError where there is no archive, where a line is no photo's, and where lines are missing.
    """
    with hold_pieces(folder) as (pieces, tail):
        for part in pieces.parts:
            yield from _match(folder, folder / part.name, _read_part(folder, part))
        left = pieces.length.bytes
        for photo_id, line in _match(folder, pieces.tail, _read_tail(pieces, tail)):
            yield photo_id, line
            left -= len(line)
        if left > 0:
            raise UsageError(
                f"{pieces.tail} is shorter than the checkpoint says: harvester repair {folder} sets it right."
            )


def _match(folder: Path, path: Path, lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(lines, 1):
        if (found := _LINE.match(line)) is None or not line.endswith(b"}\n"):
            raise tell_damaged(folder, f"line {number}", path=path)
        yield found[1].decode(), line


def _read_part(folder: Path, part: Part) -> Iterator[bytes]:
    try:
        yield from read_part(folder / part.name, part)
    except BrokenPart as broken:
        raise UsageError(f"{broken}: harvester repair {folder} sets it right.") from None


def _read_tail(pieces: Pieces, tail: IO[bytes] | None) -> Iterator[bytes]:
    """The whole lines that count."""
    left = pieces.length.bytes
    try:
        while left > 0 and tail is not None and (line := tail.readline()).endswith(b"\n"):
            yield line
            left -= len(line)
    except OSError as error:
        raise UsageError(f"{pieces.tail} cannot be read: {error.strerror}.") from None


def tell_damaged(folder: Path, where: str, *, path: Path | None = None) -> UsageError:
    """The sentence for a line that is none."""
    return UsageError(f"{path or folder / PHOTOS} {where} is damaged: harvester repair {folder} sets it right.")
