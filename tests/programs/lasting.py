"""A harvest that lasts: whenever it is killed, the same program goes on. Prints the id of each photo it is given."""

from __future__ import annotations

import asyncio
import sys

from counted import check_nothing_more, count

from harvester import Flickr, Search


async def main(folder: str) -> None:
    before = count()
    async with Flickr(quota="100000/h", pace="none") as flickr:
        async for photo in flickr.harvest(Search(tags="sandbox"), archive=folder):
            print(photo.id, flush=True)
    await check_nothing_more(before)


asyncio.run(main(sys.argv[1]))
