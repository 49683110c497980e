"""What a shard is: a part of a harvest that one machine runs by itself. Its id says all of it. Pure.

time-SINCE-UNTIL   what was uploaded in these seconds, both inclusive
ids-NUMBER-SHA     a range of given ids; its object in the store has that number, and that checksum
lists              the lists of an account, without the photos
all                a job that cannot be cut
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harvester.errors import UsageError, show
from harvester.listing.sweep import FLICKR_BEGAN

PHOTOS = 1_500
"""Photos of a shard, if no other number is asked for: an hour of Flickr's quota, at two calls each."""
NARROWEST = 3_600
"""Seconds of the narrowest stretch that cutting leaves: Flickr answers small windows with what lies around them."""
_TIME = re.compile(r"time-(\d{10})-(\d{10})", re.ASCII)
_IDS = re.compile(r"ids-(\d{6,9})-([0-9a-f]{16})", re.ASCII)

Kind: TypeAlias = Literal["time", "ids", "lists", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A part of a harvest. `since` and `until` are seconds of upload, both inclusive, of one of kind `time`."""

    kind: Kind
    since: int = 0
    until: int = 0
    number: int = 0
    sha: str = ""

    @property
    def id(self) -> str:
        """Its name, in the store and on the command line."""
        if self.kind == "time":
            return f"time-{self.since:010}-{self.until:010}"
        return f"ids-{self.number:06}-{self.sha}" if self.kind == "ids" else self.kind

    def __str__(self) -> str:
        return self.id


LISTS, ALL = Shard(kind="lists"), Shard(kind="all")


def build_stretch(since: int, until: int) -> Shard:
    """The shard of a stretch of upload time."""
    return Shard(kind="time", since=since, until=until)


def parse_shard(text: str) -> Shard:
    """The shard of an id; UsageError where it is none."""
    for whole in (LISTS, ALL):
        if text == whole.id:
            return whole
    if (found := _TIME.fullmatch(text)) and int(found[1]) <= int(found[2]):
        return build_stretch(int(found[1]), int(found[2]))
    if found := _IDS.fullmatch(text):
        return Shard(kind="ids", number=int(found[1]), sha=found[2])
    raise UsageError(f"{show(text)} is no shard: `harvester shard commit-status STORE` lists them.", field="shard")


def halve(shard: Shard) -> tuple[Shard, Shard] | None:
    """Both halves of a stretch, the older one first; None of what cannot be cut.

    Where it is cut depends on the shard alone, so all who cut it cut it alike. Nothing was uploaded before Flickr
    began: a stretch that begins earlier is cut as if it began then.
    """
    begin = FLICKR_BEGAN if shard.since < FLICKR_BEGAN < shard.until else shard.since
    if shard.kind != "time" or shard.until - begin + 1 < 2 * NARROWEST:
        return None
    middle = (begin + shard.until) // 2
    return build_stretch(shard.since, middle), build_stretch(middle + 1, shard.until)
