"""Where an archive's photos are, and how much of them counts. Nothing is written there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.folder import is_told_complete
from harvester.archive.manifest import read_manifest
from harvester.checkpoint.look import locate, look_at
from harvester.checkpoint.state import State
from harvester.disk.layout import ERRORS, PHOTOS, STATE, check_entries, require_checkpoint
from harvester.errors import UsageError

_LISTS = ("photosets.ndjson", "collections.ndjson")


@dataclass(frozen=True, slots=True)
class File:
    """A file of an archive: where it is, how many bytes of it count, and which file that was."""

    path: Path
    bytes: int
    identity: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An archive to be exported. `failures` has the photos that could not be had for now, and why."""

    folder: Path
    photos: File
    lines: int
    lists: Mapping[str, File]
    failures: Mapping[str, str]
    is_complete: bool


def open_source(folder: Path) -> Source:
    """What an archive holds now; a harvest may be under way. UsageError where there is none.

    One without a checkpoint, as one that was published, is taken by its manifest.
    """
    if not (folder / STATE).exists() and (manifest := read_manifest(folder)) is not None:
        check_entries(folder)
        lengths = {name: (entry.bytes, entry.lines) for name, entry in manifest.files.items()}
        paths = {name: folder / name for name in lengths}
        return _build(folder, paths, lengths, dict(_read_failures(folder)), is_complete=manifest.status == "complete")
    require_checkpoint(folder)
    with look_at(folder) as state:
        if state.facts.stream:
            raise UsageError(
                f"{folder} keeps track of records sent to standard output; there is nothing in it to be exported."
            )
        found = {PHOTOS: state.length(PHOTOS), **state.files()}
        lengths = {name: (length.bytes, length.lines) for name, length in found.items()}
        paths = {name: locate(folder, state, name) for name in found}
        return _build(folder, paths, lengths, dict(_list_failures(state)), is_complete=is_told_complete(folder))


def _build(
    folder: Path,
    paths: Mapping[str, Path],
    lengths: Mapping[str, tuple[int, int]],
    failures: Mapping[str, str],
    *,
    is_complete: bool,
) -> Source:
    files = {name: _look(paths[name], lengths[name][0]) for name in (PHOTOS, *_LISTS) if name in lengths}
    return Source(
        folder=folder,
        photos=files.pop(PHOTOS),
        lines=lengths[PHOTOS][1],
        lists=files,
        failures=failures,
        is_complete=is_complete and not failures,
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


def _list_failures(state: State) -> Iterator[tuple[str, str]]:
    return _read_entries(state.failures())


def _read_failures(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = (folder / ERRORS).read_bytes().splitlines()
    except FileNotFoundError:
        return iter(())
    except OSError as error:
        raise UsageError(f"{folder / ERRORS} cannot be read: {error.strerror}.") from None
    try:
        return _read_entries([orjson.loads(line) for line in lines])
    except orjson.JSONDecodeError:
        raise UsageError(f"{folder / ERRORS} is damaged: harvester repair {folder} sets it right.") from None


def _read_entries(entries: Any) -> Iterator[tuple[str, str]]:
    """Of photos alone: lists and lines of input have no id."""
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            yield entry["id"], str(entry.get("message"))


def open_file(file: File) -> int:
    """Open a file to read it; UsageError where it is another one by now."""
    try:
        number = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{file.path} cannot be read: {error.strerror}.") from None
    found = os.fstat(number)
    if (found.st_dev, found.st_ino) != file.identity:
        os.close(number)
        raise UsageError(f"{file.path} was replaced while it was read, as an update does: run the same command again.")
    return number
