"""The folder in which an update is prepared: `.update` within the archive, of use until the update is merged."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from harvester.archive.checkpoint.facts import Depth
from harvester.archive.checkpoint.read_only import open_to_read
from harvester.archive.checkpoint.shallow import has_brought
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.files import cannot_write, sync_folder
from harvester.archive.disk.layout import STATE, UPDATE
from harvester.errors import CannotWrite

__all__ = [
    "UPDATE",
    "clear_merged",
    "find_deepening",
    "is_merged",
    "is_under_way",
    "make_staging",
    "remove_staging",
]


def is_under_way(folder: Path, archive: State) -> bool:
    """Whether an update of this archive was begun and is not yet merged. One to which nothing has come is none."""
    path = folder / UPDATE / STATE
    return path.is_file() and _is_of_use(path, archive)


def is_merged(update: str | None, archive: State) -> bool:
    """Whether this is the update that was merged last: what is left of its folder is of no use."""
    return update is not None and update == archive.facts.merged_update


def make_staging(folder: Path) -> Path:
    """The folder in which an update of an archive is prepared."""
    staging = folder / UPDATE
    try:
        if not staging.is_dir():
            staging.mkdir()
        sync_folder(folder)
    except OSError as error:
        raise cannot_write(staging, error) from None
    return staging


def clear_merged(folder: Path, archive: State) -> None:
    """Remove what is left of an update that was merged to the end."""
    if (folder / UPDATE).exists() and archive.facts.pending_merge is None and not is_under_way(folder, archive):
        remove_staging(folder)


def remove_staging(folder: Path) -> None:
    """Remove what an update has left, its checkpoint first.

    What cannot be removed does no harm: the next update knows it by its id, begins anew in it, and tries again.
    """
    staging = folder / UPDATE
    with contextlib.suppress(OSError):
        (staging / STATE).unlink(missing_ok=True)
    shutil.rmtree(staging, ignore_errors=True)


def find_deepening(folder: Path) -> Depth | None:
    """The depth that a deepening in this archive's folder for updates is to bring; None where there is none."""
    path = folder / UPDATE / STATE
    if not path.is_file():
        return None
    try:
        with open_to_read(path, locked_at=folder) as state:
            return state.facts.target_depth
    except CannotWrite:
        return None


def _is_of_use(path: Path, archive: State) -> bool:
    """Whether an update's checkpoint, which another process may have open, counts; so does one that cannot be read."""
    try:
        with open_to_read(path, locked_at=path.parent.parent) as state:
            is_begun = has_brought(state.connection) if state.facts.target_depth else not state.is_untouched()
            return is_begun and not is_merged(str(state.facts.update), archive)
    except CannotWrite:
        return True
