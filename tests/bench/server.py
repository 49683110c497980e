"""A server that only answers: a search by upload date, getInfo and getSizes, at any latency.

    python server.py PHOTOS LATENCY_SECONDS        prints its address; ends with its parent's pipe or a signal

The answers have the sandbox's shapes and sizes but are made beforehand, so that the server's core keeps up with
whatever the client's core can ask. nginx would be as fast, but cannot be slow on purpose.
"""

from __future__ import annotations

import asyncio
import re
import sys
from functools import partial
from typing import Any

import uvloop

from harvester.flickr import EXTRAS
from harvester.sandbox.catalogue import Catalogue, CatalogueOptions
from harvester.sandbox.shapes import build_info, build_row, build_sizes, encode

FIRST_ID = 40_000_000_000
FIRST_SECOND = 1_300_000_000
APART = 60
"""Seconds between two uploads."""
_PAGE = 500
_ID, _UPLOAD = b"40123456789", b"1345678901"
_bounds = re.compile(rb"(min|max)_upload_date=(\d+)")


def _frame(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class Answers:
    """All answers, cut at the photo's id."""

    def __init__(self, photos: int) -> None:
        self.photos = photos
        catalogue = Catalogue(CatalogueOptions(photos=50, owners=1))
        own_id, upload = str(catalogue.id_of(7)).encode(), str(catalogue.uploads[7]).encode()

        def cut(answer: dict[str, object]) -> bytes:
            return encode(answer).replace(own_id, _ID).replace(upload, _UPLOAD)

        self._info = _frame(cut(build_info(catalogue, 7))).split(_ID)
        self._sizes = _frame(cut(build_sizes(catalogue, 7))).split(_ID)
        self._row = cut(build_row(catalogue, 7, tuple(EXTRAS.split(","))))
        self._echo = _frame(b'{"stat":"ok"}')

    def answer(self, request: bytes) -> bytes:
        """The answer to a request."""
        if b"photos.getInfo" in request or b"photos.getSizes" in request:
            found = request.partition(b"photo_id=")[2].split(None, 1)[0].split(b"&", 1)[0]
            return found.join(self._info if b"photos.getInfo" in request else self._sizes)
        return self._search(request) if b"photos.search" in request else self._echo

    def _search(self, request: bytes) -> bytes:
        bounds = {name: int(second) for name, second in _bounds.findall(request)}
        low = max(0, -(-(bounds.get(b"min", 0) - FIRST_SECOND) // APART))
        high = min(self.photos - 1, (bounds.get(b"max", 1 << 40) - FIRST_SECOND) // APART)
        total = max(0, high - low + 1)
        wanted = re.search(rb"per_page=(\d+)", request)
        size = min(_PAGE, int(wanted[1]) if wanted else 100, total)
        numbers = range(low, low + size) if b"posted-asc" in request else range(high, high - size, -1)
        rows = [
            self._row.replace(_ID, b"%d" % (FIRST_ID + n)).replace(_UPLOAD, b"%d" % (FIRST_SECOND + APART * n))
            for n in numbers
        ]
        head = b'{"photos":{"page":1,"pages":%d,"perpage":500,"total":%d,"photo":[' % (-(-total // _PAGE), total)
        return _frame(head + b",".join(rows) + b']},"stat":"ok"}')


class Server(asyncio.Protocol):
    """One connection. A request comes whole or in pieces; one is answered before the next is sent."""

    def __init__(self, answers: Answers, latency: float) -> None:
        self._answers = answers
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody calls."""
        self._transport: Any = transport  # uvloop's are no asyncio.Transport

    def data_received(self, data: bytes) -> None:
        """Something was asked."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            request, _, self._read = self._read.partition(b"\r\n\r\n")
            answer = self._answers.answer(request.partition(b"\r\n")[0])
            if self._latency:
                self._loop.call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def serve(photos: int, latency: float) -> None:
    """Serve for ever."""
    answers = Answers(photos)
    server = await asyncio.get_running_loop().create_server(partial(Server, answers, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/rest/", flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), float(sys.argv[2])))
