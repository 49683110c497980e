"""Harvest from code that is no coroutine while a loop runs, as a notebook or a plugin has one."""

from __future__ import annotations

import asyncio
import threading

from counted import check_nothing_more, count

from harvester import Flickr, Search, UsageError


async def harvest(limit: int) -> int:
    before = count()
    async with Flickr(quota="none", pace="none") as flickr:
        found = len([photo async for photo in flickr.harvest(Search(tags="sandbox"), limit=limit)])
    await check_nothing_more(before)
    return found


def main() -> None:
    try:
        Flickr().harvest(Search(tags="sandbox"))
    except UsageError as error:
        print(error)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        found = [asyncio.run_coroutine_threadsafe(harvest(limit), loop).result() for limit in (3, 70)]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    print(*found)


main()
