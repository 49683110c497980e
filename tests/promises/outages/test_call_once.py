"""Calls that write: by POST, signed, and never a second time once they may have arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from harvester.config.settings import Settings
from harvester.errors import HarvestError, OutcomeUnknown, Refused, Unreachable
from harvester.events import Tally, ignore
from harvester.flickr.method_list import METHODS
from harvester.sandbox.faults import Faults
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from harvester.sandbox.wire import Reply, Request
from harvester.transport.calls.run import make_call
from harvester.transport.opening import open_client
from support.harvest import KEY, Opener, settings_for

ADD = METHODS["flickr.favorites.add"]
pytestmark = pytest.mark.usefixtures("time_limit")


def sign_in(sandbox: Sandbox) -> Settings:
    token, secret = sandbox.authority.grant(sandbox.catalogue.people[0], perms="write")
    return settings_for(sandbox, api_secret=secret_of(KEY), oauth_token=token, oauth_token_secret=secret)


async def add_favorite(sandbox: Sandbox, settings: Settings | None = None, photo_id: str | None = None) -> bytes:
    """Favour a photo of somebody else's; what Flickr answers."""
    catalogue = sandbox.catalogue
    other = next(str(catalogue.id_of(n)) for n in range(len(catalogue)) if catalogue.owners[n] != 0)
    settings = settings or sign_in(sandbox)
    async with open_client(settings, tally=Tally(), observer=ignore, sleep=lambda _: asyncio.sleep(0)) as client:
        return (await make_call(client, ADD, {"photo_id": photo_id or other})).body


@contextmanager
def watching(sandbox: Sandbox) -> Iterator[list[Request]]:
    """Notes all requests."""
    seen: list[Request] = []
    reply = sandbox.reply

    def note(request: Request) -> Reply:
        seen.append(request)
        return reply(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "reply", note)
        yield seen


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    async with sandbox_of(photos=5_000, even=True) as running:
        yield running


async def test_it_is_one_post_that_holds_its_arguments(sandbox: Sandbox) -> None:
    with watching(sandbox) as seen:
        assert await add_favorite(sandbox) == b'{"stat":"ok"}'
    (request,) = seen
    assert (request.verb, request.query) == ("POST", "")
    assert b"method=flickr.favorites.add&photo_id=" in request.body
    assert request.headers["authorization"].startswith("OAuth ")


async def test_a_method_that_reads_is_a_get(sandbox: Sandbox) -> None:
    with watching(sandbox) as seen:
        settings = settings_for(sandbox)
        async with open_client(settings, tally=Tally(), observer=ignore, sleep=asyncio.sleep) as client:
            await make_call(client, METHODS["flickr.test.echo"], {})
    assert [request.verb for request in seen] == ["GET"]


@pytest.mark.parametrize(
    "fault", ["reset", "truncated", "429", "500", "503", "empty", "html", "xml", "105", "201", "0"]
)
async def test_it_is_not_sent_again_where_no_answer_tells_what_was_done(fault: str, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(any=1, kinds=(fault,))
    with pytest.raises(OutcomeUnknown) as caught:
        await add_favorite(sandbox)
    assert sandbox.stats.calls == 1
    assert str(caught.value).startswith("flickr.favorites.add was sent once, and no answer tells what came of it (")
    assert str(caught.value).endswith("It is not sent again: see at Flickr whether it was done.")
    assert caught.value.exit_code == 3


async def test_what_flickr_refuses_is_no_question(sandbox: Sandbox) -> None:
    with pytest.raises(Refused) as caught:
        await add_favorite(sandbox, photo_id="1")
    assert str(caught.value) == "Flickr refused flickr.favorites.add: Photo not found (code 1)."
    assert sandbox.stats.calls == 1


async def test_what_never_arrived_is_tried_again(sandbox: Sandbox) -> None:
    url = "http://127.0.0.1:1/services/rest/"
    with pytest.raises(Unreachable, match="Cannot reach Flickr's API"):
        await add_favorite(sandbox, settings_for(sandbox, api_url=url))


async def test_a_signature_of_another_time_was_refused_and_is_made_anew(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=5_000, even=True, clock=lambda: 1_700_000_000.0) as sandbox:
        assert await add_favorite(sandbox) == b'{"stat":"ok"}'
        assert sandbox.stats.methods == {"flickr.favorites.add": 2}


async def test_no_secret_is_in_what_is_told(sandbox: Sandbox) -> None:
    settings = sign_in(sandbox)
    sandbox.faults = Faults(any=1, kinds=("500",))
    with pytest.raises(HarvestError) as caught:
        await add_favorite(sandbox, settings)
    assert not [secret for secret in settings.secrets if secret in str(caught.value)]
