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
    observer: Observer, *, stop: asyncio.Event, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[Observer]:
    """The observer to give to the run: from its beginning on, the given one is told of its progress.

    An error of the observer there sets `stop`, and is raised when the run has come to its end.
    """
    if observer is ignore:
        yield observer
        return
    observer, tallies = guard(observer), list[Tally]()

    def watch(event: Event) -> None:
        if isinstance(event, Started):
            tallies[:] = [event.tally]
        observer(event)

    async def repeat() -> None:
        try:
            while True:
                await sleep(INTERVAL)
                for tally in tallies:
                    observer(read_progress(tally))
        except Exception:
            stop.set()
            raise

    task = asyncio.create_task(repeat())
    try:
        yield watch
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def guard(observer: Observer) -> Observer:
    """The observer, with an error in place of a cancellation that it raises, which would end a task without a word."""

    def call(event: Event) -> None:
        try:
            observer(event)
        except asyncio.CancelledError as error:
            raise RuntimeError("The observer has raised CancelledError.") from error

    return call


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
