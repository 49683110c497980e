"""One writer at a time, also where `.lock` is removed or the folder itself cannot be locked."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from harvester.archive.disk.layout import LOCK
from harvester.archive.disk.lock import lock_folder
from harvester.errors import CannotWrite


@pytest.fixture
def _folders_without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems that lock files alone."""
    honest = fcntl.flock

    def flock(number: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        honest(number, operation)

    monkeypatch.setattr(fcntl, "flock", flock)


def test_removing_the_lock_file_lets_no_second_writer_in(tmp_path: Path) -> None:
    with lock_folder(tmp_path) as lock:
        (tmp_path / LOCK).unlink()
        with pytest.raises(CannotWrite, match="in use by another harvester"), lock_folder(tmp_path):
            pass
        lock.check()  # the folder's own lock is still held, so the first goes on


def test_the_folder_is_free_once_its_writer_has_gone(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        pass
    with lock_folder(tmp_path) as lock:
        lock.check()


@pytest.mark.usefixtures("_folders_without_locks")
def test_without_a_lock_on_the_folder_the_lock_file_keeps_others_out(tmp_path: Path) -> None:
    with lock_folder(tmp_path) as lock:
        with pytest.raises(CannotWrite, match="in use by another harvester"), lock_folder(tmp_path):
            pass
        lock.check()


@pytest.mark.usefixtures("_folders_without_locks")
@pytest.mark.parametrize("is_replaced", [False, True])
def test_without_a_lock_on_the_folder_a_lost_lock_file_stops_the_writer(tmp_path: Path, *, is_replaced: bool) -> None:
    with lock_folder(tmp_path) as lock:
        (tmp_path / LOCK).rename(tmp_path / "taken away")
        if is_replaced:
            (tmp_path / LOCK).touch()
        with pytest.raises(CannotWrite, match="was removed or replaced during the run"):
            lock.check()
