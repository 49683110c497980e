"""The files of an archive that a bag takes, each copied and held against what the manifest says of it."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.disk.files import cannot_write, sync_file
from harvester.archive.disk.layout import (
    DAMAGED,
    ERRORS,
    HISTORY,
    MANIFEST,
    NO_FOLLOW,
    STATE,
    UPDATES,
    WITHDRAWN,
    is_put_away,
)
from harvester.archive.disk.modes import create_file
from harvester.archive.folder import damaged
from harvester.archive.manifest import FilePrefix
from harvester.curation.account import ArchiveAccount
from harvester.curation.tags import Filed
from harvester.errors import UsageError

_CHUNK = 1 << 20
_BESIDE = (ERRORS, DAMAGED, MANIFEST, WITHDRAWN)
"""Published files that no manifest speaks of."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file to be taken: so many bytes of it, all where `size` is None, which begin with what is `known`."""

    name: str
    size: int | None = None
    known: FilePrefix | None = None


def list_items(folder: Path, account: ArchiveAccount) -> list[Item]:
    """The files that count, by name. CannotWrite where the manifest and the checkpoint tell otherwise of one."""
    items = (*_list_parts(account), *_list_data(folder, account), *_list_others(folder, account))
    return sorted(items, key=lambda item: item.name)


def _list_parts(account: ArchiveAccount) -> Iterator[Item]:
    for part in account.parts:
        yield Item(part.name, part.bytes, FilePrefix(part.bytes, part.sha256))


def _list_data(folder: Path, account: ArchiveAccount) -> Iterator[Item]:
    manifest = account.manifest
    for name in {**manifest.files, **account.lengths}:
        entry, size = manifest.files.get(name), account.lengths.get(name, 0)
        if manifest.is_ended and (entry is None or entry.bytes != size):
            raise damaged(
                folder / name, f"has {entry and entry.bytes} bytes in {MANIFEST} and {size} in the checkpoint"
            )
        if size or (folder / name).exists():
            yield Item(name, size, entry.beginning if entry else None)


def _list_others(folder: Path, account: ArchiveAccount) -> Iterator[Item]:
    known = account.manifest.put_away
    found = {f"{place}/{path.name}" for place in (UPDATES, HISTORY) for path in (folder / place).glob("*")}
    for name in {*filter(is_put_away, found), *known}:
        entry = known.get(name)
        if entry is None or not entry.harmed:
            yield Item(name, None if entry is None else entry.bytes, entry)
        elif name in found:
            yield Item(name)
    yield from (Item(name) for name in _BESIDE if (folder / name).exists())


def measure(folder: Path, item: Item) -> int:
    """The bytes that are to be taken; 0 where that is not known before the file is opened."""
    if item.size is not None:
        return item.size
    try:
        return (folder / item.name).stat().st_size
    except OSError:
        return 0


def copy_item(
    folder: Path, item: Item, target: Path, *, mode: int, link: bool, on_read: Callable[[int], object] = lambda _: None
) -> Filed:
    """Copy a file, or link it where it can be linked, and take its sha256; CannotWrite where it is another one.

    `on_read` hears how many bytes of it were read so far.
    """
    try:
        source = os.open(folder / item.name, os.O_RDONLY | os.O_CLOEXEC | NO_FOLLOW)
    except OSError as error:
        raise damaged(folder / item.name, f"cannot be read ({error.strerror})") from None
    with open(source, "rb") as file:  # noqa: PTH123 - a descriptor
        is_whole = item.size in (None, os.fstat(source).st_size)
        if link and is_whole and _link(folder / item.name, target):
            return _read_through(folder, item, _follow(_read(file.fileno(), item), on_read), target=None)
        try:
            with open(create_file(target, mode), "wb") as copy:  # noqa: PTH123 - a descriptor
                filed = _read_through(folder, item, _follow(_read(source, item), on_read), target=copy.fileno())
                sync_file(copy.fileno(), target)
        except OSError as error:
            raise cannot_write(target, error) from None
        return filed


def _link(source: Path, target: Path) -> bool:
    """Whether it could be linked: not to another disk, and not everywhere."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            return False
        raise cannot_write(target, error) from None
    return True


def _read(source: int, item: Item) -> Iterator[bytes]:
    left = item.size
    while part := _read_part(source, _CHUNK if left is None else min(left, _CHUNK), item):
        left = None if left is None else left - len(part)
        yield part


def _follow(parts: Iterator[bytes], on_read: Callable[[int], object]) -> Iterator[bytes]:
    done = 0
    for part in parts:
        yield part
        done += len(part)
        on_read(done)


def _read_part(source: int, most: int, item: Item) -> bytes:
    try:
        return os.read(source, most)
    except OSError as error:
        raise UsageError(f"{item.name} cannot be read: {error.strerror}.") from None


def _read_through(folder: Path, item: Item, parts: Iterator[bytes], *, target: int | None) -> Filed:
    digest, beginning, size = hashlib.sha256(), hashlib.sha256(), 0
    for part in parts:
        digest.update(part)
        if item.known is not None:
            beginning.update(part[: max(item.known.bytes - size, 0)])
        rest = memoryview(part)
        while target is not None and rest:
            rest = rest[os.write(target, rest) :]
        size += len(part)
    if item.size not in (None, size):
        raise damaged(folder / item.name, f"has {size} bytes where {item.size} count")
    if item.known is not None and beginning.hexdigest() != item.known.sha256:
        raise damaged(folder / item.name, f"does not have the sha256 that {MANIFEST} tells")
    return Filed(f"data/{item.name}", size, digest.hexdigest())


def copy_checkpoint(folder: Path, target: Path, *, mode: int) -> Filed:
    """The checkpoint as one file, whatever a kill has left beside it; UsageError where there is none."""
    os.close(create_file(target, mode))
    try:
        with open_archive_to_read(folder) as state, closing(sqlite3.connect(target)) as copy:
            state.connection.backup(copy)
        with target.open("rb") as file:
            sync_file(file.fileno(), target)
            size, digest = os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256")
    except sqlite3.Error as error:
        raise damaged(folder / STATE, f"cannot be copied ({error})") from None
    except OSError as error:
        raise cannot_write(target, error) from None
    return Filed(f"data/{STATE}", size, digest.hexdigest())
