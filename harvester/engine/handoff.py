"""From one stage of a run to the next: bounded, so that a slow stage slows the one before it.

asyncio.Queue does the same in seven calls of functions for each put and get, which was a tenth of a photo's time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Handoff(Generic[T]):
    """Holds up to `most` things; whoever takes and whoever puts waits in line. For one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: deque[T] = deque()
        self._takers: deque[asyncio.Future[None]] = deque()
        self._givers: deque[asyncio.Future[None]] = deque()

    def __repr__(self) -> str:
        return f"<Handoff {len(self._things)} of {self._most}>"

    async def put(self, thing: T) -> None:
        """Hand a thing on, once there is room for it."""
        while len(self._things) >= self._most:
            await _wait(self._givers)
        self._things.append(thing)
        if self._takers:
            _wake(self._takers)

    def put_now(self, thing: T) -> None:
        """Hand a thing on, whether there is room or not."""
        self._things.append(thing)
        if self._takers:
            _wake(self._takers)

    async def get(self) -> T:
        """The thing that was put first."""
        while not self._things:
            await _wait(self._takers)
        thing = self._things.popleft()
        if self._givers:
            _wake(self._givers)
        return thing

    async def take(self, most: int) -> list[T]:
        """All that is there, up to so many things, and at least one."""
        taken = [await self.get()]
        while self._things and len(taken) < most:
            taken.append(self._things.popleft())
            if self._givers:
                _wake(self._givers)
        return taken

    def clear(self) -> None:
        """Drop all that is there."""
        self._things.clear()
        while self._givers:
            _wake(self._givers)


async def _wait(line: deque[asyncio.Future[None]]) -> None:
    waiter = asyncio.get_running_loop().create_future()
    line.append(waiter)
    try:
        await waiter
    except BaseException:
        if waiter in line:
            line.remove(waiter)
        else:
            _wake(line)  # its turn had come: it is the next one's
        raise


def _wake(line: deque[asyncio.Future[None]]) -> None:
    while line:
        waiter = line.popleft()
        if not waiter.done():
            waiter.set_result(None)
            return
