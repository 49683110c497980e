"""A checkpoint is kept on file systems that lack calls which SQLite likes to have."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from pathlib import Path

import pytest

from harvester.archive.checkpoint.facts import JobFacts
from harvester.archive.checkpoint.state import State
from harvester.errors import CannotWrite
from harvester.filesystem.limitations import LIMITATIONS
from harvester.filesystem.sqlite_modes import SQLITE_MODES, is_refused, list_other_modes


def refuse_first(monkeypatch: pytest.MonkeyPatch, ways: int, name: str) -> None:
    """Have SQLite fail with an error of this name in the first so many ways."""
    honest = State._prepare

    def prepare(state: State, *, lasting: bool) -> None:
        if state._mode in SQLITE_MODES[:ways]:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = name
            raise error
        honest(state, lasting=lasting)

    monkeypatch.setattr(State, "_prepare", prepare)


@pytest.mark.parametrize(("ways", "journal"), [(0, "wal"), (1, "truncate"), (2, "truncate"), (3, "persist")])
def test_the_next_way_is_taken_where_the_file_system_refuses_a_call(
    ways: int, journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_first(monkeypatch, ways, "SQLITE_IOERR_SHMMAP")
    LIMITATIONS.take()
    for _ in range(2):  # what was written in one mode is read in the same
        with State(tmp_path / "state.sqlite") as state, state.changing():
            state.note(JobFacts(begun="2026-01-01T00:00:00Z"))
            assert state._db.execute("PRAGMA journal_mode").fetchone() == (journal,)
    assert len(LIMITATIONS.take()) == (1 if ways else 0)


def test_a_full_disk_is_no_reason_for_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_first(monkeypatch, 1, "SQLITE_FULL")
    with pytest.raises(CannotWrite, match="disk I/O error"):
        State(tmp_path / "state.sqlite")


def test_errors_of_other_kinds_are_not_refusals(tmp_path: Path) -> None:
    assert not is_refused(sqlite3.DatabaseError("file is not a database"), tmp_path, may_write=True)


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EACCES, errno.EINVAL])
def test_a_lock_that_the_file_system_refuses_is_not_taken_for_one_that_is_held(
    error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorname = "SQLITE_BUSY"
    assert list_other_modes(busy, tmp_path, may_write=False) == SQLITE_MODES
    monkeypatch.setattr(fcntl, "lockf", refuse)
    assert list_other_modes(busy, tmp_path, may_write=False) == SQLITE_MODES[2:]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("refused", [0, 1])
def test_a_lock_that_another_holds_is_met_where_there_are_locks(
    refused: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_first(monkeypatch, refused, "SQLITE_IOERR_SHMMAP")
    path = tmp_path / "state.sqlite"
    State(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    monkeypatch.setattr("harvester.archive.checkpoint.database.PATIENCE", 0)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CannotWrite, match="database is locked"):
        State(path)
    holder.close()
    State(path).close()


@pytest.mark.parametrize("name", ["IOERR_SHMSIZE", "IOERR_FSYNC", "IOERR_TRUNCATE", "IOERR_WRITE", "FULL", "CANTOPEN"])
def test_a_disk_that_fails_is_named_and_is_no_reason_for_another_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    refuse_first(monkeypatch, 1, f"SQLITE_{name}")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CannotWrite, match=r"state\.sqlite: Disk quota exceeded\. Mend that"):
        State(tmp_path / "state.sqlite")


def test_whoever_reads_tries_no_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    monkeypatch.setattr("harvester.filesystem.sqlite_modes.find_fault", lambda _: pytest.fail("it has written"))
    assert list_other_modes(error, tmp_path, may_write=False) == SQLITE_MODES[1:]
