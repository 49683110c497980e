"""Where an archive's photos are, and how much of them counts. Nothing is written there."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from harvester.archive.checkpoint.read_only import locate, open_archive_to_read
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import ERRORS, MANIFEST, PHOTOS, STATE, check_entries, require_checkpoint
from harvester.archive.folder import is_told_complete
from harvester.archive.manifest import read_manifest
from harvester.archive.parts.part import Part, measure_lines
from harvester.archive.parts.reading import BrokenPart
from harvester.archive.parts.stream import PiecesStream
from harvester.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LISTS_OF_PHOTOS = ("photosets.ndjson", "collections.ndjson")
"""The lists that tell where a photo is."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of an archive: where it is, how many bytes of lines count, and which file that was."""

    path: Path
    bytes: int
    identity: tuple[int, int] | None
    parts: tuple[Part, ...] = ()
    """The closed parts in front of it, whose lines count among the bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An archive to be exported. `errors` tells what could not be had for now."""

    folder: Path
    photos: File
    lines: int
    lists: Mapping[str, File]
    errors: Sequence[Mapping[str, Any]]
    is_complete: bool

    @property
    def failures(self) -> dict[str, str]:
        """The photos that could not be had for now, and why. Lists and lines of input have no id."""
        return {error["id"]: str(error.get("message")) for error in self.errors if isinstance(error.get("id"), str)}


def open_source(folder: Path, *, lists: Sequence[str] = LISTS_OF_PHOTOS) -> Source:
    """What an archive holds now, and these of its lists; a harvest may be under way. UsageError where there is none.

    One without a checkpoint, as one that was published, is taken by its manifest.
    """
    if not (folder / STATE).exists() and (manifest := read_manifest(folder)) is not None:
        check_entries(folder)
        lengths = {name: (entry.bytes, entry.lines) for name, entry in manifest.files.items()}
        paths = {name: folder / name for name in lengths}
        files = _put_behind(manifest.parts, _look_at_all(paths, lengths, lists))
        lines = manifest.count_photos()
        return _build(folder, files, lines, _read_errors(folder), is_complete=manifest.status == "complete")
    require_checkpoint(folder)
    with open_archive_to_read(folder) as state:
        if state.facts.stream:
            raise UsageError(
                f"{folder} keeps track of records sent to standard output; there is nothing in it to be exported."
            )
        for last in (False, False, False, True):
            parts, count = state.parts(), state.count_photos()
            try:
                files = _put_behind(parts, _find_files(folder, state, lists))
            except UsageError:
                if last or state.parts() == parts:
                    raise
                continue
            if last or state.parts() == parts:  # else one was closed in between
                break
        return _build(folder, files, count, [*state.failures()], is_complete=_is_complete(folder, state))


def _find_files(folder: Path, state: State, lists: Sequence[str]) -> dict[str, File]:
    found = {PHOTOS: state.length(PHOTOS), **state.files()}
    lengths = {name: (length.bytes, length.lines) for name, length in found.items()}
    return _look_at_all({name: locate(folder, state, name) for name in found}, lengths, lists)


def _put_behind(parts: Sequence[Part], files: Mapping[str, File]) -> dict[str, File]:
    """The files, of which that of the photos stands behind the parts."""
    tail = files[PHOTOS]
    whole = replace(tail, bytes=measure_lines(parts) + tail.bytes, parts=tuple(parts))
    return {**files, PHOTOS: whole}


def _look_at_all(
    paths: Mapping[str, Path], lengths: Mapping[str, tuple[int, int]], lists: Sequence[str]
) -> dict[str, File]:
    return {name: _look(paths[name], lengths[name][0]) for name in (PHOTOS, *lists) if name in lengths}


def _is_complete(folder: Path, state: State) -> bool:
    """By its manifest; where that was lost, by its checkpoint."""
    return is_told_complete(folder) if (folder / MANIFEST).exists() else bool(state.facts.finished)


def _build(
    folder: Path,
    files: dict[str, File],
    lines: int,
    errors: Sequence[Mapping[str, Any]],
    *,
    is_complete: bool,
) -> Source:
    return Source(
        folder=folder,
        photos=files.pop(PHOTOS),
        lines=lines,
        lists=files,
        errors=errors,
        is_complete=is_complete and not any(isinstance(error.get("id"), str) for error in errors),
    )


def _look(path: Path, size: int) -> File:
    try:
        found = path.stat()
    except FileNotFoundError:
        if size:
            raise too_short(path) from None
        return File(path, 0, None)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if found.st_size < size:
        raise too_short(path)
    return File(path, size, (found.st_dev, found.st_ino))


def too_short(path: Path) -> UsageError:
    """The sentence for a file of which something is missing."""
    return UsageError(f"{path} is shorter than the archive says: harvester repair {path.parent} sets it right.")


def damaged(path: Path, number: int) -> UsageError:
    """The sentence for a line that is none."""
    return UsageError(f"{path} line {number} is damaged: harvester repair {path.parent} sets it right.")


def tell_damaged(file: File, number: int) -> UsageError:
    """The sentence for a line of a file that is none, by the piece that it stands in."""
    for part in file.parts:
        if number <= part.lines:
            return damaged(file.path.parent / part.name, number)
        number -= part.lines
    return damaged(file.path, number)


def _read_errors(folder: Path) -> list[Mapping[str, Any]]:
    try:
        entries = [orjson.loads(line) for line in (folder / ERRORS).read_bytes().splitlines()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{folder / ERRORS} cannot be read: {error.strerror}.") from None
    except orjson.JSONDecodeError:
        raise UsageError(f"{folder / ERRORS} is damaged: harvester repair {folder} sets it right.") from None
    return [entry for entry in entries if isinstance(entry, dict)]


def open_file(file: File) -> io.RawIOBase:
    """Open a file to read it, with the parts in front of it; UsageError where it is another one by now."""
    if not file.parts:
        return open(_open(file), "rb", buffering=0)
    tail = None if file.identity is None else open(_open(file), "rb", buffering=0)  # noqa: SIM115
    return _Pieces(file.path.parent, file.parts, tail)


class _Pieces(PiecesStream):
    """Tells what is wrong with a part as of other files that are exported."""

    def readinto(self, buffer: WriteableBuffer) -> int:
        """UsageError where a part cannot be read."""
        try:
            return super().readinto(buffer)
        except BrokenPart as broken:
            raise UsageError(f"{broken}: harvester repair {broken.path.parent} sets it right.") from None


def _open(file: File) -> int:
    try:
        number = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{file.path} cannot be read: {error.strerror}.") from None
    found = os.fstat(number)
    if (found.st_dev, found.st_ino) != file.identity:
        os.close(number)
        raise UsageError(f"{file.path} was replaced while it was read, as an update does: run the same command again.")
    return number
