"""Calls that hang, or whose answers drip, are cut off.

One look over all calls every few seconds: a timer for each call, set anew as its bytes come, took a tenth of the
time of a whole call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from harvester import timers

LOOKS = 10
"""Looks within the longest silence, which therefore may be a tenth longer."""
LEAST_BYTES = 4000
"""A body brings at least so many bytes in each window; the largest answers of Flickr have some 2 MB."""
Task: TypeAlias = "asyncio.Task[Any]"


class Growing(Protocol):
    """An answer that is coming."""

    @property
    def received(self) -> int:
        """Bytes of it that have come by now."""


# Many attributes: one look goes over all calls, so what it knows of each stands in tables.
class IdleWatchdog:
    """Cancels tasks that wait for too long between `begin` and `end`. For one event loop; looks until `close`."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] | None = None) -> None:
        """`seconds` is the longest silence. `clock` is the event loop's where none is given."""
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._since: dict[Task, float] = {}
        self._begun: dict[Task, float] = {}
        self._windows: dict[Task, tuple[float, int]] = {}
        """When the window of a body began, and how many bytes had come by then."""
        self._bodies: dict[Task, tuple[Growing, int]] = {}
        self._cut: set[Task] = set()
        self._next = self._loop.call_later(seconds / LOOKS, self._look)

    def __repr__(self) -> str:
        return f"<IdleWatchdog {len(self._since)} calls, at most {self._seconds:g} s each>"

    def begin(self) -> Task:
        """The current task begins to wait."""
        task = asyncio.current_task(self._loop)
        assert task is not None  # noqa: S101
        self._since[task] = self._begun[task] = self._clock()
        return task

    def follow(self, task: Task, body: Growing) -> None:
        """The answer has begun, and its body is to come: as long as it grows, it is no silence."""
        self._bodies[task] = body, body.received
        self._windows[task] = self._clock(), body.received

    def has_cut(self, task: Task) -> bool:
        """Whether only this watchdog has cancelled the task."""
        return task in self._cut and task.cancelling() == 1

    def end(self, task: Task) -> None:
        """The task waits no longer."""
        del self._since[task], self._begun[task]
        if self._bodies.pop(task, None):
            del self._windows[task]
        if task in self._cut:
            self._cut.remove(task)
            task.uncancel()

    def close(self) -> None:
        """No more looks."""
        self._next.cancel()

    def _look(self) -> None:
        self._next = self._loop.call_later(self._seconds / LOOKS, self._look)
        now = self._clock()
        slow = {task for task, begun in self._begun.items() if now - begun > timers.ANSWER_SECONDS}
        for task, (body, size) in self._bodies.items():
            if body.received != size:
                self._bodies[task] = body, body.received
                self._since[task] = now
            if self._drips(task, body.received, now):
                slow.add(task)
        edge = now - self._seconds
        for task, since in self._since.items():
            if (since < edge or task in slow) and task not in self._cut:
                self._cut.add(task)
                task.cancel()

    def _drips(self, task: Task, size: int, now: float) -> bool:
        """Whether a body of `size` bytes by now has brought too few of them within its window."""
        began, before = self._windows[task]
        if now - began < timers.WINDOW_SECONDS:
            return False
        self._windows[task] = now, size
        return size - before < LEAST_BYTES
