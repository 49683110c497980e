"""Ids as they come: a pipe may be slow, so what is there is taken without waiting for more."""

from __future__ import annotations

import queue
import threading
from collections.abc import Awaitable, Callable, Iterable

from harvester.flickr import PAGE_SIZE

AHEAD = 2 * PAGE_SIZE
"""Lines read ahead of their need."""
LOOK_AGAIN = 0.01


class Intake:
    """Reads lines on a thread of its own, which ends with the process: nothing can wake it from a pipe's silence."""

    def __init__(self, lines: Iterable[str], *, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._inbox: queue.Queue[str | None] = queue.Queue(AHEAD)
        threading.Thread(target=self._pump, args=(lines,), daemon=True).start()

    async def take(self) -> tuple[list[str], bool]:
        """The lines that are there, a page's worth at most, and whether they were the last; none only at the end."""
        text = await self._await_one()
        texts: list[str] = []
        while text is not None:
            texts.append(text)
            if len(texts) == PAGE_SIZE:
                return texts, False
            try:
                text = self._inbox.get_nowait()
            except queue.Empty:
                return texts, False
        return texts, True

    async def _await_one(self) -> str | None:
        while True:
            try:
                return self._inbox.get_nowait()
            except queue.Empty:
                await self._sleep(LOOK_AGAIN)

    def _pump(self, lines: Iterable[str]) -> None:
        try:
            for text in lines:
                self._inbox.put(text)
        finally:
            self._inbox.put(None)
