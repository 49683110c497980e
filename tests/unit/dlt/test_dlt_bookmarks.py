"""What a load takes for newer: never less than what was not loaded before, and no more where that can be known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harvester.dlt.bookmarks import Bookmark, Selection, choose_lines

Line = tuple[int, bytes]
WIDTH = 10


def choose(lines: list[Line], before: Bookmark | None = None, **facts: object) -> Selection:
    known = {"begun": "2026", "is_settled": True, "memberships": "", **facts}
    placed = [(photo_id, stamp, n * WIDTH) for n, (photo_id, stamp) in enumerate(lines)]
    return choose_lines(placed, before, size=len(lines) * WIDTH, **known)  # type: ignore[arg-type]


def taken(selection: Selection, lines: list[Line]) -> list[Line]:
    return [line for n, line in enumerate(lines) if n * WIDTH >= selection.start and n * WIDTH not in selection.without]


OLD: list[Line] = [(1, b"2026-01"), (3, b"2026-03"), (2, b"2026-02"), (4, b"2026-03")]


def test_the_first_load_takes_all() -> None:
    assert taken(choose(OLD), OLD) == OLD


def test_a_second_load_takes_nothing() -> None:
    assert taken(choose(OLD, choose(OLD).bookmark), OLD) == []


def test_what_is_appended_is_newer_whenever_it_was_harvested() -> None:
    new = [*OLD, (5, b"2026-01"), (6, b"2026-04")]
    assert taken(choose(new, choose(OLD, is_settled=False).bookmark), new) == new[4:]


def test_of_a_file_that_was_written_anew_the_lines_harvested_since_are_newer() -> None:
    new = [(1, b"2026-01"), (3, b"2026-05"), (5, b"2026-03"), (4, b"2026-03"), (6, b"2026-04")]
    assert taken(choose(new, choose(OLD).bookmark), new) == [(3, b"2026-05"), (5, b"2026-03"), (6, b"2026-04")]


def test_all_is_taken_of_what_was_not_complete_of_another_archive_and_where_sets_have_changed() -> None:
    new = [(2, b"2026-02"), *OLD[:2]]
    assert taken(choose(new, choose(OLD, is_settled=False).bookmark), new) == new
    assert taken(choose(new, choose(OLD).bookmark, begun="2025"), new) == new
    assert taken(choose(new, choose(OLD, begun="").bookmark, begun=""), new) == new
    assert taken(choose(OLD, choose(OLD).bookmark, memberships="other"), OLD) == OLD


def test_a_file_that_is_shorter_is_no_longer_one() -> None:
    assert taken(choose(OLD[:2], choose(OLD).bookmark), OLD[:2]) == []
    assert taken(choose(OLD[:2], choose(OLD, is_settled=False).bookmark), OLD[:2]) == OLD[:2]
    assert taken(choose([], choose(OLD).bookmark), []) == []


LINES = st.lists(st.tuples(st.integers(1, 20), st.sampled_from([b"1", b"2", b"3"])), unique_by=lambda line: line[0])


@given(LINES, LINES)
def test_loads_while_it_grows_take_each_line_once(first: list[Line], more: list[Line]) -> None:
    known = {photo_id for photo_id, _ in first}
    whole = [*first, *(line for line in more if line[0] not in known)]
    bookmark = choose(first, is_settled=False).bookmark
    assert taken(choose(whole, bookmark), whole) == whole[len(first) :]


def test_a_mass_of_photos_of_one_second_is_not_remembered() -> None:
    many: list[Line] = [(n, b"2026-01") for n in range(20_000)]
    bookmark = choose(many).bookmark
    assert (bookmark.last, bookmark.is_settled) == ([], False)
    assert taken(choose(many, bookmark), many) == []
