"""The listing of a search as a stretch of upload time that is being filled. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from harvester.listing.stretch import Stretch, Sweep
from harvester.listing.sweep import FLICKR_BEGAN

SLOTS = 120
_MOST_MONTHS = 36
"""Where the stretch is longer, its table has a row for each year."""


class Row(msgspec.Struct, frozen=True):
    """A month or a year: photos that were listed of it, and how much of it was read, 0 to 1."""

    when: str
    photos: int
    read: float


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of upload time, in Unix time, in equal slots: what of each was read, 0 to 1."""

    since: int
    until: int
    read: list[float]
    again: list[float]
    """How much of each slot is being read once more, since its numbers did not agree."""
    lacking: list[int]
    """The slots in which Flickr keeps photos back."""
    share: float
    """How much of it all was read."""
    to_read: int
    """Stretches that are still to be read."""
    rows: list[Row]


def build_timeline(
    stretches: Sequence[Stretch], sweeps: Sequence[Sweep], months: Mapping[str, int], *, horizon: int
) -> Timeline | None:
    """The timeline; None where nothing is known of any stretch, as in an archive that is of no search.

    `horizon` is the last second that is to be listed, or now.
    """
    ends = [(since, min(until, horizon)) for since, until in _list_spans(stretches, sweeps)]
    if not ends:
        return None
    since = max(min(low for low, _ in ends), 0) or FLICKR_BEGAN
    until = max(*(high for _, high in ends), since + 1)
    unread, again = _find_unread(sweeps, until)
    return Timeline(
        since=since,
        until=until,
        read=[round(1 - share, 4) for share in _share_out(unread, since, until)],
        again=[round(share, 4) for share in _share_out(again, since, until)],
        lacking=_find_slots([(s.since, s.until) for s in stretches if not s.whole], since, until),
        share=1 - _overlap(unread, since, until),
        to_read=len(sweeps),
        rows=list(_build_rows(months, unread, since, until)),
    )


def _find_unread(sweeps: Sequence[Sweep], until: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What was not read yet, and what is being read once more."""
    unread = [(sweep.since, min(sweep.until, until)) for sweep in sweeps if sweep.reads == 1]
    return unread, [(sweep.since, sweep.until) for sweep in sweeps if sweep.reads > 1]


def _build_rows(months: Mapping[str, int], unread: Sequence[tuple[int, int]], since: int, until: int) -> Iterator[Row]:
    for name, low, high in _list_periods(since, until):
        photos = sum(count for month, count in months.items() if month.startswith(name))
        yield Row(name, photos, 1 - _overlap(unread, low, high))


def _list_spans(stretches: Sequence[Stretch], sweeps: Sequence[Sweep]) -> Iterator[tuple[int, int]]:
    yield from ((stretch.since, stretch.until) for stretch in stretches)
    yield from ((sweep.since, sweep.until) for sweep in sweeps)


def _share_out(spans: Sequence[tuple[int, int]], since: int, until: int) -> list[float]:
    """How much of each slot lies in the spans."""
    width = (until - since) / SLOTS
    return [_overlap(spans, since + n * width, since + (n + 1) * width) for n in range(SLOTS)]


def _overlap(spans: Iterable[tuple[int, int]], low: float, high: float) -> float:
    """How much of the time from `low` to `high` lies in the spans, 0 to 1."""
    covered = sum(max(0.0, min(end, high) - max(begin, low)) for begin, end in spans)
    return min(covered / (high - low), 1.0) if high > low else 0.0


def _find_slots(spans: Iterable[tuple[int, int]], since: int, until: int) -> list[int]:
    """The slots that the spans touch."""
    width = (until - since) / SLOTS
    found: set[int] = set()
    for begin, end in spans:
        first, last = (int((min(max(edge, since), until) - since) / width) for edge in (begin, end))
        found.update(range(min(first, SLOTS - 1), min(last, SLOTS - 1) + 1))
    return sorted(found)


def _list_periods(since: int, until: int) -> Iterator[tuple[str, float, float]]:
    """Months or years from `since` to `until`: name, beginning, end, cut at both."""
    begin, end = (datetime.fromtimestamp(edge, UTC) for edge in (since, until))
    is_long = (end.year - begin.year) * 12 + end.month - begin.month >= _MOST_MONTHS
    year, month = begin.year, 1 if is_long else begin.month
    low = float(since)
    while low < until:
        name = f"{year}" if is_long else f"{year}-{month:02}"
        year, month = (year + 1, 1) if is_long or month == 12 else (year, month + 1)
        high = min(datetime(year, month, 1, tzinfo=UTC).timestamp(), until)
        yield name, low, high
        low = high
