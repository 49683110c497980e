"""The cursor sweep: how a search of any size is listed completely, for the fewest calls. Pure.

A sweep walks a stretch of upload time in the order of upload. It asks for the first page only, then again from
a second near the page's end, and so on: each call is anchored at a date, so that neither the cap of 4,000
results, nor uploads and deletions during the run, nor repeated pages matter. Rows seen before are dropped by id.

                     until                                                  since
    newest first       |==== page 1 ====.==|
                                        |==== page 1 ====.==|
                                                         |=== page 1, short: the end

What an answer claims in `total` is compared with what it brings. A claim decides nothing, but a doubt (a short
page, a row out of order, a total that falls by more than the photos seen) has the stretch read again from its
other end, until a reading brings nothing new.

Only a second that fills a whole page is paged through; one that fills the cap is split by date taken, licence
and media. What cannot be split is told, not cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from harvester.answers import Page, Row
from harvester.flickr import CAP, PAGE_SIZE
from harvester.values import LICENSES

FLICKR_BEGAN = 1_076_371_200
"""2004-02-10, when Flickr opened: nothing was uploaded before. Used only to choose where to cut in two."""
OPEN_END = 1 << 40
"""The end of a sweep that goes up to now, whenever that is by Flickr's clock."""
WIDEST_FUZZ = 600
"""Windows of five minutes and less are widened by the server (openverse-catalog#1041): none that small is asked."""
_OVERLAP = 0.99
"""Rows near a page's end are seen to change places with rows of the next: the cursor stays a little before it."""
_MOST_READS = 6
_MOST_TRIES = 3
_SPLITTABLE = 10
"""Pages that must remain for a sweep to be worth cutting in two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is still to be read of a stretch of upload time, and how. Seconds are Unix time, both ends inclusive.

    `until` is the cursor of a sweep that goes newest first, `since` that of one that goes oldest first. `reads`
    counts the readings of this stretch, `tries` the idle answers at this place. `fresh` counts the photos that a
    second or later reading brought of the stretch `origin`. `expected` is what the next answer should claim as
    total, `behind` the stretch that its claim will prove. `narrow` holds arguments that cut a full second into
    parts. `ranked` is an order that is no date, to be paged through as far as it goes.
    """

    since: int
    until: int
    newest_first: bool = True
    page: int = 1
    reads: int = 1
    tries: int = 0
    fresh: int = 0
    expected: int | None = None
    behind: Stretch | None = None
    origin: tuple[int, int] | None = None
    narrow: tuple[tuple[str, str], ...] = ()
    ranked: str = ""

    def ending(self, horizon: int) -> Sweep:
        """The same sweep, up to a second that was not known when it began."""
        return replace(self, until=horizon) if self.until > horizon else self

    @property
    def arguments(self) -> dict[str, str]:
        """Arguments of the search that ask for this sweep's next page."""
        if self.ranked:
            return {**self._bounds(self.since, self.until), "sort": self.ranked, "page": str(self.page)}
        fuzz = WIDEST_FUZZ
        if self.newest_first:
            given = self._bounds(min(self.since, max(self.until - fuzz, 0)), self.until)
        else:
            given = self._bounds(self.since, max(self.until, self.since + fuzz))
        order = "date-posted-desc" if self.newest_first else "date-posted-asc"
        return {**given, **dict(self.narrow), "sort": order, "page": str(self.page)}

    def _bounds(self, since: int, until: int) -> dict[str, str]:
        lower = {"min_upload_date": str(since)} if since > 0 else {}
        upper = {"max_upload_date": str(until)} if until < OPEN_END else {}
        return {**lower, **upper}

    def ahead(self, second: int) -> int:
        """How far a second lies ahead of the cursor."""
        return self.until - second if self.newest_first else second - self.since

    def rest_from(self, offset: int) -> Sweep:
        """The rest of the sweep, from so many seconds ahead."""
        rest = replace(self, page=1, tries=0, expected=None, behind=None)
        return (
            replace(rest, until=self.until - offset) if self.newest_first else replace(rest, since=self.since + offset)
        )

    def again(self, span: int) -> Sweep:
        """The stretch from the cursor up to so many seconds ahead, to be read from its other end."""
        near, far = (self.until - span, self.until) if self.newest_first else (self.since, self.since + span)
        return self.reread(near, far)

    def reread(self, since: int, until: int) -> Sweep:
        """A stretch, read once more and the other way round."""
        return Sweep(
            since=since,
            until=until,
            newest_first=not self.newest_first,
            reads=self.reads + 1,
            origin=(since, until),
            narrow=self.narrow,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What is known of a stretch of upload time: what Flickr reported, what was found, how often it was read."""

    since: int
    until: int
    reported: int | None
    found: int
    reads: int = 1
    note: str = ""
    whole: bool = True
    """False where Flickr keeps photos back that no question reaches."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an answer leads to: what is to be asked next, and what is known now."""

    sweeps: tuple[Sweep, ...] = ()
    stretches: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    """An answer measured against the sweep that asked for it."""

    offsets: tuple[int, ...]
    """Of the rows inside the stretch, from near to far."""
    full: bool
    claims_more: bool
    passes_end: bool
    ordered: bool
    confirmed: bool
    """The page is full, or brings just what is claimed: a short one that claims less, or nothing, may be any page."""

    @property
    def ends(self) -> bool:
        return self.passes_end or not (self.full or self.claims_more)

    @property
    def doubt(self) -> str:
        if self.claims_more and not self.full:
            return "a page came short"
        if not self.confirmed:
            return "no total confirmed the end"
        return "" if self.ordered else "rows came out of order"


def first_sweep(*, since: int, until: int, sort: str) -> Sweep:
    """The sweep that lists a whole search in the given order."""
    if sort.startswith("date-posted"):
        return Sweep(since=since, until=until, newest_first=sort.endswith("desc"))
    return Sweep(since=since, until=until, ranked=sort)


def advance(
    sweep: Sweep, page: Page, *, fresh: int, given: Mapping[str, str] | None = None, split: bool = False
) -> Step:
    """What to ask next, now that `page` has answered `sweep`, and `fresh` of its photos were unknown.

    `given` are the search's own arguments, which a full second's parts must respect; `split` asks for the rest
    in two sweeps, for a server that answers faster than one after the other can ask.
    """
    if sweep.ranked:
        return _advance_ranked(sweep, page, fresh=fresh)
    reading = _measure(sweep, page)
    proved, doubted = _prove(sweep, page)
    if reading.ends:
        step = _end(sweep, page, reading, fresh=fresh)
    elif not reading.offsets or reading.offsets[-1] == 0:
        step = _stay(sweep, page, reading, fresh=fresh, given=given or {})
    else:
        step = _move(sweep, page, reading, fresh=fresh, split=split)
    return Step((*step.sweeps, *doubted), (*proved, *step.stretches))


def _measure(sweep: Sweep, page: Page) -> _Reading:
    span = sweep.until - sweep.since
    dated = {row.id: sweep.ahead(row.uploaded) for row in page.rows if row.uploaded is not None}
    size = page.per_page or PAGE_SIZE
    past = (sweep.page - 1) * size + len(page.rows)
    return _Reading(
        offsets=tuple(sorted(offset for offset in dated.values() if 0 <= offset <= span)),
        full=len(page.rows) >= size,
        claims_more=page.total is not None and page.total > past,
        passes_end=any(offset > span for offset in dated.values()),
        ordered=all(near <= far for near, far in pairwise(dated.values())),
        confirmed=len(page.rows) >= size or page.total == past,
    )


def _prove(sweep: Sweep, page: Page) -> tuple[tuple[Stretch, ...], tuple[Sweep, ...]]:
    """The stretch behind, now that a second total is known: proved, or to be read again."""
    behind, expected = sweep.behind, sweep.expected
    if behind is None:
        return (), ()
    if expected is None or page.total is None or sweep.page > 1:
        return (behind,), ()
    reported = max(0, behind.found + expected - page.total)
    if reported <= behind.found:
        return (replace(behind, reported=reported),), ()
    again = sweep.reread(behind.since, behind.until)
    note = f"totals fell by {reported} where {behind.found} photos were seen"
    return (replace(behind, reported=reported, note=note),), (again,)


def _move(sweep: Sweep, page: Page, reading: _Reading, *, fresh: int, split: bool) -> Step:
    """On from a second near the page's end."""
    offsets = reading.offsets
    offset = offsets[max(0, int(len(offsets) * _OVERLAP) - 1)] or offsets[-1]
    found = sum(o < offset for o in offsets)
    rest = replace(sweep.rest_from(offset), fresh=sweep.fresh + fresh)
    again: tuple[Sweep, ...] = ()
    note = "one second filled more than a page" if sweep.page > 1 else reading.doubt
    if note and sweep.reads == 1:
        again = (sweep.again(offset),)
    behind = _stretch(sweep, offset - 1, reported=None, found=found, note=note)
    if sweep.page > 1 or sweep.reads > 1 or page.total is None:
        return Step((rest, *again), (behind,))
    expected = page.total - found
    if split and expected >= _SPLITTABLE * PAGE_SIZE and (halves := _halves(rest)):
        return Step((*halves, *again), (behind,))
    return Step((replace(rest, expected=expected, behind=behind), *again))


def _halves(rest: Sweep) -> tuple[Sweep, ...]:
    oldest = max(rest.since, FLICKR_BEGAN)
    if rest.until - oldest < 4 * WIDEST_FUZZ:
        return ()
    middle = (oldest + rest.until) // 2
    return replace(rest, since=middle + 1), replace(rest, until=middle)


def _stretch(sweep: Sweep, offset: int, *, reported: int | None, found: int, note: str = "") -> Stretch:
    """The stretch from the cursor up to so many seconds ahead, that second included."""
    near, far = (sweep.until - offset, sweep.until) if sweep.newest_first else (sweep.since, sweep.since + offset)
    return Stretch(since=near, until=far, reported=reported, found=found, reads=sweep.reads, note=note)


def _end(sweep: Sweep, page: Page, reading: _Reading, *, fresh: int) -> Step:
    """The stretch is read to its end, unless there is reason to doubt that."""
    span, found = sweep.until - sweep.since, len(reading.offsets)
    if sweep.reads > 1:
        return _end_again(sweep, reading, fresh=fresh)
    missing = sweep.expected is not None and sweep.page == 1 and found < sweep.expected and not reading.passes_end
    note = "the listing ended early" if missing else reading.doubt
    again = (sweep.again(span),) if note or not page.rows or sweep.page > 1 else ()
    # Past the end the answer counts photos that lie beyond this stretch: then its total says nothing about it.
    reported = page.total if sweep.page == 1 and not reading.passes_end else None
    return Step(again, (_stretch(sweep, span, reported=reported, found=found, note=note),))


def _end_again(sweep: Sweep, reading: _Reading, *, fresh: int) -> Step:
    """A second or later reading ends: once more where it brought something new, or may have ended too early."""
    brought = sweep.fresh + fresh
    since, until = sweep.origin or (sweep.since, sweep.until)
    if (brought or not reading.confirmed) and sweep.reads < _MOST_READS:
        return Step((sweep.reread(since, until),))
    note = f"read {sweep.reads} times; the last reading brought {brought} new photos"
    stretch = Stretch(
        since=since, until=until, reported=None, found=brought, reads=sweep.reads, note=note, whole=not brought
    )
    return Step((), (stretch,))


def _stay(sweep: Sweep, page: Page, reading: _Reading, *, fresh: int, given: Mapping[str, str]) -> Step:
    """No second ahead was reached: an idle answer, or one second that fills the page."""
    if not reading.full:
        if sweep.tries < _MOST_TRIES:
            return Step((replace(sweep, tries=sweep.tries + 1, fresh=sweep.fresh + fresh),))
        if not reading.offsets:
            return _end(replace(sweep, expected=page.total), page, reading, fresh=fresh)
        # It stays short where more is claimed: what there is more, stands behind it.
    size = page.per_page or PAGE_SIZE
    if (sweep.page + 1) * size <= CAP:
        return Step((replace(sweep, page=sweep.page + 1, tries=0, fresh=sweep.fresh + fresh, behind=None),))
    parts = split_second(sweep, page.rows, given=given)
    rest = (sweep.rest_from(1),) if sweep.since < sweep.until else ()
    stretch = _stretch(sweep, 0, reported=None, found=sweep.page * size)
    if parts:
        return Step((*parts, *rest), (replace(stretch, note="one second held more than the cap; read in parts"),))
    note = "one second holds more photos than Flickr serves, and they cannot be told apart"
    return Step(rest, (replace(stretch, note=note, whole=False),))


def cut_short(sweep: Sweep, why: str) -> Step:
    """Flickr refuses to go on at a page that it should serve: what follows, and what is missing."""
    stretch = replace(_stretch(sweep, 0, reported=None, found=0, note=why), whole=False)
    if sweep.ranked:
        return Step((Sweep(since=sweep.since, until=sweep.until),))
    return Step((sweep.rest_from(1),) if sweep.since < sweep.until else (), (stretch,))


def _advance_ranked(sweep: Sweep, page: Page, *, fresh: int) -> Step:
    """Page through a ranked order as far as it goes; what lies past the cap is then found by date."""
    size = page.per_page or PAGE_SIZE
    brought = sweep.fresh + fresh
    if len(page.rows) >= size and (sweep.page + 1) * size <= CAP:
        return Step((replace(sweep, page=sweep.page + 1, fresh=brought),))
    if page.rows and page.total is not None and page.total <= brought:
        return Step((), (_stretch(sweep, sweep.until - sweep.since, reported=page.total, found=brought),))
    return Step((Sweep(since=sweep.since, until=sweep.until),))


def split_second(sweep: Sweep, rows: tuple[Row, ...], *, given: Mapping[str, str]) -> tuple[Sweep, ...]:
    """Parts of a second beyond the cap: by date taken, then licence, then media; () where none is left."""
    second = sweep.until if sweep.newest_first else sweep.since
    whole = replace(sweep, since=second, until=second, page=1, tries=0, expected=None, behind=None)
    known = {**given, **dict(sweep.narrow)}
    parts = _by_date_taken(rows, known) or _by_license(known) or _by_media(known)
    cut = {name for part in parts for name in part}
    kept = [(name, value) for name, value in sweep.narrow if name not in cut]
    return tuple(replace(whole, narrow=(*kept, *part.items())) for part in parts)


def _by_date_taken(rows: tuple[Row, ...], known: Mapping[str, str]) -> list[dict[str, str]]:
    """Two parts around a date taken that the rows show. Dates such as 1950-00-01 exist: those are passed over."""
    low, high = known.get("min_taken_date", ""), known.get("max_taken_date", "9999")
    if low == high:
        return []
    shown = [row.taken for row in rows if row.taken and low <= row.taken <= high and _moment(row.taken)]
    if not shown:
        return []
    pivot = median_low(shown)
    before, after = _shifted(pivot, -1), _shifted(pivot, 1)
    if min(shown) == max(shown):  # one value on the whole page: that value alone, and what lies around it
        parts = [(low, before), (pivot, pivot), (after, high)]
    elif pivot > min(shown):
        parts = [(low, before), (pivot, high)]
    else:
        parts = [(low, pivot), (after, high)]
    return [_taken(a, b) for a, b in parts if a <= b]


def _taken(low: str, high: str) -> dict[str, str]:
    bounds = {"min_taken_date": low, "max_taken_date": high}
    return {name: value for name, value in bounds.items() if value not in ("", "9999")}


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the owner's local time, no zone
    except ValueError:
        return None


def _shifted(text: str, seconds: int) -> str:
    moment = _moment(text)
    return f"{moment + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}" if moment else text


def _by_license(known: Mapping[str, str]) -> list[dict[str, str]]:
    asked = known.get("license", "")
    if asked and "," not in asked:
        return []
    return [{"license": i} for i in (asked.split(",") if asked else map(str, LICENSES.values()))]


def _by_media(known: Mapping[str, str]) -> list[dict[str, str]]:
    return [] if known.get("media", "all") != "all" else [{"media": "photos"}, {"media": "videos"}]
