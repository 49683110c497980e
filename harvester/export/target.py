"""Where an export goes: standard output, or a file or folder that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from harvester.archive.disk.files import put_in_place, sync_file, sync_folder
from harvester.archive.disk.layout import MANIFEST, PHOTOS, STATE
from harvester.archive.disk.modes import create_file
from harvester.errors import CannotWrite, UsageError

PART = "photos.parquet"
"""The file in a folder of a year."""

_OLD = ".old"
"""Of the name of a folder that is being replaced."""


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
    foreign = [each.name for each in path.iterdir() if not _is_partition(each)] if path.is_dir() else []
    if foreign:
        raise UsageError(
            f"{path} holds {min(foreign)}, which is no part of an export: name another folder.", field=field
        )


def _is_partition(path: Path) -> bool:
    is_folder = path.match("year=*") and path.is_dir() and not path.is_symlink()
    return is_folder and all(each.name == PART and each.is_file() for each in path.iterdir())


def is_special(path: Path) -> bool:
    """Whether a pipe, a device or the like is there: it is written to, not replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _find_part(path: Path) -> Path:
    """A name of its own for each export: two of them may have the same target. What killed ones left is cleared."""
    for left in sorted(path.parent.glob(f".{escape(path.name)}.*-*.*"), key=_find_time, reverse=True):
        number = left.name.removeprefix(f".{path.name}.").partition("-")[0]
        if left.suffix in (".part", _OLD) and number.isdecimal() and not _is_running(int(number)):
            _clear(left, path)
    return path.with_name(f".{path.name}.{os.getpid()}-{token_hex(4)}.part")


def _find_time(path: Path) -> int:
    """When a file or a folder was changed last, in nanoseconds; 0 where it has gone."""
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return 0


def _clear(left: Path, path: Path) -> None:
    """A part is removed. So is a folder that was moved out of the way, but where nothing has taken its place."""
    if left.suffix == _OLD and not path.exists():
        with suppress(OSError):
            left.rename(path)
        return
    _remove(left)


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()


@contextmanager
def open_path(path: Path, *, mode: int) -> Iterator[Path]:
    """Where to write a file that takes its place at the end of the block; after an error nothing is left of it.

    A link is followed.
    """
    real = path.resolve()
    part = _find_part(real)
    with _tell(path, part):
        os.close(create_file(part, mode))
        yield part
        _sync(part)
        put_in_place(part, real)
        sync_folder(real.parent)


@contextmanager
def open_target(path: Path, *, mode: int) -> Iterator[BinaryIO]:
    """The same, open to be written. What is no regular file is written to where it is."""
    if is_special(path):
        with _tell(path, None), path.open("wb") as file:
            yield file
        return
    with open_path(path, mode=mode) as part, part.open("r+b") as file:
        yield file


@contextmanager
def open_folder(path: Path, *, mode: int) -> Iterator[Path]:
    """A folder to write files into, in its place from the end of the block on; after an error nothing is left of it.

    `mode` is that of the files: where others may not read them, they may not look into the folder.
    """
    real = path.resolve()
    part = _find_part(real)
    with _tell(path, part):
        part.mkdir(0o777 if mode & 0o077 else 0o700)
        yield part
        for file in part.rglob("*"):
            _sync(file)
        _replace(part, real)
        sync_folder(real.parent)


@contextmanager
def _tell(path: Path, part: Path | None) -> Iterator[None]:
    """Remove the part after an error, and tell of the target."""
    try:
        yield
    except BaseException as error:
        if part is not None:
            _remove(part)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise cannot_write(path, error) from None
        raise


def _sync(path: Path) -> None:
    if path.is_dir():
        sync_folder(path)
        return
    with path.open("rb") as file:
        sync_file(file.fileno(), path)


def _replace(part: Path, path: Path) -> None:
    """Put a folder in the place of another one. Another export may do the same at this moment: the last one stays."""
    old = part.with_suffix(_OLD)
    while True:
        with suppress(FileNotFoundError):
            path.rename(old)
        try:
            part.rename(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                with suppress(OSError):
                    old.rename(path)
                raise
        else:
            break
        finally:
            if path.exists():
                _remove(old)


class StandardOutput:
    """Standard output, as far as an export needs a file."""

    def write(self, data: bytes) -> int:
        """Write all bytes. BrokenPipeError where nobody reads any more."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CannotWrite(f"Cannot write to standard output: {error.strerror}.") from None
        return len(data)
