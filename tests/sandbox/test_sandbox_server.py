"""The sandbox over HTTP: envelopes, faults, rate, statistics, inspection."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.faults import KINDS, Faults
from harvester.sandbox.server import Sandbox, SandboxOptions, Stats, open_sandbox

COMMON = {"api_key": "0123456789abcdef0123456789abcdef", "format": "json", "nojsoncallback": "1"}
FEW = CatalogueOptions(photos=60, owners=2)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(SandboxOptions(catalogue=FEW)) as running:
        yield running


async def fetch(session: aiohttp.ClientSession, sandbox: Sandbox, **query: str) -> tuple[str, bytes]:
    async with session.get(sandbox.url, params={**COMMON, **query}) as response:
        return response.content_type, await response.read()


async def test_the_envelope_is_json_jsonp_or_xml(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    bare = await fetch(session, sandbox, method="flickr.test.echo")
    assert json.loads(bare[1])["stat"] == "ok"
    _, wrapped = await fetch(session, sandbox, method="flickr.test.echo", nojsoncallback="")
    assert wrapped.startswith(b"jsonFlickrApi({")
    _, xml = await fetch(session, sandbox, method="flickr.test.echo", format="rest")
    assert xml.startswith(b"<?xml")


async def test_json_is_ascii_with_escaped_slashes(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    arguments = {"tags": "sandbox", "extras": "description,tags,url_sq,owner_name"}
    _, body = await fetch(session, sandbox, method="flickr.photos.search", **arguments)
    assert body.isascii()
    assert b"https:\\/\\/live" in body
    assert b"//" not in body
    titles = [row["title"] for row in json.loads(body)["photos"]["photo"]]
    catalogue = sandbox.catalogue
    assert titles == [catalogue.title(n) for n in reversed(range(60))], "escapes give back what was there"
    assert not all(title.isascii() for title in titles)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"api_key": "abc"}, 100),
        ({"api_key": "0" * 33}, 100),
        ({"method": "flickr.no.such"}, 112),
        ({"method": ""}, 112),
        ({"method": "flickr.photos.getInfo", "photo_id": "-5"}, 1),
        ({"method": "flickr.photos.getInfo", "photo_id": "12345678901234567890"}, 1),
        ({"method": "flickr.photos.getSizes", "photo_id": "1"}, 1),
        ({"method": "flickr.photos.getInfo"}, 1),
    ],
)
async def test_failures_are_envelopes_with_status_200(
    session: aiohttp.ClientSession, sandbox: Sandbox, query: dict[str, str], code: int
) -> None:
    _, body = await fetch(session, sandbox, **{"method": "flickr.test.echo", **query})
    answer = json.loads(body)
    assert (answer["stat"], answer["code"]) == ("fail", code)


async def test_a_posted_form_is_as_good_as_a_query(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    form = {**COMMON, "method": "flickr.photos.search", "tags": "sandbox"}
    async with session.post(sandbox.url, data=form) as response:
        assert (await response.json())["photos"]["photo"]


async def test_refused_sizes_are_the_share_that_was_asked_for(session: aiohttp.ClientSession) -> None:
    async with open_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=300, refused=0.2))) as sandbox:
        codes = []
        for n in range(300):
            photo_id = str(sandbox.catalogue.id_of(n))
            answer = json.loads((await fetch(session, sandbox, method="flickr.photos.getSizes", photo_id=photo_id))[1])
            codes.append(answer.get("code"))
            assert (answer.get("code") == 2) == sandbox.catalogue.is_refused(n)
        assert 30 < codes.count(2) < 90


async def attempt(session: aiohttp.ClientSession, sandbox: Sandbox) -> str:
    """How one search ends: `ok`, a status, a code, or what broke."""
    query = {**COMMON, "method": "flickr.photos.search", "tags": "sandbox"}
    try:
        # POST: aiohttp sends a GET again, unasked, where a kept connection breaks.
        async with session.post(sandbox.url, data=query) as response:
            body = await response.read()
            if response.status != 200:
                return f"{response.status} wait" if "Retry-After" in response.headers else str(response.status)
    except aiohttp.ClientPayloadError:
        return "truncated"
    except aiohttp.ClientError:
        return "reset"
    if not body.startswith(b"{"):
        return {b"": "empty", b"<ht": "html", b"<?x": "xml"}[body[:3]]
    answer: dict[str, Any] = json.loads(body)
    return "ok" if answer["stat"] == "ok" else str(answer["code"])


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_fault_shows_as_itself_and_passes(session: aiohttp.ClientSession, kind: str) -> None:
    options = SandboxOptions(catalogue=FEW, faults=Faults(any=0.5, kinds=(kind,)))
    async with open_sandbox(options) as sandbox:
        ends = [await attempt(session, sandbox) for _ in range(20)]
        assert set(ends) == {"ok", kind}
        assert sandbox.stats.faults[kind] == ends.count(kind)
        assert sandbox.stats.calls == 20


async def test_an_outage_lasts_until_it_is_ended(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(outage=True)
    assert [await attempt(session, sandbox) for _ in range(3)] == ["503"] * 3
    sandbox.faults = Faults()
    assert await attempt(session, sandbox) == "ok"


async def test_past_its_rate_the_sandbox_answers_429(session: aiohttp.ClientSession) -> None:
    async with open_sandbox(SandboxOptions(catalogue=FEW, rate=(5, 3600.0))) as sandbox:
        assert [await attempt(session, sandbox) for _ in range(8)] == ["ok"] * 5 + ["429"] * 3


async def test_answers_are_compressed_where_both_sides_want_that(session: aiohttp.ClientSession) -> None:
    query = {**COMMON, "method": "flickr.photos.search", "tags": "sandbox"}
    async with open_sandbox(SandboxOptions(catalogue=FEW, gzip=True)) as sandbox:
        async with session.get(sandbox.url, params=query) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert (await response.json())["stat"] == "ok"
        async with session.get(sandbox.url, params=query, headers={"Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers


async def test_photos_come_go_and_change_on_command(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    ids = [str(sandbox.catalogue.id_of(n)) for n in range(60)]
    order = {"delete": ids[:2], "change": ids[2:3], "add": 3}
    async with session.post(f"http://127.0.0.1:{sandbox.port}/__control", json=order) as response:
        added = (await response.json())["added"]
    async with session.get(f"http://127.0.0.1:{sandbox.port}/__truth", params={"tags": "sandbox"}) as response:
        assert set(await response.json()) == {*ids[2:], *added}
    _, body = await fetch(session, sandbox, method="flickr.photos.getInfo", photo_id=ids[2])
    assert json.loads(body)["photo"]["title"]["_content"].endswith("(edited)")


async def test_photos_are_hidden_and_shown_on_command(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    one, other = (str(sandbox.catalogue.id_of(n)) for n in range(2))
    url = f"http://127.0.0.1:{sandbox.port}"
    for order, missing in (({"hide": [one, other]}, {one, other}), ({"show": [other]}, {one})):
        async with session.post(f"{url}/__control", json=order) as response:
            assert response.status == 200
        async with session.get(f"{url}/__truth", params={"tags": "sandbox"}) as response:
            assert {one, other} - set(await response.json()) == missing
        for photo_id in (one, other):
            _, body = await fetch(session, sandbox, method="flickr.photos.getInfo", photo_id=photo_id)
            assert json.loads(body)["stat"] == ("fail" if photo_id in missing else "ok")


async def test_a_photo_is_put_into_other_sets_on_command(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    albums = sandbox.api.albums
    (album, members) = next((a, m) for a in albums.albums_of(0) if (m := albums.members(a, {})))
    moved = sandbox.catalogue.id_of(members[0])
    async with session.post(f"http://127.0.0.1:{sandbox.port}/__control", json={"move": [str(moved)]}) as response:
        assert response.status == 200
    _, body = await fetch(session, sandbox, method="flickr.photosets.getPhotos", photoset_id=album.id)
    assert str(moved) not in {row["id"] for row in json.loads(body)["photoset"]["photo"]}


async def test_a_refused_key_is_told_that_it_has_expired(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    order = {"refuse_key": COMMON["api_key"]}
    async with session.post(f"http://127.0.0.1:{sandbox.port}/__control", json=order) as response:
        assert response.status == 200
    _, body = await fetch(session, sandbox, method="flickr.test.echo")
    assert json.loads(body) == {"stat": "fail", "code": 100, "message": "Invalid API Key (Key has expired)"}


@pytest.mark.parametrize("path", ["__control", "__stats?period=x", "__truth", "__truth?user_id=1"])
async def test_a_question_that_cannot_be_answered_gets_a_sentence(
    session: aiohttp.ClientSession, sandbox: Sandbox, path: str
) -> None:
    async with session.get(f"http://127.0.0.1:{sandbox.port}/{path}") as response:
        assert response.status == 400
        assert (await response.text()).startswith("Cannot do that")


@pytest.mark.parametrize(
    "query",
    [
        {"tags": "sandbox", "per_page": "9" * 30, "page": "9" * 30},
        {"license": "²"},
        {"bbox": "nan,1,2,3"},
        {"text": "\x00 \ud83d".encode("utf-8", "surrogatepass").decode("latin-1")},
        {"min_upload_date": "1e400"},
        {"tags": '-,"'},
    ],
)
async def test_odd_arguments_get_an_answer(
    session: aiohttp.ClientSession, sandbox: Sandbox, query: dict[str, str]
) -> None:
    _, body = await fetch(session, sandbox, method="flickr.photos.search", **query)
    assert json.loads(body)["stat"] in ("ok", "fail")


async def test_stats_tell_the_calls_by_method_and_the_worst_window(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    for _ in range(4):
        await attempt(session, sandbox)
    async with session.get(f"http://127.0.0.1:{sandbox.port}/__stats?period=3600") as response:
        told = await response.json()
    assert told == {"calls": 4, "methods": {"flickr.photos.search": 4}, "faults": {}, "worst_window": 4}


def test_the_worst_window_slides() -> None:
    stats = Stats()
    stats.arrivals.extend([0.0, 0.9, 1.0, 1.8, 1.9, 2.5])
    assert [stats.worst_window(period) for period in (0.05, 1.0, 1.7, 9.0)] == [1, 4, 5, 6]


async def test_every_answer_is_dated_by_the_sandboxs_clock(session: aiohttp.ClientSession) -> None:
    now = 1_900_000_000.9
    async with open_sandbox(SandboxOptions(catalogue=FEW, gzip=True, clock=lambda: now)) as sandbox:
        for query in ({"method": "flickr.test.echo"}, {"method": "flickr.no.such"}):
            async with session.get(sandbox.url, params={**COMMON, **query}) as response:
                assert response.headers.getall("Date") == ["Sun, 17 Mar 2030 17:46:40 GMT"]
        now += 2
        async with session.get(f"http://127.0.0.1:{sandbox.port}/nowhere") as response:
            assert response.headers["Date"] == "Sun, 17 Mar 2030 17:46:42 GMT"


async def test_changes_and_uploads_are_dated_by_the_sandboxs_clock(session: aiohttp.ClientSession) -> None:
    async with open_sandbox(SandboxOptions(catalogue=FEW, clock=lambda: 1_900_000_000.9)) as sandbox:
        order = {"change": [str(sandbox.catalogue.id_of(5))], "add": 1}
        async with session.post(f"http://127.0.0.1:{sandbox.port}/__control", json=order) as response:
            assert response.status == 200
        assert sandbox.catalogue.updated(5) == 1_900_000_000
        assert sandbox.catalogue.uploads[-1] == 1_900_000_000
