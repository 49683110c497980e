"""Numbers, lengths and points of time as people read them. Pure."""

from __future__ import annotations

import math
import time

_PERIODS = {60: "this minute", 3600: "this hour", 86400: "this day"}


def name_count(number: int, noun: str = "") -> str:
    """`12,345`, `1 photo`, `2 photos`, `2 stretches`."""
    text = f"{number:,}"
    if not noun:
        return text
    return f"{text} {noun if number == 1 else _write_plural(noun)}"


def _write_plural(noun: str) -> str:
    if noun.endswith(("try", "ery")):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith("ch") else f"{noun}s"


def name_duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `4 min 5 s`, `2 h 13 min`, `3 d 4 h`: two units at most, rounded to the smaller one."""
    if not math.isfinite(seconds):
        return "very long"
    seconds = max(seconds, 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "0 s"
    for size, unit, smaller, name in ((60, "min", 1, "s"), (3600, "h", 60, "min"), (86400, "d", 3600, "h")):
        # Rounded before the unit is chosen, so that 59.7 s is a minute and never 60 s.
        whole = round(seconds / smaller) * smaller
        limit = {60: 3600, 3600: 86400}.get(size, math.inf)
        if whole < size:
            return f"{whole} s"
        if whole < limit:
            large, rest = divmod(whole, size)
            return f"{large:,} {unit} {rest // smaller} {name}" if rest else f"{large:,} {unit}"
    raise AssertionError(seconds)  # pragma: no cover - the last limit is infinite


def name_rate(per_second: float, noun: str = "photo") -> str:
    """`2.4 photos/s`, or by the minute or hour where that says more."""
    for factor, unit in ((1, "s"), (60, "min"), (3600, "h")):
        if per_second * factor >= 1 or unit == "h":
            value = per_second * factor
            return f"{value:,.0f} {noun}s/{unit}" if value >= 100 else f"{value:.1f} {noun}s/{unit}"
    raise AssertionError(per_second)  # pragma: no cover - the hour takes all


def name_bytes(size: float) -> str:
    """`512 B`, `14.7 MB`, `1.2 GB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.0f} {unit}" if size >= 100 * factor else f"{size / factor:.1f} {unit}"
    return f"{size:.0f} B"


def name_moment(when: float, *, now: float) -> str:
    """The local time of a Unix time: `14:32:10` within the day, else `Tue 14:32`, `3 Dec 14:32`."""
    there, here = time.localtime(when), time.localtime(now)
    if there[:3] == here[:3]:
        return time.strftime("%H:%M:%S", there)
    if abs(when - now) < 6 * 86400:
        return time.strftime("%a %H:%M", there)
    return f"{there.tm_mday} {time.strftime('%b %H:%M', there)}"


def name_period(seconds: float) -> str:
    """The stretch of time that a quota is about: `this hour`, `in 10 s`."""
    return _PERIODS.get(round(seconds), f"in {name_duration(seconds)}")


def flow(pieces: list[str], *, width: int, mark: str = " · ") -> list[str]:
    """The pieces in as few lines of that width as they fit, none broken in two."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + len(mark) + len(piece) <= width:
            lines[-1] += mark + piece
        else:
            lines.append(piece)
    return lines


def end_sentence(text: str) -> str:
    """The text with a full stop, unless it has an end already; what Flickr says ends in either way."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
