"""The cursor sweep: how a search of any size is listed completely, for the fewest calls. Pure.

A sweep walks a stretch of upload time in the order of upload. It asks for the first page only, then again from
a second near the page's end, and so on: each call is anchored at a date, so that neither the cap of 4,000
results, nor uploads and deletions during the run, nor repeated pages matter. Rows seen before are dropped by id.

                     until                                                  since
    newest first       |==== page 1 ====.==|
                                        |==== page 1 ====.==|
                                                         |=== page 1, short: the end

Every answer claims in `total` how many photos there are from its cursor on. Two totals in a row tell how many lie
between their cursors: a piece counts as read when that many were shown, by pages without an oddity. All other
pieces are read again from their other end, neighbours together. This ends when a reading shows as many photos as
Flickr claims, or when several readings in a row have shown the same photos and no new one: then the claim is noted
beside what was found. An odd page in between that showed all that was claimed of it counts as read as well.

Flickr's totals are off at times, by up to a fifth. One that is higher than the one before leaves room for proves it:
from then on no total counts, and a second reading ends with a full page in order that brings nothing new.

Only a second that fills a whole page is paged through; one that fills the cap is split by date taken, licence
and media. What cannot be split is told, not cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harvester.flickr.methods import CAP, PAGE_SIZE
from harvester.flickr.responses import Page
from harvester.flickr.second import split_filters
from harvester.listing.confirmation import is_belied
from harvester.listing.reading import CHANGED, OVERLAP, PROVABLE, UPLOADS, Reading, find_reported, measure, read_size
from harvester.listing.settling import close_doubt, file_piece, note_stretch, open_sweep, read_again, read_stretch_again
from harvester.listing.stretch import OPEN_END, WIDEST_FUZZ, Piece, Step, Stretch, Sweep

__all__ = [
    "OPEN_END",
    "Piece",
    "Step",
    "Stretch",
    "Sweep",
    "advance",
    "cut_short",
    "first_sweep",
    "read_again",
    "read_stretch_again",
]

FLICKR_BEGAN = 1_076_371_200
"""2004-02-10, when Flickr opened: nothing was uploaded before. Used only to choose where to cut in two."""
_MOST_TRIES = 3
_MOST_BARREN = 2
_MOST_STALE_RANKED = 2
_PATIENCE = 1_000
_SPLITTABLE = 10
"""Pages that must remain for a sweep to be worth cutting in two."""


def first_sweep(*, since: int, until: int, sort: str) -> Sweep:
    """The sweep that lists a whole search in the given order."""
    if not sort.startswith("date-posted"):
        return Sweep(since=since, until=until, ranked=sort)
    # The windows of a small stretch would grow with each upload, if they began at its oldest second.
    return open_sweep(since, until, newest_first=sort.endswith("desc") or until - since < WIDEST_FUZZ)


def advance(
    sweep: Sweep,
    page: Page,
    *,
    fresh: int,
    given: Mapping[str, str] | None = None,
    split: bool = False,
    patience: int = _PATIENCE,
) -> Step:
    """What to ask next, now that `page` has answered `sweep`, and `fresh` of its photos were unknown.

    `given` are the search's own arguments, which a full second's parts must respect; `split` asks for the rest
    in two sweeps, for a server that answers faster than one after the other can ask. After more than `patience`
    answers in a row without a new photo the sweep ends.
    """
    sweep = replace(sweep, stale=0 if fresh else sweep.stale + 1)
    if sweep.ranked:
        return _advance_ranked(sweep, page, fresh=fresh)
    if sweep.stale > patience:
        return _give_up(sweep)
    if is_belied(sweep, page.total):
        sweep = replace(sweep, lied=True)
    sweep, settled, is_short = _settle(sweep, page)
    if sweep.span < 0:
        return settled + close_doubt(sweep)
    reading = measure(sweep, page)
    if reading.ends:
        note = "the listing ended early" if is_short and not reading.beyond else ""
        return settled + _end(sweep, page, reading, fresh=fresh, note=note)
    if not reading.offsets or reading.offsets[-1] == 0:
        return settled + _stay(sweep, page, reading, fresh=fresh, given=given or {})
    return settled + _move(sweep, page, reading, fresh=fresh, split=split)


def _settle(sweep: Sweep, page: Page) -> tuple[Sweep, Step, bool]:
    """Judge the piece behind, now that a second total is known; whether Flickr claims more than was found."""
    behind, expected = sweep.behind, sweep.expected
    if behind is None:
        return sweep, Step(), False
    rest = replace(sweep, behind=None, expected=None, steady=False)
    if expected is None or page.total is None:
        return *file_piece(rest, behind), False
    reported = max(0, behind.found + expected - page.total)
    behind = replace(behind, reported=reported)
    if reported == behind.found and not behind.moved:
        rest, behind = replace(rest, steady=True), _dispel_doubt(sweep, behind)
    is_short = reported > behind.found and not (sweep.lied and sweep.reads > 1)
    if is_short:
        told = f"totals fell by {reported} where {behind.found} photos were seen"
        behind = replace(behind, note=behind.note or told)
    elif sweep.grows:
        behind = replace(behind, note=behind.note or UPLOADS)
    return *file_piece(rest, behind), is_short


def _dispel_doubt(sweep: Sweep, piece: Piece) -> Piece:
    """A piece that showed all that is claimed of it, without the doubt about its page where the totals are steady."""
    is_sure = sweep.steady and sweep.doubt is None and not sweep.lied
    return replace(piece, note="") if is_sure and piece.note in PROVABLE else piece


def _give_up(sweep: Sweep) -> Step:
    """Whatever the server claims, nothing new comes."""
    note = f"{sweep.stale} answers in a row brought no new photo"
    rest = sweep.piece(max(sweep.span, 0), found=0, fresh=0)
    pieces = [piece for piece in (sweep.doubt, sweep.behind, rest) if piece]
    told = (replace(note_stretch(sweep, piece, found=piece.found), note=note, whole=False) for piece in pieces)
    return Step((), tuple(told))


def _move(sweep: Sweep, page: Page, reading: Reading, *, fresh: int, split: bool) -> Step:
    """On from a second near the page's end; from its last row, where the page is short."""
    offsets = reading.offsets
    near = offsets[max(0, int(len(offsets) * OVERLAP) - 1)] if reading.full else 0
    step = _go_on(sweep, page, reading, offset=near or offsets[-1], fresh=fresh, note=reading.judge(lied=sweep.lied))
    rest = step.sweeps[-1]
    is_long = (rest.expected or 0) >= _SPLITTABLE * PAGE_SIZE
    return Step(_halves(rest), step.stretches) if split and fresh and is_long and rest.reads == 1 else step


def _go_on(sweep: Sweep, page: Page, reading: Reading, *, offset: int, fresh: int, note: str) -> Step:
    """The rest from so many seconds ahead, whose total will settle the piece before it."""
    rest = sweep.rest_from(offset)
    if sweep.far is not None and abs(rest.limit - (rest.until if rest.newest_first else rest.since)) < WIDEST_FUZZ:
        # The window would be too small. Two totals can be compared only if their windows end at the same second.
        if sweep.newest_first or sweep.reads > 1:
            return Step((replace(sweep.rest_from(0), far=None),))
        # A wider one would count what is uploaded now, at the end of all: the rest is read from there.
        last = replace(sweep.rest_from(0), far=None, newest_first=True, doubt=None)
        return close_doubt(sweep) + Step((last,))
    found = len(sweep.held) + len(reading.here) + reading.between(offset)
    behind = sweep.piece(offset - 1, found=found, fresh=_count_inside(sweep, reading, fresh), note=note)
    expected = None if page.total is None else page.total - found
    return Step((replace(rest, expected=expected, behind=replace(behind, moved=reading.changed)),))


def _count_inside(sweep: Sweep, reading: Reading, fresh: int) -> int:
    """New photos of this stretch, at least: those past its end may be new as well.

    Where totals count no more, new photos alone tell of a hole: all of them count.
    """
    if sweep.lied:
        return sweep.fresh + fresh
    return max(0, sweep.fresh + fresh - reading.beyond)


def _halves(rest: Sweep) -> tuple[Sweep, ...]:
    """The rest in two. Both keep the far end of its windows: the near one's totals are compared with those before."""
    oldest = max(rest.since, FLICKR_BEGAN)
    if rest.until - oldest < 4 * WIDEST_FUZZ:
        return (rest,)
    middle = (oldest + rest.until) // 2
    rest = replace(rest, far=rest.limit)
    younger, older = replace(rest, since=middle + 1), replace(rest, until=middle)
    near, far = (younger, older) if rest.newest_first else (older, younger)
    return near, replace(far, expected=None, behind=None, doubt=None)


def _end(sweep: Sweep, page: Page, reading: Reading, *, fresh: int, note: str) -> Step:
    """The stretch is read to its end, unless there is reason to doubt that."""
    inside = reading.known - reading.beyond
    note = note or reading.judge(lied=sweep.lied)
    if not page.rows and sweep.reads == 1 and sweep.page == 1:
        note = note or "the answer was empty"
    if reading.beyond and not reading.exact and page.total is not None and not sweep.lied:
        # The total counts photos past the end too: the next one, from there on, tells how many.
        return _go_on(sweep, page, reading, offset=sweep.span + 1, fresh=fresh, note=note)
    brought = _count_inside(sweep, reading, fresh)
    piece = sweep.piece(sweep.span, found=inside, fresh=brought, reported=find_reported(page, reading), note=note)
    sweep, step = file_piece(sweep, replace(piece, moved=reading.changed))
    return step + close_doubt(sweep)


def _stay(sweep: Sweep, page: Page, reading: Reading, *, fresh: int, given: Mapping[str, str]) -> Step:
    """No second ahead was reached: an idle answer, or one second that fills the page."""
    there_is_more = _claims_more(sweep, page, reading)
    is_idle = not (reading.full and reading.here)
    # A second reading is itself a second try, but where the next page is known to hold more this one must be full.
    if is_idle and sweep.tries < _MOST_TRIES and (sweep.reads == 1 or there_is_more):
        return Step((replace(sweep, tries=sweep.tries + 1, fresh=sweep.fresh + fresh),))
    if reading.here and there_is_more:
        return _turn_page(sweep, page, reading, fresh=fresh, given=given)
    if _may_go_on(sweep, reading):
        note = reading.doubt or "a page brought nothing new"
        return _go_on(sweep, page, reading, offset=1, fresh=fresh, note=note)
    return _end(sweep, page, reading, fresh=fresh, note=reading.doubt or "nothing came of what is claimed")


def _claims_more(sweep: Sweep, page: Page, reading: Reading) -> bool:
    """Whether the next page of the window should hold photos."""
    return reading.full or (page.total or 0) > sweep.page * read_size(page)


def _turn_page(sweep: Sweep, page: Page, reading: Reading, *, fresh: int, given: Mapping[str, str]) -> Step:
    """One second fills the page: its next page, as far as Flickr serves pages."""
    held = (*sweep.held, *reading.here)
    if (sweep.page + 1) * read_size(page) > CAP:
        return _overflow(sweep, page, held=len(held), fresh=fresh, given=given)
    more = replace(sweep, page=sweep.page + 1, held=held, tries=0, fresh=sweep.fresh + fresh)
    return Step((replace(more, expected=CHANGED if reading.changed else page.total),))


def _may_go_on(sweep: Sweep, reading: Reading) -> bool:
    """Whether the cursor's second was seen, and there are seconds behind it."""
    is_seen = bool(sweep.held or reading.here)
    is_dated = bool(reading.offsets or reading.beyond) or not reading.undated
    return sweep.span > 0 and is_seen and is_dated


def _overflow(sweep: Sweep, page: Page, *, held: int, fresh: int, given: Mapping[str, str]) -> Step:
    """One second holds more than Flickr serves of it: read it in parts, or say that it cannot be."""
    barren = 0 if sweep.fresh + fresh else sweep.barren + 1
    filters = split_filters(page.rows, known={**given, **dict(sweep.narrow)}) if barren <= _MOST_BARREN else []
    rest = (replace(sweep.rest_from(1), doubt=None),) if sweep.span else ()
    piece = sweep.piece(0, found=held, fresh=0)
    note = "one second holds more photos than Flickr serves, and they cannot be told apart"
    if filters:
        note = "one second held more than the cap; read in parts"
    stretch = Stretch(
        since=piece.since,
        until=piece.until,
        reported=None,
        found=held,
        reads=sweep.reads,
        note=note,
        whole=bool(filters),
        narrow=sweep.narrow,
    )
    return close_doubt(sweep) + Step((*_narrow(sweep, piece.since, filters, barren=barren), *rest), (stretch,))


def _narrow(sweep: Sweep, second: int, filters: list[dict[str, str]], *, barren: int) -> tuple[Sweep, ...]:
    cut = {name for part in filters for name in part}
    kept = [(name, value) for name, value in sweep.narrow if name not in cut]
    whole = Sweep(since=second, until=second, barren=barren)
    return tuple(replace(whole, narrow=(*kept, *part.items())) for part in filters)


def cut_short(sweep: Sweep, why: str) -> Step:
    """Flickr refuses to go on at a page that it should serve: what follows, and what is missing."""
    if sweep.ranked:
        return Step((Sweep(since=sweep.since, until=sweep.until),))
    if sweep.behind is not None:
        sweep, settled = file_piece(sweep, replace(sweep.behind, note=sweep.behind.note or why))
    else:
        settled = Step()
    piece = sweep.piece(0, found=len(sweep.held), fresh=0)
    cut = replace(note_stretch(sweep, piece, found=piece.found), reported=None, note=why, whole=False)
    rest = (replace(sweep.rest_from(1), doubt=None),) if sweep.span > 0 else ()
    return settled + close_doubt(sweep) + Step(rest, (cut,))


def _advance_ranked(sweep: Sweep, page: Page, *, fresh: int) -> Step:
    """Page through a ranked order as far as it goes; what lies past the cap is then found by date."""
    size = read_size(page)
    brought = sweep.fresh + fresh
    if len(page.rows) >= size and (sweep.page + 1) * size <= CAP and sweep.stale < _MOST_STALE_RANKED:
        return Step((replace(sweep, page=sweep.page + 1, fresh=brought),))
    if page.rows and page.total is not None and page.total <= brought:
        piece = sweep.piece(sweep.span, found=brought, fresh=brought, reported=page.total)
        return Step((), (Stretch(since=piece.since, until=piece.until, reported=page.total, found=brought),))
    return Step((first_sweep(since=sweep.since, until=sweep.until, sort="date-posted-desc"),))
