"""The folder in which an update is prepared: `.update` within the archive, of use until the update is folded."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from harvester.disk.entries import STATE, UPDATE
from harvester.disk.look import open_to_read
from harvester.errors import CannotWrite
from harvester.state import State

__all__ = ["ID", "UPDATE", "is_folded", "is_under_way", "remove_staging"]
ID = "update"
"""Names the update in its own checkpoint; the archive remembers the last one that was folded as `folded`."""


def is_under_way(folder: Path, archive: State) -> bool:
    """Whether an update of this archive was begun and is not yet folded."""
    path = folder / UPDATE / STATE
    return path.is_file() and not is_folded(_read_id(path), archive)


def is_folded(update: str | None, archive: State) -> bool:
    """Whether this is the update that was folded last: what is left of its folder is of no use."""
    return update is not None and update == archive.recall("folded")


def remove_staging(folder: Path) -> None:
    """Remove what an update has left, its checkpoint first.

    What cannot be removed does no harm: the next update knows it by its id, begins anew in it, and tries again.
    """
    staging = folder / UPDATE
    with contextlib.suppress(OSError):
        (staging / STATE).unlink(missing_ok=True)
    shutil.rmtree(staging, ignore_errors=True)


def _read_id(path: Path) -> str | None:
    """The id in an update's checkpoint, which another process may have open; None where it cannot be read."""
    try:
        with open_to_read(path, locked_at=path.parent.parent) as state:
            return str(state.recall(ID))
    except CannotWrite:
        return None
