"""Collects what a file system lacks, so that a run tells each limitation once."""

from __future__ import annotations

import errno
from collections.abc import Collection
from pathlib import Path

UNSUPPORTED = frozenset(
    getattr(errno, name)
    for name in ("EINVAL", "ENOTSUP", "EOPNOTSUPP", "EPERM", "ENOSYS", "ENOTTY", "EBADF", "EISDIR", "ENOLCK", "ENODEV")
)
"""What a file system answers to a call that it does not have: SMB and exFAT to the sync of a folder, DrvFs and FUSE to
changes of modes. A disk that is full, broken or read-only answers otherwise."""


def is_unsupported(error: OSError, *, or_one_of: Collection[int] = ()) -> bool:
    """Whether the file system does not have the call; no fault of the disk, and no want of room."""
    return error.errno in UNSUPPORTED or error.errno in or_one_of


class Limitations:
    """Sentences on what is done without, each told once."""

    def __init__(self) -> None:
        self._known: set[tuple[str, int]] = set()
        self._untold: list[str] = []

    def note(self, what: str, path: Path) -> None:
        """Keep a sentence on the file system that holds this path, once for each of them. `what` has no full stop."""
        try:
            device = path.parent.stat().st_dev
        except OSError:
            device = 0
        if (what, device) not in self._known:
            self._known.add((what, device))
            self._untold.append(f"The file system of {path.parent} lacks something. {what}.")

    def take(self) -> list[str]:
        """The sentences that were not told yet."""
        told, self._untold = self._untold, []
        return told


LIMITATIONS = Limitations()
"""Of this process: a system call has no way to hand a note to whoever watches the run."""
