"""A loader as a typed project has it: mypy --strict knows what everything is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, assert_type

from harvester import (
    Account,
    Album,
    Ended,
    Entry,
    Event,
    Favorites,
    Flickr,
    Gallery,
    Group,
    Harvest,
    HarvestError,
    Incomplete,
    Observer,
    Photo,
    Photos,
    RepairReport,
    Search,
    Source,
    Started,
    Summary,
    Tally,
)

SOURCES: list[Source] = [
    Search(tags=["sandbox"], tag_mode="any"),
    Photos(ids=["1"]),
    Account(user="x"),
    Album(album="1"),
    Gallery(gallery="1"),
    Group(group="x"),
    Favorites(user="x"),
]


class Meter:
    """Watches a harvest."""

    def __init__(self) -> None:
        self.tally: Tally | None = None
        self.summary: Summary | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self.tally = event.tally
        elif isinstance(event, Ended):
            self.summary = event.summary


async def read_titles(photos: Harvest) -> AsyncIterator[tuple[str, str]]:
    async for photo in photos:
        assert_type(photo, Photo)
        assert_type(photo.line, bytes)
        assert_type(photo.record, dict[str, Any])
        yield photo.id, str(photo.info["title"]["_content"])


def list_entries(photos: Harvest) -> list[str]:
    for entry in photos.entries:
        assert_type(entry, Entry)
    return [entry.id for entry in photos.entries]


def tell(error: Incomplete) -> int:
    assert_type(error.summary, Summary | None)
    return error.summary.failed if error.summary else 0


async def main(folder: Path) -> None:
    meter = Meter()
    observer: Observer = meter
    async with Flickr(quota="none", pace="none", give_up_after="30m", observer=observer) as flickr:
        async with flickr.harvest(SOURCES[0], archive=folder, detail="info") as photos:
            titles = [title async for title in read_titles(photos)]
        assert_type(titles, list[tuple[str, str]])
        assert_type(photos.summary, Summary | None)
        summary = await flickr.update(folder)
        assert_type(summary, Summary)
        assert_type(summary.lists, Mapping[str, int])
        report = await Flickr.repair(folder)
        assert_type(report, RepairReport)
        assert_type(flickr.resume(folder), Harvest)
        answer = await flickr.call("flickr.photos.getInfo", photo_id=titles[0][0], extras=["a", "b"])
        assert_type(answer, dict[str, Any])
        async for row in flickr.pages("flickr.photos.search", tags="sandbox", per_page=100):
            assert_type(row, dict[str, Any])
    assert issubclass(Incomplete, HarvestError)
    assert meter.tally
    print(len(titles), summary.photos, report.is_needed, meter.tally.calls, len(list_entries(photos)))


asyncio.run(main(Path(sys.argv[1])))
