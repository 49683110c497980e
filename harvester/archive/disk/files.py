"""The files of an archive: appended to, synced, cut back to the committed length."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harvester.archive.disk.layout import NO_FOLLOW, find_archive
from harvester.archive.disk.modes import create_file, find_mode
from harvester.errors import CannotWrite
from harvester.filesystem.limitations import LIMITATIONS, is_unsupported
from harvester.flickr.lenient_json import dump
from harvester.text.words import name_count

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """The sentence for a failed write."""
    reason = error.strerror or type(error).__name__
    return CannotWrite(f"Cannot write {path}: {reason}. Mend that, then run the same command again to go on.")


def damaged(path: Path, what: str) -> CannotWrite:
    """The sentence for a file that is not what was written."""
    return CannotWrite(
        f"{path} {what}: the file was changed or cut. `harvester repair {find_archive(path)}` keeps every good line, "
        "and `harvester resume` then fetches what was lost."
    )


class Appender:
    """One file, written only at its end. `length` counts the bytes of the whole lines in it."""

    def __init__(self, path: Path, *, length: int, write: Callable[[int, bytes], int] = os.write) -> None:
        """Opens the file and cuts off what lies behind `length`; CannotWrite where it is shorter than that."""
        self.path = path
        self.length = length
        self._write = write
        self._open(length)

    def _open(self, length: int) -> None:
        path = self.path
        try:
            is_new = not path.exists()
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | NO_FOLLOW, find_mode(path.parent))
        except OSError as error:
            raise cannot_write(path, error) from None
        try:
            _check_size(path, os.fstat(self._file).st_size, length)
            self.cut(length)
            if is_new:  # POSIX: syncing a file does not have to bring its name to the disk
                sync_folder(path.parent)
        except BaseException as error:
            os.close(self._file)
            if isinstance(error, OSError):
                raise cannot_write(path, error) from None
            raise

    def __repr__(self) -> str:
        return f"<Appender {self.path.name} {self.length} bytes>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def reopen(self, length: int) -> None:
        """Go on with the file that has taken this one's place, behind its first `length` bytes. Errors as at first."""
        before = self._file
        try:
            self._open(length)
        except BaseException:
            self._file = before
            raise
        os.close(before)

    def append(self, data: bytes) -> None:
        """Write and sync whole lines; after a failure the file is cut back to what it was."""
        before = self.length
        self.write(data)
        try:
            self.sync()
        except CannotWrite:
            with suppress(CannotWrite):
                self.cut(before)
            raise

    def write(self, data: bytes) -> None:
        """Write whole lines, which `sync` is to bring to the disk.

        After a failure none of them is there, or they are cut off when the file is opened again.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._write(self._file, rest) :]  # type: ignore[arg-type]
        except OSError as error:
            with suppress(CannotWrite):
                self.cut(self.length)
            raise cannot_write(self.path, error) from None
        self.length += len(data)

    def sync(self) -> None:
        """Bring all that was written to the disk. CannotWrite where that fails, or where the file was removed."""
        try:
            if not self.path.exists():
                raise FileNotFoundError(2, "the file was removed")
            sync_file(self._file, self.path, first=_sync)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def cut(self, length: int) -> None:
        """Take off what lies behind so many bytes."""
        self.length = length
        try:
            os.lseek(self._file, length, os.SEEK_SET)
            if os.fstat(self._file).st_size > length:
                os.ftruncate(self._file, length)
        except OSError as error:
            raise cannot_write(self.path, error) from None


def _check_size(path: Path, size: int, length: int) -> None:
    if size < length:
        raise CannotWrite(
            f"{path} has {name_count(size, 'byte')} where the checkpoint has {length:,}: the file was changed or cut. "
            f"`harvester repair {find_archive(path)}` keeps every good line; `harvester resume` fetches the rest."
        )


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once: readers, and whoever comes after a power cut, see the old one or the new one."""
    part = path.with_name(path.name + ".part")
    try:
        with open(create_file(part), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
            file.flush()
            sync_file(file.fileno(), part)
        put_in_place(part, path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise cannot_write(path, error) from None


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replace a file by so many lines of JSON; no file where there is none."""
    if rows:
        write_whole(path, b"".join(dump(row) + b"\n" for row in rows))
    else:
        remove_files([path])


def remove_files(paths: Iterable[Path]) -> None:
    """Remove files, those that are there."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from None


_NOT_OVER = (errno.EEXIST, errno.EACCES)
"""What file systems answer that move a file, but not over another: DrvFs and some of FUSE, and SMB where it is open."""


def put_in_place(source: Path, target: Path) -> None:
    """Let a file take another's place, at once where the file system can replace files."""
    try:
        source.replace(target)
    except OSError as error:
        if not is_unsupported(error, or_one_of=_NOT_OVER) or target.is_dir():
            raise
    else:
        return
    LIMITATIONS.note("Files cannot be replaced there at once, and are written over", target)
    with source.open("rb") as old, open(create_file(target), "wb") as new:  # noqa: PTH123 - a descriptor
        shutil.copyfileobj(old, new, 1 << 20)
        new.flush()
        sync_file(new.fileno(), target)
    source.unlink()


def sync_file(number: int, path: Path, *, first: Callable[[int], None] | None = None) -> None:
    """Bring an open file to the disk, by the call `first` if the file system has that."""
    for sync in (first or os.fsync, os.fsync):
        try:
            sync(number)
        except OSError as error:
            if not is_unsupported(error):
                raise
        else:
            return
    LIMITATIONS.note("Nothing can be brought to the disk at once there: a power cut may cost the last lines", path)


def sync_folder(folder: Path) -> None:
    """Have the folder's entries on the disk, where the file system can: SMB, for one, cannot."""
    try:
        file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        if not is_unsupported(error, or_one_of=(errno.EACCES,)):
            raise
        LIMITATIONS.note("Folders cannot be synced there: a power cut may cost the newest files", folder / "x")
