"""Calls that hang are cut off.

One look over all calls every few seconds: a timer for each call, set anew as its bytes come, took a tenth of the
time of a whole call.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

from aiohttp import StreamReader

LOOKS = 10
"""Looks within the longest silence, which therefore may be a tenth longer."""
Task: TypeAlias = "asyncio.Task[Any]"


class Watch:
    """Cancels tasks that wait for too long between `begin` and `end`. For one event loop; looks until `close`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._since: dict[Task, float] = {}
        self._bodies: dict[Task, tuple[StreamReader, int]] = {}
        self._cut: set[Task] = set()
        self._next = self._loop.call_later(seconds / LOOKS, self._look)

    def __repr__(self) -> str:
        return f"<Watch {len(self._since)} calls, at most {self._seconds:g} s each>"

    def begin(self) -> Task:
        """The current task begins to wait."""
        task = asyncio.current_task(self._loop)
        assert task is not None  # noqa: S101
        self._since[task] = self._loop.time()
        return task

    def follow(self, task: Task, body: StreamReader) -> None:
        """The answer has begun, and its body is to come: as long as it grows, it is no silence."""
        self._bodies[task] = body, body.total_bytes

    def has_cut(self, task: Task) -> bool:
        """Whether it was this watch, and nobody besides, that cancelled the task."""
        return task in self._cut and task.cancelling() == 1

    def end(self, task: Task) -> None:
        """The task waits no longer."""
        del self._since[task]
        self._bodies.pop(task, None)
        if task in self._cut:
            self._cut.remove(task)
            task.uncancel()

    def close(self) -> None:
        """No more looks."""
        self._next.cancel()

    def _look(self) -> None:
        self._next = self._loop.call_later(self._seconds / LOOKS, self._look)
        now = self._loop.time()
        for task, (body, size) in self._bodies.items():
            if body.total_bytes != size:
                self._bodies[task] = body, body.total_bytes
                self._since[task] = now
        edge = now - self._seconds
        for task, since in self._since.items():
            if since < edge and task not in self._cut:
                self._cut.add(task)
                task.cancel()
