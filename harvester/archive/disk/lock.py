"""One writer at a time: the lock of an archive's folder. It goes with the process, however that dies.

Two locks are held. The one on the folder itself cannot be lost: nobody can put another folder in its place without
taking the archive away. Linux keeps it on this machine alone where the folder is on a share (no network file system
has a lock operation for folders, so the kernel's own holds). The one on `.lock` reaches other machines on a share that
has locks; the file names the process for whoever meets the lock. Where only `.lock` could be locked, each step looks
whether it is still the same file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harvester.archive.disk.files import cannot_write, sync_folder
from harvester.archive.disk.holder import SIZE, Holder, decode_holder, encode_holder
from harvester.archive.disk.layout import LOCK, NO_FOLLOW, check_entries
from harvester.archive.disk.modes import PRIVATE, find_mode
from harvester.errors import ArchiveBusy, CannotWrite
from harvester.filesystem.limitations import LIMITATIONS

_TRIES, _PAUSE = 20, 0.025
"""Whoever only looks at an archive holds its lock for an instant; that is waited for."""


class FolderLock:
    """The lock of a folder, held."""

    def __init__(self, folder: Path, *, file: int, place: int) -> None:
        self._path = folder / LOCK
        self._file = file
        self._place = place
        self._holds_place = _take(place, folder)
        self._holds_file = _take(file, folder)
        if not self._holds_place and not self._holds_file:
            raise CannotWrite(
                f"{folder} is on a file system without locks, so nothing would keep two harvesters apart there: choose "
                "a folder on a local disk and copy the archive when it is complete, or mount the share with locks."
            )
        if not self._holds_file:
            LIMITATIONS.note("Files cannot be locked there: a harvester on another machine is not noticed", self._path)
        self._write_holder()

    def check(self) -> None:
        """CannotWrite where `.lock` was removed or replaced and nothing else keeps a second writer out."""
        if not self._holds_place and not self._is_same():
            raise CannotWrite(
                f"{self._path} was removed or replaced during the run, so another harvester may be at work there: "
                "this one stops; what the checkpoint has stays. Run the same command again once no other runs."
            )

    def _is_same(self) -> bool:
        try:
            now, held = self._path.lstat(), os.fstat(self._file)
        except OSError:
            return False
        return os.path.samestat(now, held)

    def _write_holder(self) -> None:
        with contextlib.suppress(OSError):  # only messages lack it then
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, encode_holder(os.getpid(), at=time.time(), host=platform.node()), 0)

    def release(self) -> None:
        """Let go of both."""
        for number in (self._file, self._place):
            with contextlib.suppress(OSError):
                fcntl.flock(number, fcntl.LOCK_UN)


@contextmanager
def lock_folder(folder: Path, *, private: bool = False) -> Iterator[FolderLock]:
    """Make the folder and keep other processes out; ArchiveBusy where one is in it, with its pid.

    `private` makes a new folder one that only the user can enter.
    """
    make_folder(folder, private=private)
    check_entries(folder)
    with contextlib.ExitStack() as stack:
        mode = PRIVATE if private else find_mode(folder)
        try:
            place = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, place)
            file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | NO_FOLLOW, mode)
            stack.callback(os.close, file)
        except OSError as error:
            raise cannot_write(folder, error) from None
        lock = FolderLock(folder, file=file, place=place)
        stack.callback(lock.release)
        yield lock


def make_folder(folder: Path, *, private: bool = False) -> None:
    """Make an archive's folder where there is none."""
    try:
        if not folder.is_dir():
            _make_with_parents(folder, 0o700 if private else 0o777)
        elif private and not any(folder.iterdir()):
            with contextlib.suppress(OSError):  # told once a file in it shows what the file system keeps
                folder.chmod(0o700)
    except OSError as error:
        raise cannot_write(folder, error) from None


def _make_with_parents(folder: Path, mode: int) -> None:
    """Make it and have its name on the disk: syncing what is in a folder does not have to bring the folder there."""
    missing = [above for above in folder.parents if not above.is_dir()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=mode, exist_ok=True)
    for made in (folder, *missing):
        sync_folder(made.parent)


def is_in_use(folder: Path) -> bool:
    """Whether a harvester is at work in the folder. Changes nothing there."""
    for path in (folder, folder / LOCK):
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (NO_FOLLOW if path != folder else 0))
        except OSError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            continue
        finally:
            os.close(file)
    return False


@contextmanager
def hold_still(folder: Path) -> Iterator[None]:
    """Keep harvesters out of a folder while it is read; ArchiveBusy where one is in it. Changes nothing there.

    Several readers may hold it. Where the file system has no locks, nothing is held.
    """
    try:
        place = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CannotWrite(f"{folder} cannot be read: {error.strerror}.") from None
    try:
        if is_in_use(folder) or not _take_shared(place):
            raise ArchiveBusy(f"{folder} is in use: {_read_holder(folder).sentence} Wait for it, or stop it.")
        yield
    finally:
        os.close(place)


def _take_shared(place: int) -> bool:
    """Whether no writer has it."""
    try:
        fcntl.flock(place, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def find_holder(folder: Path) -> Holder | None:
    """The process that is at work in the folder; None where there is none. Changes nothing there."""
    return _read_holder(folder) if is_in_use(folder) else None


def _take(number: int, folder: Path) -> bool:
    """Whether the lock is taken; False where the file system has none. CannotWrite where somebody has it."""
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(_PAUSE)
        except OSError:
            return False
        else:
            return True
    holder = _read_holder(folder)
    who = f"pid {holder.pid or 'unknown'}" + (f" on {holder.host}" if holder.host else "")
    raise ArchiveBusy(f"{folder} is in use by another harvester ({who}); wait for it, or stop it.")


def _read_holder(folder: Path) -> Holder:
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | NO_FOLLOW)
    except OSError:
        return Holder()
    try:
        return decode_holder(os.read(file, SIZE), host=platform.node())
    except OSError:  # SMB's locks keep others from reading
        return Holder()
    finally:
        os.close(file)
