"""Which connections serve another call: only those on which nothing stands that was not asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import aiohttp
import pytest

from harvester.transport.connections import Connections, StrayAnswer, UnnamedAnswer
from harvester.transport.wire import Wire

Script: TypeAlias = Sequence[Sequence[bytes]]
"""What comes behind each request on one connection: pieces. Before the first request, too, if they stand first."""


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def turn() -> None:
    """Let what was sent arrive."""
    for _ in range(6):
        await asyncio.sleep(0)


class Server:
    """Gives each connection the answers of its script, and hangs up behind them if it `hangs_up`."""

    def __init__(self, scripts: Sequence[Script], *, hangs_up: bool) -> None:
        self.scripts = list(scripts)
        self.hangs_up = hangs_up
        self.requests: list[tuple[int, str]] = []
        """The number of the connection, and the request."""
        self.writers: list[asyncio.StreamWriter] = []
        self.tasks: list[asyncio.Task[None] | None] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.current_task())
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._answer(len(self.writers), reader, writer)
        writer.close()

    async def _answer(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pieces in self.scripts.pop(0):
            self.requests.append((number, (await reader.readuntil(b"\r\n\r\n")).decode()))
            for piece in pieces:
                writer.write(piece)
                await turn()
        if not self.hangs_up:
            await reader.read()  # until the client does

    @property
    def used(self) -> list[int]:
        """The connection of each request."""
        return [number for number, _ in self.requests]


@asynccontextmanager
async def calling(*scripts: Script, hangs_up: bool = False) -> AsyncIterator[tuple[Server, Connections]]:
    served = Server(scripts, hangs_up=hangs_up)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    async with server:
        async with aiohttp.TCPConnector() as connector:
            yield served, Connections(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", connector)
        await asyncio.gather(*filter(None, served.tasks))


async def ask(connections: Connections, mark: bytes = b"", *, alone: bool = False) -> bytes:
    return await connections.read(await connections.get("", alone=alone), mark)


async def test_a_connection_serves_the_next_call_where_the_mark_stood_in_the_answer_and_no_other() -> None:
    async with calling([[answer(b"of 1")], [answer(b"of 2")], [answer(b"x")]], [[answer(b"y")]]) as (
        server,
        connections,
    ):
        assert await ask(connections, b"1") == b"of 1"
        assert await ask(connections, b"2") == b"of 2"
        with pytest.raises(UnnamedAnswer) as met:
            await ask(connections, b"3")
        assert met.value.body == b"x"
        assert await ask(connections) == b"y"
    assert server.used == [1, 1, 1, 2]
    assert not connections.met_stray


@pytest.mark.parametrize("status", ["404 Not Found", "429 Too Many Requests", "503 Unavailable"])
async def test_no_connection_is_kept_behind_a_failure(status: str) -> None:
    async with calling([[answer(b"1", status=status)]], [[answer(b"2")]]) as (server, connections):
        assert [await ask(connections), await ask(connections)] == [b"1", b"2"]
    assert server.used == [1, 2]


STRAYS = {
    "whole": answer(b"stray"),
    "half a body": answer(b"stray")[:-2],
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a letter": b"H",
}


@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS)
async def test_an_answer_with_anything_behind_it_is_an_error_and_the_next_call_has_a_connection_of_its_own(
    stray: bytes,
) -> None:
    async with calling([[answer(b"1") + stray]], [[answer(b"2")]]) as (server, connections):
        with pytest.raises(StrayAnswer, match="more came than the answer to what was asked"):
            await ask(connections)
        assert repr(connections).endswith(", which sent stray bytes>")
        server.hangs_up = True
        assert await ask(connections) == b"2"
    assert server.used == [1, 2]
    assert "\r\nConnection: close\r\n" in server.requests[1][1]


@pytest.mark.parametrize("stray", [*STRAYS.values(), b"\0"])
async def test_what_comes_over_an_idle_connection_ends_it(stray: bytes) -> None:
    async with calling([[answer(b"1"), stray]], [[answer(b"2")]]) as (server, connections):
        assert await ask(connections) == b"1"
        await turn()
        server.hangs_up = True
        assert connections.met_stray
        assert await ask(connections) == b"2"
    assert server.used == [1, 2]


async def test_what_has_arrived_and_was_not_read_yet_ends_a_connection_too() -> None:
    async with calling([[answer(b"1")]], [[answer(b"2")]]) as (server, connections):
        assert await ask(connections) == b"1"
        await turn()
        server.hangs_up = True
        server.writers[0].write(answer(b"stray"))  # it is in the client's socket now, and nothing has been awaited
        assert await ask(connections) == b"2"
        assert connections.met_stray


async def test_a_server_that_takes_its_leave_of_an_idle_connection_has_sent_no_stray() -> None:
    farewell = answer(b"", "Connection: close", status="408 Request Timeout")
    async with calling([[answer(b"1"), farewell]], [[answer(b"2")]]) as (server, connections):
        assert await ask(connections) == b"1"
        await turn()
        assert await ask(connections) == b"2"
        assert not connections.met_stray
    assert server.used == [1, 2]


async def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async with calling([[answer(b"1")]], [[answer(b"2")]], hangs_up=True) as (server, connections):
        assert await ask(connections) == b"1"
        await asyncio.wait_for(server.writers[0].wait_closed(), 5)
        assert await ask(connections) == b"2"
        assert not connections.met_stray


async def test_a_call_asked_alone_leaves_the_kept_connections_as_they_are() -> None:
    scripts: list[Script] = [[[answer(b"1")], [answer(b"3")]], [[answer(b"2")]]]
    async with calling(*scripts, hangs_up=True) as (server, connections):
        assert await ask(connections) == b"1"
        assert await ask(connections, alone=True) == b"2"
        assert await ask(connections) == b"3"
    assert server.used == [1, 2, 1]
    assert ["\r\nConnection: close\r\n" in request for _, request in server.requests] == [False, True, False]


@pytest.mark.parametrize("stray", [*STRAYS.values(), b"\0"])
@pytest.mark.parametrize("is_first", [False, True], ids=["behind", "before"])
async def test_an_answer_asked_for_alone_must_be_the_only_one_until_the_server_hangs_up(
    stray: bytes, *, is_first: bool
) -> None:
    pieces = [stray, answer(b"1")] if is_first else [answer(b"1"), stray]
    async with calling([pieces], hangs_up=True) as (_, connections):
        with pytest.raises(aiohttp.ClientError):
            await ask(connections, alone=True)


async def test_a_server_that_never_hangs_up_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.timers.END_SECONDS", 0.05)
    async with calling([[answer(b"1")]], [[answer(b"2")]]) as (server, connections):
        assert await ask(connections, alone=True) == b"1"
        monkeypatch.setattr("harvester.timers.END_SECONDS", 3600)
        connections._usual = 0
        assert await ask(connections, alone=True) == b"2"
    assert server.used == [1, 2]


@pytest.mark.parametrize(
    ("hangs_up", "usual", "waited"),
    [(None, 0.01, 0.25), (None, 0.1, 0.4), (None, 1.0, 2.0), (True, 0.01, 2.0), (False, 0.01, 0.01)],
)
async def test_a_server_is_waited_for_to_hang_up_as_long_as_is_known_of_it(
    monkeypatch: pytest.MonkeyPatch, *, hangs_up: bool | None, usual: float, waited: float
) -> None:
    """One that was not seen to hang up costs a quarter of a second, not two: a short harvest takes no longer."""
    seen: list[float] = []

    async def meets_more(_: Wire, *, seconds: float) -> bool | None:
        seen.append(seconds)
        return None

    monkeypatch.setattr(Wire, "meets_more", meets_more)
    async with calling([[answer(b"1")]]) as (_, connections):
        wire = await connections.get("", alone=True)
        connections._hangs_up, connections._usual = hangs_up, usual
        await connections.read(wire)
    assert seen == [waited]
    assert connections._hangs_up is False


async def test_an_answer_that_comes_before_anything_was_asked_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = aiohttp.TCPConnector.connect

    async def connect(*given: Any, **named: Any) -> aiohttp.connector.Connection:
        connection = await honest(*given, **named)
        while not server.writers:
            await asyncio.sleep(0)
        server.writers[0].write(answer(b"early"))
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connect)
    async with calling([[]]) as (server, connections):
        with pytest.raises(StrayAnswer):
            await ask(connections)
        assert connections.met_stray
    assert not server.requests


async def test_the_late_answer_of_a_call_that_was_cancelled_reaches_no_other_call() -> None:
    async with calling([[]], [[answer(b"2")]]) as (server, connections):
        call = asyncio.create_task(ask(connections))
        while not server.requests:
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
        server.writers[0].write(answer(b"late"))
        assert await ask(connections) == b"2"
