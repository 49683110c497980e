"""Calls that hang are cut off, and nothing else is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from harvester.config.settings import Settings
from harvester.events import Event, Retrying, Tally
from harvester.transport.idle_watchdog import IdleWatchdog
from harvester.transport.opening import open_client


async def wait_watched(watchdog: IdleWatchdog, seconds: float) -> str:
    task = watchdog.begin()
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if watchdog.has_cut(task):
            return "cut"
        raise
    else:
        return "done"
    finally:
        watchdog.end(task)


async def test_what_takes_too_long_is_cut_and_the_task_lives_on() -> None:
    watchdog = IdleWatchdog(0.1)

    async def work() -> list[str]:
        return [await wait_watched(watchdog, seconds) for seconds in (0.01, 30, 0.01, 30)]

    async with asyncio.timeout(5):
        assert await asyncio.create_task(work()) == ["done", "cut", "done", "cut"]
    assert repr(watchdog) == "<IdleWatchdog 0 calls, at most 0.1 s each>"
    watchdog.close()


async def test_a_task_that_is_cancelled_is_cancelled_even_if_it_was_also_cut() -> None:
    watchdog = IdleWatchdog(0.05)
    tasks = [asyncio.create_task(wait_watched(watchdog, 30)) for _ in range(2)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    assert tasks[0].cancelled()
    watchdog._seconds = 0
    watchdog._look()
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert tasks[1].cancelled()
    watchdog.close()


async def test_a_server_that_falls_silent_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.timers.SILENCE_SECONDS", 0.2)
    asked: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.append(len(asked))
        if asked[-1] == 0:  # not a word
            await reader.read()
        elif asked[-1] == 1:  # half an answer
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/rest/"
    events: list[Event] = []
    settings = Settings(api_key="0" * 32, api_url=url, quota=None, pace=None)
    async with (
        asyncio.timeout(20),
        open_client(settings, tally=Tally(), observer=events.append, sleep=asyncio.sleep) as client,
    ):
        assert await client.call("method=x", lambda body, about: (body, about), "it") == (b"whole", "it")
    server.close()
    assert [event.why for event in events if isinstance(event, Retrying)] == ["no answer in time"] * 2


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Body:
    """What the watchdog sees of a body."""

    received = 0


async def watch_body(bytes_per_look: int, looks: int) -> int:
    """How many looks, six seconds apart, a call lives through whose body grows by so much before each."""
    clock, body = Clock(), Body()
    watchdog = IdleWatchdog(60, clock=clock)

    async def call() -> None:
        task = watchdog.begin()
        watchdog.follow(task, body)
        try:
            await asyncio.Event().wait()
        finally:
            watchdog.end(task)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    lived = 0
    while lived < looks:
        clock.now += 6
        body.received += bytes_per_look
        watchdog._look()
        if task.cancelling():
            break
        lived += 1
    task.cancel()
    await asyncio.wait([task])
    watchdog.close()
    return lived


async def test_a_body_that_drips_is_cut_after_a_minute() -> None:
    assert await watch_body(3, looks=1000) == 9


async def test_a_body_at_the_least_rate_is_cut_after_ten_minutes_and_not_before() -> None:
    assert await watch_body(400, looks=100) == 100
    assert await watch_body(400, looks=1000) == 100


async def test_a_body_that_brings_a_byte_less_than_the_least_is_cut() -> None:
    assert await watch_body(399, looks=1000) == 9
