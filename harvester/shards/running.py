"""Taking one shard after the other until all are committed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from harvester.archive.disk.lock import is_in_use, lock_folder
from harvester.config.settings import Settings
from harvester.engine.names import ask_login
from harvester.engine.run import build_sleep
from harvester.errors import ArchiveBusy, Exit, KeyRefused, Stopped
from harvester.events import Noticed, Observer, Tally, ignore
from harvester.objects import Store
from harvester.shards.attempt import Attempt, Ended, Terms
from harvester.shards.counting import count_photos
from harvester.shards.leases import Claim, Lease, claim, list_free, read_leases, read_leaves
from harvester.shards.local import clear_places, find_workspace
from harvester.shards.names import name_split
from harvester.shards.plan import Plan, encode_plan
from harvester.shards.planning import read_plan
from harvester.shards.publishing import list_lines
from harvester.shards.shard import Shard, halve
from harvester.shards.tree import Leaf
from harvester.text.words import name_count
from harvester.transport.opening import open_client

_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two looks for a shard to take, while others have them all."""


@dataclass(slots=True)
class Done:
    """What a taker has come to: shards by how they ended, and whether nothing is left."""

    ended: dict[str, Ended] = field(default_factory=dict)
    is_all_committed: bool = False

    def count(self, how: Ended) -> int:
        """How many of its shards ended so."""
        return sum(each == how for each in self.ended.values())

    @property
    def exit_code(self) -> Exit:
        """Complete: all that was asked for is committed, and what was run here lacks nothing."""
        return Exit.COMPLETE if self.is_all_committed and not self.count("incomplete") else Exit.INCOMPLETE

    def describe(self, store: str) -> str:
        """What came of it, in a sentence, and what to do next."""
        run = f"{name_count(self.count('complete') + self.count('incomplete'), 'shard')} committed from here"
        lacking = self.count("incomplete")
        run += f", {lacking:,} of them with something that could not be had" if lacking else ""
        if not self.is_all_committed:
            return f"{run}; others are left: run the same command again."
        return f"{run}; none is left: `harvester shard merge {store} -o DIR` makes an archive."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardWorker:
    """Somebody who runs shards: what with, and where."""

    store: Store
    plan: Plan
    plan_id: str
    """Tells it from other plans: their shards may have the same names."""
    settings: Settings
    work: Path
    terms: Terms
    observer: Observer
    stop: asyncio.Event

    async def run(self, within: Shard | None) -> Done:
        """Until all shards `within` another one, or all there are, are committed by whomever, or `stop`."""
        done, idle = Done(), 0
        while not self.stop.is_set():
            leaves = await read_leaves(self.store, self.plan, within)
            if all(leaf.is_committed for leaf in leaves):
                done.is_all_committed = True
                clear_places(self.work / self.plan_id, [leaf.shard for leaf in leaves])
                return done
            taken = await self._take(leaves)
            ended = None if taken is None else await self.run_claimed(taken)
            if taken is None or ended == "busy":
                await self._wait(idle)
                idle += 1
            else:
                idle = 0
                if ended is not None:
                    done.ended[taken.shard.id] = ended
        return done

    async def run_one(self) -> tuple[Shard | None, Ended | None]:
        """Take a shard and run it: which, and how it ended; None where none is to be had, or it was cut in two."""
        taken = await self._take(await read_leaves(self.store, self.plan))
        return (None, None) if taken is None else (taken.shard, await self.run_claimed(taken))

    async def run_claimed(self, taken: Claim) -> Ended | None:
        """Cut a shard that is too big, which ends with None, or run it."""
        if await self._is_cut(taken):
            return None
        stop = asyncio.Event()
        attempt = Attempt(
            store=self.store,
            plan=self.plan,
            claim=taken,
            workspace=find_workspace(self.work, self.plan_id, taken.shard, taken.number),
            terms=self.terms,
            observer=self.observer,
            stop=stop,
        )
        follower = asyncio.create_task(_follow(self.stop, stop))
        try:
            with lock_folder(attempt.workspace.place):
                ended = await attempt.run(self.settings)
        except ArchiveBusy:
            return "busy"
        finally:
            follower.cancel()
        attempt.workspace.remove()
        return ended

    async def _take(self, leaves: Sequence[Leaf]) -> Claim | None:
        """A shard that was cut short in this very place, else one that is free."""
        for leaf in leaves:
            workspace = find_workspace(self.work, self.plan_id, leaf.shard, leaf.attempt)
            if leaf.attempt and not leaf.is_committed and workspace.is_begun() and not is_in_use(workspace.place):
                return Claim(shard=leaf.shard, number=leaf.attempt)
        leases = await read_leases(self.store, leaves)
        free = list_free(leaves, leases, now=self.terms.clock())
        return await claim(self.store, free, self._build_lease)

    def _build_lease(self) -> Lease:
        now = self.terms.clock()
        return Lease(worker=self.terms.worker, at=now, until=now + self.terms.lease)

    async def _is_cut(self, taken: Claim) -> bool:
        """Count a shard that nobody has begun; where it is too big, mark it as cut."""
        shard = taken.shard
        if halve(shard) is None or (taken.number > 1 and await list_lines(self.store, shard)):
            return False
        job = self.plan.build_job(shard)
        settings = self.settings if self.plan.signed else self.settings.without_login()
        async with open_client(settings, tally=Tally(), observer=self.observer, sleep=build_sleep(self.stop)) as client:
            try:
                claimed = await count_photos(job.source, self.plan.arguments, client, horizon=shard.until)
            except Stopped:
                return True  # the loop ends before it takes another one
        if claimed is None or claimed <= self.plan.photos:
            return False
        told = msgspec.json.encode({"worker": self.terms.worker, "claimed": claimed})
        await self.store.put_new(name_split(shard), told)
        return True

    async def _wait(self, idle: int) -> None:
        if idle == len(_PAUSES):
            self.observer(Noticed(sentence="All shards that are left are being run by others: waiting for them."))
        seconds = _PAUSES[min(idle, len(_PAUSES) - 1)]
        wait = asyncio.ensure_future(self.terms.sleep(seconds))
        stopped = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait((wait, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            wait.cancel()
            stopped.cancel()


async def _follow(outer: asyncio.Event, inner: asyncio.Event) -> None:
    await outer.wait()
    inner.set()


async def open_worker(
    store: Store,
    settings: Settings,
    *,
    work: Path,
    terms: Terms,
    observer: Observer = ignore,
    stop: asyncio.Event | None = None,
) -> ShardWorker:
    """Somebody who runs the shards of the store's plan. KeyRefused where that was made with another login."""
    settings.require_key()
    stop = stop or asyncio.Event()
    plan = await read_plan(store)
    if plan.signed:
        await _check_login(plan, settings, observer=observer, stop=stop)
    return ShardWorker(
        store=store,
        plan=plan,
        plan_id=hashlib.sha256(encode_plan(plan)).hexdigest()[:12],
        settings=settings,
        work=work,
        terms=terms,
        observer=observer,
        stop=stop,
    )


async def _check_login(plan: Plan, settings: Settings, *, observer: Observer, stop: asyncio.Event) -> None:
    name = plan.login["username"] if plan.login else "somebody"
    if not settings.has_login:
        raise KeyRefused(f"The plan was made logged in as {name}: run `harvester auth login`, then the same again.")
    async with open_client(settings, tally=Tally(), observer=observer, sleep=build_sleep(stop)) as client:
        login = await ask_login(client)
    if plan.login is not None and login.nsid != plan.login["nsid"]:
        raise KeyRefused(
            f"The plan was made logged in as {name}, and this login is {login.username}'s: use the former."
        )
