"""Where an export goes: standard output, or a file or folder that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from harvester.disk.files import put_in_place, sync_file, sync_folder
from harvester.disk.layout import MANIFEST, PHOTOS, STATE
from harvester.disk.modes import create_file
from harvester.errors import CannotWrite, UsageError

_PARTITION = "year=*"


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """The sentence for a failed write."""
    return CannotWrite(
        f"Cannot write {path}: {error.strerror or type(error).__name__}. Mend that, then run the same command again."
    )


def check_target(path: Path, folders: Sequence[Path], *, is_folder: bool, field: str = "output") -> None:
    """UsageError where an export would go into an archive, or in the place of something that is no export."""
    whole = path.resolve()
    for place in (whole, *whole.parents):
        is_archive = any(place == folder.resolve() for folder in folders) or (
            any((place / name).is_file() for name in (STATE, MANIFEST)) and (place / PHOTOS).exists()
        )
        if is_archive:
            raise UsageError(
                f"{path} is in an archive, {place}, in which nothing else is written: name another place.", field=field
            )
    if is_folder:
        _check_folder(path, field)
    elif path.is_dir():
        raise UsageError(f"{path} is a folder: name a file.", field=field)


def _check_folder(path: Path, field: str) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file, and parts need a folder: name another.", field=field)
    foreign = [each.name for each in path.iterdir() if not each.match(_PARTITION)] if path.is_dir() else []
    if foreign:
        raise UsageError(
            f"{path} holds {min(foreign)}, which is no part of an export: name another folder.", field=field
        )


def _find_part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def open_path(path: Path, *, mode: int) -> Iterator[Path]:
    """Where to write a file that takes its place at the end of the block; after an error nothing is left of it."""
    part = _find_part(path)
    try:
        os.close(create_file(part, mode))
        yield part
        _sync(part)
        put_in_place(part, path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise cannot_write(path, error) from None
        raise


@contextmanager
def open_target(path: Path, *, mode: int) -> Iterator[BinaryIO]:
    """The same, open to be written."""
    with open_path(path, mode=mode) as part, part.open("r+b") as file:
        yield file


@contextmanager
def open_folder(path: Path) -> Iterator[Path]:
    """A folder to write files into, in its place from the end of the block on; after an error nothing is left of it."""
    part = _find_part(path)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
        for file in part.rglob("*"):
            _sync(file)
        _replace(part, path)
        sync_folder(path.parent)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from None
        raise


def _sync(path: Path) -> None:
    if path.is_dir():
        sync_folder(path)
        return
    with path.open("rb") as file:
        sync_file(file.fileno(), path)


def _replace(part: Path, path: Path) -> None:
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)


class StandardOutput:
    """Standard output, as far as an export needs a file."""

    def write(self, data: bytes) -> int:
        """Write it all. BrokenPipeError where nobody reads any more."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CannotWrite(f"Cannot write to standard output: {error.strerror}.") from None
        return len(data)
