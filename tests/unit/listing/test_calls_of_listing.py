"""What a listing costs, in calls for each 500 photos, in each world on record; and that it loses nothing there."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from harvester.engine.lister import PHOTOS_PER_SPLIT
from harvester.flickr.methods import PAGE_SIZE
from harvester.listing.confirmation import is_belied
from harvester.listing.reading import OVERLAP
from harvester.listing.settling import close_doubt
from harvester.listing.stretch import OPEN_END, Piece, Sweep
from support.adversary import run
from support.worlds import CATALOGUES, WORLDS, World, list_world

PHOTOS = 50_000


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["date-posted-desc", "date-posted-asc"])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.told[:40])
def test_a_listing_costs_no_more_calls_than_its_world_makes_needful(world: World, sort: str) -> None:
    found = [
        list_world(world, draw(PHOTOS, random.Random(3)), seed=seed, sort=sort)
        for seed, draw in enumerate(CATALOGUES.values())
    ]
    assert [listing.lost for listing in found] == [0, 0, 0]
    assert fmean(listing.calls for listing in found) <= world.most
    assert max(listing.calls for listing in found) <= 1.15 * world.most


def test_splitting_a_listing_costs_next_to_nothing() -> None:
    """Pages overlap by a hundredth, and a split costs up to two calls."""
    assert 1 / OVERLAP + 2 * PAGE_SIZE / PHOTOS_PER_SPLIT <= 1.02


def sweep(**given: object) -> Sweep:
    behind = Piece(since=5_001, until=10_000, reported=None, found=100)
    return Sweep(**{"since": 0, "until": 5_000, "far": 0, "expected": 900, "behind": behind, **given})  # type: ignore[arg-type]


def test_a_total_that_rises_lies_and_one_that_falls_may_not() -> None:
    assert is_belied(sweep(), 950)
    assert not is_belied(sweep(), 900)
    assert not is_belied(sweep(), 700), "a hole, or a deletion"
    assert not is_belied(sweep(), 902), "photos made public, or found late"
    assert not is_belied(sweep(expected=90_000), 90_900), "a hundredth of many"
    assert not is_belied(sweep(), None)
    assert not is_belied(sweep(behind=None), 950), "nothing was read before it"
    assert not is_belied(sweep(newest_first=False, far=None), 950), "an upload may have entered"
    moved = Piece(since=5_001, until=10_000, reported=None, found=100, moved=True)
    assert not is_belied(sweep(behind=moved), 950), "its numbers are of different moments"


def test_once_a_total_has_lied_a_second_reading_asks_for_full_pages() -> None:
    """Windows that end with the stretch would not tell the end of the stretch from a page that came short."""
    doubt = Piece(since=6_000, until=9_000, reported=300, found=200, note="totals fell")
    (again,) = close_doubt(sweep(lied=True, doubt=doubt)).sweeps
    assert (again.since, again.until, again.reads, again.lied, again.far) == (6_000, 9_000, 2, True, OPEN_END)


@pytest.mark.slow
def test_honest_totals_never_count_as_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    """However odd pages are, whatever is deleted or uploaded meanwhile."""
    told: list[bool] = []

    def watch(sweep: Sweep, total: int | None) -> bool:
        told.append(is_belied(sweep, total))
        return told[-1]

    monkeypatch.setattr("harvester.listing.sweep.is_belied", watch)
    for seed in range(300):
        run(seed)
    assert len(told) > 1_000
    assert not any(told)
