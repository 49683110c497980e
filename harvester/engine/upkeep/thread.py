"""Work on a thread: a cancelled caller waits until the thread has let go of the files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def finish(work: Callable[[], T]) -> T:
    """Do the work on a thread. Cancelled, wait until the thread is through: what it works on may then be closed."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # a cancelled caller is told of nothing else
        raise
