"""What becomes of a piece that was read: it is noted as read, or read again until that brings nothing more. Pure."""

from __future__ import annotations

from dataclasses import replace

from harvester.listing.confirmation import MOST_NEEDED, compare, count_needed, find_claim, is_belittled, is_confirmed
from harvester.listing.stretch import CONTRADICTION, OPEN_END, WIDEST_FUZZ, Piece, Step, Stretch, Sweep

_MOST_READS = 24


def open_sweep(since: int, until: int, *, newest_first: bool, lied: bool = False) -> Sweep:
    """A sweep whose first total counts the stretch and nothing else, where that is wide enough to be asked for.

    Where totals count no more, its windows are wide open, so that full pages show that the end is passed.
    """
    if lied:
        far = 0 if newest_first else OPEN_END
        return Sweep(since=since, until=until, newest_first=newest_first, far=far, lied=True)
    far = since if newest_first else until
    return Sweep(since=since, until=until, newest_first=newest_first, far=far if until - since >= WIDEST_FUZZ else None)


def read_again(sweep: Sweep) -> Sweep:
    """The whole stretch of a first sweep once more, from its other end."""
    again = open_sweep(sweep.since, sweep.until, newest_first=not sweep.newest_first)
    return replace(again, reads=2, origin=(sweep.since, sweep.until), narrow=sweep.narrow)


def read_stretch_again(stretch: Stretch) -> Sweep:
    """A stretch that an earlier run has left incomplete: one reading that brings nothing new ends it again."""
    again = open_sweep(stretch.since, stretch.until, newest_first=True)
    return replace(
        again,
        reads=min(stretch.reads + 1, _MOST_READS // 2),
        origin=(stretch.since, stretch.until),
        best=stretch.found,
        known=stretch.found,
        claimed=stretch.reported,
        agreed=MOST_NEEDED - 1,
        narrow=stretch.narrow,
    )


def file_piece(sweep: Sweep, piece: Piece) -> tuple[Sweep, Step]:
    """Put a piece with the doubtful ones before it, or note it as read."""
    if sweep.lied and sweep.reads > 1:
        return _file_by_rows(sweep, piece)
    if not piece.note and is_belittled(sweep, piece):
        piece = replace(piece, note=f"{piece.found} photos are shown where {sweep.best} were before")
    if piece.note:
        return replace(sweep, doubt=sweep.doubt.joined(piece) if sweep.doubt else piece), Step()
    read = Stretch(since=piece.since, until=piece.until, reported=piece.reported, found=piece.found, reads=sweep.reads)
    return replace(sweep, doubt=None), close_doubt(sweep) + Step((), (read,))


def _file_by_rows(sweep: Sweep, piece: Piece) -> tuple[Sweep, Step]:
    """A second reading ends with a full page in order that brings nothing new, whatever is claimed."""
    if piece.note or piece.fresh:
        piece = replace(piece, note=piece.note or "a page brought new photos")
        return replace(sweep, doubt=sweep.doubt.joined(piece) if sweep.doubt else piece), Step()
    read = note_stretch(sweep, piece, found=piece.found)
    told = replace(
        read, note=f"read {sweep.reads} times: {CONTRADICTION}" if (piece.reported or 0) > piece.found else ""
    )
    return replace(sweep, doubt=None), close_doubt(sweep) + Step((), (told,))


def close_doubt(sweep: Sweep) -> Step:
    """What becomes of the doubtful pieces so far: they are read again, or noted as what they are."""
    doubt = sweep.doubt
    if doubt is None:
        return Step()
    before = sweep if sweep.origin == (doubt.since, doubt.until) else None
    known, best, agreed = compare(before, doubt)
    is_less = before is not None and is_belittled(before, doubt)
    if before and not is_less and is_confirmed(before, doubt, known):
        return Step((), (note_stretch(sweep, doubt, found=known),))
    if agreed < count_needed(best, doubt.reported, lied=sweep.lied) and sweep.reads < _MOST_READS:
        again = replace(
            open_sweep(doubt.since, doubt.until, newest_first=not sweep.newest_first, lied=sweep.lied),
            reads=sweep.reads + 1,
            origin=(doubt.since, doubt.until),
            best=best,
            known=known,
            claimed=before.claimed if before else find_claim(sweep, doubt),
            agreed=agreed,
            narrow=sweep.narrow,
        )
        return Step((again,))
    note = f"read {sweep.reads} times, {doubt.fresh} new photos the last time: {doubt.note}"
    return Step((), (replace(note_stretch(sweep, doubt, found=known), note=note, whole=not (doubt.fresh or is_less)),))


def note_stretch(sweep: Sweep, piece: Piece, *, found: int) -> Stretch:
    """What is known of a piece, as it is kept."""
    return Stretch(
        since=piece.since,
        until=piece.until,
        reported=piece.reported,
        found=found,
        reads=sweep.reads,
        narrow=sweep.narrow,
    )
