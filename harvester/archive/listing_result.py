"""What an answer of a listing brings: new photos, sweeps and lists to be read next."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from harvester.archive.checkpoint.state import State, Todo
from harvester.flickr.lenient_json import read_number
from harvester.flickr.responses import Listed, Row
from harvester.listing.sweep import Sweep
from harvester.listing.walk import Walk


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a search's rows must fit: seconds of upload, both inclusive, and how many photos are wanted in all."""

    since: int
    until: int
    limit: int | None = None

    def holds(self, row: Row, *, horizon: int) -> bool:
        """Whether a row was asked for. Flickr widens small windows, so answers bring photos that were not."""
        return row.uploaded is None or self.since <= row.uploaded <= min(self.until, horizon)


@dataclass(frozen=True, slots=True)
class ListingResult:
    """What an answer of a listing came to: photos never seen, sweeps to be asked, whether the limit is met."""

    fresh: list[Todo]
    sweeps: list[tuple[int, Sweep]]
    full: bool = False


@dataclass(frozen=True, slots=True)
class ListResult:
    """What a page of a list came to: lists to be read next, photos never seen, photos Flickr claims there are."""

    walks: list[tuple[int, Walk]]
    fresh: list[Todo]
    expected: int | None = None


def read_row(row: tuple[str, bytes]) -> Row:
    """A row of a list as a photo to be harvested."""
    photo_id, raw = row
    updated = read_number(orjson.loads(raw).get("lastupdate")) if raw else None
    return Row(photo_id, None, None, raw or b"", updated)


def count_claimed(walk: Walk, listed: Listed) -> int | None:
    """How many photos Flickr claims there are: on a person, or of a list whose photos are harvested."""
    if walk.listing == "person":
        found = orjson.loads(listed.rows[0][1]).get("photos")
        count = found.get("count") if isinstance(found, dict) else None
        return read_number(count.get("_content") if isinstance(count, dict) else count)
    return listed.total if walk.top and walk.shape.shows_photos else None


def is_listed_whole(state: State) -> bool:
    """Whether all was listed, and Flickr has kept nothing back: what it did not show, is not there."""
    return (
        not state.facts.spared
        and not state.sweeps()
        and not state.walks()
        and all(stretch.whole for stretch in state.stretches())
    )
