"""Ids as they come: a pipe may be slow, so what is there is taken without waiting for more."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from harvester.flickr.methods import PAGE_SIZE
from harvester.jobs.values import read_id_text

AHEAD = 2 * PAGE_SIZE
"""Lines read ahead of their need."""
LOOK_AGAIN = 0.01
THREAD = "harvester-ids"


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more comes; `error` is what the iterator raised."""

    error: Exception | None = None


class Intake:
    """Reads ids ahead, for as long as its block lasts.

    An iterator is read on a thread of its own, which nothing can wake from a pipe's silence: it ends with the next id
    that comes once the block was left, or with the process. An async iterator is read by a task.
    """

    def __init__(
        self, ids: Iterable[str | int] | AsyncIterable[str | int], *, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._ids = ids
        self._sleep = sleep
        self._inbox: queue.Queue[str | _End] = queue.Queue(AHEAD)
        self._end: _End | None = None
        self._is_left = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if isinstance(self._ids, AsyncIterable):
            self._task = asyncio.create_task(self._read(self._ids))
        else:
            threading.Thread(target=self._pump, args=(self._ids,), daemon=True, name=THREAD).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left = True
        while not self._inbox.empty():  # a thread that waits for room finds it
            self._inbox.get_nowait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def take(self) -> tuple[list[str], bool]:
        """The lines that are there, a page's worth at most, and whether they were the last; none only at the end.

        What the iterator raised is raised here, once all that came before was taken.
        """
        texts: list[str] = []
        entry = await self._await_one()
        while isinstance(entry, str):
            texts.append(entry)
            if len(texts) == PAGE_SIZE:
                return texts, False
            try:
                entry = self._inbox.get_nowait()
            except queue.Empty:
                return texts, False
        self._end = entry
        if entry.error is not None and not texts:
            raise entry.error
        return texts, entry.error is None

    async def _await_one(self) -> str | _End:
        while self._end is None:
            try:
                return self._inbox.get_nowait()
            except queue.Empty:
                await self._sleep(LOOK_AGAIN)
        return self._end

    def _pump(self, ids: Iterable[str | int]) -> None:
        end = _End()
        try:
            for one in ids:
                self._inbox.put(read_id_text(one))
                if self._is_left:
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised where the ids are taken
            end = _fail(error)
        self._inbox.put(end)

    async def _read(self, ids: AsyncIterable[str | int]) -> None:
        end = _End()
        try:
            async for one in ids:
                await self._put(read_id_text(one))
                if self._is_left:
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised where the ids are taken
            end = _fail(error)
        await self._put(end)

    async def _put(self, entry: str | _End) -> None:
        while self._inbox.full() and not self._is_left:  # noqa: ASYNC110 - it is the queue of threads
            await asyncio.sleep(LOOK_AGAIN)
        if not self._is_left:
            self._inbox.put_nowait(entry)


def _fail(error: BaseException) -> _End:
    """As an error that ends no task as if it had been cancelled, and no loop as if it were through."""
    if isinstance(error, Exception) and not isinstance(error, StopAsyncIteration):
        return _End(error)
    wrapped = RuntimeError(f"The iterator of the ids has raised {error!r}.")
    wrapped.__cause__ = error
    return _End(wrapped)
