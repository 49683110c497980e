"""Harvest many searches with one client, at once and one after the other."""

from __future__ import annotations

import asyncio

from counted import check_nothing_more, count

from harvester import Flickr, Search

YEARS = range(2004, 2026)


async def count_photos(flickr: Flickr, year: int) -> int:
    search = Search(tags="sandbox", min_upload_date=str(year), max_upload_date=str(year))
    return len({photo.id async for photo in flickr.harvest(search, detail="list")})


async def main() -> None:
    async with Flickr(quota="100000/h", pace="none") as flickr:
        before = count()
        at_once = await asyncio.gather(*(count_photos(flickr, year) for year in YEARS))
        await check_nothing_more(before)
        in_turn = [await count_photos(flickr, year) for year in YEARS]
        await check_nothing_more(before)
    assert at_once == in_turn
    print(sum(in_turn))


asyncio.run(main())
