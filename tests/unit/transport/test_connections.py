"""A call over a kept connection, against a server that answers with the very bytes that a test gives it."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from harvester.errors import TryLater
from harvester.flickr.forms import MOST_IN_ADDRESS
from harvester.transport.connections import Connections


class Server:
    """Gives each connection its answers, one a request, and hangs up where they end."""

    def __init__(self, connections: Sequence[Sequence[bytes]]) -> None:
        self.connections = list(connections)
        self.requests: list[str] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in self.connections.pop(0):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(answer)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(*connections: Sequence[bytes], tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    script = Server(connections)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=tls)
    script.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield script


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def ask(connections: Connections, query: str, **headers: str) -> tuple[int, bytes]:
    reply = await connections.get(query, headers)
    return reply.status, await connections.read(reply)


async def test_calls_go_out_as_they_are_given_over_one_connection() -> None:
    async with serving([answer(b"one"), answer(b"two")]) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"http://{server.address}/rest/?key=k&", connector)
        assert await ask(connections, "method=a&t=%C3%A9%2C~") == (200, b"one")
        assert await ask(connections, "method=b", Authorization="OAuth x") == (200, b"two")
    first, second = server.requests
    assert first.startswith(f"GET /rest/?key=k&method=a&t=%C3%A9%2C~ HTTP/1.1\r\nHost: {server.address}\r\n")
    assert "Authorization" not in first
    assert "\r\nAuthorization: OAuth x\r\n" in second


@pytest.mark.parametrize(
    ("prefix", "target"),
    [("", "/q"), ("/a/", "/a/q"), ("/a/?", "/a/?q"), ("?x=1&", "/?x=1&q"), ("/caf\u00e9/?", "/caf%C3%A9/?q")],
)
async def test_an_address_may_end_anywhere_before_the_query(prefix: str, target: str) -> None:
    async with serving([answer(b"")]) as server, aiohttp.TCPConnector() as connector:
        await ask(Connections(f"http://{server.address}{prefix}", connector), "q")
    assert server.requests[0].startswith(f"GET {target} HTTP/1.1\r\n")


async def test_name_and_password_of_an_address_are_sent_as_a_header() -> None:
    async with serving([answer(b"")]) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"http://me:secret@{server.address}/", connector)
        await ask(connections, "")
    assert "secret" not in repr(connections)
    assert "\r\nAuthorization: Basic bWU6c2VjcmV0\r\n" in server.requests[0]


async def test_a_long_call_is_a_form_and_the_next_one_an_address_over_the_same_connection() -> None:
    long = "method=x&tags=" + "a" * MOST_IN_ADDRESS
    requests: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        requests.append((await reader.readexactly(len("key=k&") + len(long))).decode())
        writer.write(answer(b"one"))
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer(b"two"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rest/?key=k&", connector)
        assert await ask(connections, long) == (200, b"one")
        assert await ask(connections, "method=y") == (200, b"two")
    head, form, following = requests
    assert head.startswith("POST /rest/ HTTP/1.1\r\n")
    assert "\r\nContent-Type: application/x-www-form-urlencoded\r\n" in head
    assert f"\r\nContent-Length: {len(form)}\r\n" in head
    assert form == "key=k&" + long
    assert following.startswith("GET /rest/?key=k&method=y HTTP/1.1\r\n")
    assert "Content-" not in following


@pytest.mark.parametrize(
    "sent",
    [
        answer(gzip.compress(b"body"), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody",
        b"HTTP/1.0 200 OK\r\n\r\nbody",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(b"body"),
        answer(b"body", "Connection: close"),
    ],
    ids=["gzip", "chunked", "until the end", "HTTP/1.0", "early hints", "closed behind"],
)
async def test_a_body_comes_in_every_form_and_the_next_call_finds_its_way(sent: bytes) -> None:
    async with serving([sent], [answer(b"next")]) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"http://{server.address}/", connector)
        assert await ask(connections, "") == (200, b"body")
        await asyncio.sleep(0)
        try:
            assert await ask(connections, "") == (200, b"next")
        except aiohttp.ClientError:  # the connection was kept, and broke: that is told, never repaired by itself
            assert await ask(connections, "") == (200, b"next")


async def test_a_status_and_its_headers_are_told() -> None:
    refused = answer(b"slow down", "retry-after: 7", status="429 Too Many Requests")
    async with serving([refused]) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"http://{server.address}/", connector)
        reply = await connections.get("")
        told = reply.status, reply.headers["Retry-After"]
        assert (*told, await connections.read(reply)) == (429, "7", b"slow down")


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Le", answer(b"whole")[:-2], b"SSH-2.0-OpenSSH\r\n\r\n"],
    ids=["nothing", "half a head", "half a body", "no HTTP"],
)
async def test_an_answer_that_breaks_off_is_an_error_and_is_not_asked_for_again(sent: bytes) -> None:
    async with serving([sent], [answer(b"next")]) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"http://{server.address}/", connector)
        with pytest.raises(aiohttp.ClientError):
            await ask(connections, "")
        assert len(server.requests) == 1
        assert await ask(connections, "") == (200, b"next")


@pytest.mark.parametrize("begun", [b"", answer(b"whole")[:-2]], ids=["before the answer", "within the answer"])
async def test_a_call_that_is_cancelled_leaves_no_connection_behind(begun: bytes) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begun)
        await reader.read()  # until the client hangs up
        gone.set()
        writer.close()

    gone = asyncio.Event()
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server, aiohttp.TCPConnector() as connector:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(Connections(f"http://127.0.0.1:{port}/", connector), "")
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize("length", [b"", b"Content-Length: 300000\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_a_body_is_given_up_at_the_limit(length: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.transport.wire.LIMIT", 100_000)
    sent = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n493e0\r\n" + bytes(290_000)
    async with serving([sent]) as server, aiohttp.TCPConnector() as connector:
        with pytest.raises(TryLater, match="more than"):
            await ask(Connections(f"http://{server.address}/", connector), "")


async def test_a_body_that_is_given_up_takes_no_memory_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its wire may wait for the garbage collector, while ten further tries bring 64 MB each."""
    monkeypatch.setattr("harvester.transport.wire.LIMIT", 100_000)
    sent = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytes(290_000)
    async with serving([sent]) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"http://{server.address}/", connector)
        wire = await connections.get("")
        with pytest.raises(TryLater, match="more than"):
            await connections.read(wire)
        assert wire.received > 100_000
        assert not wire._parts


async def test_a_head_that_never_ends_is_no_answer() -> None:
    sent = b"HTTP/1.1 200 OK\r\n" + b"X-Name: value\r\n" * 10_000
    async with serving([sent]) as server, aiohttp.TCPConnector() as connector:
        with pytest.raises(aiohttp.ClientPayloadError, match="a head without end"):
            await ask(Connections(f"http://{server.address}/", connector), "")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
@pytest.mark.parametrize("trusted", [True, False])
async def test_certificates_are_verified(trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ("-keyout", "key", "-out", "cert", "-days", "1", "-subj", "/CN=localhost")
    names = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made, *names]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: ASYNC221 - nothing else runs
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    trust = ssl.create_default_context(cafile=tmp_path / "cert" if trusted else None)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trust)
    async with serving([answer(b"body")], tls=context) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(f"https://{server.address}/", connector)
        if trusted:
            assert await ask(connections, "") == (200, b"body")
        else:
            with pytest.raises(aiohttp.ClientConnectorError):
                await ask(connections, "")
