"""How a second that holds more photos than Flickr serves is cut into parts."""

from __future__ import annotations

import pytest

from harvester.flickr.responses import Row, read_page
from harvester.flickr.second import split_filters


def rows(*taken: str) -> tuple[Row, ...]:
    return tuple(Row(str(n + 1), 1_300_000_000, text, b"{}") for n, text in enumerate(taken))


def test_years_of_fewer_than_four_digits_are_written_with_four() -> None:
    assert split_filters(rows("0500-01-01 00:00:10", "0500-01-01 00:00:20", "0500-01-01 00:00:30"), known={}) == [
        {"max_taken_date": "0500-01-01 00:00:19"},
        {"min_taken_date": "0500-01-01 00:00:20"},
    ]


@pytest.mark.parametrize("text", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "1950-00-01 00:00:00", ""])
def test_dates_that_have_no_second_before_or_after_them_are_passed_over_for_the_licence(text: str) -> None:
    assert split_filters(rows(text, text), known={})[0] == {"license": "0"}
    assert split_filters(rows(text, text, "2010-01-01 00:00:00"), known={}) == [
        {"max_taken_date": "2009-12-31 23:59:59"},
        {"min_taken_date": "2010-01-01 00:00:00", "max_taken_date": "2010-01-01 00:00:00"},
        {"min_taken_date": "2010-01-01 00:00:01"},
    ]


@pytest.mark.parametrize("taken", [b"1262304000", b"[1]", b"{}", b"null", b"true"])
def test_a_date_taken_that_is_no_text_is_none(taken: bytes) -> None:
    body = b'{"photos":{"total":1,"photo":[{"id":"7","dateupload":"99","datetaken":%s}]},"stat":"ok"}' % taken
    (row,) = read_page(body, method="flickr.photos.search").rows
    assert row.taken is None
    assert split_filters((row,), known={})[0] == {"license": "0"}
