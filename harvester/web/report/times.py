"""When photos were uploaded and taken, counted. Pure.

Uploads are points in time and are counted in UTC. Photos are taken by their owners' clocks, to a granularity: of a
photo that was taken "in 1950", Flickr writes 1950-00-01 or 1950-01-01, and no hour of that is to be believed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import msgspec

_EPOCH = date(1970, 1, 1)
_HOUR = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d)(?: (\d\d))?)?", re.ASCII)
_TO_MONTH, _TO_YEAR = 4, 6
_LAST_DAY = (date.max - _EPOCH).days


class Times(msgspec.Struct):
    """Photos by month and by hour of the week. A month is `2009-12`, or `2009` where only the year is known."""

    months: Counter[str] = msgspec.field(default_factory=Counter)
    hours: Counter[int] = msgspec.field(default_factory=Counter)
    """By the hour of the week, from Monday 0 h on."""
    unknown: int = 0

    def add(self, other: Times) -> None:
        """Add what was counted elsewhere."""
        self.months.update(other.months)
        self.hours.update(other.hours)
        self.unknown += other.unknown


@lru_cache(maxsize=20_000)
def _place_day(day: int) -> tuple[str, int]:
    """The month of a day since 1970, and the first hour of its weekday."""
    when = _EPOCH + timedelta(days=min(day, _LAST_DAY))
    return when.isoformat()[:7], when.weekday() * 24


def name_year(second: int | None) -> str:
    """The year of a point in time, in UTC; "" where there is none."""
    return "" if second is None else _place_day(second // 86400)[0][:4]


def count_uploads(seconds: Iterable[int | None]) -> Times:
    """Photos by when they were uploaded, in Unix seconds."""
    times = Times()
    for hour, count in Counter(None if second is None else second // 3600 for second in seconds).items():
        if hour is None:
            times.unknown += count
            continue
        month, first = _place_day(hour // 24)
        times.months[month] += count
        times.hours[first + hour % 24] += count
    return times


def count_taken(taken: Iterable[tuple[str | None, int | None, bool | None]]) -> Times:
    """Photos by when they were taken: Flickr's text, its granularity, and whether that is not known at all."""
    times = Times()
    counts: Counter[tuple[str, int | None]] = Counter(
        ("" if text is None or unknown else text[:13], granularity) for text, granularity, unknown in taken
    )
    for (text, granularity), count in counts.items():
        month, hour = read_taken(text, granularity)
        if not month:
            times.unknown += count
            continue
        times.months[month] += count
        if hour is not None:
            times.hours[hour] += count
    return times


@lru_cache(maxsize=50_000)
def read_taken(text: str, granularity: int | None) -> tuple[str, int | None]:
    """The month of `2009-12-17 08`, or its year, and the hour of the week; "" and None as far as these are not known.

    The text is good to the granularity alone: beyond it, Flickr fills in a beginning.
    """
    found = _HOUR.fullmatch(text)
    if found is None or found[1] == "0000":
        return "", None
    fineness = granularity or 0
    year, month, day, hour = (int(part or 0) for part in found.groups())
    if fineness >= _TO_YEAR or not 1 <= month <= 12:
        return found[1], None
    named = f"{found[1]}-{found[2]}"
    if fineness >= _TO_MONTH or hour > 23 or found[4] is None:
        return named, None
    try:
        return named, date(year, month, day).weekday() * 24 + hour
    except ValueError:
        return named, None
