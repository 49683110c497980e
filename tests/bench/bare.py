"""The yardstick: aiohttp and uvloop fetch both answers of each photo, and throw them away.

python bare.py ADDRESS PHOTOS WORKERS
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import uvloop
from yarl import URL

FIRST_ID = 40_000_000_000


async def fetch(address: str, photos: int, workers: int) -> None:
    """Fetch them all."""
    prefix = f"{address}?api_key={'0' * 32}&format=json&nojsoncallback=1&method=flickr.photos."
    todo = iter(range(FIRST_ID, FIRST_ID + photos))

    async def work(session: aiohttp.ClientSession) -> None:
        for photo_id in todo:
            for method in ("getInfo", "getSizes"):
                url = URL(f"{prefix}{method}&photo_id={photo_id}", encoded=True)
                async with session.get(url) as response:
                    await response.read()

    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session, asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work(session))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(fetch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
