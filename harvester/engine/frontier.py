"""The frontier: sweeps, or lists, that are still to be read, and that listers take from it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Frontier(Generic[T]):
    """Sweeps in the order in which they came. It ends when none is left and none is being asked, or when closed."""

    def __init__(self) -> None:
        self._sweeps: deque[tuple[int, T]] = deque()
        self._changed = asyncio.Event()
        self._asking = 0
        self._closed = False
        self.idle = 0
        """Listers that wait for a sweep."""

    def __repr__(self) -> str:
        return f"<Frontier {len(self._sweeps)} waiting, {self._asking} asking, {self.idle} idle>"

    def __len__(self) -> int:
        return len(self._sweeps) + self._asking

    def add(self, n: int, sweep: T) -> None:
        """A sweep to be asked; `n` is its number in the checkpoint."""
        self._sweeps.append((n, sweep))
        self._wake()

    async def take(self) -> tuple[int, T] | None:
        """The next sweep, which must be settled; None when there will be no more."""
        while not self._closed and (self._sweeps or self._asking):
            if self._sweeps:
                self._asking += 1
                return self._sweeps.popleft()
            self.idle += 1
            try:
                await self._changed.wait()
            finally:
                self.idle -= 1
        return None

    def settle(self) -> None:
        """A sweep that was taken is answered; what follows from it has been added."""
        self._asking -= 1
        self._wake()

    def close(self) -> None:
        """No more sweeps are handed out."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
