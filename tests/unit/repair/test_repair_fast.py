"""Lines that are as they were written are read without being parsed to objects; all others are looked at closely."""

from __future__ import annotations

import pytest

from harvester.archive.line_scan import Wanted
from harvester.repair.fast import read_head, read_line

LINE = (
    b'{"id":"7","harvested_at":"2026-01-01T00:00:00Z","search":{"id":"7","owner":"1@N00","lastupdate":"12",'
    b'"dateupload":"11"},"info":{"id":"7","owner":{"nsid":"1@N00"},"dates":{"lastupdate":"9"}},"sizes":{"size":[]}}\n'
)
FULL = Wanted(("info", "sizes"), "1@N00")


def test_a_line_as_it_was_written_gives_id_moment_and_seconds() -> None:
    assert read_head(LINE) == (7, "2026-01-01T00:00:00Z")
    assert read_line(LINE, FULL) == (12, 11)


def test_a_part_that_flickr_refused_is_there() -> None:
    assert read_line(LINE.replace(b'{"size":[]}', b"null"), FULL) == (12, 11)


def test_without_a_row_the_info_tells_the_seconds() -> None:
    row = LINE[LINE.index(b'{"id":"7","owner":"1') : LINE.index(b',"info"')]
    assert read_line(LINE.replace(row, b"null"), FULL) == (9, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b',"sizes":{"size":[]}', b""),
        (b'"search":{"id":"7"', b'"search":{"id":"8"'),
        (b'"owner":"1@N00"', b'"owner":"2@N00"'),
        (b"2026", b"20\xff6"),
        (b"[]", b"[\\]"),
        (b'"size":[]', b'"size":["\\ud83d"]'),
        (b'"size":[]', b'"size":[]\r'),
    ],
)
def test_any_other_line_is_looked_at_closely(old: bytes, new: bytes) -> None:
    assert read_line(LINE.replace(old, new), FULL) is None
