"""Times of harvest as an export reads them."""

from __future__ import annotations

import pytest

from harvester.export.convert import LAST_MOMENT, Misfit, read_stamp


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T22:30:05Z", 1_795_473_005),
        ("1970-01-01T00:00:00+00:00", 0),
        ("9999-12-31T23:59:59Z", LAST_MOMENT),
    ],
)
def test_a_time_of_harvest_is_read_as_unix_seconds(text: str, seconds: int) -> None:
    assert read_stamp(text) == seconds


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1969-12-31T23:59:59Z"])
def test_a_time_of_harvest_before_1970_or_past_9999_is_a_misfit(text: str) -> None:
    with pytest.raises(Misfit, match="out of range"):
        read_stamp(text)
