"""The ways in which SQLite can keep a checkpoint, best first: each file system refuses others of its calls.

A write-ahead log needs memory that processes share through a file, which network file systems do not have
(https://sqlite.org/wal.html, "All processes using a database must be on the same host computer"). Without locks of its
own SQLite is safe here all the same: the archive's folder is locked, and one thread of one process writes.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from harvester.filesystem.probes import find_fault, has_locks

_REFUSED = frozenset(
    f"SQLITE_{name}"
    for name in (
        "IOERR_SHMMAP IOERR_SHMOPEN IOERR_SHMSIZE IOERR_SHMLOCK IOERR_LOCK IOERR_RDLOCK IOERR_UNLOCK "
        "IOERR_CHECKRESERVEDLOCK IOERR_FSYNC IOERR_DIR_FSYNC IOERR_TRUNCATE PROTOCOL PERM NOLFS READONLY_CANTINIT"
    ).split()
)
"""SQLite's names for calls that the file system does not have. Some are also names for a disk that is full or
broken, and for a share that is gone."""

_OF_THE_DISK = ("SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", *sorted(_REFUSED))
"""How SQLite's names for what the disk does begin."""


@dataclass(frozen=True, slots=True)
class SqliteMode:
    """A mode to keep a checkpoint. `limitation` says what is done without."""

    vfs: str = ""
    journal: str = "WAL"
    synchronous: str = "NORMAL"
    limitation: str = ""

    @property
    def needs_locks(self) -> bool:
        """Whether SQLite locks parts of the file."""
        return not self.vfs

    @property
    def shares_memory(self) -> bool:
        """Whether other processes may read while one writes, each with its own view."""
        return self.journal == "WAL"

    def name(self, path: Path, arguments: str = "") -> str:
        """The database as SQLite's address."""
        wanted = "&".join(filter(None, (arguments, self.vfs and f"vfs={self.vfs}")))
        return f"{path.absolute().as_uri()}?{wanted}"


SQLITE_MODES = (
    SqliteMode(),
    SqliteMode(
        journal="TRUNCATE", synchronous="FULL", limitation="Processes share no memory there, which slows the checkpoint"
    ),
    SqliteMode(
        "unix-none",
        "TRUNCATE",
        "FULL",
        "Files cannot be locked in part there: looking at the archive while a harvest runs may fail",
    ),
    SqliteMode(
        "unix-none",
        "PERSIST",
        "FULL",
        "Files can neither be locked in part nor be cut there: looking at the archive while a harvest runs may fail",
    ),
    SqliteMode(
        "unix-none", "PERSIST", "OFF", "Nothing can be brought to the disk at once there: a power cut may cost it"
    ),
)


def list_other_modes(error: sqlite3.Error, folder: Path, *, may_write: bool) -> tuple[SqliteMode, ...]:
    """The ways to try where the first one has failed at once with this error, best first; none where none can help.

    SQLite takes some refusals of a lock for a lock that is held. The first mode is tried again, with patience, only
    where the lock can be held.
    """
    if is_locked(error):
        return SQLITE_MODES if has_locks(folder) else tuple(mode for mode in SQLITE_MODES if not mode.needs_locks)
    return SQLITE_MODES[1:] if is_refused(error, folder, may_write=may_write) else ()


def is_refused(error: sqlite3.Error, folder: Path, *, may_write: bool) -> bool:
    """Whether SQLite misses a call of the file system, so that another mode may work.

    A disk that is full or broken fails in the same calls. It is told apart by a file that is written there, where this
    process `may_write` there.
    """
    if is_locked(error):
        return not has_locks(folder)
    return _name(error) in _REFUSED and not (may_write and find_fault(folder))


def name_reason(error: sqlite3.Error, folder: Path) -> str:
    """Why the disk fails, in the system's words, where SQLite's own ("disk I/O error") leave it open."""
    if not _name(error).startswith(_OF_THE_DISK):
        return str(error)
    fault = find_fault(folder)
    return fault.strerror if fault is not None and fault.strerror else str(error)


def is_locked(error: sqlite3.Error) -> bool:
    """Whether SQLite has met a lock, or takes a refusal for one."""
    return _name(error) == "SQLITE_BUSY"


def _name(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
