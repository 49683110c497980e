"""The folder in which an update is prepared: `.update` within the archive, of use until the update is folded."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import orjson

from harvester.archive import STATE
from harvester.state import State

UPDATE = ".update"
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
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as db:
            row = db.execute("SELECT value FROM meta WHERE name = ?", (ID,)).fetchone()
        return None if row is None else str(orjson.loads(row[0]))
    except (sqlite3.Error, orjson.JSONDecodeError, OSError):
        return None
