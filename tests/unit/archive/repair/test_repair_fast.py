"""Lines that are as they were written are read without being parsed to objects; all others are looked at closely."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harvester.archive.line_scan import Wanted, find_fault
from harvester.archive.repair import fast
from harvester.archive.repair.fast import read_head, read_id, read_line
from harvester.flickr.whole_json import IS_SWIFT

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


def test_a_pair_of_escaped_surrogates_is_one_letter() -> None:
    assert read_line(LINE.replace(b'"size":[]', b'"size":["\\ud83d\\udc69"]'), FULL) == (12, 11)
    assert read_id(LINE.replace(b'"size":[]', b'"size":["\\ud83d\\udc69"]')) == 7


@pytest.fixture(params=[True, False], ids=["simdjson", "msgspec"])
def is_swift(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether simdjson is installed."""
    if request.param and not IS_SWIFT:
        pytest.skip("needs simdjson")
    monkeypatch.setattr(fast, "IS_SWIFT", request.param)
    return bool(request.param)


def test_the_id_of_a_line_that_tells_of_one_photo_is_read(*, is_swift: bool) -> None:
    assert read_id(LINE) == 7
    assert read_id(LINE.replace(b',"info":{"id":"7","owner":{"nsid":"1@N00"},"dates":{"lastupdate":"9"}}', b"")) == 7
    assert read_id(LINE.replace(b'{"id":"7","owner":"1@N00","lastupdate":"12","dateupload":"11"}', b"null")) == 7
    assert read_id(LINE.replace(b'"search":{"id":"7"', b'"search":{"id":"8"')) is None
    assert read_id(LINE.replace(b'"info":{"id":"7"', b'"info":{"id":"8"')) is None
    for member in (b"search", b"harvested_at"):
        assert read_id(LINE.replace(b'"%b"' % member, b'"other"')) is None
    for odd in (LINE[:-2], b"\xef\xbb\xbf" + LINE, b'"id"\n', b"[7]\n", b"7\n"):
        assert read_id(odd) is None
    # msgspec passes over a number that no double holds.
    assert read_id(LINE.replace(b":[]", b":1e999")) == (None if is_swift else 7)
    for row in (b"7", b'"7"', b"[7]", b"{}", b'{"id":null}'):
        assert read_id(b'{"id":"7","harvested_at":"","search":%b}\n' % row) is None


ODD = [rb"\ud83d", rb"\udc69", rb"\\", *(bytes([byte]) for byte in b'\\u"\0\n\r\xff\xc3\xa4a{]0'), b"1e999"]


@given(st.lists(st.sampled_from(ODD), max_size=6), st.integers(0, len(LINE)), st.integers(0, 3))
@example([b"\\\\", b"u", b"d83d", b"\\udc69"], LINE.index(b"sizes"), 0)
def test_what_is_read_fast_is_sound_when_looked_at_closely(pieces: list[bytes], place: int, length: int) -> None:
    """Whatever is written into a line, over some of it or between."""
    line = LINE[:place] + b"".join(pieces) + LINE[place + length :]
    for is_swift in {IS_SWIFT, False}:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(fast, "IS_SWIFT", is_swift)
            photo_id = read_id(line)
        if photo_id is not None:
            record = orjson.loads(line)
            assert record["id"] == str(photo_id)
            assert not find_fault(record, Wanted())
