"""The ways in which SQLite can keep a checkpoint, best first: each file system refuses others of its calls.

A write-ahead log needs memory that processes share through a file, which network file systems do not have
(https://sqlite.org/wal.html, "All processes using a database must be on the same host computer"). Without locks of its
own SQLite is safe here all the same: the archive's folder is locked, and one thread of one process writes.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

_REFUSED = frozenset(
    f"SQLITE_{name}"
    for name in (
        "IOERR_SHMMAP IOERR_SHMOPEN IOERR_SHMSIZE IOERR_SHMLOCK IOERR_LOCK IOERR_RDLOCK IOERR_UNLOCK "
        "IOERR_CHECKRESERVEDLOCK IOERR_FSYNC IOERR_DIR_FSYNC IOERR_TRUNCATE PROTOCOL PERM NOLFS READONLY_CANTINIT"
    ).split()
)
"""SQLite's names for calls that the file system does not have. Full and broken disks have other names."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to keep a checkpoint. `lapse` says what is done without."""

    vfs: str = ""
    journal: str = "WAL"
    synchronous: str = "NORMAL"
    lapse: str = ""

    @property
    def shares_memory(self) -> bool:
        """Whether other processes may read while one writes, each with its own view."""
        return self.journal == "WAL"

    def name(self, path: Path, arguments: str = "") -> str:
        """The database as SQLite's address."""
        wanted = "&".join(filter(None, (arguments, self.vfs and f"vfs={self.vfs}")))
        return f"{path.absolute().as_uri()}?{wanted}"


WAYS = (
    Way(),
    Way(journal="TRUNCATE", synchronous="FULL", lapse="Processes share no memory there, which slows the checkpoint"),
    Way(
        "unix-none",
        "TRUNCATE",
        "FULL",
        "Files cannot be locked in part there: looking at the archive while a harvest runs may fail",
    ),
    Way(
        "unix-none",
        "PERSIST",
        "FULL",
        "Files can neither be locked in part nor be cut there: looking at the archive while a harvest runs may fail",
    ),
    Way("unix-none", "PERSIST", "OFF", "Nothing can be brought to the disk at once there: a power cut may cost it"),
)


def is_refused(error: sqlite3.Error, path: Path) -> bool:
    """Whether SQLite misses a call of the file system, so that another way may work."""
    name = getattr(error, "sqlite_errorname", "")
    return name in _REFUSED or (name == "SQLITE_BUSY" and not _has_locks(path.parent))


def _has_locks(folder: Path) -> bool:
    """Whether files there can be locked. SQLite tells a want of locks (ENOLCK) as it tells a lock that is held."""
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # nobody else knows this file, so that even "it is locked" means that there are no locks
            return False
    return True
