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
from harvester.archive.sinks import Sink
from harvester.checkpoint.read_only import open_archive_to_read
from harvester.config.settings import Settings
from harvester.disk.files import Appender
from harvester.disk.layout import PHOTOS
from harvester.engine.run import Output, run_job
from harvester.errors import KeyRefused, StoreFault
from harvester.events import Event, Noticed, Observer, Started, Summary, Tally
from harvester.jobs.model import Job
from harvester.jobs.values import stamp
from harvester.objects import Store
from harvester.shards.commit import Commit, Part, decode_commit, encode_commit, recognize
from harvester.shards.leases import Claim, Lease
from harvester.shards.local import Taken, Workspace, copy_checkpoint, prepare
from harvester.shards.names import ATTEMPTS, Lines, name_attempt, name_commit, name_ids, name_parts, read_attempt
from harvester.shards.plan import Plan
from harvester.shards.publishing import Publisher, WatchedSink, list_lines, read_bytes, split_own
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

    @property
    def _shard(self) -> Shard:
        return self.claim.shard

    async def run(self, settings: Settings) -> Ended:
        """Until the shard is committed, or somebody else has it, or `stop`. Errors as of `run_job`, and StoreFault."""
        job, taken = await self._begin()
        publisher = Publisher(
            self.store, self._shard, self.claim.number, path=self.workspace.photos, published=taken.bytes
        )
        publisher.recall(split_own(await list_lines(self.store, self._shard), self.claim.number))
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

    async def _begin(self) -> tuple[Job, Taken]:
        ids = await self._read_ids() if self._shard.kind == "ids" else []
        job = self.plan.build_job(self._shard, ids)
        if self.workspace.is_begun():
            return job, self.workspace.recall()
        found = [lines for lines in await list_lines(self.store, self._shard) if lines.attempt < self.claim.number]
        pieces = [piece for lines in found if (piece := await self._fetch(lines)) is not None]
        parts, data = [part for part, _ in pieces], b"".join(plain for _, plain in pieces)
        if count := data.count(b"\n"):
            told = f"{self._shard}: {count:,} photos of an earlier attempt are taken over."
            self.observer(Noticed(sentence=told))
        taken = await asyncio.to_thread(prepare, self.workspace, job, self.plan, self._shard, parts=parts, lines=data)
        return job, taken

    async def _read_ids(self) -> list[str]:
        data = await self.store.get(name_ids(self._shard))
        if data is None:
            raise StoreFault(f"{self.store.url} holds no {name_ids(self._shard)}: plan the same job again.")
        return data.decode("utf-8", "replace").split("\n")

    async def _fetch(self, lines: Lines) -> tuple[Part, bytes] | None:
        """A published part and what it holds; None where it was removed, or is not what its name says."""
        return recognize(lines, await self.store.get(lines.key))

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
        tasks = [asyncio.create_task(self._keep_lease()), asyncio.create_task(self._keep_publishing(publisher))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_lease(self) -> None:
        while not self.is_superseded:
            with suppress(StoreFault):  # told at the commit, if it lasts so long
                await self._renew_lease(self.terms.lease)
                self.is_superseded = await self._find_successor()
            if self.is_superseded:
                self.stop.set()
            await self.terms.sleep(self.terms.lease / 3)

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
            await self.terms.sleep(self.terms.publish_every)
            try:
                await publisher.publish(self._synced)
            except StoreFault as error:
                self.observer(Noticed(sentence=f"{error} Nothing is lost; it is tried again."))

    # -- ending

    async def _leave(self, publisher: Publisher) -> None:
        """Let somebody else go on at once with what was brought, as far as the store takes it."""
        with suppress(StoreFault):
            await publisher.publish(self._synced)
            await self._renew_lease(0.0)

    async def _commit(self, summary: Summary, publisher: Publisher, taken: Taken) -> Ended:
        status: Literal["complete", "incomplete"] = "complete" if summary.status == "complete" else "incomplete"
        with open_archive_to_read(self.workspace.folder) as state:
            login, files, length = state.facts.login, state.files(), state.length(PHOTOS)
        if self.plan.login is not None and (login is None or login["nsid"] != self.plan.login["nsid"]):
            raise KeyRefused(
                f"The plan was made logged in as {self.plan.login['username']}, and this login is another: log in as "
                "that one."
            )
        await publisher.publish(length.bytes)
        checkpoint = await asyncio.to_thread(copy_checkpoint, self.workspace.folder)
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
                name: await publisher.put_file(name, read_bytes(self.workspace.folder / name, 0, size))
                for name, size in others.items()
            },
            checkpoint=await publisher.put_file("state.sqlite", checkpoint),
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
            kept = {part.key for part in (*commit.parts, *commit.files.values(), commit.checkpoint)}
            own = [entry.key async for entry in self.store.list(name_parts(self._shard, self.claim.number))]
            for key in own:
                if key not in kept:
                    await self.store.delete(key)
        self.workspace.clear()
        return "superseded"
