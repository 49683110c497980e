"""Dates as people write them, and the seconds that each one stands for. Pure: the clock is an argument.

A date stands for a span. `2014-05-13` is a whole day, `2014-05` a month, `2014` a year, a date with a time one second.
The smallest date of a search takes the first second of its span, the largest date the last one. Both are inclusive.
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from harvester.errors import UsageError, show

Moment: TypeAlias = int | float | str | date | datetime
"""A point in time or a span: text, a number, or Python's own. Without a zone it is UTC."""

_FLICKR_BEGAN = 1_072_915_200
"""2004-01-01. Flickr opened in February 2004, so a smaller number is no Unix time of an upload."""
_UNIX_ENDS = 4_102_444_800
"""2100-01-01."""
_FORMS = "write 2009-12-01, 2009-12, 2009, 2009-12-01T08:30:00, a Unix time, or words such as yesterday or 7 days ago."

_PLAIN = re.compile(r"(\d{4})(?:(\d\d)(\d\d)?)?", re.ASCII)
_PARTED = re.compile(r"(\d{4})([-/.])(\d{1,2})(?:\2(\d{1,2}))?", re.ASCII)
_ZERO_TIME = re.compile(r"(\d{4}-(?:00-\d\d|\d\d-00))[T ](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_COMPACT_TIME = re.compile(r"(\d{8})(\d{4}(?:\d\d)?)", re.ASCII)
_TIMED = re.compile(r"\d{4}-?\d\d-?\d\d[T ]\d\d", re.ASCII)
_UNIX = re.compile(r"(\d{1,10})(?:\.\d*)?", re.ASCII)
_AGO = re.compile(r"(?:(?P<count>\d{1,5}|an?|one)\s*(?P<unit>[a-z]+)\s+ago|-(?P<less>\d{1,5})\s*(?P<short>[a-z]+))")
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "seconds"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hour", "hours"), "hours"),
    **dict.fromkeys(("d", "day", "days"), "days"),
    **dict.fromkeys(("w", "week", "weeks"), "weeks"),
    **dict.fromkeys(("mo", "month", "months"), "months"),
    **dict.fromkeys(("y", "year", "years"), "years"),
}
_DAYS = {"now": None, "today": 0, "yesterday": 1}


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last second that a date stands for, as `YYYY-MM-DD HH:MM:SS`."""

    first: str
    last: str


def read_upload(value: Moment | None, *, field: str) -> int | None:
    """Unix seconds of a date of upload; the last second where `field` is a largest date."""
    if value is None:
        return None
    text = _choose(read_span(value, field=field), field=field)
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(
            f"{show(value)} has a month or day of zero, which only dates taken may have.", field=field
        ) from None
    return max(0, int(moment.timestamp()))


def read_taken(value: Moment | None, *, field: str) -> str | None:
    """A date taken as Flickr has it: the owner's local time without a zone, `2009-12-01 08:30:00`."""
    return None if value is None else _choose(read_span(value, field=field), field=field)


def _choose(span: Span, *, field: str) -> str:
    return span.last if field.startswith("max") else span.first


def is_relative(value: object) -> bool:
    """Whether what a date means depends on the day on which the job begins: `yesterday`, `7 days ago`, `-30d`."""
    text = _fold(value)
    return text in _DAYS or _AGO.fullmatch(text) is not None


def _fold(value: object) -> str:
    return " ".join(value.lower().split()) if isinstance(value, str) else ""


def settle(value: Moment | None, *, now: float, field: str) -> Moment | None:
    """A date that no longer depends on `now`. Days, weeks, months and years ago are whole days of UTC."""
    if value is None or not is_relative(value):
        return value
    text, moment = _fold(value), datetime.fromtimestamp(int(now), UTC)
    try:
        settled = _count_back(text, moment)
    except (OverflowError, ValueError):
        raise UsageError(f"{show(value)} is too long ago for a date.", field=field) from None
    if settled is None:
        raise UsageError(
            f"{show(value)} is not a length of time ago; write 30 days ago, 2 weeks ago, 6 months ago or -30d.",
            field=field,
        )
    return settled


def _count_back(text: str, now: datetime) -> str | None:
    """The day, or the second for hours and less, as ISO text; None where the unit is unknown."""
    if text in _DAYS:
        days = _DAYS[text]
        return _write_time(now) if days is None else str(now.date() - timedelta(days=days))
    found = _AGO.fullmatch(text)
    unit = _UNITS.get((found["unit"] or found["short"]) if found else "")
    if found is None or unit is None:
        return None
    given = found["count"] or found["less"]
    count = int(given) if given.isdigit() else 1
    if unit in ("months", "years"):
        return str(_count_months_back(now.date(), count * (12 if unit == "years" else 1)))
    earlier = now - timedelta(**{unit: count})
    return str(earlier.date()) if unit in ("days", "weeks") else _write_time(earlier)


def _count_months_back(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _write_time(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep="T", timespec="seconds") + "Z"


def read_span(value: Moment, *, field: str) -> Span:
    """What a date stands for; UsageError where it is none. Relative dates must be settled first."""
    if isinstance(value, bool):
        raise UsageError(f"{value!r} is not a date.", field=field)
    if isinstance(value, datetime):
        return _second(value)
    if isinstance(value, date):
        return _span(value.year, value.month, value.day)
    if isinstance(value, float):
        return _read_unix(value, field=field)
    span = _read_text(str(value).strip(), field=field)
    if span is None:
        raise UsageError(f"{show(value)} is not a date; {_FORMS}", field=field)
    return span


def _read_text(text: str, *, field: str) -> Span | None:
    found = _PLAIN.fullmatch(text)
    if found is not None:
        return _read_day(found[1], found[2], found[3])
    found = _PARTED.fullmatch(text)
    if found is not None:
        return _read_day(found[1], found[3], found[4])
    found = _ZERO_TIME.fullmatch(text)
    if found is not None:
        return _read_zero_time(found)
    if _UNIX.fullmatch(text):
        return _read_unix(float(text), field=field)
    if re.fullmatch(r"\d{13}", text, re.ASCII):
        raise UsageError(f"{show(text)} is in milliseconds; write {text[:-3]}.", field=field)
    text = _COMPACT_TIME.sub(r"\1T\2", text)
    try:
        return _second(datetime.fromisoformat(text)) if _TIMED.match(text) else None
    except (ValueError, OverflowError):
        return None


def _read_day(year: str, month: str | None, day: str | None) -> Span | None:
    """A year, a month or a day. Flickr itself has dates taken such as 1950-00-01 and 0000-00-00."""
    numbers = int(year), None if month is None else int(month), None if day is None else int(day)
    longest = 31 if not numbers[1] or numbers[1] > 12 else monthrange(numbers[0], numbers[1])[1]
    if (numbers[1] or 0) > 12 or (numbers[2] or 0) > longest:
        return None
    return _span(*numbers)


def _span(year: int, month: int | None = None, day: int | None = None) -> Span:
    """From the first second to the last one; a month or day of None means all of them."""
    low, high = (1, 12) if month is None else (month, month)
    end = monthrange(year, high)[1] if high else 31
    first, last = (1, end) if day is None else (day, day)
    return Span(f"{year:04}-{low:02}-{first:02} 00:00:00", f"{year:04}-{high:02}-{last:02} 23:59:59")


def _read_zero_time(found: re.Match[str]) -> Span | None:
    clock = ":".join((found[2], found[3], found[4] or "00"))
    if not (found[2] < "24" and found[3] < "60" and clock[6:] < "60"):
        return None
    return Span(f"{found[1]} {clock}", f"{found[1]} {clock}")


def _second(moment: datetime) -> Span:
    """One second. A moment with a zone is put into UTC."""
    plain = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    text = plain.isoformat(sep=" ", timespec="seconds")
    return Span(text, text)


def _read_unix(number: float, *, field: str) -> Span:
    """A bare number is a Unix time only where Flickr can have photos of it. A small one is a slip, such as 10101."""
    if not math.isfinite(number) or not _FLICKR_BEGAN <= number < _UNIX_ENDS:
        raise UsageError(
            f"{number:.15g} is not a date: as a Unix time it lies outside Flickr's life, from 2004 on; {_FORMS}",
            field=field,
        )
    return _second(datetime.fromtimestamp(int(number), UTC))
