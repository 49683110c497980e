"""A server that only answers: a search with Flickr's cap, getInfo, getSizes, licences. In JSON and in XML.

    python server.py PHOTOS LATENCY_SECONDS     prints its address, then serves until a signal ends it

The answers have the sandbox's shapes and sizes but are made beforehand, so that the server's core keeps up with
whatever the client's core can ask. nginx would be as fast, but cannot be slow on purpose, nor count calls.
`/__stats?period=S&nth=N` tells the calls, the most of them in any S seconds, when the first came (by the monotonic
clock) and the last, and the seconds from the first until the N-th; `/__reset` forgets them. `/__change?one_in=N`
changes one in N photos.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape, quoteattr

import uvloop

from harvester.flickr.methods import CAP, PAGE_SIZE
from harvester.sandbox.catalogue import Catalogue, CatalogueOptions
from harvester.sandbox.info import build_info
from harvester.sandbox.server import Stats
from harvester.sandbox.shapes import build_row, encode
from harvester.sandbox.sizes import build_sizes

FIRST_ID = 40_000_000_000
FIRST_SECOND = 1_300_000_000
APART = 60
"""Seconds between two uploads."""
_ID, _UPLOAD, _SEEN = b"40123456789", b"1345678901", 7
_LICENSES = {"licenses": {"license": [{"id": str(n), "name": "All Rights Reserved", "url": ""} for n in range(17)]}}
_CHANGED = 1_700_000_000
_find_change = re.compile(rb'(?<="lastupdate":")\d+')
_is_json = re.compile(rb"format=json").search


def frame(body: bytes, kind: bytes = b"application/json") -> bytes:
    """A whole HTTP answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (kind, len(body), body)


def to_xml(name: str, value: Any) -> str:
    """An element as Flickr's XML has it: plain members are attributes, `_content` is the text, the rest is inside."""
    if not isinstance(value, dict):
        return f"<{name}>{escape(str(value))}</{name}>"
    plain = {key: text for key, text in value.items() if key != "_content" and not isinstance(text, dict | list)}
    inner = [escape(str(value.get("_content", "")))]
    for key, found in value.items():
        if isinstance(found, dict | list):
            inner += [to_xml(key, item) for item in (found if isinstance(found, list) else [found])]
    return f"<{name}{''.join(f' {k}={quoteattr(str(v))}' for k, v in plain.items())}>{''.join(inner)}</{name}>"


class Answers:
    """All answers, cut at the photo's id, which has eleven digits."""

    def __init__(self, photos: int) -> None:
        self.photos = photos
        self._one_in, self._changes = photos + 1, 0
        self._catalogue = Catalogue(CatalogueOptions(photos=50, owners=1))
        self._own_id = str(self._catalogue.id_of(_SEEN)).encode()
        builders: dict[bytes, Callable[..., dict[str, Any]]] = {
            b"photos.getInfo": build_info,
            b"photos.getSizes": build_sizes,
        }
        built = {name: self._cut(build(self._catalogue, _SEEN)) for name, build in builders.items()}
        self._whole = {name: frame(body).split(_ID) for name, body in built.items()}
        self._xml = {name: frame(self._to_xml(body), b"text/xml").split(_ID) for name, body in built.items()}
        self._rows: dict[str, bytes] = {}
        self._licenses = self._to_xml(encode(_LICENSES))

    def change(self, one_in: int) -> None:
        """Change one in so many photos, which only their rows show."""
        self._one_in, self._changes = one_in, self._changes + 1

    def _cut(self, answer: dict[str, Any]) -> bytes:
        upload = str(self._catalogue.uploads[_SEEN]).encode()
        return encode(answer).replace(self._own_id, _ID).replace(upload, _UPLOAD)

    def _to_xml(self, body: bytes) -> bytes:
        answer = json.loads(body)
        inner = "".join(to_xml(name, value) for name, value in answer.items() if name != "stat")
        return f'<?xml version="1.0" encoding="utf-8" ?><rsp stat="ok">{inner}</rsp>'.encode()

    def answer(self, request: bytes) -> bytes:
        """The answer to a query, whether it came in the address or in the body."""
        for name, parts in (self._xml if not _is_json(request) else self._whole).items():
            if name in request:
                return re.split(rb"[&\s]", request.partition(b"photo_id=")[2], maxsplit=1)[0].join(parts)
        if b"photos.search" in request:
            return self._search({k: v[0] for k, v in parse_qs(request.split(b" ")[-1].decode("latin-1")).items()})
        return frame(self._licenses, b"text/xml") if b"licenses" in request else frame(b'{"stat":"ok"}')

    def _find_row(self, extras: str) -> bytes:
        if extras not in self._rows:
            self._rows[extras] = self._cut(build_row(self._catalogue, _SEEN, tuple(extras.split(","))))
        return self._rows[extras]

    def _search(self, query: dict[str, str]) -> bytes:
        low = max(0, -(-(int(query.get("min_upload_date", "0")) - FIRST_SECOND) // APART))
        high = min(self.photos - 1, (int(query.get("max_upload_date", str(1 << 40))) - FIRST_SECOND) // APART)
        total = max(0, high - low + 1)
        size = min(PAGE_SIZE, int(query.get("per_page", "100")))
        page = int(query.get("page", "1"))
        first = (page - 1) * size % CAP  # past the cap, Flickr repeats
        picked = range(first, min(first + size, total))
        numbers = [low + n for n in picked] if "asc" in query.get("sort", "") else [high - n for n in picked]
        row = self._find_row(query.get("extras", ""))
        changed = _find_change.sub(b"%d" % (_CHANGED + self._changes), row)
        rows = [
            (row if n % self._one_in or not self._changes else changed)
            .replace(_ID, b"%d" % (FIRST_ID + n))
            .replace(_UPLOAD, b"%d" % (FIRST_SECOND + APART * n))
            for n in numbers
        ]
        told = (page, -(-total // size), size, total)
        head = b'{"photos":{"page":%d,"pages":%d,"perpage":%d,"total":%d,"photo":[' % told
        body = head + b",".join(rows) + b']},"stat":"ok"}'
        return frame(body) if query.get("format") == "json" else frame(self._to_xml(body), b"text/xml")


class Delay:
    """Answers on their way. The loop turns without rest while there are any: its timers are coarser than a latency."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, Any, bytes, bool]] = deque()

    def send(self, transport: Any, answer: bytes, *, hangs_up: bool) -> None:
        """Send an answer as late as it is to be, the last of its connection where the server is asked to hang up."""
        if not self._seconds:
            _send(transport, answer, hangs_up)
            return
        if not self._waiting:
            self._loop.call_soon(self._turn)
        self._waiting.append((time.perf_counter() + self._seconds, transport, answer, hangs_up))

    def _turn(self) -> None:
        now = time.perf_counter()
        while self._waiting and self._waiting[0][0] <= now:
            _send(*self._waiting.popleft()[1:])
        if self._waiting:
            self._loop.call_soon(self._turn)


def _send(transport: Any, answer: bytes, hangs_up: bool) -> None:
    if transport.is_closing():  # whoever asked was killed: uvloop's would raise, and no other answer would go
        return
    transport.write(answer)
    if hangs_up:
        transport.close()


class Connection(asyncio.Protocol):
    """One connection. A request comes whole or in pieces; one is answered before the next is sent."""

    def __init__(self, answers: Answers, stats: Stats, delay: Delay) -> None:
        self._answers = answers
        self._stats = stats
        self._delay = delay
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody calls."""
        self._transport: Any = transport  # uvloop's are no asyncio.Transport

    def data_received(self, data: bytes) -> None:
        """Something was asked."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head) if head.startswith(b"POST") else None
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._read = rest[size:]
            hangs_up = b"\r\nconnection: close" in head.lower()
            self._take(head.split(b" ", 2)[1], rest[:size], hangs_up=hangs_up)

    def _take(self, target: bytes, body: bytes, *, hangs_up: bool) -> None:
        path, _, query = target.partition(b"?")
        if path.startswith(b"/__"):
            return self._transport.write(frame(self._tell(path, query.decode())))  # type: ignore[no-any-return]
        self._stats.arrivals.append(time.monotonic())
        asked = b"%s %s" % (query, body) if body else query
        self._delay.send(self._transport, self._answers.answer(asked), hangs_up=hangs_up)
        return None

    def _tell(self, path: bytes, query: str) -> bytes:
        arrivals = self._stats.arrivals
        if path == b"/__reset":
            del arrivals[:]
            return b"{}"
        asked = parse_qs(query)
        if path == b"/__change":
            self._answers.change(int(asked["one_in"][0]))
            return b"{}"
        nth = int(asked.get("nth", ["1"])[0])
        told = {
            **self._stats.describe(float(asked["period"][0])),
            "first": arrivals[0] if arrivals else None,
            "last": arrivals[-1] if arrivals else None,
            "until": arrivals[nth - 1] - arrivals[0] if len(arrivals) >= nth else None,
        }
        return json.dumps(told).encode()


async def serve(photos: int, latency: float) -> None:
    """Serve for ever."""
    build = partial(Connection, Answers(photos), Stats(), Delay(latency))
    server = await asyncio.get_running_loop().create_server(build, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/rest/", flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), float(sys.argv[2])))
