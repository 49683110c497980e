"""Lister, workers, writer: the one run of a job, ended by the end of its input.

    listing -> queue -> workers -> outbox -> writer -> checkpoint and output

Each hand-off is bounded: a slow output slows the workers, busy workers slow the listing. Everything handed on is
in the checkpoint already, so whatever is dropped on the way is taken up again by the next run.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from harvester import timers
from harvester.archive.comparison import find_difference
from harvester.archive.listing_result import Bounds
from harvester.archive.shallow import Shallow
from harvester.archive.sinks import Sink
from harvester.archive.store import Store
from harvester.checkpoint.state import Gone, State, Todo
from harvester.disk.record import Record, build_record
from harvester.engine.deepen import Deepener
from harvester.engine.frontier import Frontier
from harvester.engine.hydrate import Hydrator
from harvester.engine.intake import Intake
from harvester.engine.run_end import tell_parts
from harvester.engine.walker import Walker
from harvester.errors import GivenUp, Refused, Stopped, Unreachable, UsageError, shorten
from harvester.events import Failed, Observer, Tally
from harvester.flickr.failures import EXCESSIVE_OFFSET
from harvester.flickr.geo import EVER, find_page_size
from harvester.flickr.methods import PAGE_SIZE, ROW_SIZES, SEARCH, build_query, join_listing_extras
from harvester.flickr.responses import Page, read_page
from harvester.jobs.model import Job, Photos
from harvester.jobs.urls import parse_photo
from harvester.listing.parts import keep_part
from harvester.listing.sweep import OPEN_END, Sweep, cut_short, read_again
from harvester.transport.client import Client

QUEUED = 2 * PAGE_SIZE
"""Photos waiting for a worker: two pages, so that the next page is there before the last one is worked off."""
UNWRITTEN = 64
"""Photos fetched but not yet written: what a kill costs when the disk is slow. Rows of a listing cost no calls."""
COMMIT_PAUSE = 0.05
"""Seconds between a commit and the next one: a sync and a transaction for each handful of photos would take a tenth
of the time of all. A kill in between costs nothing, since the lines are in the file; a power cut costs so much more."""
DRAFT_PAUSE = 1.0
"""Seconds between two writings of the parts of photos in flight: what a kill may cost, in calls that were answered.
There are at most as many such photos as workers."""
LISTERS = 5
"""Pages at a time where the listing is all there is to do: a page is megabytes while it is read, and the default
pace of 5 calls a second is kept up with pages that take a second."""
PHOTOS_PER_SPLIT = 25_000
"""A split of a sweep costs up to two calls: so many photos make that a hundredth."""

_Failure = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What the pipeline works from: the job, and what was settled when the harvest began."""

    job: Job
    arguments: Mapping[str, str]
    """Of the search, names looked up; without dates of upload, order and paging."""
    method: str = SEARCH
    sweeps: tuple[Sweep, ...] = ()
    """Those that list all of it."""
    shallow: Shallow | None = None
    """The lines of an archive that is deepened: they take the place of a listing."""
    spares: bool = False
    """The lists may tell all that has changed."""
    bounds: Bounds
    workers: int
    secrets: tuple[str, ...] = ()


class Pipeline:
    """One run of one job."""

    def __init__(
        self,
        plan: RunPlan,
        *,
        client: Client,
        store: Store,
        sink: Sink,
        tally: Tally,
        observer: Observer,
        stop: asyncio.Event,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._plan = plan
        self._client = client
        self._store = store
        self._sink = sink
        self._tally = tally
        self._observer = observer
        self._stop = stop
        self._sleep = sleep
        self._queue: asyncio.Queue[Todo | None] = asyncio.Queue(QUEUED)
        room = UNWRITTEN if plan.job.parts else PAGE_SIZE
        self._outbox: asyncio.Queue[Record | Gone | _Failure | None] = asyncio.Queue(room)
        self._sent = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._frontier = Frontier[Sweep]()
        self._walker = Walker(
            client=client,
            store=store,
            tally=tally,
            observer=observer,
            sleep=sleep,
            walkers=min(LISTERS, plan.workers),
            limit=plan.bounds.limit,
        )
        self._splits = -1
        self.input_ended = False
        """All that was asked for is listed: nothing cut it short."""
        self._tasks: list[asyncio.Task[None]] = []
        self._hydrator = Hydrator(client, parts=plan.job.parts, tally=tally, drafts=store.drafts)
        self._fetch: Callable[[Todo], Awaitable[Record | Gone]] = self._hydrator.fetch
        if plan.shallow is not None:
            self._fetch = Deepener(client, parts=plan.shallow.parts, tally=tally, drafts=store.drafts).deepen

    async def run(self) -> None:
        """Run the pipeline until the job is done or `stop` is set."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write())
            group.create_task(self._commit())
            if self._plan.job.parts:
                group.create_task(self._keep_drafts())
            watcher = group.create_task(self._watch_stop())
            await self._work()
            watcher.cancel()
            await self._outbox.put(None)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._tasks = [group.create_task(self._hydrate()) for _ in range(self._plan.workers)]
            self._tasks.append(group.create_task(self._produce()))

    async def _watch_stop(self) -> None:
        """Ends listing and workers where they stand; what is in flight may land."""
        await self._stop.wait()
        self._frontier.close()
        self._walker.close()
        while not self._queue.empty():
            self._queue.get_nowait()
        for _ in range(self._plan.workers):
            self._queue.put_nowait(None)
        await asyncio.sleep(timers.LAST_CALLS_SECONDS)
        for task in self._tasks:
            task.cancel()

    # -- producing

    async def _produce(self) -> None:
        try:
            await self._walker.run(all_extras=not self._plan.job.parts or ROW_SIZES in self._plan.job.parts)
            self._count()
            if self._stop.is_set():
                return
            if self._plan.spares:
                await self._store.spare_sweeps(self._tally.expected)
                self._count()
            await self._take_up()
            if self._plan.shallow is not None:
                await self._read_archive(self._plan.shallow)
            elif isinstance(self._plan.job.source, Photos):
                await self._read_ids(self._plan.job.source)
            else:
                await self._list_all()
                if await self._is_more_claimed():
                    await self._list_all()
                await self._take_later()
                await self._find_missing()
        except Stopped:
            return
        self.input_ended = not self._stop.is_set()
        for _ in range(self._plan.workers):
            await self._queue.put(None)

    async def _is_more_claimed(self) -> bool:
        """Where fewer photos came than Flickr claimed, ask it once more; whether all is to be read again."""
        store, source = self._store, self._plan.job.source
        is_second_try = not self._tally.pages
        if self._stop.is_set() or self._is_full():
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

    async def _take_later(self) -> None:
        """Photos that lists have shown: those to be harvested, and those that the photostream has left out."""
        after = "0"
        while after and not self._stop.is_set():
            admission, after = await self._store.admit_later(after=after, limit=self._plan.bounds.limit)
            self._count()
            await self._hand_on(admission.fresh)
            if admission.full:
                return

    async def _find_missing(self) -> None:
        """An update asks what became of photos that the listing, read to its end, shows no more."""
        after = 0
        while missing := await self._store.list_missing(after=after, most=PAGE_SIZE):
            after = int(missing[-1].id)
            for photo in missing:
                if self._stop.is_set():
                    return
                await self._queue.put(photo)

    async def _take_up(self) -> None:
        """Photos that an earlier run listed but did not finish."""
        after, limit = 0, self._plan.bounds.limit
        left = sys.maxsize if limit is None else limit - self._tally.written
        while left > 0 and not self._stop.is_set():
            todo = await self._store.look(partial(State.todo, after=after, most=min(PAGE_SIZE, left)))
            if not todo:
                return
            after = int(todo[-1].id)
            left -= len(todo)
            await self._hand_on(todo)

    async def _hand_on(self, photos: Iterable[Todo]) -> None:
        if not self._plan.job.parts:
            for photo in photos:
                await self._outbox.put(build_record(photo.id, at=self._client.server_clock.now(), search=photo.row))
            return
        for photo in photos:
            if self._stop.is_set():
                return
            await self._queue.put(photo)

    async def _list_all(self) -> None:
        """Each sweep by one lister; more than one only where nothing but the listing takes time."""
        if self._is_full():
            return
        for n, sweep in await self._store.look(State.sweeps):
            self._frontier.add(n, sweep)
        async with asyncio.TaskGroup() as group:
            for _ in range(1 if self._plan.job.parts else min(LISTERS, self._plan.workers)):
                group.create_task(self._list())

    def _is_full(self) -> bool:
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
        self._count()
        await self._hand_on(admission.fresh)

    def _count(self) -> None:
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
        try:
            page = await self._client.call(build_query(method, arguments), lambda body: read_page(body, method=method))
        except Refused as error:
            if error.code == EXCESSIVE_OFFSET:
                return None
            raise UsageError(explain_sweep(method, error)) from None
        except GivenUp as error:
            raise Unreachable(f"The listing cannot go on: {error}. Run the same command again.") from None
        return page

    async def _read_ids(self, source: Photos) -> None:
        limit, done = self._plan.job.limit, False
        async with Intake(source.ids, sleep=self._sleep) as intake:
            while not done and not self._stop.is_set():
                texts, done = await intake.take()
                admission = await self._store.admit_ids(await self._parse(texts), limit=limit)
                self._count()
                await self._hand_on(admission.fresh)
                done = done or admission.full

    async def _read_archive(self, shallow: Shallow) -> None:
        batches = shallow.read()
        while not self._stop.is_set():
            batch = await self._store.do(partial(next, batches, None))
            if batch is None:
                return
            rows, whole = batch
            fresh = await self._store.admit_lines(rows, whole=whole)
            self._count()
            await self._hand_on(fresh)

    async def _parse(self, texts: list[str]) -> list[str]:
        ids = []
        for text in map(self._hide, texts):
            try:
                ids.append(parse_photo(text))
            except UsageError as error:
                self._tally.bad_input += 1
                shown = shorten(text)
                self._observer(Failed(what=shown, why=str(error)))
                await self._store.note_bad_input(shown, {"input": shown, "message": f"{error} Mend the line."})
        return ids

    def _hide(self, text: str) -> str:
        """Without secrets: lines that name no photo are kept and told."""
        for secret in self._plan.secrets:
            text = text.replace(secret, "***")
        return text

    # -- hydrating

    async def _hydrate(self) -> None:
        fetch, ask_missing = self._fetch, self._hydrator.ask_missing
        while (photo := await self._queue.get()) is not None:
            try:
                await self._outbox.put(await (ask_missing(photo) if photo.missing else fetch(photo)))
            except GivenUp as error:
                self._tally.failed += 1
                self._observer(Failed(what=f"photo {photo.id}", why=str(error)))
                failure: dict[str, Any] = {
                    "id": photo.id,
                    "code": None,
                    "message": str(error),
                    "attempts": error.attempts,
                }
                await self._outbox.put((photo.id, failure))
            except Stopped:
                return

    # -- writing

    async def _write(self) -> None:
        """Whatever is ready, in one go. Nothing waits for a batch to fill."""
        ended = False
        while not ended:
            batch = [await self._outbox.get()]
            while len(batch) < self._sink.portion and not self._outbox.empty():
                batch.append(self._outbox.get_nowait())
            ended = batch[-1] is None
            if failures := [item for item in batch if isinstance(item, tuple)]:
                await self._store.note_failures(failures)
            if gone := [item for item in batch if isinstance(item, Gone)]:
                await self._store.finish_gone(gone)
            if records := [item for item in batch if isinstance(item, Record)]:
                await self._store.send(records, self._sink)
                self._tally.written += len(records)
                self._sent.set()
        self._all_sent.set()
        self._sent.set()

    async def _commit(self) -> None:
        """The checkpoint is told of what was sent a moment later: one sync and one transaction for all of it."""
        ended = False
        while not ended:
            await self._sent.wait()
            self._sent.clear()
            ended = self._all_sent.is_set()
            tell_parts(await self._store.commit(self._sink), self._observer)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_PAUSE):
                    await self._all_sent.wait()

    async def _keep_drafts(self) -> None:
        """No call is made twice: the parts of a photo are kept while its others are still to come."""
        while not self._all_sent.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAFT_PAUSE):
                    await self._all_sent.wait()
            await self._store.keep_drafts()


def explain_sweep(method: str, error: Refused) -> str:
    """The sentence for a listing that Flickr refuses."""
    what = "search" if method == SEARCH else "photos of the account"
    return f"Flickr refuses the {what}: {error.message} (code {error.code})."
