"""What the file system of a folder can do, tried with a file that has no name there."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from pathlib import Path

from harvester.filesystem.limitations import is_unsupported

_NO_LOCKS = (errno.EACCES, errno.EAGAIN)
"""These mean "another process has locked it" of a file that others know."""

_SIZE = 1 << 16
"""Bytes that a probe writes: more than SQLite needs at once, which is 32 kB for the memory that processes share."""


def find_fault(folder: Path) -> OSError | None:
    """What keeps files from being written there: no room, a broken disk, a share that is gone. None where nothing does.

    A sync that the file system does not have is no fault. The system may tell of a want of room only when the file is
    synced or closed (NFS, write(2)).
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_SIZE))
            file.flush()
            _sync(file.fileno())
    except OSError as error:
        return error
    return None


def _sync(file: int) -> None:
    try:
        os.fsync(file)
    except OSError as error:
        if not is_unsupported(error):
            raise


def has_locks(folder: Path) -> bool:
    """Whether parts of files can be locked there. Only the file system can refuse the lock of a file without a name.

    SMB without such locks answers EACCES, NFS without a lock daemon ENOLCK (fcntl(2)).
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return _can_lock(file.fileno())
    except OSError:  # no file can be made there, which says nothing on locks
        return True


def _can_lock(file: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return not is_unsupported(error, or_one_of=_NO_LOCKS)
    return True
