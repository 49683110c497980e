"""The walk: which page of a list is asked for next, and when it is read once more."""

from __future__ import annotations

import pytest

from harvester.flickr.responses import Listed
from harvester.listing.walk import Advance, Walk, advance_walk


def rows(*ids: str) -> tuple[tuple[str, bytes], ...]:
    return tuple((i, b"{}") for i in ids)


def step(walk: Walk, listed: Listed, *, repeated: int = 0) -> Walk:
    rest = advance_walk(walk, listed, repeated=repeated).walk
    assert rest
    return rest


def test_a_list_that_answers_every_page_with_all_of_it_is_through() -> None:
    all_of_it = Listed(rows=rows("1", "2"))
    rest = step(Walk(listing="contacts"), all_of_it)
    assert advance_walk(rest, all_of_it, repeated=2) == Advance(None)


def test_a_page_that_comes_again_where_there_are_pages_is_a_reason_to_read_once_more() -> None:
    rest = step(Walk(listing="members"), Listed(rows=rows("1", "2"), total=4, pages=2))
    again = advance_walk(rest, Listed(rows=rows("1", "2"), total=4, pages=2), repeated=2)
    assert again.anew
    assert again.walk == Walk(listing="members", page=1, reads=2, before=2)


@pytest.mark.parametrize("listing", ["members", "collections"])
@pytest.mark.parametrize(("total", "pages"), [(0, 0), (0, 1), (None, None)])
def test_a_list_that_claims_to_be_empty_is_asked_for_once_more(
    listing: str, total: int | None, pages: int | None
) -> None:
    empty = Listed(rows=(), total=total, pages=pages)
    again = step(Walk(listing=listing), empty)
    assert again == Walk(listing=listing, tries=1)
    assert advance_walk(again, empty, repeated=0) == Advance(None)


def test_a_list_that_seems_empty_when_it_is_read_once_more_is_asked_again() -> None:
    again = Walk(listing="members", reads=2, before=2)
    assert step(again, Listed(rows=(), total=0, pages=0)) == Walk(listing="members", reads=2, before=2, tries=1)


def test_an_empty_page_is_asked_again_and_then_passed_over() -> None:
    walk = step(Walk(listing="members"), Listed(rows=rows("1", "2"), total=5, pages=3))
    for _ in range(3):
        walk = step(walk, Listed(rows=(), total=5, pages=3))
        assert walk.page == 2
    walk = step(walk, Listed(rows=(), total=5, pages=3))
    assert walk.page == 3
    again = advance_walk(walk, Listed(rows=rows("5"), total=5, pages=3), repeated=0)
    assert again.anew, "fewer came than are claimed"


def test_pages_that_stay_empty_before_the_last_are_told() -> None:
    empty = Listed(rows=(), total=6, pages=9)
    walk = step(Walk(listing="members", subject="7", before=2), Listed(rows=rows("1", "2"), total=6, pages=9))
    for _ in range(5):
        walk = step(walk, empty)
    end = advance_walk(walk, empty, repeated=0)
    assert (walk.page, end.walk) == (4, None)
    assert end.note == "flickr.photosets.getPhotos of 7 claims 9 pages, and page 2 is empty"


def test_a_list_that_shows_fewer_rows_than_it_claims_is_read_until_two_readings_agree() -> None:
    short, walk = Listed(rows=rows("1", "2"), total=3, pages=1), Walk(listing="members")
    again = advance_walk(walk, short, repeated=0)
    assert again.anew
    assert again.walk
    assert advance_walk(again.walk, short, repeated=0) == Advance(None)
    whole = Listed(rows=rows("1", "2", "3"), total=3, pages=1)
    assert advance_walk(again.walk, whole, repeated=0) == Advance(None)
    shorter = advance_walk(again.walk, Listed(rows=rows("1"), total=3, pages=1), repeated=0)
    assert shorter.anew


def test_a_full_page_without_a_total_is_not_the_last() -> None:
    full = rows(*map(str, range(1, 501)))
    assert step(Walk(listing="members"), Listed(rows=full, total=None, pages=1)).page == 2


def test_a_list_that_keeps_changing_is_told_after_three_readings() -> None:
    walk = Walk(listing="members", subject="7", reads=3)
    end = advance_walk(walk, Listed(rows=rows("1", "1"), total=2, pages=1), repeated=1)
    assert end.walk is None
    assert "kept changing" in end.note
