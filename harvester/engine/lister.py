"""Reads the sweeps of a search or a photostream, page by page, and hands on the photos that they show."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from harvester.archive.checkpoint.state import State, Todo
from harvester.archive.comparison import find_difference
from harvester.archive.store import Store
from harvester.engine.frontier import Frontier
from harvester.engine.run_plan import RunPlan
from harvester.errors import GivenUp, Refused, Stopped, Unreachable, UsageError
from harvester.events import Tally
from harvester.flickr.failures import EXCESSIVE_OFFSET
from harvester.flickr.geo import EVER, find_page_size
from harvester.flickr.methods import SEARCH, build_query, join_listing_extras
from harvester.flickr.ownership import find_owner
from harvester.flickr.responses import Page, read_page
from harvester.listing.parts import keep_part
from harvester.listing.sweep import OPEN_END, Sweep, cut_short, read_again
from harvester.transport.client import Client

LISTERS = 5
"""Pages at a time where the listing is all there is to do: a page is megabytes while it is read, and the default
pace of 5 calls a second is kept up with pages that take a second."""
PHOTOS_PER_SPLIT = 200_000
"""A split of a sweep costs up to two calls: so many photos make that a two-hundredth."""


# Many attributes: six are what it works with; the frontier and the splits are its own.
class Lister:
    """Lists the photos of one run. `hand_on` takes the photos of each page."""

    def __init__(
        self,
        plan: RunPlan,
        *,
        client: Client,
        store: Store,
        tally: Tally,
        stop: asyncio.Event,
        sleep: Callable[[float], Awaitable[None]],
        hand_on: Callable[[Sequence[Todo]], Awaitable[None]],
    ) -> None:
        self._plan = plan
        self._client = client
        self._store = store
        self._tally = tally
        self._stop = stop
        self._sleep = sleep
        self._hand_on = hand_on
        self._frontier = Frontier[Sweep]()
        self._splits = -1

    def close(self) -> None:
        """End the listing; pages in flight may come."""
        self._frontier.close()

    async def list_all(self) -> None:
        """Each sweep by one lister; more than one only where nothing but the listing takes time."""
        if self.is_full():
            return
        for n, sweep in await self._store.look(State.sweeps):
            self._frontier.add(n, sweep)
        async with asyncio.TaskGroup() as group:
            for _ in range(1 if self._plan.job.parts else min(LISTERS, self._plan.workers)):
                group.create_task(self._list())

    def is_full(self) -> bool:
        """Whether as many photos as are wanted are listed."""
        return self._plan.bounds.limit is not None and self._store.listed >= self._plan.bounds.limit

    async def _list(self) -> None:
        while (taken := await self._frontier.take()) is not None:
            n, sweep = taken
            try:
                await self._advance(n, sweep)
            except Stopped:
                return
            finally:
                self._frontier.settle()

    async def _advance(self, n: int, sweep: Sweep) -> None:
        if sweep.tries:
            await self._sleep(0.5 * 2 ** (sweep.tries - 1))
        page = await self._ask(sweep)
        if page is None:
            step = keep_part(sweep, cut_short(sweep, "Flickr refused a page that it should serve (code 20)"))
            for number, rest in await self._store.cut(n, step):
                self._frontier.add(number, rest)
            return
        admission = await self._store.admit(
            n,
            sweep,
            page,
            bounds=self._plan.bounds,
            given=self._plan.arguments,
            split=self._may_split(page),
        )
        for number, rest in admission.sweeps:
            self._frontier.add(number, rest)
        if admission.full:
            self._frontier.close()
        self._tally.expected = self._store.expected
        self.count()
        await self._hand_on(admission.fresh)

    def count(self) -> None:
        """Tell the tally how many photos are listed."""
        self._tally.listed, self._tally.unchanged = self._store.listed, self._store.unchanged

    def _may_split(self, page: Page) -> bool:
        if self._splits < 0:
            self._splits = (page.total or 0) // PHOTOS_PER_SPLIT
        if self._splits and self._frontier.idle:
            self._splits -= 1
            return True
        return False

    async def _ask(self, sweep: Sweep) -> Page | None:
        limit = self._plan.bounds.limit
        # A photostream has one order; whatever else is asked of it is asked of the search.
        method = self._plan.method if sweep.newest_first and not sweep.narrow else SEARCH
        arguments = {**(EVER if method == SEARCH else {}), **self._plan.arguments, **dict(sweep.narrow)}
        arguments |= sweep.arguments
        most = find_page_size(arguments)
        size = most if limit is None else min(most, limit)
        arguments |= {"per_page": str(size), "extras": join_listing_extras(arguments.get("extras", ""))}
        self._tally.pages += 1
        read = partial(read_page, method=method, owner=find_owner(arguments))
        try:
            page = await self._client.call(build_query(method, arguments), read)
        except Refused as error:
            if error.code == EXCESSIVE_OFFSET:
                return None
            raise UsageError(explain_sweep(method, error)) from None
        except GivenUp as error:
            raise Unreachable(f"The listing cannot go on: {error}. Run the same command again.") from None
        return page

    async def is_more_claimed(self) -> bool:
        """Where fewer photos came than Flickr claimed, ask it once more; whether all is to be read again."""
        store, source = self._store, self._plan.job.source
        is_second_try = not self._tally.pages
        if self._stop.is_set() or self.is_full():
            return False
        if not await store.look(partial(find_difference, source)):
            return False
        horizon = (await store.look(lambda state: state.facts)).horizon
        sweeps = [sweep.ending(OPEN_END if horizon is None else horizon) for sweep in self._plan.sweeps]
        pages = [await self._ask(sweep) for sweep in sweeps]
        known = [page.total for page in pages if page is not None and page.total is not None]
        claimed = sum(known) if len(known) == len(sweeps) else None
        is_more = await store.reconsider(source, claimed, [read_again(sweep) for sweep in sweeps], always=is_second_try)
        self._tally.expected = store.expected
        return is_more


def explain_sweep(method: str, error: Refused) -> str:
    """The sentence for a listing that Flickr refuses."""
    what = "search" if method == SEARCH else "photos of the account"
    return f"Flickr refuses the {what}: {error.message} (code {error.code})."
