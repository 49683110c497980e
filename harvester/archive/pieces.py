"""The files in which an archive's photos stand, in order: closed parts, then photos.ndjson."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harvester.archive.checkpoint.read_only import locate, open_archive_to_read
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.disk.layout import PHOTOS, STATE, check_entries, check_files
from harvester.archive.manifest import Manifest, read_manifest
from harvester.archive.parts.part import Part, measure_lines, sum_lines
from harvester.archive.parts.reading import take_part
from harvester.errors import UsageError

_READINGS = 5
"""Looks at an archive in which parts are closed meanwhile."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where the photos of an archive are at one moment, and how much of photos.ndjson counts.

    Parts may be closed while it is read where it `may_move`.
    """

    folder: Path
    parts: tuple[Part, ...]
    tail: Path
    length: Length
    may_move: bool = False

    @property
    def lines(self) -> int:
        """Of all pieces."""
        return sum_lines(self.parts) + self.length.lines

    @property
    def plain_bytes(self) -> int:
        """Of all lines, as they are before they are packed."""
        return measure_lines(self.parts) + self.length.bytes

    def take_parts(self) -> Iterator[bytes]:
        """The lines of the closed parts, to be built upon. CannotWrite where one is not what was closed."""
        for part in self.parts:
            yield from take_part(self.folder / part.name, part)


def find_pieces(folder: Path, state: State) -> Pieces:
    """The pieces that a checkpoint has committed."""
    may_move = state.facts.rotation is not None
    return Pieces(folder, tuple(state.parts()), locate(folder, state, PHOTOS), state.length(PHOTOS), may_move)


def read_pieces(folder: Path) -> Pieces:
    """The pieces of an archive as it is now, by its checkpoint, or without one by its manifest.

    UsageError where there is no archive. Each part stands in the folder by its name, and never changes.
    """
    if (manifest := _find_manifest(folder)) is not None:
        entry = manifest.files[PHOTOS]
        return Pieces(folder, tuple(manifest.parts), folder / PHOTOS, Length(entry.bytes, entry.lines))
    with open_archive_to_read(folder) as state:
        if state.facts.stream:
            raise UsageError(f"{folder} keeps track of records sent to standard output; their ids stand in them.")
        return find_pieces(folder, state)


def list_parts(folder: Path) -> list[Part]:
    """The closed parts of an archive, in order. UsageError where there is no archive."""
    return list(read_pieces(folder).parts)


@contextmanager
def hold_pieces(folder: Path) -> Iterator[tuple[Pieces, IO[bytes] | None]]:
    """The pieces, and photos.ndjson as it was at that moment; None where it is not there.

    Whoever closes a part puts another file in its place, and leaves the one that was opened as it is.
    """
    pieces, tail = _open_pieces(folder)
    try:
        yield pieces, tail
    finally:
        if tail is not None:
            tail.close()


def _open_pieces(folder: Path) -> tuple[Pieces, IO[bytes] | None]:
    pieces = read_pieces(folder)
    for _ in range(_READINGS):
        tail = _open(pieces.tail)
        now = read_pieces(folder) if pieces.may_move else pieces
        if now.parts == pieces.parts:
            return pieces, tail
        pieces = now
        if tail is not None:
            tail.close()
    return pieces, _open(pieces.tail)


def _open(path: Path) -> IO[bytes] | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def _find_manifest(folder: Path) -> Manifest | None:
    """The manifest of an archive without a checkpoint; None where that is there, or tells what is wrong."""
    has_checkpoint = (folder / STATE).is_symlink() or (folder / STATE).exists()
    manifest = None if has_checkpoint else read_manifest(folder)
    if manifest is not None:
        check_entries(folder)
        check_files(folder)
    return manifest
