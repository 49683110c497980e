"""A server on whose kept connections answers come that nobody asked for: twice, late, early, halved, swapped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from harvester.flickr.methods import PARTS

PHOTOS = ("101", "102", "103", "1010")
REFUSED = {("info", "103"): 1, ("sizes", "103"): 1, ("exif", "102"): 2}
"""Parts that Flickr refuses for good, with the code. None of these refusals says whose it is."""
UNNAMED = {*REFUSED, ("sizes", "102")}
"""Parts whose answers do not say whose they are, though others of their kind do."""
NAME_OF = {part.method: name for name, part in PARTS.items()}


class Deed(Enum):
    """What the server does with a request."""

    PLAIN = auto()
    DOUBLED = auto()
    BEFORE = auto()
    """Another answer comes first."""
    INSTEAD = auto()
    """Another answer comes, and this one never does, unless the request was to be the connection's only one."""
    BEHIND = auto()
    HALF = auto()
    """Another answer comes behind, in two pieces."""
    SWAPPED = auto()
    """The answer of the request before comes, and this one's with the next."""
    CUT = auto()
    EARLY = auto()
    """The next new connection begins with an answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """A deed, with the stray answer that it needs."""

    deed: Deed
    part: str = "info"
    photo: str = "101"
    repeats: bool = False
    """The stray answer is the last one of the connection, if there was one."""
    pauses: bool = False
    """The pieces come in packets of their own."""


def build_part(name: str, photo_id: str) -> dict[str, Any] | None:
    """What this photo's part is, None where it is refused. No two photos share a part, but for what is empty."""
    if (name, photo_id) in REFUSED:
        return None
    own: dict[str, dict[str, Any]] = {
        "info": {"id": photo_id, "owner": {"nsid": "1@N01"}, "title": {"_content": f"photo {photo_id}"}},
        "exif": {"id": photo_id, "camera": f"camera {photo_id}", "exif": []},
        "favorites": {"id": photo_id, "page": 1, "pages": 0, "total": 0, "person": []},
        "sizes": {
            "size": []
            if photo_id == "102"
            else [{"label": "Square", "source": f"https://live.example/1/{photo_id}_ab_s.jpg"}]
        },
        "comments": {"photo_id": photo_id},
        "contexts": {"set": [{"id": "7", "title": f"the set of {photo_id}", "primary": photo_id}], "pool": []},
        "people": {"total": 1, "person": [{"nsid": f"{photo_id}@N02"}]},
    }
    return own[name]


def build_answer(name: str, photo_id: str) -> bytes:
    """The whole answer of HTTP."""
    value, member = build_part(name, photo_id), PARTS[name].member
    if value is None:
        told = {"stat": "fail", "code": REFUSED[name, photo_id], "message": "Photo not found"}
    else:
        told = {**(value if member is None else {member: value}), "stat": "ok"}
    return frame(orjson.dumps(told))


def frame(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Unruly:
    """Does the steps, one a request, and behaves when they have run out."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        self.steps = iter(steps)
        self.calls = self.connections = 0
        self.url = ""
        self.tasks: list[asyncio.Task[None] | None] = []
        self._early = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        if self._early:
            writer.write(self._early)
        self._early = b""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        last = owed = b""
        stays = True
        while stays:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            stays = "\r\nConnection: close\r\n" not in head
            self.calls += 1
            answer = owed + self._find_answer(head)
            pieces, owed = self._do(next(self.steps, CALM), answer, last, is_only=not stays)
            for piece in pieces:
                if not piece:
                    return
                writer.write(piece)
                for _ in range(4):
                    await asyncio.sleep(0)
            last = answer

    def _find_answer(self, head: str) -> bytes:
        query = parse_qs(urlsplit(head.split()[1]).query)
        name = NAME_OF.get(query["method"][0])
        return build_answer(name, query["photo_id"][0]) if name else frame(b'{"stat":"ok"}')

    def _do(self, step: Step, answer: bytes, last: bytes, *, is_only: bool) -> tuple[list[bytes], bytes]:
        """What to send, piece by piece, where nothing stands for hanging up; and what is owed to the next request."""
        stray = last if step.repeats and last else build_answer(step.part, step.photo)
        half = len(stray) // 2
        if step.deed is Deed.SWAPPED and last:
            return [last], answer
        if step.deed is Deed.EARLY:
            self._early = stray
        pieces = {
            Deed.DOUBLED: [answer, answer],
            Deed.BEFORE: [stray, answer],
            Deed.INSTEAD: [answer if is_only else stray],
            Deed.BEHIND: [answer, stray],
            Deed.HALF: [answer + stray[:half], stray[half:]],
            Deed.CUT: [answer[: -len(answer) // 3], b""],
        }.get(step.deed, [answer])
        return (pieces if step.pauses or step.deed is Deed.CUT else [b"".join(pieces)]), b""


CALM = Step(Deed.PLAIN)


@asynccontextmanager
async def serving(steps: Sequence[Step] = ()) -> AsyncIterator[Unruly]:
    unruly = Unruly(steps)
    server = await asyncio.start_server(unruly.serve, "127.0.0.1", 0)
    unruly.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/rest/"
    async with server:
        yield unruly
        await asyncio.gather(*filter(None, unruly.tasks))
