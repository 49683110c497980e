"""What a report says, as the one JSON value that its page holds. Whatever the archives, it stays small.

Of what has many values (tags, owners, albums …) a Ranking holds those that count most, and how many there are in all.
"""

from __future__ import annotations

from typing import Any

import msgspec

from harvester.web.report.counts import Viewed
from harvester.web.report.reuse import Terms


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of upload time, in ISO time, both ends inclusive, as it was read. `claimed` is None where not told."""

    since: str
    until: str
    claimed: int | None
    found: int
    is_whole: bool = True
    """False where Flickr keeps photos back that no question reaches."""
    note: str = ""


class Update(msgspec.Struct, kw_only=True):
    """What an update has found."""

    at: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    other: int = 0
    licenses: int = 0
    """Photos that have another licence since."""


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself."""

    name: str
    state: str
    note: str
    asked: list[tuple[str, str]]
    begun: str | None
    updated: str | None
    version: str | None
    photos: int
    claimed: int | None
    difference: str | None
    failed: int
    withdrawn: int
    bytes: int
    calls: int | None
    """Of the last run."""
    lists: dict[str, int]
    stretches: list[Stretch]
    """Oldest first; neighbours are joined where there are too many."""
    kept_back: list[Stretch]
    more_kept_back: int
    updates: list[Update]
    """The newest first."""
    more_updates: int
    members: dict[str, int]
    """What has changed of photos, most often first."""
    failures: list[tuple[str, str, int]]
    """What could not be had for now, why, and how often."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value, how many photos have it, and its id where it has one."""

    name: str
    count: int
    id: str = ""


class Ranking(msgspec.Struct, frozen=True):
    """The values that most photos have."""

    distinct: int
    entries: list[Entry]


class Tags(msgspec.Struct, frozen=True):
    """Tags, and the years of upload in which the first of them were used."""

    distinct: int
    uses: int
    entries: list[Entry]
    years: list[str]
    by_year: list[list[int]]
    """For each of the first tags, its count in each of the years."""


class License(msgspec.Struct, frozen=True):
    """A licence, how many photos have it, and what it allows."""

    id: int
    count: int
    terms: Terms


class When(msgspec.Struct, frozen=True):
    """Photos over time. Of a month `2009` the year alone is known."""

    months: list[tuple[str, int]]
    hours: list[int]
    """By the hour of the week, from Monday 0 h on."""
    unknown: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    version: str
    made: str
    is_anonymous: bool
    has_pictures: bool
    archives: list[Archive]
    counts: dict[str, int]
    harvested: tuple[str, str]
    uploaded: When
    taken: When
    degrees: int
    """Of a cell of the map."""
    cells: list[tuple[int, int, int]]
    """South and west edge of each cell, and its photos."""
    countries: Ranking
    tags: Tags
    licenses: list[License]
    licenses_by_year: list[tuple[str, int, int]]
    """Year of upload, licence, photos."""
    owners: Ranking
    albums: Ranking
    cameras: Ranking
    lenses: Ranking
    formats: Ranking
    largest: Ranking
    refusals: list[tuple[str, str, int]]
    pixels: list[tuple[int, int]]
    shapes: dict[str, int]
    views: list[tuple[int, int]]
    viewed: list[Viewed]
    attribution: str
    """An example; "" where there is none."""


def encode(report: Report) -> bytes:
    """As the page holds it."""
    return msgspec.json.encode(report)


def describe(value: Any) -> str:
    """A value of a job as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {describe(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(describe, value))
    return str(value)
