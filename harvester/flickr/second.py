"""How a second that holds more photos than Flickr serves is cut into parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median_low

from harvester.flickr.codes import LICENSES
from harvester.flickr.responses import Row

_LAST = datetime.max.replace(microsecond=0)  # noqa: DTZ901 - compared with the owner's local time


def split_filters(rows: tuple[Row, ...], *, known: Mapping[str, str]) -> list[dict[str, str]]:
    """Filters that cut a search apart: by date taken, then licence, then media; none where nothing is left.

    `known` are the filters that hold already, `rows` some of the photos that they show.
    """
    return _by_date_taken(rows, known) or _by_license(known) or _by_media(known)


def _by_date_taken(rows: tuple[Row, ...], known: Mapping[str, str]) -> list[dict[str, str]]:
    """Two parts around a date taken that the rows show. Dates such as 1950-00-01 and 0001-01-01 are passed over."""
    low, high = known.get("min_taken_date", ""), known.get("max_taken_date", "9999")
    if low == high:
        return []
    shown = [row.taken for row in rows if row.taken and low <= row.taken <= high and _moment(row.taken)]
    if not shown:
        return []
    pivot = median_low(shown)
    before, after = _shifted(pivot, -1), _shifted(pivot, 1)
    if min(shown) == max(shown):  # one value on the whole page: that value alone, and what lies around it
        parts = [(low, before), (pivot, pivot), (after, high)]
    elif pivot > min(shown):
        parts = [(low, before), (pivot, high)]
    else:
        parts = [(low, pivot), (after, high)]
    return [_taken(a, b) for a, b in parts if a <= b]


def _taken(low: str, high: str) -> dict[str, str]:
    bounds = {"min_taken_date": low, "max_taken_date": high}
    return {name: value for name, value in bounds.items() if value not in ("", "9999")}


def _moment(text: str) -> datetime | None:
    """The date, where a calendar knows the second before and the one after it."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the owner's local time, no zone
    except ValueError:
        return None
    return moment if datetime.min < moment < _LAST else None  # noqa: DTZ901 - likewise


def _shifted(text: str, seconds: int) -> str:
    moment = _moment(text)
    return (moment + timedelta(seconds=seconds)).isoformat(" ") if moment else text


def _by_license(known: Mapping[str, str]) -> list[dict[str, str]]:
    asked = known.get("license", "")
    if asked and "," not in asked:
        return []
    return [{"license": i} for i in (asked.split(",") if asked else map(str, LICENSES.values()))]


def _by_media(known: Mapping[str, str]) -> list[dict[str, str]]:
    return [] if known.get("media", "all") != "all" else [{"media": "photos"}, {"media": "videos"}]
