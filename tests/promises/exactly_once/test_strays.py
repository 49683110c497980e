"""Whatever comes over kept connections that nobody asked for: no photo gets another one's parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from harvester.archive.checkpoint.state import Todo
from harvester.config.settings import Settings
from harvester.engine.hydrate import Hydrator, PartRequest
from harvester.errors import GivenUp
from harvester.events import Tally
from harvester.flickr.methods import PARTS
from harvester.transport.client import Client
from harvester.transport.opening import open_client
from support.strays import PHOTOS, UNNAMED, Deed, Step, Unruly, build_part, serving

KEPT = ("info", "sizes", "comments", "favorites")
"""Parts that are asked over kept connections."""


@st.composite
def steps(draw: st.DrawFn) -> Step:
    deed = draw(st.sampled_from(Deed))
    part, photo = draw(st.sampled_from(list(PARTS))), draw(st.sampled_from(PHOTOS))
    return Step(deed, part, photo, repeats=draw(st.booleans()), pauses=draw(st.booleans()))


@asynccontextmanager
async def calling(server: Unruly, tally: Tally | None = None) -> AsyncIterator[Client]:
    """A client whose waits pass at once."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    settings = Settings(api_key="0" * 32, api_url=server.url, quota=None, pace=None)
    async with open_client(settings, tally=tally or Tally(), observer=lambda _: None, sleep=sleep) as client:
        client._clock = client.breaker._clock = lambda: now
        yield client


async def harvest(server: Unruly, *, cancelled: int = 0, tally: Tally | None = None) -> list[dict[str, Any]]:
    """The lines of all photos that could be had. So many further ones are asked for and left in the middle."""
    lines = []

    async def fetch(hydrator: Hydrator, photo_id: str) -> None:
        with suppress(GivenUp):
            lines.append(orjson.loads((await hydrator.fetch(Todo(photo_id, None))).line))

    async with calling(server, tally) as client, asyncio.TaskGroup() as tasks:
        hydrator = Hydrator(client, parts=list(PARTS), tally=Tally(), drafts={})
        for photo_id in PHOTOS[:cancelled]:
            task = tasks.create_task(hydrator.fetch(Todo(photo_id, None)))
            for _ in range(10):
                await asyncio.sleep(0)
            task.cancel()
        for photo_id in PHOTOS:
            tasks.create_task(fetch(hydrator, photo_id))
    return lines


def check_own(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        assert {name: line[name] for name in PARTS} == {name: build_part(name, line["id"]) for name in PARTS}


@pytest.mark.slow
@effort(max_examples=80)
@given(st.lists(steps(), max_size=24), st.integers(0, 3))
def test_a_line_carries_its_own_photos_parts_whatever_comes_over_the_connections(
    deeds: list[Step], cancelled: int
) -> None:
    async def run() -> None:
        async with serving(deeds) as server:
            check_own(await harvest(server, cancelled=cancelled))

    asyncio.run(run())


@pytest.mark.parametrize("part", PARTS)
async def test_an_unasked_refusal_that_comes_in_the_place_of_an_answer_is_not_believed(part: str) -> None:
    before = [Step(Deed.PLAIN)] * 3
    async with serving([*before, *[Step(Deed.INSTEAD, "sizes", "103")] * 12]) as server, calling(server) as client:
        asked = PartRequest(part, PARTS[part])
        for photo_id in ("101", "1010", "101"):
            answer = orjson.loads(await asked.ask(client, photo_id))
            assert answer == build_part(part, photo_id)


@pytest.mark.slow
@pytest.mark.parametrize("pauses", [False, True], ids=["in one packet", "in packets of their own"])
@pytest.mark.parametrize("deed", [deed for deed in Deed if deed is not Deed.PLAIN])
async def test_every_kind_of_stray_answer_is_met_before_it_does_harm(deed: Deed, *, pauses: bool) -> None:
    for before, part in enumerate(PARTS):
        deeds = [*[Step(Deed.PLAIN)] * before, *[Step(deed, part, "1010", pauses=pauses)] * 2]
        async with serving(deeds) as server:
            lines = await harvest(server)
        check_own(lines)
        assert len(lines) == len(PHOTOS)


async def test_an_orderly_server_is_asked_again_only_where_an_answer_of_a_kept_connection_named_nothing() -> None:
    tally = Tally()
    async with serving() as server:
        lines = await harvest(server, tally=tally)
    check_own(lines)
    assert server.calls == tally.calls
    again = server.calls - len(PHOTOS) * len(PARTS)
    doubted = [part for part, _ in UNNAMED if part in KEPT]
    assert len(set(doubted)) <= again <= len(doubted)
    alone = len(PHOTOS) * (len(PARTS) - len(KEPT))
    assert server.connections <= len(PHOTOS) + alone + 2 * len(doubted)
