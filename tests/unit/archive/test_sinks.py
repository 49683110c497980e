"""What stands behind the committed length of a file is taken only where it is surely whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.archive.checkpoint.state import Length, State, Todo
from harvester.archive.sinks import PHOTOS, recover_lines

WHOLE = b'{"id":"2","harvested_at":"x","search":null}\n'


@pytest.mark.parametrize(
    ("behind", "taken"),
    [
        (b"", 0),
        (WHOLE, 1),
        (WHOLE + b'{"id":"3"}\n', 2),
        (WHOLE + b'{"id":"3","infor', 1),
        (WHOLE + b'{"id":"3"}', 1),
        (b"\0" * 40 + b"\n" + WHOLE, 0),
        (b'{"id":"1"}\n' + WHOLE, 0),
        (b'{"id":"99"}\n' + WHOLE, 0),
        (WHOLE + WHOLE, 1),
        (b'["id"]\n', 0),
        (b'{"id":7}\n', 0),
    ],
)
def test_whole_lines_of_photos_still_to_be_done_are_salvaged(behind: bytes, taken: int, tmp_path: Path) -> None:
    first = b'{"id":"1"}\n'
    (tmp_path / PHOTOS).write_bytes(first + behind)
    with State(tmp_path / "state.sqlite") as state:
        with state.changing():
            state.add_todo([Todo("2", None), Todo("3", None), Todo("4", None)])
            state.commit_length(PHOTOS, Length(len(first), 1))
        recover_lines(state, tmp_path / PHOTOS)
        assert state.length(PHOTOS).lines == 1 + taken
        assert state.count_todo() == 3 - taken
        kept = (tmp_path / PHOTOS).read_bytes()[: state.length(PHOTOS).bytes]
    assert kept.count(b"\n") == 1 + taken
    assert kept.endswith(b"}\n")
