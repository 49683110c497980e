"""What is counted of photos, as counts that can be added up. Pure.

Where the number of different values has no bound, as of tags, they are pairs for a Tally; all others are few.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

import msgspec

from harvester.web.report.tally import Pair
from harvester.web.report.times import Times

MOST_VIEWED = 48


class Viewed(msgspec.Struct, frozen=True, order=True):
    """A photo that is looked at much."""

    views: int
    id: str
    title: str = ""
    owner: str = ""
    """The owner's id."""
    author: str = ""
    license: int = -1
    picture: str = ""
    """The address of a small picture of it; "" where none can be told."""


@dataclass(slots=True)
class Simple:
    """How many photos have what."""

    photos: int = 0
    videos: int = 0
    with_info: int = 0
    with_sizes: int = 0
    with_exif: int = 0
    placed: int = 0
    tagged: int = 0
    attributed: int = 0
    """Whose author and page are known: what an attribution needs."""
    public: int = 0
    restricted: int = 0
    """That not everybody may see."""
    viewed: int = 0
    """Whose views are told."""
    views: int = 0
    faves: int = 0
    comments: int = 0
    misfits: int = 0
    """Values that cannot be what they should be."""


@dataclass(slots=True)
class Pairs:
    """Counts of what may have any number of values."""

    tags: Counter[Pair] = field(default_factory=Counter)
    """By year of upload."""
    owners: Counter[Pair] = field(default_factory=Counter)
    """By the owner's name."""
    countries: Counter[Pair] = field(default_factory=Counter)
    cameras: Counter[Pair] = field(default_factory=Counter)
    lenses: Counter[Pair] = field(default_factory=Counter)
    albums: Counter[Pair] = field(default_factory=Counter)
    """By title; only what the photos themselves tell."""
    formats: Counter[Pair] = field(default_factory=Counter)
    sizes: Counter[Pair] = field(default_factory=Counter)
    """The largest size that may be had, by its name."""
    refusals: Counter[Pair] = field(default_factory=Counter)
    """What Flickr refuses of a photo, by its reason."""


@dataclass(slots=True)
class Few:
    """Counts of what has few values."""

    licenses: Counter[tuple[int, str]] = field(default_factory=Counter)
    """By licence, -1 for none told, and year of upload."""
    cells: Counter[tuple[int, int]] = field(default_factory=Counter)
    """By the whole degrees of latitude and longitude."""
    pixels: Counter[int] = field(default_factory=Counter)
    """By whole megapixels; -1 where no size is told."""
    shapes: Counter[str] = field(default_factory=Counter)
    views: Counter[int] = field(default_factory=Counter)
    """By the number of digits; 0 for photos that nobody has looked at."""


@dataclass(slots=True)
class Counts:
    """All that is counted of some photos."""

    simple: Simple = field(default_factory=Simple)
    pairs: Pairs = field(default_factory=Pairs)
    few: Few = field(default_factory=Few)
    uploaded: Times = field(default_factory=Times)
    taken: Times = field(default_factory=Times)
    most_viewed: list[Viewed] = field(default_factory=list)
    harvested: tuple[str, str] = ("", "")
    """When the first and the last of them was fetched."""

    def add(self, other: Counts) -> None:
        """Add all but the pairs, which are for a Tally each."""
        for member in fields(Simple):
            setattr(self.simple, member.name, getattr(self.simple, member.name) + getattr(other.simple, member.name))
        for member in fields(Few):
            getattr(self.few, member.name).update(getattr(other.few, member.name))
        self.uploaded.add(other.uploaded)
        self.taken.add(other.taken)
        self.most_viewed = choose_viewed(self.most_viewed + other.most_viewed)
        self.harvested = span([self.harvested, other.harvested])


def choose_viewed(photos: list[Viewed]) -> list[Viewed]:
    """Those of the photos that are looked at most."""
    return sorted(photos, key=lambda photo: (-photo.views, photo.id))[:MOST_VIEWED]


def span(spans: list[tuple[str, str]]) -> tuple[str, str]:
    """From the first to the last of some spans of time; "" stands for none."""
    known = [each for each in spans if each[0]]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else ("", "")
