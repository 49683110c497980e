"""Reads the lists that are no search: sets, galleries, favourites and the like, several at a time.

They come before the photos: they are few calls, and a list that is read at once drifts least. Photos that they
show wait in the checkpoint.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from harvester.archive.checkpoint.state import State
from harvester.archive.store import Store
from harvester.engine.frontier import Frontier
from harvester.errors import GivenUp, Refused, Stopped, UsageError
from harvester.events import Failed, Noticed, Observer, Tally
from harvester.flickr.responses import read_list
from harvester.listing.walk import Walk
from harvester.transport.client import Client

NOT_FOUND = 1
"""Of every list. Flickr answers so for a private one too, where the login may not see it."""


# Many attributes: seven are what it works with; the frontier is its own.
class Walker:
    """Walks the lists of one run, with so many `walkers` at a time. `limit` is that of the job's photos."""

    def __init__(
        self,
        *,
        client: Client,
        store: Store,
        tally: Tally,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]],
        walkers: int,
        limit: int | None,
    ) -> None:
        self._client = client
        self._store = store
        self._tally = tally
        self._observer = observer
        self._sleep = sleep
        self._walkers = walkers
        self._limit = limit
        self._frontier = Frontier[Walk]()
        self._all_extras = False

    def close(self) -> None:
        """The run is to stop: no list is begun any more."""
        self._frontier.close()

    async def run(self, *, all_extras: bool) -> None:
        """Read all lists, or those that come before a stop. `all_extras` asks for all that rows can tell.

        UsageError where Flickr refuses what the job is about.
        """
        self._all_extras = all_extras
        walks = await self._store.look(State.walks)
        # What the job cannot do without comes before all else: it may be refused.
        for some in ([w for w in walks if w[1].top], [w for w in walks if not w[1].top]):
            for n, walk in some:
                self._frontier.add(n, walk)
            async with asyncio.TaskGroup() as group:
                for _ in range(self._walkers):
                    group.create_task(self._walk())
        self._tally.doing = ""

    async def _walk(self) -> None:
        while (taken := await self._frontier.take()) is not None:
            n, walk = taken
            self._tally.doing = f"reading lists, {len(self._frontier)} to go"
            try:
                await self._step(n, walk)
            except Stopped:
                return
            finally:
                self._frontier.settle()

    async def _step(self, n: int, walk: Walk) -> None:
        """One page of one list."""
        if self._limit is not None and self._store.listed >= self._limit and walk.streams_photos:
            return
        if walk.tries:
            await self._sleep(0.5 * 2 ** (walk.tries - 1))
        read = partial(read_list, listing=walk.shape)
        self._tally.pages += 1
        try:
            listed = await self._client.call(walk.query(all_extras=walk.keeps_rows or self._all_extras), read)
        except Refused as error:
            await self._accept(n, walk, error)
            return
        except GivenUp as error:
            self._tally.failed += 1
            self._observer(Failed(what=f"{walk.listing} {walk.subject}", why=str(error)))
            failure = {"list": walk.listing, "of": walk.subject, "code": None, "message": str(error)}
            await self._store.note_walk_failure(n, {**failure, "attempts": error.attempts})
            return
        admission = await self._store.admit_list(n, walk, listed, limit=self._limit)
        if admission.expected is not None:
            self._tally.expected = admission.expected
        for number, rest in admission.walks:
            self._frontier.add(number, rest)
        self._tally.listed = self._store.listed

    async def _accept(self, n: int, walk: Walk, error: Refused) -> None:
        """A refusal is for good: the end, where the job is about this list; else it is noted."""
        sentence = explain(walk, error)
        if walk.top:
            raise UsageError(sentence) from None
        self._observer(Noticed(sentence=sentence))
        await self._store.refuse_list(n, walk, error)


_NAMES = {
    "person": "user",
    "photoset": "album",
    "members": "album",
    "exhibits": "gallery",
    "own_favorites": "favorites",
    "own_contacts": "contacts",
    "own_groups": "groups",
}


def explain(walk: Walk, error: Refused) -> str:
    """The sentence for a list that Flickr refuses."""
    what = f"{_NAMES.get(walk.listing, walk.listing)} {walk.subject}".strip()
    is_hidden = error.code == NOT_FOUND
    advice = " It may be gone, or private: then a login that may see it is needed." if is_hidden else ""
    return f"Flickr refuses {what}: {error.message} (code {error.code}).{advice}"
