"""Yardsticks: loops that fetch both answers of each photo with less and less of the harvester, and throw them away.

    python bare.py LOOP ADDRESS PHOTOS WORKERS

`raw` is the limit of the protocol in Python: uvloop and httptools alone. `session` is what one writes first: aiohttp's
session. `connections` are the harvester's connections and nothing else; `calls` its client, with pace, quota, retries
and time limits, and without a look at the answers; `parts` checks and cuts the answers, too.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httptools
import uvloop
from yarl import URL

from harvester.config.settings import Settings
from harvester.engine.hydrate import PartRequest
from harvester.events import Tally
from harvester.flickr.methods import PARTS
from harvester.quota.rate import Rate
from harvester.transport.connections import Connections
from harvester.transport.opening import open_client

FIRST_ID = 40_000_000_000
KEY = "0" * 32
COMMON = f"api_key={KEY}&format=json&nojsoncallback=1&"
QUERIES = [f"method=flickr.photos.{method}&photo_id=" for method in ("getInfo", "getSizes")]
Fetch = Callable[[int], Awaitable[object]]


async def work_off(ids: Iterator[int], workers: int, fetch: Fetch) -> None:
    """Fetch them all."""

    async def work() -> None:
        for photo_id in ids:
            await fetch(photo_id)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())


async def run_session(address: str, ids: Iterator[int], workers: int) -> None:
    """A session of aiohttp, as fast as its documentation lets it be."""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def fetch(photo_id: int) -> None:
            for query in QUERIES:
                async with session.get(URL(f"{address}?{COMMON}{query}{photo_id}", encoded=True)) as response:
                    await response.read()

        await work_off(ids, workers, fetch)


async def run_connections(address: str, ids: Iterator[int], workers: int) -> None:
    """The harvester's connections."""
    async with aiohttp.TCPConnector(limit=0) as connector:
        connections = Connections(f"{address}?{COMMON}", connector)

        async def fetch(photo_id: int) -> None:
            for query in QUERIES:
                await connections.read(await connections.get(f"{query}{photo_id}"))

        await work_off(ids, workers, fetch)


async def run_calls(address: str, ids: Iterator[int], workers: int, *, has_parts: bool = False) -> None:
    """The harvester's client."""
    settings = Settings(api_key=KEY, api_url=address, quota=Rate.parse("1000000000/h"), pace=None)
    parts = [PartRequest(name, PARTS[name]) for name in ("info", "sizes")]
    async with open_client(settings, tally=Tally(), observer=lambda _: None, sleep=asyncio.sleep) as client:

        async def fetch(photo_id: int) -> None:
            for query in QUERIES:
                await client.call(f"{query}{photo_id}", bytes, mark=b"%d" % photo_id)

        async def fetch_parts(photo_id: int) -> None:
            for part in parts:
                await part.ask(client, str(photo_id))

        await work_off(ids, workers, fetch_parts if has_parts else fetch)


async def run_parts(address: str, ids: Iterator[int], workers: int) -> None:
    """The harvester's client, and its reader of parts."""
    await run_calls(address, ids, workers, has_parts=True)


class Raw(asyncio.Protocol):
    """One connection, which asks the next thing when an answer is complete."""

    def __init__(self, target: bytes, host: bytes, ids: Iterator[int], done: asyncio.Future[None]) -> None:
        self._form = b"GET %s?%s%%s%%d HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n" % (target, COMMON.encode(), host)
        self._queries = [query.encode() for query in QUERIES]
        self._ids = ids
        self._done = done
        self._todo: list[tuple[bytes, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: Any = transport  # uvloop's are no asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self.on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Throw it away."""

    def on_message_complete(self) -> None:
        """Ask the next thing."""
        if not self._todo:
            photo_id = next(self._ids, None)
            if photo_id is None:
                self._transport.close()
                self._done.set_result(None)
                return
            self._todo = [(query, photo_id) for query in self._queries]
        self._transport.write(self._form % self._todo.pop())


async def run_raw(address: str, ids: Iterator[int], workers: int) -> None:
    """uvloop and httptools, and no client."""
    url, loop = urlsplit(address), asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(workers)]
    for end in ends:
        build = partial(Raw, url.path.encode(), url.netloc.encode(), ids, end)
        await loop.create_connection(build, str(url.hostname), int(url.port or 80))
    await asyncio.gather(*ends)


LOOPS = {
    "raw": run_raw,
    "session": run_session,
    "connections": run_connections,
    "calls": run_calls,
    "parts": run_parts,
}

if __name__ == "__main__":
    todo = iter(range(FIRST_ID, FIRST_ID + int(sys.argv[3])))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(LOOPS[sys.argv[1]](sys.argv[2], todo, int(sys.argv[4])))
