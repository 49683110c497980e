"""The cursor sweep against catalogues of every shape, and a server that lies."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.flickr.responses import Page, Row
from harvester.listing.sweep import Sweep, advance, first_sweep
from support.lying_server import START, Catalogue, LyingServer, harvest

gaps = st.one_of(st.integers(0, 3), st.integers(0, 100), st.integers(0, 100_000), st.just(0))


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Bursts of photos, seconds shared, long silences."""
    second, photos = START, {}
    for n, gap in enumerate(draw(st.lists(gaps, max_size=400))):
        second += gap
        photos[str(n + 1)] = second
    return photos


@given(catalogues(), st.booleans(), st.booleans())
@settings(max_examples=150)
def test_an_honest_server_is_listed_whole_in_either_order(photos: Catalogue, newest: bool, split: bool) -> None:
    order = "date-posted-desc" if newest else "date-posted-asc"
    sweep = first_sweep(since=0, until=START + 50_000_000, sort=order)
    found, notes = harvest(LyingServer(photos), sweep, split=split)
    assert sorted(found) == sorted(photos)
    assert all(stretch.whole for stretch in notes)


@given(catalogues(), st.integers(0, 1 << 30), st.floats(0, 0.3), st.floats(0, 1))
@settings(max_examples=150)
def test_no_photo_is_lost_to_short_pages_and_swapped_rows(
    photos: Catalogue, seed: int, short: float, swaps: float
) -> None:
    """Totals are honest here: they are what gives the holes away."""
    server = LyingServer(photos, lies=random.Random(seed), short=short, swaps=swaps)
    found, _ = harvest(server, first_sweep(since=0, until=START + 50_000_000, sort="date-posted-desc"))
    assert sorted(found) == sorted(photos)


@given(catalogues(), st.integers(0, 1 << 30))
@settings(max_examples=100)
def test_no_photo_is_lost_to_wrong_totals(photos: Catalogue, seed: int) -> None:
    server = LyingServer(photos, lies=random.Random(seed), wrong_totals=0.5)
    found, _ = harvest(server, first_sweep(since=0, until=START + 50_000_000, sort="date-posted-desc"))
    assert sorted(found) == sorted(photos)


@pytest.mark.slow
def test_a_search_far_past_the_cap_costs_hardly_more_calls_than_it_has_pages() -> None:
    photos = {str(n + 1): START + n // 3 * 60 for n in range(100_000)}
    server = LyingServer(photos, size=500)
    found, notes = harvest(server, first_sweep(since=0, until=START + 50_000_000, sort="date-posted-desc"))
    assert len(found) == 100_000
    assert server.calls <= 1.05 * 200
    assert sum(stretch.found for stretch in notes) >= 100_000


@pytest.mark.parametrize("size", [1, 2, 49, 50, 51, 120, 3999])
def test_a_second_of_any_size_is_paged_through(size: int) -> None:
    photos = {str(n + 1): START if n < size else START + 500 + n for n in range(size + 100)}
    found, notes = harvest(LyingServer(photos), first_sweep(since=0, until=START + 10_000, sort="date-posted-desc"))
    assert sorted(found) == sorted(photos)
    assert all(stretch.whole for stretch in notes)


def test_a_second_past_the_cap_is_split_by_date_taken() -> None:
    photos = {str(n + 1): START for n in range(9000)}
    taken = {i: f"2011-03-{1 + int(i) % 28:02} 10:{int(i) % 60:02}:00" for i in photos}
    found, notes = harvest(
        LyingServer(photos, taken=taken, size=500), first_sweep(since=0, until=START + 10_000, sort="date-posted-desc")
    )
    assert len(found) == 9000
    assert all(stretch.whole for stretch in notes)


@pytest.mark.slow
def test_a_second_past_the_cap_that_cannot_be_split_is_said_to_be_cut() -> None:
    photos = {str(n + 1): START for n in range(9000)} | {str(n): START - n for n in range(20_000, 20_100)}
    found, notes = harvest(
        LyingServer(photos, taken=dict.fromkeys(photos, "2011-03-01 10:00:00"), size=500),
        first_sweep(since=0, until=START + 10_000, sort="date-posted-desc"),
    )
    assert len(found) < 9100
    assert any(not stretch.whole and "cannot be told apart" in stretch.note for stretch in notes)
    assert {str(n) for n in range(20_000, 20_100)} <= set(found), "what lies behind that second is still found"


def test_a_total_that_falls_too_fast_has_the_stretch_read_again() -> None:
    """A page with a hole, though full by its own account."""
    sweep = Sweep(since=0, until=1000)
    rows = tuple(Row(str(n), 1000 - n, None, b"{}") for n in range(1, 51))
    step = advance(sweep, Page(rows=rows, total=120, per_page=50), fresh=50)
    (rest,) = step.sweeps
    assert rest.expected == 120 - 48
    later = tuple(Row(str(n), 950 - n, None, b"{}") for n in range(1, 51))
    (rest,) = advance(rest, Page(rows=later, total=60, per_page=50), fresh=50).sweeps
    last = tuple(Row(str(n), rest.until - n, None, b"{}") for n in range(12))
    step = advance(rest, Page(rows=last, total=12, per_page=50), fresh=12)
    assert [(s.since, s.until, s.newest_first, s.reads) for s in step.sweeps] == [(952, 1000, False, 2)]


def test_an_empty_answer_is_asked_once_more() -> None:
    server = LyingServer({})
    found, _ = harvest(server, first_sweep(since=0, until=START, sort="date-posted-desc"))
    assert found == []
    assert server.calls == 2


def test_a_ranked_order_is_paged_to_the_cap_and_the_rest_found_by_date() -> None:
    photos = {str(n + 1): START + n * 7 for n in range(6000)}
    server = LyingServer(photos, size=500)
    found, _ = harvest(server, first_sweep(since=0, until=START + 100_000, sort="interestingness-desc"))
    assert len(found) == 6000


def test_small_windows_are_never_asked_since_the_server_widens_them() -> None:
    for newest in (True, False):
        asked = Sweep(since=START, until=START + 5, newest_first=newest).arguments
        assert int(asked["max_upload_date"]) - int(asked["min_upload_date"]) >= 600
