"""No page but this server's own is answered: not by another origin, not by a name that was made to lead here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from harvester.config.settings import Settings
from harvester.web.watch.guard import is_own_page, is_token
from harvester.web.watch.server import open_site
from harvester.web.watch.watched import Watched, Watcher


@pytest.mark.parametrize(
    ("headers", "is_good"),
    [
        ({"Host": "127.0.0.1:9480"}, True),
        ({"Host": "localhost:9480"}, True),
        ({"Host": "[::1]:9480"}, True),
        ({"Host": "localhost"}, True),
        ({"Host": "127.0.0.1:9480", "Origin": "http://127.0.0.1:9480", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Host": "127.0.0.1:9480", "Sec-Fetch-Site": "none"}, True),
        ({}, False),
        ({"Host": "evil.example:9480"}, False),
        ({"Host": "127.0.0.1.evil.example:9480"}, False),
        ({"Host": "localhost.:9480"}, False),
        ({"Host": "127.0.0.1:9480\nx"}, False),
        ({"Host": "evil.example:9480", "Origin": "http://evil.example:9480"}, False),
        ({"Host": "127.0.0.1:9480", "Origin": "http://evil.example"}, False),
        ({"Host": "127.0.0.1:9480", "Origin": "http://127.0.0.1:1"}, False),
        ({"Host": "127.0.0.1:9480", "Origin": "https://127.0.0.1:9480"}, False),
        ({"Host": "127.0.0.1:9480", "Origin": "null"}, False),
        ({"Host": "127.0.0.1:9480", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Host": "127.0.0.1:9480", "Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_whose_page_asks(headers: dict[str, str], *, is_good: bool) -> None:
    assert is_own_page(headers) is is_good


def test_a_token_is_good_as_a_whole_alone() -> None:
    assert is_token("abc", "abc")
    assert not any(is_token(text, "abc") for text in ("", "ab", "abcd", "ABC", "ab\udcff"))


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    settings = Settings()
    watcher = Watcher([Watched(tmp_path, 1, settings, state=None)])
    async with open_site(watcher, port=0) as served:
        yield served


@pytest.mark.parametrize("path", ["", "facts", "events", "icon.svg"])
async def test_a_foreign_page_reads_nothing(address: str, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        for headers in (
            {"Origin": "http://evil.example"},
            {"Host": "evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            async with session.get(address + path, headers=headers) as answer:
                assert answer.status == 403
                assert "Access-Control-Allow-Origin" not in answer.headers
    async with aiohttp.ClientSession() as session, session.get(address + path) as answer:
        assert answer.status == 200


async def test_a_foreign_page_does_nothing(address: str) -> None:
    wish = {"archive": 1, "do": "stop"}
    async with aiohttp.ClientSession() as session:
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            async with session.post(f"{address}do", json=wish, headers=headers) as answer:
                assert answer.status == 403
        async with session.post(f"{address}do", json=wish) as answer:
            assert (answer.status, await answer.json()) == (409, {"trouble": "No run is at work there."})
        async with session.post(f"{address}do", json={**wish, "archive": 2}) as answer:
            assert (await answer.json())["trouble"] == "There is no archive 2."
        for body in (b"{}", b"\xff", b'{"archive":1,"do":"burn"}'):
            async with session.post(f"{address}do", data=body) as answer:
                assert answer.status == 400
        async with session.post(f"{address}do", data=b" " * 5000) as answer:
            assert answer.status == 413


async def test_without_the_token_only_numbers_are_told(address: str) -> None:
    origin = address.rsplit("/", 2)[0]
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/x/", "/x/facts", "/events", "/metrics/", "/favicon.ico"):
            async with session.get(origin + path) as answer:
                assert answer.status == 403
        for path in ("/healthz", "/metrics"):
            async with session.get(origin + path) as answer:
                assert answer.status == 200
            async with session.get(origin + path, headers={"Host": "evil.example"}) as answer:
                assert answer.status == 403


async def test_every_answer_is_shut_in(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        for place in (address, f"{address}none", f"{address[:-1]}x/"):
            async with session.get(place) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'; script-src 'sha256-")
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Server"] == "harvester"
