"""Numbers, lengths and moments read well whatever they are."""

from __future__ import annotations

import math
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.text.words import (
    flow,
    name_count,
    name_duration,
    name_moment,
    name_period,
    name_rate,
)

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def parse(text: str) -> float:
    """The seconds that a duration names."""
    parts = re.findall(r"([\d,.]+) (\w+)", text)
    return sum(float(number.replace(",", "")) * _SECONDS[unit] for number, unit in parts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (0.04, "0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (245, "4 min 5 s"),
        (3599.6, "1 h"),
        (7980, "2 h 13 min"),
        (86_380, "1 d"),
        (86_400 * 3 + 3600 * 4, "3 d 4 h"),
        (86_400 * 2000, "2,000 d"),
        (math.inf, "very long"),
        (math.nan, "very long"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert name_duration(seconds) == text


@given(st.floats(0, 1e9))
def test_a_duration_names_its_seconds_within_half_its_smaller_unit(seconds: float) -> None:
    text = name_duration(seconds)
    fault = 0.05 if seconds < 10 else 0.5 if seconds < 3600 else 30 if seconds < 86_400 else 1800
    assert abs(parse(text) - seconds) <= fault + 1e-6
    assert len(text.split()) <= 4


@given(st.floats(0, 1e9))
def test_no_duration_has_sixty_seconds_sixty_minutes_or_twenty_four_hours(seconds: float) -> None:
    assert not re.search(r"\b(60 s|60 min|24 h)\b", name_duration(seconds))


@given(st.floats(0, 1e8), st.floats(0, 1e8))
def test_longer_durations_never_name_less(one: float, other: float) -> None:
    assert parse(name_duration(min(one, other))) <= parse(name_duration(max(one, other))) + 1e-9


def test_counts_have_thousands_separators_and_plurals() -> None:
    assert name_count(1234567) == "1,234,567"
    assert name_count(1, "photo") == "1 photo"
    assert name_count(0, "photo") == "0 photos"
    assert name_count(2, "retry") == "2 retries"


def test_rates_choose_the_unit_that_says_something() -> None:
    assert name_rate(1234.5) == "1,234 photos/s"
    assert name_rate(2.44) == "2.4 photos/s"
    assert name_rate(0.5) == "30.0 photos/min"
    assert name_rate(0.01) == "36.0 photos/h"
    assert name_rate(0) == "0.0 photos/h"


def test_moments_are_local_and_name_the_day_where_it_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = 1_795_500_000.0  # Tuesday, 2026-11-24 06:00:00
    assert name_moment(now + 725, now=now) == "06:12:05"
    assert name_moment(now + 86_400, now=now) == "Wed 06:00"
    assert name_moment(now + 86_400 * 9, now=now) == "3 Dec 06:00"


def test_periods() -> None:
    assert name_period(3600) == "this hour"
    assert name_period(10) == "in 10 s"


@given(st.lists(st.text("ab ", min_size=1, max_size=20), max_size=8), st.integers(10, 80))
def test_pieces_flow_into_lines_in_their_order_and_whole(pieces: list[str], width: int) -> None:
    lines = flow(pieces, width=width)
    assert " · ".join(lines) == " · ".join(pieces)
    assert all(len(line) <= width or line in pieces for line in lines)
