"""The engine from Python without `async`: for scripts, and for notebooks, in which an event loop is running already."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Coroutine, Iterator, Sequence
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack

from harvester.api import Flickr
from harvester.events import Observer, Summary
from harvester.flickr.methods import Detail
from harvester.jobs.model import Source
from harvester.python.harvest import Harvest
from harvester.python.lists import Entries
from harvester.python.photo import Photo

T = TypeVar("T")


class Options(TypedDict, total=False):
    """What `Flickr` takes, too."""

    api_key: str | None
    api_secret: str | None
    oauth_token: str | None
    oauth_token_secret: str | None
    api_url: str | None
    quota: str
    pace: str
    workers: int
    give_up_after: str | float | None
    observer: Observer


def harvest(
    source: Source,
    *,
    archive: str | os.PathLike[str] | None = None,
    detail: Detail = "full",
    extras: Sequence[str] = (),
    limit: int | None = None,
    allow_incomplete: bool = False,
    **options: Unpack[Options],
) -> BlockingHarvest:
    """The photos of a source in a plain loop, each id once.

        for photo in harvest(Search(tags=["monkey"]), detail="info"):
            print(photo.id, photo.info["title"]["_content"])

    All is as with `Flickr(**options).harvest(source, …)`, whose event loop runs in a thread of its own here: it does
    not matter whether one is running where this is called, as in a notebook. An observer is called in that thread.
    Leaving the loop ends the harvest at once, unless a variable holds it: then use `with`. With `archive`, the photos
    are kept in that folder, and the same call goes on where an earlier one ended. Raises what `Flickr` raises.
    """
    flickr = Flickr(**options)
    loop = LoopThread()
    try:
        under_way = loop.run(
            _begin(
                flickr,
                source,
                archive=archive,
                detail=detail,
                extras=extras,
                limit=limit,
                allow_incomplete=allow_incomplete,
            )
        )
    except BaseException:
        loop.close()
        raise
    return BlockingHarvest(under_way, loop)


async def _begin(flickr: Flickr, source: Source, **arguments: Any) -> Harvest:
    return flickr.harvest(source, **arguments)


class BlockingHarvest(Iterator[Photo]):
    """A harvest under way. Iterate over it; `summary` says how it ended, once it has."""

    def __init__(self, under_way: Harvest, loop: LoopThread) -> None:
        self._harvest = under_way
        self._loop = loop
        self._close = weakref.finalize(self, _end, under_way, loop)

    @property
    def summary(self) -> Summary | None:
        """How it ended; None before, and where it was left early."""
        return self._harvest.summary

    @property
    def entries(self) -> Entries:
        """What comes besides photos: sets with their members, collections, people and the like, as far as they came."""
        return self._harvest.entries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> Photo:
        if not self._close.alive:
            raise StopIteration
        try:
            return self._loop.run(_take(self._harvest))
        except StopAsyncIteration:
            self.close()
            raise StopIteration from None
        except BaseException:  # also Ctrl-C while waiting
            self.close()
            raise

    def close(self) -> None:
        """End the harvest; nothing of it is left running."""
        self._close()


async def _take(photos: Harvest) -> Photo:
    return await anext(photos)


def _end(under_way: Harvest, loop: LoopThread) -> None:
    try:
        loop.run(under_way.aclose())
    finally:
        loop.close()


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._ready = Flag()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread = Thread(target=asyncio.run, args=(self._serve(),), name="harvester", daemon=True)
        self._thread.start()
        self._ready.wait()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._stop.wait()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that is done in the loop; interrupted, the work is cancelled."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
