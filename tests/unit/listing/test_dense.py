"""Days and seconds so full that dates of upload alone hardly tell photos apart."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.flickr.responses import Page
from harvester.listing.sweep import Sweep, first_sweep
from support.lying_server import START, LyingServer, harvest

DAY = 86_400


@dataclass
class SwiftServer(LyingServer):
    """The same, honest and without filters, for catalogues that would take long to sort for each answer."""

    def __post_init__(self) -> None:
        self._sorted = sorted((second, i) for i, second in self.photos.items())

    def ask(self, sweep: Sweep) -> Page:
        self.calls += 1
        asked = sweep.arguments
        low, high = int(asked.get("min_upload_date", 0)), int(asked["max_upload_date"])
        first, last = bisect_left(self._sorted, (low, "")), bisect_left(self._sorted, (high + 1, ""))
        found = self._sorted[first:last]
        return self._page(found if asked["sort"].endswith("asc") else found[::-1], int(asked["page"]))


def taken(n: int) -> str:
    return f"20{10 + n % 9}-0{1 + n % 8}-1{n % 7} 10:{n % 60:02}:{n // 60 % 60:02}"


@pytest.mark.slow
def test_a_hundred_thousand_photos_of_one_day_cost_hardly_more_calls_than_they_have_pages() -> None:
    rng = random.Random(7)
    photos = {str(n + 1): START + rng.randrange(DAY) for n in range(100_000)}
    server = SwiftServer(photos, size=500)
    found, notes = harvest(server, first_sweep(since=START, until=START + DAY, sort="date-posted-desc"))
    assert sorted(found) == sorted(photos)
    assert server.calls <= 1.06 * 200
    assert all(stretch.whole for stretch in notes)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(0, 600), st.sampled_from([1, 3, 499, 500, 501, 3_999, 4_001, 6_000])), max_size=6),
    st.booleans(),
    st.integers(0, 1 << 30),
)
@settings(max_examples=12)
def test_seconds_of_thousands_side_by_side_are_listed_whole(
    seconds: list[tuple[int, int]], newest: bool, seed: int
) -> None:
    photos: dict[str, int] = {}
    for offset, size in seconds:
        photos |= {str(len(photos) + n + 1): START + offset for n in range(size)}
    rng = random.Random(seed)
    photos |= {str(len(photos) + n + 1): START + rng.randrange(DAY) for n in range(1_000)}
    server = LyingServer(photos, size=500, taken={i: taken(int(i)) for i in photos})
    order = "date-posted-desc" if newest else "date-posted-asc"
    found, notes = harvest(server, first_sweep(since=0, until=START + DAY, sort=order))
    assert sorted(found) == sorted(photos)
    assert all(stretch.whole for stretch in notes)
