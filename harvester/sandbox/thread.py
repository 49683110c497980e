"""A sandbox in a thread of this very process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from harvester.sandbox.server import SandboxOptions, open_sandbox

Factory = Callable[[], asyncio.AbstractEventLoop] | None


@contextmanager
def serve_sandbox(options: SandboxOptions, *, loop_factory: Factory = None) -> Iterator[str]:
    """Serves a sandbox from a thread of its own; gives its address."""
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        async with open_sandbox(options) as sandbox:
            ready.set_result((sandbox.url, asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    url, loop, stop = ready.result()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
