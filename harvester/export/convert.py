"""Flickr's values as what a column takes. Pure.

Numbers come as numbers and as text, truths as 0 and 1, `"0"`, false and the empty text. An empty text is no number and
no misfit: it is null. What fits no way is a Misfit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from harvester.errors import shorten
from harvester.export.columns import Kind

LAST_MOMENT = 253_402_300_799
"""9999-12-31T23:59:59Z: what no calendar of Python's goes beyond."""
_INTEGER = re.compile(r"[-+]?[0-9]{1,20}(?:\.0*)?", re.ASCII)
_FRACTION = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NO_DATE = re.compile(r"(?:0000-\d\d|\d{4}-00)-\d\d.*|\d{4}-\d\d-00.*", re.ASCII)
_TRUTHS: Mapping[Any, bool | None] = {
    **dict.fromkeys((1, "1", "true"), True),
    **dict.fromkeys((0, "0", "false"), False),
    **dict.fromkeys(("", None), None),
}


class Misfit(ValueError):
    """A value that a column cannot hold; the text says why."""


def read_whole(value: Any, *, most: int) -> int | None:
    """A whole number of -most-1 to most."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value.partition(".")[0])
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value // 1:
        raise Misfit("is no whole number")
    if not -most - 1 <= value <= most:
        raise Misfit("is out of range")
    return int(value)


def read_float(value: Any) -> float | None:
    """A number with a fraction; infinity is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _FRACTION.fullmatch(value)):
        raise Misfit("is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Misfit("is out of range")
    return number


def read_degrees(value: Any, *, most: float) -> float | None:
    """Degrees of latitude or longitude."""
    number = read_float(value)
    if number is not None and not -most <= number <= most:
        raise Misfit("is out of range")
    return number


def read_bool(value: Any) -> bool | None:
    """True or false."""
    if isinstance(value, list | dict) or value not in _TRUTHS:
        raise Misfit("is neither true nor false")
    return _TRUTHS[value]


def read_moment(value: Any) -> int | None:
    """A point in time, as Unix seconds."""
    seconds = read_whole(value, most=LAST_MOMENT)
    if seconds is not None and seconds < 0:
        raise Misfit("is out of range")
    return seconds


def read_stamp(value: str) -> int:
    """A point in time, as Unix seconds, from `2026-11-23T22:30:05Z`."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Misfit("is no time") from None
    if moment.tzinfo is None:
        raise Misfit("has no zone")
    seconds = int(moment.timestamp())
    if not 0 <= seconds <= LAST_MOMENT:
        raise Misfit("is out of range")
    return seconds


def read_local(value: str | None) -> datetime | None:
    """A time of day without a zone, from `2009-12-17 08:03:40`. Month and day zero are no date, and no misfit."""
    if not value:
        return None
    try:
        if len(value) == 19 and value[10] == " " and value[16] == ":":
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    if _NO_DATE.fullmatch(value):
        return None
    raise Misfit("is no date")


def read_text(value: Any) -> str | None:
    """A text, bare or as `_content`. A title that looks like a number may come as one."""
    if isinstance(value, dict):
        value = value.get("_content", value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise Misfit("is no text")


CONVERTERS: Mapping[Kind, Callable[[Any], Any]] = {
    "text": read_text,
    "int16": partial(read_whole, most=2**15 - 1),
    "int32": partial(read_whole, most=2**31 - 1),
    "int64": partial(read_whole, most=2**63 - 1),
    "float64": read_float,
    "bool": read_bool,
    "moment": read_moment,
}
DEGREES: Mapping[str, Callable[[Any], Any]] = {
    "latitude": partial(read_degrees, most=90.0),
    "longitude": partial(read_degrees, most=180.0),
}


def show_value(value: object) -> str:
    """A misfit as the file of rejects has it."""
    return shorten(value if isinstance(value, str) else repr(value), most=500)
