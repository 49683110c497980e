"""Opens an archive's checkpoint to be read only: nothing is written in the archive.

SQLite makes files beside a database that it reads. So a checkpoint at rest is read as one that nobody can change. One
that a kill has left with a log, or that is of an older format, is copied first and read elsewhere. One that a harvester
is writing at this moment is read beside it, through the files that are there, or, where it writes an older format, from
a copy that SQLite makes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from harvester.archive.checkpoint.database import ReadMode
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import STATE, check_entries, check_files, require_checkpoint
from harvester.archive.disk.lock import is_in_use
from harvester.errors import CannotWrite, UsageError
from harvester.filesystem.folders import make_temporary

_LOGS = (f"{STATE}-wal", f"{STATE}-journal")


@contextmanager
def open_archive_to_read(folder: Path) -> Iterator[State]:
    """The checkpoint of an archive, to be read only; UsageError where there is none."""
    path = folder / STATE
    require_checkpoint(folder)
    check_entries(folder)
    check_files(folder)
    if not path.stat().st_size:
        raise UsageError(f"{folder} remembers no job: it was never begun.")
    with open_to_read(path, locked_at=folder) as state:
        yield state


@contextmanager
def open_to_read(path: Path, *, locked_at: Path) -> Iterator[State]:
    """A checkpoint to be read only, whose writer locks that folder."""
    with ExitStack() as stack:
        yield stack.enter_context(_open(path, locked_at, stack))


def _open(path: Path, locked_at: Path, stack: ExitStack) -> State:
    if is_in_use(locked_at):
        state = State(path, reading=ReadMode.BESIDE)
        return state if state.is_current else _open_backup(state, path, stack)
    if not any(_has_content(path.with_name(name)) for name in _LOGS):
        state = State(path, reading=ReadMode.AT_REST)
        if state.is_current:
            return state
        state.close()
    return _open_copy(path, stack)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _open_copy(path: Path, stack: ExitStack) -> State:
    """A copy in the folder for temporary files: what a kill has left is put in order there."""
    try:
        place = stack.enter_context(make_temporary())
        for name in (STATE, *_LOGS):
            if path.with_name(name).exists():
                shutil.copyfile(path.with_name(name), place / name)
    except OSError as error:
        raise CannotWrite(
            f"{path} must be copied to be looked at, since a harvest of it was cut short, and that fails "
            f"({error.strerror}): set TMPDIR to a folder with room, or resume the harvest first."
        ) from None
    return State(place / STATE, lasting=False, shown=path)


def _open_backup(older: State, path: Path, stack: ExitStack) -> State:
    """What an older harvester is writing at this moment, as it is now, brought to this format elsewhere."""
    place = stack.enter_context(make_temporary()) / STATE
    with older, closing(sqlite3.connect(place)) as copy:
        older.connection.backup(copy)
    return State(place, lasting=False, shown=path)


def locate(folder: Path, state: State, name: str) -> Path:
    """Where a file of the archive is: of an update or a repair that counts, it may be on its way to its place."""
    facts = state.facts
    on_the_way = [known["moves"] for known in (facts.pending_merge, facts.repair) if known is not None]
    for moves in (*on_the_way, facts.closing or ()):
        for source, target in moves:
            if target == name and (folder / source).exists():
                return folder / str(source)
    return folder / name
