"""Listings that bring nothing new end, whatever the server claims and whatever it ignores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from harvester.flickr.responses import Page, Row
from harvester.listing.sweep import OPEN_END, advance, first_sweep

START = 1_200_000_000
MOST_CALLS = 200
PATIENCE = 100

Listed = Callable[[int, int], list[Row]]
"""The rows of an answer, given the first and the last second of the window."""


IDS_AND_DATES = [(str(n + 1), f"2010-01-01 00:{n // 60:02}:{n % 60:02}") for n in range(500)]


def rows(count: int, second: Callable[[int], int | None]) -> list[Row]:
    return [Row(photo_id, second(n), taken, b"") for n, (photo_id, taken) in enumerate(IDS_AND_DATES[:count])]


def always(found: list[Row]) -> Listed:
    return lambda _low, _high: found


ROWS: dict[str, Listed] = {
    "no rows": always([]),
    "the same twenty": always(rows(20, lambda n: START + n * 1_000)),
    "the same page": always(rows(500, lambda n: START + n * 1_000)),
    "one second": always(rows(500, lambda _n: START + 5)),
    "one photo": always(rows(1, lambda _n: START + 5) * 500),
    "the future": always(rows(500, lambda n: START + 1_000_000_000 + n)),
    "the past": always(rows(500, lambda n: 5 + n)),
    "no dates": always(rows(500, lambda _n: None)),
    "whatever second is asked from": lambda _low, high: rows(500, lambda _n: min(high, START + 500_000)),
    "whatever second is asked to": lambda low, _high: rows(500, lambda _n: max(low, START)),
    "always the next second": lambda low, high: rows(1, lambda _n: min(high - 1, max(low + 1, START + 500_000))),
}
CLAIMS: dict[str, tuple[int | None, int | None]] = {
    "nothing": (None, None),
    "a negative page": (None, -5),
    "a negative page of many": (10**9, -5),
    "no page": (0, 0),
    "pages of one": (10**9, 1),
    "a billion": (10**9, 500),
    "a page of a billion": (10**9, 10**9),
}


def count_calls(listed: Listed, total: int | None, per_page: int | None, *, sort: str, split: bool) -> int:
    """Calls until the sweep ends."""
    calls, seen = 0, set[str]()
    frontier = deque([first_sweep(since=0, until=START + 10_000_000, sort=sort)])
    while frontier:
        sweep = frontier.popleft()
        asked = sweep.arguments
        low, high = int(asked.get("min_upload_date", 0)), int(asked.get("max_upload_date", OPEN_END))
        page = Page(rows=tuple(listed(low, high)), total=total, per_page=per_page)
        fresh = {row.id for row in page.rows} - seen
        seen |= fresh
        calls += 1
        assert calls <= 10 * MOST_CALLS, "the listing does not end"
        frontier += advance(sweep, page, fresh=len(fresh), split=split, patience=PATIENCE).sweeps
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["date-posted-desc", "date-posted-asc", "relevance"])
@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("shown", ROWS)
def test_a_listing_that_brings_nothing_new_ends_after_a_bounded_number_of_calls(
    shown: str, claim: str, sort: str
) -> None:
    total, per_page = CLAIMS[claim]
    for split in (False, True):
        calls = count_calls(ROWS[shown], total, per_page, sort=sort, split=split)
        assert calls <= MOST_CALLS + PATIENCE * (1 + split)
