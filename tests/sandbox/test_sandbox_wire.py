"""The sandbox's door: who may use its control and login pages, and how much it reads of a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import Sandbox, SandboxOptions, open_sandbox
from harvester.sandbox.wire import LONGEST_BODY, LONGEST_HEAD, LONGEST_TARGET
from support.harvest import KEY

GUARDED = ("/__control", "/__stats", "/__truth?tags=sandbox", "/services/oauth/authorize?oauth_token=x")
CALL = f"method=flickr.photos.search&tags=sandbox&format=json&nojsoncallback=1&api_key={KEY}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=60, owners=2))) as running:
        yield running


async def send(sandbox: Sandbox, *pieces: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to the pieces, each a packet of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.partition(":")[2]) for line in head.split("\r\n") if line.startswith("Content-Length"))
        return int(head.split()[1]), await reader.readexactly(length)
    finally:
        writer.close()


def request(verb: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{verb} {target} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8765", "127.0.0.1.example", "[", "", "10.0.0.1"])
async def test_a_page_under_another_name_of_this_machine_is_refused(sandbox: Sandbox, path: str, host: str) -> None:
    assert (await send(sandbox, request("POST", path, f"Host: {host}", body=b"{}")))[0] == 403


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("origin", ["https://www.example.org", "null", "http://127.0.0.1:1", "http://localhost"])
async def test_a_form_that_a_website_sends_is_refused(sandbox: Sandbox, path: str, origin: str) -> None:
    headers = (f"Host: 127.0.0.1:{sandbox.port}", f"Origin: {origin}")
    status, body = await send(sandbox, request("POST", path, *headers, body=b'{"add": 1}'))
    assert status == 403
    assert body.endswith(b".\n")
    assert len(sandbox.catalogue) == 60


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
async def test_programs_on_this_machine_and_the_own_page_may_use_them(sandbox: Sandbox, name: str) -> None:
    host = f"{name}:{sandbox.port}"
    for more in ((), (f"Origin: http://{host}",)):
        found = await send(sandbox, request("POST", "/__control", f"Host: {host}", *more, body=b'{"add": 1}'))
        assert found[0] == 200
    assert len(sandbox.catalogue) == 62


@pytest.mark.parametrize("path", ["/services/oauth/x/authorize", "/services/oauth/anything", "/services/oauth/"])
async def test_nothing_else_under_the_login_address_logs_in(sandbox: Sandbox, path: str) -> None:
    status, _ = await send(sandbox, request("GET", f"{path}?oauth_token=x", "Host: rebound.example"))
    assert status == 404


async def test_the_api_answers_under_any_name(sandbox: Sandbox) -> None:
    status, body = await send(sandbox, request("GET", f"/services/rest/?{CALL}", "Host: api.flickr.com"))
    assert (status, json.loads(body)["stat"]) == (200, "ok")


async def test_an_address_may_come_in_pieces_or_whole(sandbox: Sandbox) -> None:
    whole = request("GET", f"http://127.0.0.1/services/rest/?{CALL}", "Host: 127.0.0.1")
    for pieces in ((whole,), (whole[:60], whole[60:61], whole[61:])):
        status, body = await send(sandbox, *pieces)
        assert status == 200
        assert int(json.loads(body)["photos"]["total"]) == 60


async def test_a_long_address_meets_414_and_a_posted_form_does_not(sandbox: Sandbox) -> None:
    tags = ",".join(f"word{n}" for n in range(2_000))
    status, body = await send(sandbox, request("GET", f"/services/rest/?{CALL}&text={'x' * LONGEST_TARGET}", "Host: a"))
    assert (status, body[:6]) == (414, b"<html>")
    form = CALL.replace("tags=sandbox", f"tags=sandbox,{tags}").encode()
    status, body = await send(sandbox, request("POST", "/services/rest/", "Host: a", body=form))
    assert int(json.loads(body)["photos"]["total"]) == 60


async def test_a_body_past_the_limit_is_refused_before_it_is_read(sandbox: Sandbox) -> None:
    head = f"POST /services/rest/ HTTP/1.1\r\nHost: a\r\nContent-Length: {LONGEST_BODY + 1}\r\n\r\n"
    assert (await send(sandbox, head.encode()))[0] == 413


async def test_a_body_of_unknown_length_is_bounded_too(sandbox: Sandbox) -> None:
    head = b"POST /__control HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"40000\r\n" + b"x" * 0x40000 + b"\r\n"
    assert (await send(sandbox, head, *[chunk] * 5))[0] == 413


async def test_a_head_without_end_is_bounded(sandbox: Sandbox) -> None:
    piece = b"x" * 16_384
    pieces = [piece] * (LONGEST_HEAD // len(piece) + 2)
    assert (await send(sandbox, b"GET / HTTP/1.1\r\nHost: a\r\nCookie: ", *pieces))[0] == 431


async def test_what_is_no_http_is_refused(sandbox: Sandbox) -> None:
    assert (await send(sandbox, b"\x16\x03\x01 hello\r\n\r\n"))[0] == 400


async def test_a_connection_ends_behind_the_answer_where_the_client_says_so(sandbox: Sandbox) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    writer.write(request("GET", f"/services/rest/?{CALL}", "Host: localhost"))
    writer.write(request("GET", f"/services/rest/?{CALL}", "Host: localhost", "Connection: close"))
    assert (await reader.read()).count(b"HTTP/1.1 200 OK\r\n") == 2
    writer.close()
