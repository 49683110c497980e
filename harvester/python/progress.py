"""Tells an observer every second how far a run is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from harvester.events import Event, Observer, Progress, Started, Tally, ignore

INTERVAL = 1.0
"""Seconds between two events."""


@asynccontextmanager
async def tell_progress(
    observer: Observer, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[Observer]:
    """The observer to give to the run: from its beginning on, the given one is told of its progress."""
    if observer is ignore:
        yield observer
        return
    tallies: list[Tally] = []

    def watch(event: Event) -> None:
        if isinstance(event, Started):
            tallies[:] = [event.tally]
        observer(event)

    async def repeat() -> None:
        while True:
            await sleep(INTERVAL)
            for tally in tallies:
                observer(read_progress(tally))

    task = asyncio.create_task(repeat())
    try:
        yield watch
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def read_progress(tally: Tally) -> Progress:
    """The counts of this moment."""
    return Progress(
        photos=tally.written,
        listed=tally.listed,
        expected=tally.expected,
        failed=tally.failed,
        calls=tally.calls,
        retries=tally.retries,
        seconds=tally.seconds,
        doing=tally.doing,
    )
