"""What the checkpoint has committed is on the disk, whatever fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.archive.disk.files import Appender, write_lines, write_whole
from harvester.errors import CannotWrite


@given(st.integers(0, 60), st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6))
def test_a_disk_that_is_full_at_any_byte_leaves_whole_batches(room: int, batches: list[bytes]) -> None:
    path = Path(os.environ["HARVESTER_STATE_DIR"]) / "full"
    path.unlink(missing_ok=True)
    left = room

    def write(file: int, data: bytes) -> int:
        nonlocal left
        if not left:
            raise OSError(28, "No space left on device")
        written = os.write(file, data[:left])
        left -= written
        return written

    done = b""
    with Appender(path, length=0, write=write) as file:
        for batch in batches:
            try:
                file.append(batch)
            except CannotWrite as error:
                assert "No space left" in str(error)  # noqa: PT017
                break
            done += batch
        assert file.length == len(done)
    assert path.read_bytes() == done


def test_a_file_is_cut_back_to_its_committed_length(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"whole\nhal")
    with Appender(path, length=6) as file:
        file.append(b"next\n")
    assert path.read_bytes() == b"whole\nnext\n"


def test_a_file_shorter_than_its_committed_length_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    with pytest.raises(CannotWrite, match="has 3 bytes where the checkpoint has 6"):
        Appender(tmp_path / "x", length=6)


def test_a_removed_file_stops_the_run(tmp_path: Path) -> None:
    with Appender(tmp_path / "x", length=0) as file:
        (tmp_path / "x").unlink()
        with pytest.raises(CannotWrite, match="removed"):
            file.append(b"line\n")


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file or directory"):
        Appender(tmp_path / "no" / "x", length=0)
    with pytest.raises(CannotWrite, match="No such file or directory"):
        write_whole(tmp_path / "no" / "x", b"")


def test_no_lines_mean_no_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "x", [{"a": 1}])
    assert (tmp_path / "x").read_bytes() == b'{"a":1}\n'
    write_lines(tmp_path / "x", [])
    assert not (tmp_path / "x").exists()
