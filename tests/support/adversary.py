"""Sweeps of random catalogues, as a server serves them that tells the truth in its totals and nowhere else. Pure."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import dataclass, field

from harvester.flickr.responses import Page, Row
from harvester.listing.sweep import Stretch, Sweep, advance, first_sweep

START = 1_200_000_000
MOST_CALLS = 5_000
WIDENED = 300

Entry = tuple[int, int]
"""The second of upload and the number of a photo."""


@dataclass
class Adversary:
    """A server with a catalogue. Each field but the first three is the share of answers in which something is wrong."""

    photos: list[Entry]
    rng: random.Random
    size: int
    thinned: float = 0
    """Rows are missing all over the page."""
    pricked: float = 0
    """One row is missing."""
    torn: float = 0
    """The page breaks off."""
    holed: float = 0
    """A row is missing, and the page is full all the same: the rows behind it have moved up."""
    doubled: float = 0
    """A row comes twice, in place of another."""
    swapped: float = 0
    """Rows change places with rows of the next page."""
    reversed: float = 0
    """Photos of one second come in another order."""
    drift: float = 0
    """A photo is deleted, or one is uploaded."""
    now: int = START
    """The second in which the sweep begins."""
    calls: int = 0
    gone: set[int] = field(default_factory=set)
    added: set[int] = field(default_factory=set)

    def ask(self, sweep: Sweep) -> Page:
        """The answer to a sweep's question."""
        self.calls += 1
        if self._happens(self.drift):
            self._drift()
        asked = sweep.arguments
        low, high = int(asked.get("min_upload_date", 0)), int(asked.get("max_upload_date", 1 << 41))
        if high - low <= WIDENED:
            low, high = low - 120, high + 120
        first, last = bisect_left(self.photos, (low, 0)), bisect_right(self.photos, (high, 1 << 60))
        rows = self._rows(first, last, newest_first=asked["sort"].endswith("desc"), page=int(asked["page"]))
        shown = tuple(Row(str(number), second, None, b"") for second, number in rows)
        return Page(rows=shown, total=last - first, per_page=self.size)

    def _happens(self, share: float) -> bool:
        return share > 0 and self.rng.random() < share

    def _rows(self, first: int, last: int, *, newest_first: bool, page: int) -> list[Entry]:
        """A page of the window, cut out with as many rows around it as may move into it."""
        skip = (page - 1) * self.size
        most = skip + self.size + 8
        found = self.photos[max(first, last - most) : last][::-1] if newest_first else self.photos[first:last][:most]
        rng = self.rng
        if self._happens(self.reversed):
            found.sort(key=lambda entry: (entry[0] if not newest_first else -entry[0], -entry[1] if rng else 0))
        if self._happens(self.swapped):
            low, high = max(0, skip + self.size - 4), skip + self.size + 4
            middle = found[low:high]
            rng.shuffle(middle)
            found[low:high] = middle
        if self._happens(self.holed) and len(found) > skip:
            del found[rng.randrange(skip, len(found))]
        rows = found[skip : skip + self.size]
        if rows and self._happens(self.doubled):
            rows[rng.randrange(len(rows))] = rng.choice(rows)
        if rows and self._happens(self.pricked):
            del rows[rng.randrange(len(rows))]
        if self._happens(self.thinned):
            rows = [row for row in rows if rng.random() < 0.6]
        if rows and self._happens(self.torn):
            del rows[rng.randrange(len(rows)) :]
        return rows

    def _drift(self) -> None:
        if self.photos and self.rng.random() < 0.5:
            self.gone.add(self.photos.pop(self.rng.randrange(len(self.photos)))[1])
        else:
            number = 1_000_000 + self.calls
            self.added.add(number)
            insort(self.photos, (self.now + self.calls, number))


@dataclass(frozen=True)
class Outcome:
    """What became of one sweep. `lost` were there all the time, `silent` are those of them of which nothing is told."""

    photos: int
    calls: int
    lost: int
    silent: int
    told: int


def run(seed: int, *, calm: bool = False) -> Outcome:
    """Sweep a catalogue of which all is decided by the seed."""
    rng = random.Random(seed)
    photos = draw_catalogue(rng)
    server = draw_server(rng, photos, calm=calm)
    everything = list(photos)
    order = rng.choice(["date-posted-desc", "date-posted-asc"])
    oldest, newest = photos[0][0] if photos else START, photos[-1][0] if photos else START
    since = rng.choice([0, 0, oldest, max(oldest - 100, 0)])
    until = rng.choice([START + 50_000_000, newest, newest + 100])
    server.now = max(until, newest)
    seen, stretches = sweep_all(server, first_sweep(since=since, until=until, sort=order), rng=rng)
    lost = [(second, n) for second, n in everything if n not in server.gone and str(n) not in seen]
    told = [s for s in stretches if not s.whole or (s.reported or 0) > s.found]
    silent = [entry for entry in lost if not any(s.since <= entry[0] <= s.until for s in told)]
    return Outcome(len(everything), server.calls, len(lost), len(silent), len(told))


def sweep_all(server: Adversary, sweep: Sweep, *, rng: random.Random) -> tuple[set[str], list[Stretch]]:
    """All ids found, and what is noted of each stretch."""
    seen: set[str] = set()
    stretches: list[Stretch] = []
    frontier = deque([sweep])
    splits = rng.random() < 0.2
    while frontier:
        assert server.calls < MOST_CALLS, "the sweep does not end"
        now = frontier.popleft()
        page = server.ask(now)
        fresh = [row.id for row in page.rows if row.id not in seen]
        seen.update(fresh)
        step = advance(now, page, fresh=len(set(fresh)), split=splits)
        stretches += step.stretches
        frontier += step.sweeps
    return seen, stretches


def draw_catalogue(rng: random.Random) -> list[Entry]:
    """Bursts of photos, seconds shared by many, long silences."""
    widest = rng.choice([0, 1, 3, 100, 1_000, 100_000])
    second, photos = START, []
    for n in range(rng.choice([0, 1, 2, 5, 20, 60, 120, 253, 400])):
        if rng.random() > 0.3:
            second += rng.randint(0, widest if rng.random() < 0.8 else 100_000)
        photos.append((second, n + 1))
    if photos and rng.random() < 0.2:
        second = rng.choice(photos)[0]
        photos += [(second, 100_000 + n) for n in range(rng.randint(1, 200))]
        photos.sort()
    return photos


def draw_server(rng: random.Random, photos: list[Entry], *, calm: bool) -> Adversary:
    """A server that does some of what goes wrong, some of the time."""
    server = Adversary(list(photos), rng, size=rng.choice([10, 25, 50, 50]))
    if not calm:
        for name in ("thinned", "pricked", "torn", "holed", "doubled", "swapped", "reversed", "drift"):
            if rng.random() < 0.35:
                setattr(server, name, rng.random() * (1 if name in ("swapped", "reversed") else 0.3))
    return server
