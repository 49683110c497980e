"""Permissions: the files of an archive take those of its checkpoint, as SQLite's own beside it do.

So an archive that was made with a login, which holds private photos, is its user's alone from the first byte on.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from harvester.archive.disk.layout import NO_FOLLOW, STATE
from harvester.filesystem.limitations import LIMITATIONS

PRIVATE = 0o600
_USUAL = 0o644


def find_mode(folder: Path) -> int:
    """The permissions of a new file in the folder: its checkpoint's, or those of the one above it."""
    for place in (folder, folder.parent):
        with contextlib.suppress(OSError):
            return stat.S_IMODE((place / STATE).lstat().st_mode) & 0o666
    return _USUAL


def create_file(path: Path, mode: int | None = None) -> int:
    """Open a file to write it anew; it is made with these permissions, or those of the archive."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | NO_FOLLOW
    return os.open(path, flags, find_mode(path.parent) if mode is None else mode)


def make_file(path: Path) -> None:
    """Make an empty file with the permissions of the archive, to be opened and written."""
    os.close(create_file(path))


def make_checkpoint_file(path: Path, *, private: bool = False) -> None:
    """Make the file of a checkpoint where there is none, empty, so that it has its permissions from the beginning.

    What fails is told when SQLite opens it.
    """
    with contextlib.suppress(OSError):
        mode = PRIVATE if private else find_mode(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | NO_FOLLOW, mode))
        if private and path.stat().st_mode & 0o077:
            LIMITATIONS.note("It keeps no permissions, so others may be able to read these private photos", path)
