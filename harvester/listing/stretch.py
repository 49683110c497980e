"""The values of the sweep: what is still to be read of a stretch of upload time, and what is known of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

WIDEST_FUZZ = 600
"""Windows of five minutes and less are widened by the server (openverse-catalog#1041): none that small is asked."""
BOX = "bbox"
"""The argument that two sweeps have who read the halves of a box across the antimeridian."""
CONTRADICTION = "the totals contradict each other"
"""The end of the note on a stretch of which more is claimed, once a total has lied."""
OPEN_END = 1 << 40
"""The end of a sweep that goes up to now, whenever that is by Flickr's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of upload time that one reading has passed, before it is settled whether it has holes.

    `found` counts the photos that the reading showed of it, `fresh` those of them that were new. `reported` is what
    Flickr's totals say that it holds, None where they say nothing. `note` tells why there may be holes.
    """

    since: int
    until: int
    reported: int | None
    found: int
    fresh: int = 0
    note: str = ""
    moved: bool = False
    """Photos came or went while it was read, so that its numbers are of different moments."""

    def joined(self, other: Piece) -> Piece:
        """Both pieces, which are neighbours, as one."""
        known = self.reported is not None and other.reported is not None
        return Piece(
            since=min(self.since, other.since),
            until=max(self.until, other.until),
            reported=(self.reported or 0) + (other.reported or 0) if known else None,
            found=self.found + other.found,
            fresh=self.fresh + other.fresh,
            note=self.note,
            moved=self.moved or other.moved,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is still to be read of a stretch of upload time, and how. Seconds are Unix time, both ends inclusive.

    `until` is the cursor of a sweep that goes newest first, `since` that of one that goes oldest first. `far` is the
    other end of the windows that are asked; it stays the same from answer to answer, so that two totals tell what
    lies between their cursors. `narrow` holds arguments that cut a full second into parts. `ranked` is an order that
    is no date, to be paged through as far as it goes.
    """

    since: int
    until: int
    newest_first: bool = True
    far: int | None = None
    page: int = 1
    held: tuple[str, ...] = ()
    """Ids that the earlier pages of the second at the cursor have shown."""
    fresh: int = 0
    """Photos that were new on the earlier pages of that second, or of a ranked order."""
    tries: int = 0
    """Idle answers at this place."""
    stale: int = 0
    """Answers in a row that have brought no new photo."""
    expected: int | None = None
    """What the next answer should claim as total."""
    behind: Piece | None = None
    """The piece that the next answer's claim will settle."""
    doubt: Piece | None = None
    """The pieces before it that may have holes, as one."""
    reads: int = 1
    """Which reading of this stretch it is."""
    origin: tuple[int, int] | None = None
    """The stretch that a second or later reading is about."""
    best: int = 0
    """The most photos that one reading has shown of the origin."""
    known: int = 0
    """Photos that all readings together have shown of the origin, at least."""
    claimed: int | None = None
    """What the totals of the first of them said that it holds."""
    agreed: int = 0
    """Readings in a row that have shown as many as the best one, and nothing new."""
    barren: int = 0
    """Splits of a second in a row whose part has brought nothing new."""
    narrow: tuple[tuple[str, str], ...] = ()
    ranked: str = ""
    steady: bool = False
    """The total before was just the one before it, less what was shown in between."""
    lied: bool = False
    """A total was higher than it can be: no total counts from then on, only what pages show."""

    def ending(self, horizon: int) -> Sweep:
        """The same sweep, up to a second that was not known when it began."""
        if self.until <= horizon:
            return self
        far = self.far if self.newest_first or self.far is None else min(self.far, horizon)
        return replace(self, until=horizon, far=far)

    @property
    def limit(self) -> int:
        """The far end of the windows that are asked."""
        if self.far is not None:
            return self.far
        margin = WIDEST_FUZZ + 1
        return max(self.since - margin, 0) if self.newest_first else self.until + margin

    @property
    def grows(self) -> bool:
        """Whether uploads may enter the windows: those reach past the end of the stretch, and so perhaps past now.

        An upload makes up for a photo that was passed over or deleted: neither two totals in a row nor two pages
        prove anything then. One answer alone does. The windows of a sweep that goes newest first never grow.
        """
        return not self.newest_first and self.far is None

    @property
    def is_filtered(self) -> bool:
        """Whether it reads a part of a full second: its owner may move a photo to another part at any time."""
        return any(name != BOX for name, _ in self.narrow)

    @property
    def arguments(self) -> dict[str, str]:
        """Arguments of the search that ask for this sweep's next page."""
        if self.ranked:
            return {**_bounds(self.since, self.until), "sort": self.ranked, "page": str(self.page)}
        given = _bounds(self.limit, self.until) if self.newest_first else _bounds(self.since, self.limit)
        order = "date-posted-desc" if self.newest_first else "date-posted-asc"
        return {**given, **dict(self.narrow), "sort": order, "page": str(self.page)}

    @property
    def span(self) -> int:
        """Seconds from the cursor to the last one; negative where only the total behind the end is asked for."""
        return self.until - self.since

    def ahead(self, second: int) -> int:
        """How far a second lies ahead of the cursor."""
        return self.until - second if self.newest_first else second - self.since

    def rest_from(self, offset: int) -> Sweep:
        """The rest of the sweep, from so many seconds ahead."""
        rest = replace(self, page=1, held=(), fresh=0, tries=0, expected=None, behind=None)
        return (
            replace(rest, until=self.until - offset) if self.newest_first else replace(rest, since=self.since + offset)
        )

    def piece(self, offset: int, *, found: int, fresh: int, reported: int | None = None, note: str = "") -> Piece:
        """The piece from the cursor up to so many seconds ahead, that second included."""
        near, far = (self.until - offset, self.until) if self.newest_first else (self.since, self.since + offset)
        return Piece(since=near, until=far, reported=reported, found=found, fresh=fresh, note=note)


def _bounds(since: int, until: int) -> dict[str, str]:
    lower = {"min_upload_date": str(since)} if since > 0 else {}
    upper = {"max_upload_date": str(until)} if until < OPEN_END else {}
    return {**lower, **upper}


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
    narrow: tuple[tuple[str, str], ...] = ()
    """Arguments that cut it into parts, where this is a part alone."""

    @property
    def is_contradicted(self) -> bool:
        """Whether what is claimed of it was read again, after totals that contradict each other."""
        return self.note.endswith(CONTRADICTION)


@dataclass(frozen=True, slots=True)
class Step:
    """What an answer leads to: what is to be asked next, and what is known now."""

    sweeps: tuple[Sweep, ...] = ()
    stretches: tuple[Stretch, ...] = ()

    def __add__(self, other: Step) -> Step:
        return Step((*self.sweeps, *other.sweeps), (*self.stretches, *other.stretches))
