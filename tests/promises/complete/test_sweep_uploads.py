"""Uploads during the sweep never hide a photo that an answer left out: totals of different moments are no proof."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from harvester.flickr.responses import Page, Row
from harvester.listing.sweep import Sweep, advance, first_sweep, read_again
from support.adversary import run

START = 1_200_000_000
SIZE = 10
ONCE_FAILED = (860039,)
"""Roots of catalogues of which a photo was once lost silently."""

Rows = list[tuple[str, int]]


@dataclass
class Live:
    """A server with honest totals, to whose catalogue and answers something happens at given calls."""

    photos: Rows
    happens: dict[int, Callable[[Rows], object]]
    """What happens to the catalogue before a call."""
    holes: dict[int, str]
    """The photo that an answer passes over, with the rows behind it moved up."""
    asked: list[Sweep] = field(default_factory=list)

    def ask(self, sweep: Sweep) -> Page:
        self.asked.append(sweep)
        call = len(self.asked)
        self.happens.get(call, len)(self.photos)
        asked = sweep.arguments
        low, high = int(asked["min_upload_date"]), int(asked["max_upload_date"])
        window = [(i, second) for i, second in self.photos if low <= second <= high]
        window.sort(key=lambda row: row[1], reverse=asked["sort"].endswith("desc"))
        shown = [(i, second) for i, second in window if i != self.holes.get(call)]
        start = SIZE * (sweep.page - 1)
        rows = tuple(Row(i, second, None, b"") for i, second in shown[start : start + SIZE])
        return Page(rows=rows, total=len(window), per_page=SIZE)


def list_all(server: Live, first: Sweep) -> set[str]:
    seen: set[str] = set()
    frontier = deque([first])
    while frontier:
        sweep = frontier.popleft()
        page = server.ask(sweep)
        fresh = {row.id for row in page.rows} - seen
        seen |= fresh
        frontier += advance(sweep, page, fresh=len(fresh)).sweeps
    return seen


def upload(photos: Rows) -> None:
    photos.append((f"new{len(photos)}", START + 250))


def name_all(count: int) -> set[str]:
    return {str(n) for n in range(count)}


OLDEST_FIRST = first_sweep(since=START, until=START + 200, sort="date-posted-asc")
AGAIN = read_again(first_sweep(since=START, until=START + 200, sort="date-posted-desc"))


@pytest.mark.parametrize("first", [OLDEST_FIRST, AGAIN], ids=["the first reading", "a second reading"])
def test_an_upload_does_not_make_up_for_a_hole(first: Sweep) -> None:
    """A page passes over a photo, and one is uploaded before the next answer: its total is as high as expected."""
    photos = [(str(n), START + n) for n in range(15)]
    server = Live(photos, happens={2: upload}, holes={1: "4"})
    assert name_all(15) <= list_all(server, first)


@pytest.mark.parametrize("first", [OLDEST_FIRST, AGAIN], ids=["the first reading", "a second reading"])
def test_an_upload_does_not_hide_a_deletion_while_a_second_is_paged(first: Sweep) -> None:
    """A row of page 1 is deleted, so that one of page 2 moves there unseen, and the total stays what it was."""
    photos = [(str(n), START) for n in range(20)]

    def replace_one(rows: Rows) -> None:
        del rows[3]
        upload(rows)

    for call in range(2, 6):
        server = Live(list(photos), happens={call: replace_one}, holes={})
        assert name_all(20) - {"3"} <= list_all(server, first)


def test_what_an_upload_made_seem_fewer_is_no_claim_to_stop_at() -> None:
    """A second is read with a hole, its claim is one too low by an upload, and a deletion makes up for the rest."""
    photos = [(str(n), START + n // 8) for n in range(16)]

    def delete_one(rows: Rows) -> None:
        rows.remove(("0", START))

    for hole in map(str, range(1, 16)):
        server = Live(list(photos), happens={2: upload, 3: delete_one}, holes={1: hole, 2: hole, 3: hole})
        assert name_all(16) - {"0"} <= list_all(server, AGAIN)


def test_a_small_stretch_is_read_from_its_newest_second_for_no_more_calls() -> None:
    """The windows of the first reading end at a second that is past, in whatever order the photos are wanted."""
    photos = [(str(n), START + n) for n in range(15)]
    server = Live(photos, happens={}, holes={})
    assert name_all(15) == list_all(server, OLDEST_FIRST)
    assert [sweep.newest_first for sweep in server.asked] == [True, True]


@pytest.mark.parametrize("seed", ONCE_FAILED)
def test_a_catalogue_that_once_lost_a_photo_loses_none(seed: int) -> None:
    outcome = run(seed)
    assert (outcome.lost, outcome.silent) == (0, 0)
