"""The walk: how a list that is no search is read through, page by page. Pure.

Sets, their members, galleries, favourites, contacts, pools: their pages have numbers and no dates, so a walk can
only count on. What is added or taken away meanwhile moves the rows from page to page. A total that changes, or a
row that comes again, betrays that; the list is then read once more from its beginning. So is a list that shows fewer
rows than it claims, until two readings agree: a page may come short in passing, or hide what others may see. A list
that is empty, whatever it claims, is asked for once more: an answer may be empty in passing.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from harvester.flickr.listings import LISTINGS, EachLine, Listing, Opens, Paged, PhotosOnly, Together
from harvester.flickr.methods import LISTING_EXTRAS, build_query
from harvester.flickr.responses import Listed

_MOST_READS = 3
_MOST_TRIES = 3
_MOST_IDLE = 3
"""Pages in a row without a new row after which a list ends, however many more it claims."""
LAST_PAGE = 10_000
"""Pages past this one answer as this one does (alexis-mignon/python-flickr-api#54)."""


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be read of a list.

    `head` is the row by which a list showed this one (a set, a gallery), as sent. `total` is what the first page of
    this reading claimed. `writes` and `hydrates` say whether its lines are wanted, and its photos. `owner` is set
    where its photos should be in the photostream of the account as well. A `top` walk is what the job itself is
    about: it cannot do without.
    """

    listing: str
    subject: str = ""
    head: str | None = None
    page: int = 1
    tries: int = 0
    reads: int = 1
    total: int | None = None
    moved: bool = False
    """Rows have come and gone during this reading."""
    found: int = 0
    """Rows that this reading has brought, each once."""
    idle: int = 0
    """Pages in a row that have brought none."""
    before: int | None = None
    """Rows that the reading before this one has brought."""
    writes: bool = True
    hydrates: bool = False
    owner: str = ""
    top: bool = False

    def open(self, listing: str, subject: str, head: bytes) -> Walk:
        """The list that one of its rows opens."""
        return Walk(
            listing=listing,
            subject=subject,
            head=head.decode(),
            writes=self.writes,
            hydrates=self.hydrates,
            owner=self.owner,
            top=self.top,
        )

    @property
    def shape(self) -> Listing:
        """How the list is asked for and read."""
        return LISTINGS[self.listing]

    @property
    def file(self) -> str | None:
        """The file that lacks lines as long as this list is not read."""
        line = self.shape.line
        return line.file if line else None

    @property
    def shows_all(self) -> bool:
        """Whether the job's photos are those of this list: without it nothing can be compared."""
        return self.top and (self.shape.shows_photos or isinstance(self.shape.becomes, Opens))

    @property
    def is_short(self) -> bool:
        """Whether the list, read to its end, shows fewer rows than it claims, and no other reading agrees."""
        return self.total is not None and self.found < self.total and self.found != self.before

    @property
    def streams_photos(self) -> bool:
        """Whether each of its pages brings photos to be harvested at once."""
        return self.hydrates and self.shape.shows_photos and not isinstance(self.shape.becomes, Together)

    @property
    def keeps_rows(self) -> bool:
        """Whether its rows themselves are kept, as photos or on lines: they are to tell all that they can."""
        match self.shape.becomes:
            case EachLine() | Together(whole=True):
                return self.hydrates or self.writes
            case Together() | Opens() | PhotosOnly():
                return self.hydrates

    def query(self, *, all_extras: bool, size: int | None = None) -> str:
        """The call for its next page. `all_extras` asks for all columns of photos, `size` for shorter pages."""
        shape = self.shape
        arguments = {shape.subject: self.subject} if shape.subject else {}
        if isinstance(shape.rows, Paged):
            arguments |= {"per_page": str(size or shape.rows.size), "page": str(self.page)}
        if shape.shows_photos and all_extras:
            arguments["extras"] = LISTING_EXTRAS
        return build_query(shape.method, arguments)


@dataclass(frozen=True, slots=True)
class Advance:
    """What a page leads to: the walk that goes on, None at the end; whether it begins anew; what is to be told."""

    walk: Walk | None
    anew: bool = False
    note: str = ""


def advance_walk(walk: Walk, listed: Listed, *, repeated: int) -> Advance:
    """The next step after a page. `repeated` counts its rows that this reading had brought before."""
    pages = walk.shape.rows
    is_last = not isinstance(pages, Paged) or _is_last(walk, listed, pages.size)
    if not listed.rows and walk.tries < _count_tries(walk, listed, is_last=is_last):
        return Advance(msgspec.structs.replace(walk, tries=walk.tries + 1))
    if not isinstance(pages, Paged):
        return Advance(None)
    read = _count_page(walk, listed, repeated=repeated)
    if not is_last and walk.page < LAST_PAGE and _may_go_on(read, listed):
        return Advance(read)
    if read.moved or read.is_short:
        return _read_again(read, gap=_tell_gap(read, listed))
    return Advance(None, note=_tell_gap(read, listed))


def _is_last(walk: Walk, listed: Listed, size: int) -> bool:
    """Whether a page is the last by what is claimed: by the count of pages, unless the rows belie it."""
    if listed.pages is None or (listed.rows and listed.pages < 1):
        return False
    is_more_claimed = len(listed.rows) >= size and (listed.total is None or listed.total > walk.page * size)
    return walk.page >= listed.pages and not is_more_claimed


def _count_tries(walk: Walk, listed: Listed, *, is_last: bool) -> int:
    """How often an empty page is asked for again, and a list that claims to be empty: both are seen in passing."""
    if walk.idle or listed.pages is None or is_last:
        return int(walk.page == 1)
    return _MOST_TRIES


def _may_go_on(read: Walk, listed: Listed) -> bool:
    """Whether the next page is asked for. All photos of a page may be hidden, so a few empty ones are passed over."""
    return not read.idle or (read.idle < _MOST_IDLE and (listed.pages or 0) >= read.page)


def _count_page(walk: Walk, listed: Listed, *, repeated: int) -> Walk:
    """The walk behind a page, which may have betrayed that rows have moved."""
    new = len(listed.rows) - repeated
    total = walk.total if walk.page > 1 else listed.total
    has_no_pages = not new and walk.page == 2 and listed.pages is None  # all of it comes whatever page is asked for
    return msgspec.structs.replace(
        walk,
        page=walk.page + 1,
        tries=0,
        total=total,
        moved=walk.moved or (repeated > 0 and not has_no_pages) or listed.total != total,
        found=walk.found + new,
        idle=0 if new else walk.idle + 1,
    )


def _tell_gap(read: Walk, listed: Listed) -> str:
    """The sentence on a list that breaks off before the pages that it claims."""
    empty = read.page - read.idle
    if listed.rows or (listed.pages or 0) <= empty:
        return ""
    return f"{read.shape.method} of {read.subject} claims {listed.pages} pages, and page {empty} is empty"


def _read_again(read: Walk, *, gap: str) -> Advance:
    """A list that has moved, or is short, is read from its beginning, unless that was done often enough."""
    if read.reads < _MOST_READS:
        again = msgspec.structs.replace(
            read, page=1, total=None, moved=False, reads=read.reads + 1, found=0, idle=0, before=read.found
        )
        return Advance(again, anew=True)
    changing = f"{read.shape.method} of {read.subject} kept changing while it was read {read.reads} times"
    return Advance(None, note=gap or changing)
