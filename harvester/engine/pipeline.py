"""Lister, workers, writer: the one run of a job, ended by the end of its input.

    listing -> queue -> workers -> outbox -> writer -> checkpoint and output

Each hand-off is bounded: a slow output slows the workers, busy workers slow the listing. Everything handed on is
in the checkpoint already, so whatever is dropped on the way is taken up again by the next run.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from harvester import timers
from harvester.archive.checkpoint.state import Gone, State, Todo
from harvester.archive.disk.record import Record, build_record
from harvester.archive.shallow import Shallow
from harvester.archive.sinks import Sink
from harvester.archive.store import Store
from harvester.engine.deepen import Deepener
from harvester.engine.handoff import Handoff
from harvester.engine.hydrate import Hydrator
from harvester.engine.intake import Intake
from harvester.engine.lister import LISTERS, Lister
from harvester.engine.run_plan import RunPlan
from harvester.engine.walker import Walker
from harvester.engine.writer import Writer
from harvester.errors import GivenUp, Stopped, UsageError, shorten
from harvester.events import Failed, Observer, Tally
from harvester.flickr.methods import PAGE_SIZE, ROW_SIZES
from harvester.jobs.model import Photos
from harvester.jobs.urls import parse_photo
from harvester.transport.client import Client

QUEUED = 2 * PAGE_SIZE
"""Photos waiting for a worker: two pages, so that the next page is there before the last one is worked off."""


# Many attributes: it joins the stages of a run: lister, walker, workers, writer.
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
        self._tally = tally
        self._observer = observer
        self._stop = stop
        self._sleep = sleep
        self._queue: Handoff[Todo | None] = Handoff(QUEUED)
        self._writer = Writer(store, sink, tally=tally, observer=observer, has_parts=bool(plan.job.parts))
        self._outbox = self._writer.outbox
        self._lister = Lister(
            plan, client=client, store=store, tally=tally, stop=stop, sleep=sleep, hand_on=self._hand_on
        )
        self._walker = Walker(
            client=client,
            store=store,
            tally=tally,
            observer=observer,
            sleep=sleep,
            walkers=min(LISTERS, plan.workers),
            limit=plan.bounds.limit,
        )
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
            self._writer.start(group)
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
        self._lister.close()
        self._walker.close()
        self._queue.clear()
        for _ in range(self._plan.workers):
            self._queue.put_now(None)
        await asyncio.sleep(timers.LAST_CALLS_SECONDS)
        for task in self._tasks:
            task.cancel()

    # -- producing

    async def _produce(self) -> None:
        try:
            await self._walker.run(all_extras=not self._plan.job.parts or ROW_SIZES in self._plan.job.parts)
            self._lister.count()
            if self._stop.is_set():
                return
            if self._plan.spares:
                await self._store.spare_sweeps(self._tally.expected)
                self._lister.count()
            await self._take_up()
            if self._plan.shallow is not None:
                await self._read_archive(self._plan.shallow)
            elif isinstance(self._plan.job.source, Photos):
                await self._read_ids(self._plan.job.source)
            else:
                await self._lister.list_all()
                if await self._lister.is_more_claimed():
                    await self._lister.list_all()
                await self._take_later()
                await self._find_missing()
        except Stopped:
            return
        self.input_ended = not self._stop.is_set()
        for _ in range(self._plan.workers):
            await self._queue.put(None)

    async def _take_later(self) -> None:
        """Photos that lists have shown: those to be harvested, and those that the photostream has left out."""
        after = "0"
        while after and not self._stop.is_set():
            admission, after = await self._store.admit_later(after=after, limit=self._plan.bounds.limit)
            self._lister.count()
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

    async def _read_ids(self, source: Photos) -> None:
        limit, done = self._plan.job.limit, False
        async with Intake(source.ids, sleep=self._sleep) as intake:
            while not done and not self._stop.is_set():
                texts, done = await intake.take()
                admission = await self._store.admit_ids(await self._parse(texts), limit=limit)
                self._lister.count()
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
            self._lister.count()
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
