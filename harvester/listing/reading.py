"""What an answer shows of the stretch that a sweep asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from harvester.flickr.methods import PAGE_SIZE
from harvester.flickr.responses import Page
from harvester.listing.stretch import Sweep

SHORT = "a page came short"
OTHER_TIMES, TWICE, DISORDER = "photos of other times came", "photos came twice", "rows came out of order"
PROVABLE = frozenset({SHORT, OTHER_TIMES, TWICE, DISORDER})
"""Doubts about a page that its totals can dispel."""
OVERLAP = 0.99
"""Rows near a page's end are seen to change places with rows of the next: the cursor stays a little before it."""
UPLOADS = "uploads may have taken the places of photos"
"""Why an answer of a window that grows proves nothing together with the one before."""
CHANGED = -1
"""The expected total of a second that has changed while it was paged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An answer measured against the sweep that asked for it."""

    offsets: tuple[int, ...]
    """Seconds from the cursor to each photo inside the stretch, from near to far."""
    here: tuple[str, ...]
    """Ids of photos at the cursor's second that the earlier pages have not shown; of all, where none has a date."""
    undated: bool
    """No photo has a date."""
    known: int
    """Photos that this page and the earlier ones of its window have shown, at the cursor or ahead of it."""
    beyond: int
    """Those of them that lie past the end of the stretch."""
    full: bool
    claims_more: bool
    exact: bool
    """The window's total is what was shown of it."""
    changed: bool
    """The total is another than on the earlier pages: rows may have moved to a page that was read before."""
    entered: bool
    """The window may have grown since its earlier pages, and a deletion may have hidden that from the total."""
    oddity: str
    """Why the page may have holes though it is full, "" for no reason."""

    @property
    def ends(self) -> bool:
        """Whether nothing of the stretch lies behind this page."""
        return self.beyond > 0 or not (self.full or self.claims_more)

    @property
    def doubt(self) -> str:
        """Why photos of the stretch may be missing between the rows, "" for no reason."""
        if self.changed:
            return "a second changed while it was paged"
        if self.entered:
            return UPLOADS
        if self.exact:
            return ""
        if self.claims_more and not self.full:
            return SHORT
        if not self.full:
            return "no total confirmed the end"
        return self.oddity

    def judge(self, *, lied: bool) -> str:
        """The doubt; where totals count no more, what the rows alone give rise to."""
        if not lied or self.changed or self.entered:
            return self.doubt
        return self.oddity if self.full else SHORT

    def between(self, offset: int) -> int:
        """Photos on this page between the cursor's second and one so far ahead, both not included."""
        return sum(0 < o < offset for o in self.offsets)


def measure(sweep: Sweep, page: Page) -> Reading:
    """Compare an answer with the question."""
    size = read_size(page)
    dated, undated = _find_offsets(sweep, page)
    ahead = {i: offset for i, offset in dated.items() if offset >= 0}
    inside = [offset for offset in ahead.values() if offset <= sweep.span]
    at_hand = len(page.rows) - sum(offset < 0 for offset in dated.values())
    held = set(sweep.held)
    known = len(held | ahead.keys() | undated)
    past = max((sweep.page - 1) * size + at_hand, known)
    return Reading(
        offsets=tuple(sorted(inside)),
        here=_find_here(ahead if dated else dict.fromkeys(undated, 0), held),
        undated=bool(undated) and not dated,
        known=known,
        beyond=len(ahead) - len(inside),
        full=at_hand >= size,
        claims_more=page.total is not None and page.total > past,
        exact=page.total == known,
        changed=sweep.page > 1 and sweep.expected != page.total,
        entered=sweep.page > 1 and sweep.grows,
        oddity=_find_oddity(page, dated, ahead),
    )


def _find_offsets(sweep: Sweep, page: Page) -> tuple[dict[str, int], set[str]]:
    """Seconds from the cursor to each photo that has a date, and the photos that have none."""
    dated = {row.id: sweep.ahead(row.uploaded) for row in page.rows if row.uploaded is not None}
    return dated, {row.id for row in page.rows if row.uploaded is None}


def _find_here(offsets: dict[str, int], held: set[str]) -> tuple[str, ...]:
    """Photos at the cursor's second that the earlier pages have not shown."""
    return tuple(i for i, offset in offsets.items() if offset == 0 and i not in held)


def find_reported(page: Page, reading: Reading) -> int | None:
    """How many photos of the stretch itself an answer claims; None where that cannot be told."""
    if page.total is None or (reading.beyond and not reading.exact):
        return None
    return max(0, page.total - reading.beyond)


def read_size(page: Page) -> int:
    """How many rows make a full page. A claim that cannot be is none (`perpage: -5`)."""
    claimed = page.per_page or 0
    return max(claimed, len(page.rows)) if 1 <= claimed <= PAGE_SIZE else PAGE_SIZE


def _find_oddity(page: Page, dated: dict[str, int], ahead: dict[str, int]) -> str:
    if len(ahead) < len(dated):
        return OTHER_TIMES
    if len({row.id for row in page.rows}) < len(page.rows):
        return TWICE
    before_border = list(dated.values())[: int(len(dated) * OVERLAP)]
    in_order = all(near <= far for near, far in pairwise(before_border))
    return "" if in_order else DISORDER
