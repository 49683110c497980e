"""A shared folder as a store: each object a file, which appears whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from harvester.archive.disk.files import put_in_place, sync_file, sync_folder
from harvester.archive.disk.layout import NO_FOLLOW
from harvester.errors import Exit, StoreFault
from harvester.filesystem.limitations import LIMITATIONS, is_unsupported
from harvester.objects.store import PIECE, Entry, check_key

_NO_LINKS = (errno.EMLINK, errno.EACCES)
_BATCH = 1000
"""Names of files that a listing reads at once."""

T = TypeVar("T")


class FolderStore:
    """A folder that others may share, over NFS too. `is_private`: nobody else can read what is put there."""

    def __init__(self, root: Path, *, is_private: bool = False) -> None:
        self.root = root
        self._is_private = is_private

    def __repr__(self) -> str:
        return f"<FolderStore {self.root}>"

    @property
    def url(self) -> str:
        """The path."""
        return str(self.root)

    async def check(self, *, make: bool = False) -> None:
        """StoreFault where there is no such folder and none is to be made, or nothing can be read there."""
        if make:
            await self._call(self._make_folder, self.root)
        await self._call(self._check)

    async def put_new(self, key: str, data: bytes | Path) -> bool:
        """Put a file where there is none: a hard link takes the name, or fails, on all machines that share it."""
        path = self._path(key)
        return not await self._call(_is_there, path) and await self._call(self._put, path, data, _link)

    async def put(self, key: str, data: bytes | Path) -> None:
        """Put a file, in the place of any that is there."""
        await self._call(self._put, self._path(key), data, _replace)

    async def get(self, key: str) -> bytes | None:
        """The whole file; None where there is none."""
        return await self._call(_read, self._path(key))

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The file piece by piece: the one that was there at the beginning, though it be replaced."""
        path = self._path(key)
        number = await self._call(_open, path)
        if number is None:
            raise StoreFault(f"{path} is not there.")
        with open(number, "rb", buffering=0) as file:  # noqa: ASYNC230, PTH123 - a descriptor, read in a thread
            while piece := await self._call(file.read, PIECE):
                yield piece

    async def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        """The files below a folder; parts of files that are being written are none."""
        top = self._path(prefix) if prefix else self.root
        found = _walk(top, prefix)
        while batch := await self._call(lambda: list(islice(found, _BATCH))):
            for entry in batch:
                yield entry

    async def head(self, key: str) -> Entry | None:
        """Key and length of a file; None where there is none."""
        size = await self._call(_find_size, self._path(key))
        return None if size is None else Entry(key, size)

    async def delete(self, key: str) -> None:
        """Remove a file, and the folders that it leaves empty."""
        await self._call(self._delete, self._path(key))

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    async def _call(self, act: Callable[..., T], *values: object) -> T:
        """Do it in a thread. StoreFault where the system fails."""
        try:
            return await asyncio.to_thread(act, *values)
        except OSError as error:
            raise _tell(self.root, error) from None

    def _check(self) -> None:
        with os.scandir(self.root) as found:
            next(found, None)

    def _put(self, path: Path, data: bytes | Path, place: Callable[[Path, Path], bool]) -> bool:
        self._make_folder(path.parent)
        part = path.with_name(f".{path.name}.{os.getpid()}-{token_hex(4)}.part")
        try:
            self._write(part, data)
            is_put = place(part, path)
            sync_folder(path.parent)
            return is_put
        finally:
            with suppress(OSError):
                part.unlink()

    def _write(self, part: Path, data: bytes | Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | NO_FOLLOW
        with open(os.open(part, flags, 0o600 if self._is_private else 0o666), "wb") as file:  # noqa: PTH123
            if isinstance(data, bytes):
                file.write(data)
            else:
                with data.open("rb") as source:
                    shutil.copyfileobj(source, file, PIECE)
            file.flush()
            sync_file(file.fileno(), part)

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            with suppress(FileExistsError):
                folder.mkdir(0o700 if self._is_private else 0o777)
            sync_folder(folder.parent)

    def _delete(self, path: Path) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
        for folder in path.parents:
            if not folder.is_relative_to(self.root) or folder == self.root:
                break
            try:
                folder.rmdir()
            except OSError:
                break
        with suppress(FileNotFoundError):
            sync_folder(path.parent)


def _link(part: Path, path: Path) -> bool:
    """Give the part the name as well, where nothing has it: whether that was done.

    Over NFS the answer to a link may be lost and the link asked for again, which then fails though it is there: the
    number of the file's names tells (open(2), O_EXCL).
    """
    try:
        os.link(part, path, follow_symlinks=False)
    except FileExistsError:
        return part.stat().st_nlink == 2
    except OSError as error:
        if not is_unsupported(error, or_one_of=_NO_LINKS):
            raise
    else:
        return True
    LIMITATIONS.note(
        "Files cannot have two names there: of two writers at the same moment both may believe to be first", path
    )
    return not _is_there(path) and _replace(part, path)


def _replace(part: Path, path: Path) -> bool:
    put_in_place(part, path)
    return True


def _is_there(path: Path) -> bool:
    return _find_size(path) is not None


def _find_size(path: Path) -> int | None:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _open(path: Path) -> int | None:
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | NO_FOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(os.fstat(number).st_mode):
        return number
    os.close(number)
    return None


def _read(path: Path) -> bytes | None:
    number = _open(path)
    if number is None:
        return None
    with open(number, "rb") as file:  # noqa: PTH123 - a descriptor
        return file.read()


def _walk(folder: Path, prefix: str) -> Iterator[Entry]:
    """The files below a folder, one after the other; a folder that is removed meanwhile holds none."""
    try:
        found = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with found:
        for each in found:
            key = f"{prefix}/{each.name}" if prefix else each.name
            if each.is_dir(follow_symlinks=False):
                yield from _walk(folder / each.name, key)
            elif each.is_file(follow_symlinks=False) and not each.name.endswith(".part"):
                with suppress(FileNotFoundError):
                    yield Entry(key, each.stat(follow_symlinks=False).st_size)


def _tell(root: Path, error: OSError) -> StoreFault:
    """The sentence, and the exit code of what is wrong."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return StoreFault(f"{root} is no folder that is there: make it, or name another.", exit_code=Exit.USAGE)
    reason = error.strerror or type(error).__name__
    return StoreFault(
        f"Cannot use {error.filename or root}: {reason}. Mend that, then run the same command again.",
        exit_code=Exit.CANNOT_WRITE,
        is_transient=error.errno in (errno.ESTALE, errno.EIO, errno.ETIMEDOUT),
    )
