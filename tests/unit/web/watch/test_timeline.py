"""The timeline of a listing is what its sweeps have left to read, in slots and in rows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harvester.listing.stretch import OPEN_END, Stretch, Sweep
from harvester.listing.sweep import FLICKR_BEGAN
from harvester.web.watch.once import fill_months
from harvester.web.watch.timeline import SLOTS, build_timeline


def at(year: int, month: int = 1) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())


def stretch(since: int, until: int, *, whole: bool = True) -> Stretch:
    return Stretch(since=since, until=until, reported=None, found=1, whole=whole)


def test_nothing_is_known_without_a_search() -> None:
    assert build_timeline([], [], {}, horizon=at(2026)) is None


def test_a_sweep_that_has_just_begun_leaves_all_to_read() -> None:
    found = build_timeline([], [Sweep(since=0, until=OPEN_END)], {}, horizon=at(2026))
    assert found
    assert (found.since, found.until) == (FLICKR_BEGAN, at(2026))
    assert (found.share, found.to_read) == (0, 1)
    assert found.read == [0] * SLOTS
    assert [row.when for row in found.rows] == [str(year) for year in range(2004, 2026)]


def test_what_lies_behind_the_cursor_is_read() -> None:
    sweep = Sweep(since=at(2020), until=at(2025))
    done = stretch(at(2025), at(2030))
    months = {"2026-03": 7, "2026-05": 2, "2024-12": 1}
    found = build_timeline([done], [sweep], months, horizon=at(2030))
    assert found
    assert found.share == pytest.approx(0.5, abs=0.001)
    assert found.read[:59] == [0] * 59
    assert found.read[61:] == [1] * (SLOTS - 61)
    rows = {row.when: (row.photos, round(row.read, 3)) for row in found.rows}
    assert (rows["2024"], rows["2025"], rows["2026"]) == ((1, 0.0), (0, 1.0), (9, 1.0))


def test_a_second_reading_and_what_flickr_keeps_back_are_told_apart() -> None:
    again = Sweep(since=at(2020), until=at(2021), reads=2)
    found = build_timeline([stretch(at(2020), at(2022)), stretch(at(2021, 6), at(2021, 7), whole=False)], [again], {},
                           horizon=at(2022))  # fmt: skip
    assert found
    assert found.share == 1
    assert found.again[0] == 1
    assert found.again[-1] == 0
    assert found.lacking
    assert 80 < found.lacking[0] <= found.lacking[-1] < 100
    assert len(found.rows) == 24


def test_a_search_of_one_second_has_a_timeline() -> None:
    found = build_timeline([stretch(at(2020), at(2020))], [], {"2020-01": 3}, horizon=at(2020))
    assert found
    assert [(row.when, row.photos, row.read) for row in found.rows] == [("2020-01", 3, 1.0)]


def test_months_without_photos_are_there() -> None:
    assert fill_months({"2020-11": 1, "2021-02": 4}) == [1, 0, 0, 4]
