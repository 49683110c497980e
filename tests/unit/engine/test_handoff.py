"""What is handed on arrives once and in order, whoever waits, and nobody waits for ever."""

from __future__ import annotations

import asyncio

from harvester.engine.handoff import Handoff


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_put_is_got_in_its_order() -> None:
    handoff: Handoff[int] = Handoff(3)
    for n in range(3):
        await handoff.put(n)
    assert repr(handoff) == "<Handoff 3 of 3>"
    assert [await handoff.get() for _ in range(3)] == [0, 1, 2]


async def test_who_puts_waits_for_room_and_who_gets_for_something_to_get() -> None:
    handoff: Handoff[int] = Handoff(2)
    got: list[int] = []

    async def give() -> None:
        for n in range(100):
            await handoff.put(n)
            assert len(handoff._things) <= 2

    async def take() -> None:
        while len(got) < 100:
            got.extend(await handoff.take(7))

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(take())
        group.create_task(give())
    assert got == list(range(100))


async def test_at_most_so_many_are_taken_and_their_room_is_given_to_as_many_who_wait() -> None:
    handoff: Handoff[int] = Handoff(3)
    givers = [asyncio.create_task(handoff.put(n)) for n in range(6)]
    await settle()
    assert [giver.done() for giver in givers] == [True] * 3 + [False] * 3
    assert await handoff.take(2) == [0, 1]
    await settle()
    assert [giver.done() for giver in givers] == [True] * 5 + [False]
    assert await handoff.take(9) == [2, 3, 4]
    assert await handoff.get() == 5


async def test_what_was_meant_for_one_who_is_cancelled_goes_to_the_next() -> None:
    handoff: Handoff[int] = Handoff(1)
    takers = [asyncio.create_task(handoff.get()) for _ in range(3)]
    await settle()
    takers[0].cancel()
    handoff.put_now(1)  # wakes the second: the first is cancelled, and has not noticed yet
    takers[1].cancel()
    await settle()
    assert takers[0].cancelled()
    assert takers[1].cancelled()
    assert await takers[2] == 1


async def test_the_room_of_one_who_is_cancelled_goes_to_the_next() -> None:
    handoff: Handoff[int] = Handoff(1)
    await handoff.put(0)
    givers = [asyncio.create_task(handoff.put(n)) for n in (1, 2)]
    await settle()
    assert await handoff.get() == 0  # wakes the first of them
    givers[0].cancel()
    await settle()
    assert givers[1].done()
    assert await handoff.get() == 2


async def test_dropping_all_lets_everybody_put_who_waits() -> None:
    handoff: Handoff[int] = Handoff(1)
    await handoff.put(0)
    givers = [asyncio.create_task(handoff.put(n)) for n in (1, 2)]
    await settle()
    handoff.clear()
    assert [await handoff.get(), await handoff.get()] == [1, 2]
    assert all(giver.done() for giver in givers)


async def test_something_may_be_put_past_the_bound() -> None:
    handoff: Handoff[int | None] = Handoff(1)
    await handoff.put(1)
    handoff.put_now(None)
    assert await handoff.take(5) == [1, None]
