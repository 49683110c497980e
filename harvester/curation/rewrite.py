"""The files of an archive without the lines of some photos, each written beside what it is to replace."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

from harvester.archive.checkpoint.state import Length, State
from harvester.archive.disk.files import sync_file
from harvester.archive.disk.layout import (
    CHANGES,
    DAMAGED,
    HISTORY,
    MANIFEST,
    NO_FOLLOW,
    PHOTOS,
    UPDATES,
    is_part,
    is_put_away,
)
from harvester.archive.disk.modes import create_file, find_mode
from harvester.archive.folder import damaged
from harvester.archive.manifest import Manifest
from harvester.archive.merge.history import zstd
from harvester.archive.merge.proof import Proof
from harvester.archive.parts.packing import PartWriter
from harvester.archive.parts.part import Part, name_next
from harvester.archive.parts.reading import take_part
from harvester.archive.put_away import hash_file
from harvester.curation.strike import strike_any, strike_damaged, strike_photo

Strike: TypeAlias = Callable[[bytes, Collection[int]], tuple[bytes, set[int]]]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be searched: `length` is its committed length, None where all of it counts."""

    name: str
    strike: Strike
    length: Length | None = None
    part: Part | None = None
    """The closed part that it is."""


@dataclass(slots=True)
class Removed:
    """What was found in a file: the photos, and how many lines go, or lose rows."""

    name: str
    ids: set[int] = field(default_factory=set)
    lines: int = 0


def list_sources(folder: Path, state: State, manifest: Manifest | None) -> Iterator[Source]:
    """The files that may tell of a photo. CannotWrite where one that was put away is not as it was written."""
    for part in state.parts():
        yield Source(part.name, strike_photo, part=part)
    for name, length in {PHOTOS: state.length(PHOTOS), **state.files()}.items():
        if length.bytes:
            yield Source(name, strike_photo if name == PHOTOS else strike_any, length)
    for place in (UPDATES, HISTORY):
        for path in sorted((folder / place).glob("*")):
            name = f"{place}/{path.name}"
            if is_put_away(name) and not path.is_symlink():
                _check_put_away(path, name, manifest)
                yield Source(name, strike_photo if place == UPDATES else strike_any)
    if (folder / DAMAGED).is_file():
        yield Source(DAMAGED, strike_damaged)


def _check_put_away(path: Path, name: str, manifest: Manifest | None) -> None:
    entry = manifest.put_away.get(name) if manifest else None
    if entry is not None and not entry.harmed and hash_file(path).sha256 != entry.sha256:
        raise damaged(path, f"does not have the sha256 that {MANIFEST} tells")


def find_struck(folder: Path, source: Source, ids: Collection[int]) -> Removed:
    """Read a file through, and tell what is to go."""
    struck = Removed(source.name)
    for line in _read(folder, source):
        _, found = _strike(folder, source, line, ids)
        if found:
            struck.ids |= found
            struck.lines += 1
    return struck


def write_without(folder: Path, scratch: Path, source: Source, ids: Collection[int]) -> tuple[Length, list[bytes]]:
    """Write what is left of a file into `scratch`; its length, and the lines that have changed."""
    target = scratch / source.name
    target.parent.mkdir(exist_ok=True)
    size = lines = 0
    changed = []
    with ExitStack() as stack:
        file = stack.enter_context(open(create_file(target, find_mode(folder)), "wb", 1 << 20))  # noqa: PTH123
        out: IO[bytes] | Any = stack.enter_context(zstd.open(file, "wb")) if _is_packed(source.name) else file
        for line in _read(folder, source):
            kept, found = _strike(folder, source, line, ids)
            out.write(kept)
            size, lines = size + len(kept), lines + bool(kept)
            if kept and found:
                changed.append(kept)
        if out is not file:
            out.close()
        file.flush()
        sync_file(file.fileno(), target)
    return Length(size, lines), changed


def write_part_without(folder: Path, scratch: Path, source: Source, part: Part, ids: Collection[int]) -> Part | None:
    """Write what is left of a closed part into `scratch`, as its next generation; None where nothing is left."""
    name = name_next(part.name)
    with PartWriter(scratch / name, name=name) as writer:
        for line in _read(folder, source):
            kept, _ = _strike(folder, source, line, ids)
            if kept:
                writer.write(kept)
        return writer.finish() if writer.lines else None


def _strike(folder: Path, source: Source, line: bytes, ids: Collection[int]) -> tuple[bytes, set[int]]:
    try:
        return source.strike(line, ids)
    except (ValueError, AttributeError):
        raise damaged(folder / source.name, "holds a line that cannot be read") from None


def _is_packed(name: str) -> bool:
    return name.endswith(".zst")


def _read(folder: Path, source: Source) -> Iterator[bytes]:
    path = folder / source.name
    if source.part is not None:
        yield from take_part(path, source.part)
        return
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | NO_FOLLOW), "rb", 1 << 20) as file:  # noqa: PTH123
        if source.length is not None:
            proof = Proof(path, source.length.bytes)
            yield from proof.read(islice(file, source.length.lines))
            proof.check()
        elif not _is_packed(source.name):
            yield from file
        else:
            try:
                with zstd.open(file, "rb") as lines:
                    yield from lines
            except (zstd.ZstdError, EOFError):
                raise damaged(path, "cannot be unpacked") from None


def is_list(name: str) -> bool:
    """Whether the checkpoint knows the checksums of this file's lines by file and id."""
    return name not in (PHOTOS, CHANGES, DAMAGED) and "/" not in name and not is_part(name)
