"""One attempt at a shard: harvest it here, publish as it goes, commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from harvester.about import __version__
from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.disk.files import Appender
from harvester.archive.disk.layout import PHOTOS
from harvester.archive.sinks import Sink
from harvester.config.settings import Settings
from harvester.engine.run import Output, run_job
from harvester.errors import CannotWrite, StoreFault, Summary
from harvester.events import Event, Noticed, Observer, Started, Tally
from harvester.jobs.model import Job
from harvester.jobs.values import stamp
from harvester.objects import Store
from harvester.shards.commit import Commit, Part, decode_commit, encode_commit, recognize
from harvester.shards.leases import Claim, Lease
from harvester.shards.local import Taken, Workspace, copy_checkpoint, prepare
from harvester.shards.names import ATTEMPTS, name_attempt, name_commit, name_ids, name_parts, read_attempt
from harvester.shards.plan import Plan
from harvester.shards.publishing import Publisher, WatchedSink, list_lines, split_own
from harvester.shards.shard import Shard

Ended: TypeAlias = Literal["complete", "incomplete", "stopped", "superseded", "busy"]
"""`superseded`: somebody else has committed the shard, or has taken it over. `busy`: another process runs it here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a taker works. Times are in seconds."""

    worker: str
    lease: float = 300.0
    """How long it is believed to be at work after it was last heard of."""
    publish_every: float = 300.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


@dataclass(slots=True)
class Attempt:
    """An attempt under way."""

    store: Store
    plan: Plan
    claim: Claim
    workspace: Workspace
    terms: Terms
    observer: Observer
    stop: asyncio.Event
    """Asks it to end; set by whoever runs it, and where it is superseded."""
    is_superseded: bool = False
    tally: Tally = field(default_factory=Tally)
    _sink: WatchedSink | None = None
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def _shard(self) -> Shard:
        return self.claim.shard

    async def run(self, settings: Settings) -> Ended:
        """Until the shard is committed, or somebody else has it, or `stop`. Errors as of `run_job`, and StoreFault."""
        ids = await self._read_ids() if self._shard.kind == "ids" else []
        job = self.plan.build_job(self._shard, ids)
        taken, publisher = await self._go_on() or await self._begin(job)
        try:
            async with self._keeping(publisher):
                summary = await self._harvest(job, settings)
        except BaseException:
            await self._leave(publisher)
            raise
        if summary.status == "stopped" and self.is_superseded:
            return await self._discard()
        if summary.status == "stopped":
            await self._leave(publisher)
            return "stopped"
        return await self._commit(summary, publisher, taken)

    # -- beginning

    async def _go_on(self) -> tuple[Taken, Publisher] | None:
        """Take up what was cut short here; None where there is nothing, or not all of it that was published."""
        if not self.workspace.is_begun():
            return None
        taken = self.workspace.recall()
        publisher = self._open_publisher(taken)
        own = split_own(await list_lines(self.store, self._shard), self.claim.number)
        return (taken, publisher) if await asyncio.to_thread(publisher.recall, list(own)) else None

    async def _begin(self, job: Job) -> tuple[Taken, Publisher]:
        """Begin with what was published of the shard."""
        taken = await prepare(self.workspace, job, self.plan, self._shard, self._fetch_published())
        with open_archive_to_read(self.workspace.folder) as state:
            count = state.length(PHOTOS).lines
        if count:
            told = f"{self._shard}: {count:,} photos of an earlier attempt are taken over."
            self.observer(Noticed(sentence=told))
        return taken, self._open_publisher(taken)

    def _open_publisher(self, taken: Taken) -> Publisher:
        path, number = self.workspace.photos, self.claim.number
        return Publisher(self.store, self._shard, number, path=path, published=taken.bytes)

    async def _fetch_published(self) -> AsyncIterator[tuple[Part, bytes]]:
        """Published parts and what they hold, but for those that were removed, or are not what their names say."""
        for lines in await list_lines(self.store, self._shard):
            if lines.attempt <= self.claim.number:
                piece = recognize(lines, await self.store.get(lines.key))
                if piece is not None:
                    yield piece

    async def _read_ids(self) -> list[str]:
        data = await self.store.get(name_ids(self._shard))
        if data is None:
            raise StoreFault(f"{self.store.url} holds no {name_ids(self._shard)}: plan the same job again.")
        return data.decode("utf-8", "replace").split("\n")

    # -- harvesting

    async def _harvest(self, job: Job, settings: Settings) -> Summary:
        summary = await self._run_once(job, settings)
        if summary.status == "incomplete" and summary.failed and not self.stop.is_set():
            summary = (await self._run_once(job, settings)).behind(summary)
        return summary

    async def _run_once(self, job: Job, settings: Settings) -> Summary:
        return await run_job(
            job,
            settings if self.plan.signed else settings.without_login(),
            output=Output(folder=self.workspace.folder),
            observer=self._observe,
            stop=self.stop,
            open_sink=self._open_sink,
        )

    def _observe(self, event: Event) -> None:
        if isinstance(event, Started):
            self.tally = event.tally
        self.observer(event)

    def _open_sink(self, file: Appender, *, guard: Callable[[], None]) -> Sink:
        self._sink = WatchedSink(file, guard=guard)
        return self._sink

    @property
    def _synced(self) -> int:
        return self._sink.synced if self._sink is not None else 0

    # -- meanwhile

    @asynccontextmanager
    async def _keeping(self, publisher: Publisher) -> AsyncIterator[None]:
        """Say again and again that this attempt lives, and publish what it has brought."""
        self._is_over = asyncio.Event()
        tasks = asyncio.gather(self._keep_lease(), self._keep_publishing(publisher), return_exceptions=True)
        try:
            yield
        finally:
            self._is_over.set()  # what is on its way to the store comes to its end: cut off, it would land later
            await tasks

    async def _keep_lease(self) -> None:
        while not self._is_over.is_set():
            with suppress(StoreFault):  # told at the commit, if it lasts so long
                await self._renew_lease(self.terms.lease)
                self.is_superseded = await self._find_successor()
            if self.is_superseded:
                self.stop.set()
                return
            await self._pause(self.terms.lease / 3)

    async def _pause(self, seconds: float) -> None:
        """Sleep, or until the harvest is over."""
        sleeping = asyncio.ensure_future(self.terms.sleep(seconds))
        over = asyncio.create_task(self._is_over.wait())
        try:
            await asyncio.wait((sleeping, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            over.cancel()

    async def _renew_lease(self, seconds: float) -> None:
        tally = self.tally
        lease = Lease(
            worker=self.terms.worker,
            at=self.terms.clock(),
            until=self.terms.clock() + seconds,
            photos=tally.written,
            expected=tally.expected,
            calls=tally.calls,
        )
        await self.store.put(name_attempt(self._shard, self.claim.number), msgspec.json.encode(lease))

    async def _find_successor(self) -> bool:
        """Whether the shard is committed, or was taken over."""
        if await self.store.head(name_commit(self._shard)) is not None:
            return True
        marks = [read_attempt(entry.key) async for entry in self.store.list(f"{ATTEMPTS}/{self._shard}")]
        return any(mark is not None and mark[1] > self.claim.number for mark in marks)

    async def _keep_publishing(self, publisher: Publisher) -> None:
        while True:
            await self._pause(self.terms.publish_every)
            if self._is_over.is_set():
                return
            try:
                await publisher.publish(self._synced)
            except StoreFault as error:
                self.observer(Noticed(sentence=f"{error} Nothing is lost; it is tried again."))

    # -- ending

    async def _leave(self, publisher: Publisher) -> None:
        """Let somebody else go on at once with what was brought, as far as the store takes it."""
        with suppress(StoreFault, CannotWrite):
            await publisher.publish(self._synced)
        with suppress(StoreFault):
            await self._renew_lease(0.0)

    async def _commit(self, summary: Summary, publisher: Publisher, taken: Taken) -> Ended:
        status: Literal["complete", "incomplete"] = "complete" if summary.status == "complete" else "incomplete"
        with open_archive_to_read(self.workspace.folder) as state:
            files, length = state.files(), state.length(PHOTOS)
        await publisher.publish(length.bytes)
        folder = self.workspace.folder
        checkpoint = await asyncio.to_thread(copy_checkpoint, folder)
        others = {name: size.bytes for name, size in files.items() if name != PHOTOS}
        commit = Commit(
            harvester=__version__,
            shard=self._shard.id,
            attempt=self.claim.number,
            worker=self.terms.worker,
            status=status,
            photos=length.lines,
            failed=summary.failed + summary.bad_input,
            calls=summary.calls,
            ended=stamp(self.terms.clock()),
            parts=[*taken.parts, *publisher.parts],
            files={
                name: await publisher.put_file(folder / name, size=size, name=name) for name, size in others.items()
            },
            checkpoint=await publisher.put_file(checkpoint, size=checkpoint.stat().st_size, name="state.sqlite"),
        )
        if not await self.store.put_new(name_commit(self._shard), encode_commit(commit)):
            return await self._discard()
        self.workspace.clear()
        return status

    async def _discard(self) -> Ended:
        """Somebody else was first: what this attempt has published is removed, but for what the commit names."""
        data = await self.store.get(name_commit(self._shard))
        if data is not None:  # else somebody is at it, and may have taken these parts over
            commit = decode_commit(data, self._shard, where=self.store.url)
            kept = {part.key for part in commit.all_parts}
            own = [entry.key async for entry in self.store.list(name_parts(self._shard, self.claim.number))]
            for key in own:
                if key not in kept:
                    await self.store.delete(key)
        self.workspace.clear()
        return "superseded"
