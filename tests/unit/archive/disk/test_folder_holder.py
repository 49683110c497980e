"""Whoever meets a locked archive is told which process is at it, since when and on which machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harvester.archive.disk.holder import Holder, decode_holder, encode_holder
from harvester.archive.disk.layout import LOCK, check_not_foreign
from harvester.archive.disk.lock import find_holder, lock_folder
from harvester.errors import CannotWrite

AT = 1_700_000_000


def test_the_process_that_holds_the_lock_is_found(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        holder = find_holder(tmp_path)
        assert holder is not None
        assert (holder.pid, holder.host) == (os.getpid(), None)
        assert holder.sentence == f"Process {os.getpid()} is at it, since {holder.since}."


def test_a_lock_that_a_dead_process_left_has_no_holder(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        pass
    assert (tmp_path / LOCK).stat().st_size > 0
    assert find_holder(tmp_path) is None


def test_a_process_of_another_machine_is_told_with_that_machine(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        (tmp_path / LOCK).write_bytes(encode_holder(4711, at=AT, host="build 3/é"))
        holder = find_holder(tmp_path)
        assert holder is not None
        assert holder.sentence == "Process 4711 on build-3-- is at it, since 2023-11-14T22:13:20Z."
        told = r"in use by another harvester \(pid 4711 on build-3--\)"
        with pytest.raises(CannotWrite, match=told), lock_folder(tmp_path):
            pass


@pytest.mark.parametrize(
    ("content", "holder"),
    [
        (b"12345\n", Holder(12345)),  # of an earlier version
        (encode_holder(7, at=AT, host=""), Holder(7, "2023-11-14T22:13:20Z")),
        (encode_holder(7, at=AT, host="here"), Holder(7, "2023-11-14T22:13:20Z")),
        (b"", Holder()),
        (b"somebody's notes", Holder()),
    ],
)
def test_what_a_lock_file_tells(content: bytes, holder: Holder) -> None:
    assert decode_holder(content, host="here") == holder


def test_a_lock_of_a_killed_harvester_is_no_foreign_file(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_bytes(encode_holder(2**40, at=AT, host="h" * 200))
    check_not_foreign(tmp_path, is_stream=False)
    assert find_holder(tmp_path) is None


def test_a_holder_that_cannot_be_read_is_another_harvester() -> None:
    assert Holder().sentence == "Another harvester is at it."
