"""What of an archive was loaded before, and what is newer. Pure.

An archive grows at its end: as long as what was loaded stands at its beginning, what is newer is what comes behind it.
An update, a deepening or a repair writes the file anew; lines that it brings are harvested later than all that an
archive held which was complete. Of one that was not, lines may come late, so all of it is loaded again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

_MOST_LAST = 10_000


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far an archive was loaded; pipelines keep it between loads."""

    bytes: int
    digest: str
    """Of the ids and moments of the lines in these bytes."""
    since: str
    """When the last of them was harvested."""
    last: list[int]
    """The ids of those that were harvested then."""
    begun: str
    """When the archive was begun: tells it from another one at the same place."""
    is_settled: bool
    """Whether all that is still to come will be harvested later."""
    memberships: str = msgspec.field(name="shelves")  # the name in the state of pipelines
    """What the sets and collections came to, which a photo's row tells, too."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be read: the lines from a place on, but those that begin at one of the places `without`."""

    start: int
    without: Sequence[int]
    bookmark: Bookmark
    """What is loaded once that is done."""


def choose_lines(
    lines: Iterable[tuple[int, bytes, int]],
    before: Bookmark | None,
    *,
    size: int,
    begun: str,
    is_settled: bool,
    memberships: str,
) -> Selection:
    """What is newer than at the last load. `lines` are ids, moments and places, in the file's order, up to `size`."""
    if before is not None and before.memberships != memberships:
        before = None
    scan = _Scan(before)
    for photo_id, stamp, place in lines:
        scan.take(photo_id, stamp, place)
    scan.compare(size)
    bookmark = Bookmark(
        bytes=size,
        digest=scan.digest,
        since=scan.since.decode(),
        last=scan.last if len(scan.last) <= _MOST_LAST else [],
        begun=begun,
        is_settled=is_settled and len(scan.last) <= _MOST_LAST,
        memberships=memberships,
    )
    if before is not None and scan.has_grown:
        return Selection(before.bytes, (), bookmark)
    is_same = before is not None and before.is_settled and begun != "" and before.begun == begun
    return Selection(0, scan.known if is_same else (), bookmark)


class _Scan:
    """Goes through the lines of an archive."""

    def __init__(self, before: Bookmark | None) -> None:
        self._before = before
        self._since = b"" if before is None else before.since.encode()
        self._last = frozenset(() if before is None else before.last)
        self._hash = blake2b(digest_size=16)
        self.has_grown = False
        """What was loaded before stands at the beginning, as it was."""
        self.known = array("q")
        """Places of lines that were loaded before, if all that has come since is newer."""
        self.since = b""
        self.last: list[int] = []

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def take(self, photo_id: int, stamp: bytes, place: int) -> None:
        self.compare(place)
        self._hash.update(b"%d %s %d\n" % (photo_id, stamp, place))
        if stamp > self.since:
            self.since, self.last = stamp, [photo_id]
        elif stamp == self.since:
            self.last.append(photo_id)
        if stamp < self._since or (stamp == self._since and photo_id in self._last):
            self.known.append(place)

    def compare(self, place: int) -> None:
        """Hold the lines so far against what was loaded before, where that ended here."""
        if self._before is not None and self._before.bytes == place:
            self.has_grown = self._before.digest == self.digest
