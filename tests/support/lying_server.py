"""A server that lists photos as Flickr does, with what it gets wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from harvester.flickr.responses import Page, Row
from harvester.listing.sweep import Step, Stretch, Sweep, advance

Catalogue = dict[str, int]


@dataclass
class LyingServer:
    """Answers sweeps out of a catalogue (id -> second of upload), as Flickr does, with what it gets wrong."""

    photos: Catalogue
    size: int = 50
    cap: int = 4000
    lies: random.Random | None = None
    short: float = 0
    wrong_totals: float = 0
    swaps: float = 0
    calls: int = 0
    taken: dict[str, str] = field(default_factory=dict)

    def ask(self, sweep: Sweep) -> Page:
        self.calls += 1
        asked = sweep.arguments
        low, high = int(asked.get("min_upload_date", 0)), int(asked.get("max_upload_date", 1 << 41))
        if high - low <= 300:  # fuzzed
            low, high = low - 120, high + 120
        found = [(second, i) for i, second in self.photos.items() if low <= second <= high and self._fits(i, asked)]
        found.sort(reverse=not asked["sort"].endswith("asc"), key=lambda f: f[0])
        return self._page(found, int(asked["page"]))

    def _fits(self, i: str, asked: dict[str, str]) -> bool:
        taken = self.taken.get(i, "2010-01-01 00:00:00")
        return asked.get("min_taken_date", "") <= taken <= asked.get("max_taken_date", "9999")

    def _page(self, found: Sequence[tuple[int, str]], number: int) -> Page:
        rows, total = list(found[: self.cap]), len(found)
        lies = self.lies
        start = (number - 1) * self.size
        if lies and lies.random() < self.swaps:
            edge = min(start + self.size, len(rows) - 1)
            for a, b in ((edge - 1, edge), (edge - 2, edge - 1)):
                if b > 0:
                    rows[a], rows[b] = rows[b], rows[a]
        part = rows[start : start + self.size]
        if lies and lies.random() < self.short:
            part = [row for row in part if lies.random() < 0.6]
        if lies and lies.random() < self.wrong_totals:
            total = max(0, total + lies.choice([-7, 3, 40]))
        shown = tuple(Row(i, second, self.taken.get(i), b"{}") for second, i in part)
        return Page(rows=shown, total=total, per_page=self.size)


def harvest(server: LyingServer, sweep: Sweep, *, split: bool = False) -> tuple[list[str], list[Stretch]]:
    """All ids in the order found, each once, and what was noted."""
    seen: dict[str, None] = {}
    notes: list[Stretch] = []
    frontier = [sweep]
    while frontier:
        assert server.calls < 20_000, "the sweep does not end"
        now = frontier.pop(0)
        page = server.ask(now)
        fresh = [row.id for row in page.rows if row.id not in seen]
        seen.update(dict.fromkeys(fresh))
        step: Step = advance(now, page, fresh=len(fresh), split=split)
        notes += step.stretches
        frontier += step.sweeps
    return list(seen), notes


START = 1_200_000_000
