"""Planning, running and merging shards of a sandbox's photos, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from harvester.errors import StoreFault
from harvester.events import Observer, ignore
from harvester.jobs.model import Job
from harvester.objects import Entry, Store, open_store
from harvester.sandbox.server import Sandbox
from harvester.shards.attempt import Terms
from harvester.shards.planning import plan_shards
from harvester.shards.running import Done, open_worker
from support.harvest import settings_for


class Clock:
    """A clock that stands still, and goes on where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0.001)


async def plan(store: Store, sandbox: Sandbox, job: Job, *, photos: int = 60) -> None:
    await plan_shards(store, job, settings_for(sandbox), photos=photos)


async def run(
    store: Store,
    sandbox: Sandbox,
    work: Path,
    *,
    terms: Terms | None = None,
    observer: Observer = ignore,
    stop: asyncio.Event | None = None,
    **given: Any,
) -> Done:
    """One worker, until nothing is left."""
    settings = settings_for(sandbox, **given)
    worker = await open_worker(
        store, settings, work=work, terms=terms or Terms(worker="tester"), observer=observer, stop=stop
    )
    return await worker.run(None)


def at_once(worker: str, **given: Any) -> Terms:
    """Terms of a worker that publishes all the time."""
    return replace(Terms(worker=worker, publish_every=0.02), **given)


def open_folder(path: Path) -> Store:
    path.mkdir(exist_ok=True)
    return open_store(path)


def without_time(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "harvested_at"}


def read_by_id(path: Path) -> dict[str, Any]:
    """The lines of a file by their ids, without the moment of the harvest; each id once."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    found = {line["id"]: without_time(line) for line in lines}
    assert len(found) == len(lines)
    return found


class Died(BaseException):
    """The process is no more."""


class FrailStore:
    """A store of which operation number `at`, of those that change something, goes wrong.

    `how`: "before" and "after" it the process dies; "fault" is an error of the store, for that operation alone.
    """

    def __init__(self, store: Store, *, at: int = -1, how: str = "before") -> None:
        self._store = store
        self._at = at
        self._how = how
        self._dead = False
        self.done = 0

    @property
    def url(self) -> str:
        return self._store.url

    async def check(self, *, make: bool = False) -> None:
        await self._store.check(make=make)

    def _look(self, how: str) -> None:
        if self._dead:
            raise Died
        if self.done == self._at and self._how == how:
            self._dead = how != "fault"
            self.done += 1
            raise StoreFault("The store is away.") if how == "fault" else Died

    async def put_new(self, key: str, data: bytes | Path) -> bool:
        self._look("before")
        self._look("fault")
        is_first = await self._store.put_new(key, data)
        self._look("after")
        self.done += 1
        return is_first

    async def put(self, key: str, data: bytes | Path) -> None:
        self._look("before")
        self._look("fault")
        await self._store.put(key, data)
        self._look("after")
        self.done += 1

    async def delete(self, key: str) -> None:
        self._look("before")
        await self._store.delete(key)
        self._look("after")
        self.done += 1

    async def get(self, key: str) -> bytes | None:
        if self._dead:
            raise Died
        return await self._store.get(key)

    def stream(self, key: str) -> AsyncIterator[bytes]:
        return self._store.stream(key)

    def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        if self._dead:
            raise Died
        return self._store.list(prefix)

    async def head(self, key: str) -> Entry | None:
        if self._dead:
            raise Died
        return await self._store.head(key)
