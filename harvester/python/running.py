"""The tasks of a client that are running, all in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol, TypeVar

from harvester.errors import UsageError


class Ending(Protocol):
    """Work that can be ended."""

    @property
    def task(self) -> asyncio.Task[Any]:
        """Runs until the work has ended."""

    async def end(self) -> None:
        """End the work and wait until it has."""


E = TypeVar("E", bound=Ending)


class RunningTasks:
    """The harvests and updates of a client. Another thread, or another loop, may use it once they are through."""

    def __init__(self) -> None:
        self._works: set[Ending] = set()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._works)

    def begin(self, start: Callable[[], E]) -> E:
        """Begin work in the running event loop; UsageError where there is none, or where another one has work."""
        loop = find_loop()
        with self._lock:
            self._check(loop)
            work = start()
            self._works.add(work)
        work.task.add_done_callback(lambda _: self._forget(work))
        return work

    async def end(self) -> None:
        """End all at the same time and wait until that is done."""
        with self._lock:
            self._check(asyncio.get_running_loop())
        while works := tuple(self._works):
            await asyncio.gather(*(work.end() for work in works))
            for work in works:
                self._forget(work)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        """Within the lock. Nothing goes on in a loop that was closed."""
        self._works = {work for work in self._works if not work.task.get_loop().is_closed()}
        if any(work.task.get_loop() is not loop for work in self._works):
            raise UsageError(
                "This client has work under way in another event loop or thread: make a client for each of them."
            )

    def _forget(self, work: Ending) -> None:
        with self._lock:
            self._works.discard(work)


def find_loop() -> asyncio.AbstractEventLoop:
    """The running loop; UsageError where there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError(
            "A harvest runs in an event loop: call harvest() inside of an `async def` that asyncio.run() runs."
        ) from None
