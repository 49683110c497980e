"""Large catalogues, and a server that gets things wrong in the ways on record: what a listing costs then. Pure."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass

from harvester.flickr.methods import PAGE_SIZE
from harvester.flickr.responses import Page, Row
from harvester.listing.sweep import Stretch, Sweep, advance, first_sweep

START = 1_200_000_000
UNTIL = START + 400_000_000
MOST_CALLS = 20_000

Entry = tuple[int, int]
"""The second of upload and the number of a photo."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What goes wrong: shares of answers, but for `off`, by what part each total is off; `least` of the worst."""

    told: str
    most: float
    """Calls for each 500 photos, at most."""
    off: tuple[float, float] = (0.0, 0.0)
    signs: tuple[int, ...] = (1,)
    """Which way totals are off."""
    disordered: float = 0.0
    """Rows change places with rows of the next page."""
    doubled: float = 0.0
    """Three rows come twice, each in place of another."""
    short: float = 0.0
    """Each row of the page is there with a chance of `kept`."""
    kept: float = 0.9
    empty: float = 0.0
    deleted: float = 0.0
    """A photo is deleted before the answer."""


_OFF = (0.15, 0.20)
WORLDS = (
    World(told="nothing goes wrong", most=1.02),
    World(told="rows of 3 in 10 pages change places with rows of the next", most=1.05, disordered=0.3),
    World(told="rows of 1 in 10 pages come twice, in place of others", most=1.2, doubled=0.1),
    World(told="1 in 10 pages is short of a tenth of its rows", most=1.2, short=0.1),
    World(told="each total is 15 to 20 % too high", most=2.0, off=_OFF),
    World(told="each total is 15 to 20 % too low", most=2.0, off=_OFF, signs=(-1,)),
    World(told="each total is 15 to 20 % too high or too low", most=2.0, off=_OFF, signs=(-1, 1)),
    World(
        told="all of it at once: 3 in 10 pages with rows twice, 3 in 10 with two fifths missing, half with rows that "
        "change places, 1 in 10 empty, a deletion before 1 in 10, each total off",
        most=6.0,
        off=_OFF,
        signs=(-1, 1),
        disordered=0.5,
        doubled=0.3,
        short=0.3,
        kept=0.6,
        empty=0.1,
        deleted=0.1,
    ),
)


class WorldServer:
    """Answers the questions of sweeps out of a catalogue, as its world has it."""

    def __init__(self, world: World, photos: list[Entry], *, rng: random.Random) -> None:
        self.world = world
        self.photos = photos
        self.calls = 0
        self._rng = rng

    def ask(self, sweep: Sweep) -> Page:
        """The answer to a sweep's question."""
        self.calls += 1
        if self._happens(self.world.deleted):
            del self.photos[self._rng.randrange(len(self.photos))]
        asked = sweep.arguments
        low, high = int(asked.get("min_upload_date", 0)), int(asked.get("max_upload_date", 1 << 41))
        first, last = bisect_left(self.photos, (low, 0)), bisect_right(self.photos, (high, 1 << 60))
        rows = self._rows(first, last, newest_first=asked["sort"].endswith("desc"), page=int(asked["page"]))
        shown = tuple(Row(str(number), second, None, b"") for second, number in rows)
        return Page(rows=shown, total=self._misstate(last - first), per_page=PAGE_SIZE)

    def _happens(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share

    def _misstate(self, total: int) -> int:
        return round(total * (1 + self._rng.choice(self.world.signs) * self._rng.uniform(*self.world.off)))

    def _rows(self, first: int, last: int, *, newest_first: bool, page: int) -> list[Entry]:
        rng, skip = self._rng, (page - 1) * PAGE_SIZE
        most = skip + PAGE_SIZE + 4
        found = self.photos[max(first, last - most) : last][::-1] if newest_first else self.photos[first:last][:most]
        if self._happens(self.world.disordered):
            low = max(0, skip + PAGE_SIZE - 4)
            border = found[low:]
            rng.shuffle(border)
            found[low:] = border
        rows = found[skip : skip + PAGE_SIZE]
        if rows and self._happens(self.world.doubled):
            for _ in range(3):
                rows[rng.randrange(len(rows))] = rng.choice(rows)
        if self._happens(self.world.short):
            rows = [row for row in rows if rng.random() < self.world.kept]
        return [] if self._happens(self.world.empty) else rows


def draw_even(count: int, _rng: random.Random) -> list[Entry]:
    """A photo every ten minutes."""
    return [(START + 600 * n, n + 1) for n in range(count)]


def draw_bursts(count: int, rng: random.Random) -> list[Entry]:
    """Sessions of a few to 900 photos seconds apart, days between, as accounts really are."""
    second, found = START, list[Entry]()
    while len(found) < count:
        second += rng.randint(3_600, 432_000)
        for _ in range(rng.choice([3, 10, 50, 200, 900])):
            second += rng.choice([0, 1, 2, 5, 8])
            found.append((second, len(found) + 1))
    return found[:count]


def draw_growth(count: int, rng: random.Random) -> list[Entry]:
    """More and more photos over the years."""
    second, found = START, list[Entry]()
    for n in range(count):
        second += max(1, int(50_000 * (1 - n / count) ** 3 * rng.random()))
        found.append((second, n + 1))
    return found


CATALOGUES = {"even": draw_even, "bursts": draw_bursts, "growing": draw_growth}


@dataclass(frozen=True)
class Listing:
    """What a listing came to: calls for each 500 photos, photos lost, what is noted."""

    calls: float
    lost: int
    stretches: list[Stretch]


def list_world(world: World, photos: list[Entry], *, seed: int, sort: str = "date-posted-desc") -> Listing:
    """List a catalogue to its end."""
    server, seen, stretches = WorldServer(world, list(photos), rng=random.Random(seed)), set[str](), list[Stretch]()
    frontier = deque([first_sweep(since=0, until=UNTIL, sort=sort)])
    while frontier:
        assert server.calls < MOST_CALLS, "the listing does not end"
        sweep = frontier.popleft()
        page = server.ask(sweep)
        fresh = {row.id for row in page.rows} - seen
        seen |= fresh
        step = advance(sweep, page, fresh=len(fresh))
        stretches += step.stretches
        frontier += step.sweeps
    lost = {str(number) for _, number in server.photos} - seen
    return Listing(server.calls * PAGE_SIZE / len(photos), len(lost), stretches)
