"""Any method from Python: one answer, or all rows of a list."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harvester import (
    Flickr,
    GivenUp,
    Incomplete,
    KeyRefused,
    Noticed,
    OutcomeUnknown,
    Refused,
    Stopped,
    Unreachable,
    UsageError,
)
from harvester.events import Event
from harvester.sandbox.faults import Faults
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from support.harvest import KEY, Opener

SEARCH = "flickr.photos.search"
pytestmark = pytest.mark.usefixtures("time_limit")


def client_of(sandbox: Sandbox, *, perms: str | None = None, **given: Any) -> Flickr:
    login = {}
    if perms:
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0], perms=perms)
        login = {"api_secret": secret_of(KEY), "oauth_token": token, "oauth_token_secret": secret}
    return Flickr(**{"api_key": KEY, "api_url": sandbox.url, "quota": "none", "pace": "none", **login, **given})


def id_in(sandbox: Sandbox, n: int = 0) -> str:
    return str(sandbox.catalogue.id_of(n))


async def test_an_answer_is_a_dict_of_all_that_came(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        answer = await flickr.call("flickr.photos.getInfo", photo_id=int(id_in(sandbox)))
        echo = await flickr.call("flickr.test.echo", tags=["a", "b"], has_geo=True, text=None, page=2)
    assert (answer["stat"], answer["photo"]["id"]) == ("ok", id_in(sandbox))
    given = {name: echo[name]["_content"] for name in ("tags", "has_geo", "page")}
    assert given == {"tags": "a,b", "has_geo": "1", "page": "2"}
    assert "text" not in echo


async def test_rows_of_all_pages_come_once(sandbox: Sandbox) -> None:
    truth = {id_in(sandbox, n) for n in range(300)}
    async with client_of(sandbox) as flickr:
        found = [row["id"] async for row in flickr.pages(SEARCH, tags="sandbox", per_page=70)]
    assert len(found) == len(set(found)) == 300
    assert set(found) == truth
    assert sandbox.stats.methods == {SEARCH: 5}


async def test_a_loop_that_is_left_asks_for_nothing_more(sandbox: Sandbox) -> None:
    before = asyncio.all_tasks()
    async with client_of(sandbox) as flickr:
        rows = flickr.pages(SEARCH, tags="sandbox", per_page=10)
        async for _ in rows:
            break
        assert asyncio.all_tasks() == before
    assert sandbox.stats.calls == 1


async def test_several_at_once_share_a_client(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        ids = [id_in(sandbox, n) for n in range(20)]
        answers = await asyncio.gather(*(flickr.call("flickr.photos.getInfo", photo_id=each) for each in ids))
    assert [answer["photo"]["id"] for answer in answers] == ids


@pytest.mark.parametrize(
    ("method", "given", "error", "sentence"),
    [
        ("flickr.photos.getinfo", {}, UsageError, "did you mean flickr.photos.getInfo?"),
        ("flickr.photos.getInfo", {"api_key": "x"}, UsageError, "'api_key' is no argument to give"),
        ("flickr.photos.getInfo", {"photo_id": b"1"}, UsageError, "photo_id: b'1' is no value that Flickr takes"),
        ("flickr.photos.getInfo", {"photo_id": {"a": 1}}, UsageError, "is no value that Flickr takes"),
        ("flickr.favorites.add", {"photo_id": "1"}, UsageError, "from Python write=True, where that is meant."),
        ("flickr.favorites.add", {"photo_id": "1", "write": True}, KeyRefused, "flickr.favorites.add needs a login"),
        ("flickr.people.getLimits", {}, KeyRefused, "flickr.people.getLimits needs a login"),
        (7, {}, UsageError, "7 is no name of a method"),
    ],
)
async def test_what_cannot_be_meant_costs_no_call(
    method: Any, given: dict[str, Any], error: type[Exception], sentence: str, sandbox: Sandbox
) -> None:
    async with client_of(sandbox) as flickr:
        with pytest.raises(error) as caught:
            await flickr.call(method, **given)
        if "write" not in given:
            with pytest.raises(error):
                flickr.pages(method, **given)
    assert sentence in str(caught.value)
    assert sandbox.stats.calls == 0


async def test_a_refusal_has_flickrs_code(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        with pytest.raises(Refused) as caught:
            await flickr.call("flickr.photos.getSizes", photo_id=1)
        with pytest.raises(Refused):
            await anext(flickr.pages("flickr.photosets.getPhotos", photoset_id=1))
        with pytest.raises(UsageError, match="answers no list"):
            await anext(flickr.pages("flickr.photos.getInfo", photo_id=id_in(sandbox)))
        with pytest.raises(UsageError, match="code 112"):
            await flickr.call("flickr.photos.getThing", unlisted=True)
    assert (caught.value.code, caught.value.message) == (1, "Photo not found")
    assert str(caught.value) == "Flickr refused flickr.photos.getSizes: Photo not found (code 1)."


async def test_what_is_beyond_flickrs_cap_is_told(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=4_300) as sandbox, client_of(sandbox) as flickr:
        found: list[str] = []

        async def read() -> None:
            async for row in flickr.pages(SEARCH, tags="sandbox"):
                found.append(row["id"])  # noqa: PERF401 - it ends by an error

        with pytest.raises(Incomplete, match=r"4,000 rows of 4,300 .*`harvester search` finds all.*allow_incomplete"):
            await read()
        assert len(set(found)) == 4_000
        events: list[Event] = []
        async with client_of(sandbox, observer=events.append) as other:
            assert len([row async for row in other.pages(SEARCH, allow_incomplete=True, tags="sandbox")]) == 4_000
        assert [event.sentence.partition(" ended")[0] for event in events if isinstance(event, Noticed)] == [SEARCH]


async def test_a_page_that_flickr_refuses_ends_the_list_with_what_came(sandbox: Sandbox, failing: Any) -> None:
    gone = b'{"stat":"fail","code":4,"message":"You don\'t have permission to view this pool"}'
    found: list[str] = []

    async def read(flickr: Flickr) -> None:
        async for row in flickr.pages(SEARCH, tags="sandbox", per_page=50):
            found.append(row["id"])  # noqa: PERF401 - it ends by an error

    async with client_of(sandbox) as flickr:
        with failing(sandbox, lambda query: query.get("page") == "3", gone), pytest.raises(Incomplete) as caught:
            await read(flickr)
    assert len(found) == 100
    assert str(caught.value).startswith(
        "flickr.photos.search ended after page 2 with 100 rows of 300 that Flickr claims: Flickr refused "
        "flickr.photos.search: You don't have permission to view this pool (code 4)."
    )


async def test_a_wrong_clock_is_told_once(sandbox_of: Opener) -> None:
    events: list[Event] = []
    async with sandbox_of(clock=lambda: 1_700_000_000.0) as sandbox:
        flickr = client_of(sandbox, observer=events.append)
        for _ in range(3):
            await flickr.call("flickr.test.echo")
    (noticed,) = [event.sentence for event in events if isinstance(event, Noticed)]
    assert "clock" in noticed


async def test_what_passes_is_retried(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(any=0.3)
    async with client_of(sandbox) as flickr:
        assert len([row async for row in flickr.pages(SEARCH, tags="sandbox", per_page=50)]) == 300


async def test_a_call_that_always_fails_while_others_work_is_given_up(sandbox: Sandbox, failing: Any) -> None:
    async with client_of(sandbox) as flickr:
        with failing(sandbox, lambda query: query.get("method") == SEARCH), pytest.raises(GivenUp):
            await flickr.call(SEARCH, tags="sandbox")


async def test_a_server_that_is_not_there_is_told() -> None:
    async with Flickr(api_key=KEY, api_url="http://127.0.0.1:1/services/rest/", quota="none") as flickr:
        with pytest.raises(Unreachable):
            await flickr.call("flickr.test.echo")


async def test_a_method_that_writes(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=5_000, even=True) as sandbox:
        other = next(id_in(sandbox, n) for n in range(5_000) if sandbox.catalogue.owners[n] != 0)
        async with client_of(sandbox, perms="write") as flickr:
            assert await flickr.call("flickr.favorites.add", photo_id=other, write=True) == {"stat": "ok"}
            assert other in [row["id"] async for row in flickr.pages("flickr.favorites.getList")]
            calls = sandbox.stats.calls
            sandbox.faults = Faults(any=1, kinds=("reset",))
            with pytest.raises(OutcomeUnknown):
                await flickr.call("flickr.favorites.remove", photo_id=other, write=True)
            assert sandbox.stats.calls == calls + 1
        sandbox.faults = Faults()
        async with client_of(sandbox, perms="read") as flickr:
            with pytest.raises(KeyRefused, match="--perms write"):
                await flickr.call("flickr.favorites.remove", photo_id=other, write=True)


async def test_flickrs_clock_is_found_out_once(sandbox_of: Opener) -> None:
    async with sandbox_of(clock=lambda: 1_700_000_000.0) as sandbox, client_of(sandbox, perms="read") as flickr:
        for _ in range(3):
            await flickr.call("flickr.test.login")
        assert sandbox.stats.calls == 4


async def test_a_call_is_cut_off_by_its_caller_and_by_the_clients_end(sandbox_of: Opener) -> None:
    async with sandbox_of(latency=60) as sandbox:
        async with client_of(sandbox) as flickr:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await flickr.call("flickr.test.echo")
            waiting = asyncio.create_task(flickr.call("flickr.test.echo"))
            while sandbox.stats.calls < 2:
                await asyncio.sleep(0.01)
        with pytest.raises(Stopped):
            await waiting
