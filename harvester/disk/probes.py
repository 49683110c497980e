"""What the file system of a folder can do, tried with a file that has no name there."""

from __future__ import annotations

import errno
import fcntl
import tempfile
from pathlib import Path

from harvester.disk.lapses import is_unsupported

_NO_LOCKS = (errno.EACCES, errno.EAGAIN)
"""These mean "another process has locked it" of a file that others know."""


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
