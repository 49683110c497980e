"""Look at the first photo of a search, again and again, and leave by every way out."""

from __future__ import annotations

import asyncio
import sys

from counted import check_nothing_more, count

from harvester import Flickr, Search

SEARCH = Search(tags="sandbox")


async def find_first(flickr: Flickr) -> str:
    async for photo in flickr.harvest(SEARCH):
        return photo.id
    raise LookupError


async def find_by_break(flickr: Flickr) -> str:
    found = ""
    async for photo in flickr.harvest(SEARCH):
        found = photo.id
        break
    return found


async def find_in_a_block(flickr: Flickr) -> str:
    async with flickr.harvest(SEARCH) as photos:
        return (await anext(photos)).id


async def find_and_fail(flickr: Flickr) -> str:
    found = ""
    try:
        async for photo in flickr.harvest(SEARCH):
            found = photo.id
            int("no number")
    except ValueError:
        return found
    raise LookupError


async def find_in_a_task(flickr: Flickr) -> str:
    found: list[str] = []
    entered = asyncio.Event()

    async def read() -> None:
        async for photo in flickr.harvest(SEARCH):
            found.append(photo.id)
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(read())
    await entered.wait()
    task.cancel()
    await asyncio.wait({task})
    return found[0]


async def find_for_an_archive(flickr: Flickr) -> str:
    async with flickr.harvest(SEARCH, archive=sys.argv[1]) as photos:
        return (await anext(photos)).id


async def main() -> None:
    async with Flickr(quota="100000/h", pace="none") as flickr:
        before = count()
        for find in (find_first, find_by_break, find_in_a_block, find_and_fail, find_in_a_task, find_for_an_archive):
            assert await find(flickr)
            await check_nothing_more(before)
    print("held nothing more")


asyncio.run(main())
