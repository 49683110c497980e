"""The cluster of a harvest: processes of this machine, or one that is there already."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from distributed import Client, LocalCluster

from harvester.dask.crew import LOST, SchedulerLost
from harvester.dask.fleet import Fleet
from harvester.errors import Unreachable, UsageError, show
from harvester.events import Noticed, Observer

_AGAIN = 5.0
"""Seconds until a scheduler that has gone is looked for again."""
_LOCAL = re.compile(r"local:(\d{1,3})", re.ASCII)
_GONE = "The scheduler of Dask has gone: waiting for it. What was harvested is in the store."
Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Client]]


def find_cluster(address: str) -> Connect:
    """What connects to the cluster at `tcp://HOST:PORT`, or starts one of `local:N` processes. UsageError otherwise."""
    if found := _LOCAL.fullmatch(address):
        if int(found[1]) < 1:
            raise UsageError("a cluster has one worker at least.", field="dask")
        return lambda: _open_local(int(found[1]))
    if not re.fullmatch(r"(?:\w+://)?[^\s/:]+:\d{1,5}", address, re.ASCII):
        raise UsageError(f"{show(address)} is no scheduler: use tcp://HOST:8786, or local:4.", field="dask")
    return lambda: _open_remote(address)


@asynccontextmanager
async def _open_local(workers: int) -> AsyncIterator[Client]:
    given: dict[str, Any] = {
        "asynchronous": True,
        "dashboard_address": "127.0.0.1:0",
        "host": "127.0.0.1",
    }
    start: Any = LocalCluster
    cluster = start(n_workers=workers, threads_per_worker=1, processes=True, silence_logs=logging.ERROR, **given)
    async with cluster, _connect(cluster) as client:
        yield client


@asynccontextmanager
async def _open_remote(address: str) -> AsyncIterator[Client]:
    async with _connect(address) as client:
        yield client


@asynccontextmanager
async def _connect(where: Any) -> AsyncIterator[Client]:
    connect: Any = Client
    async with connect(where, asynchronous=True) as client:
        yield client


async def harvest_in(connect: Connect, fleet: Fleet, *, observer: Observer, stop: asyncio.Event) -> None:
    """Run a fleet. A scheduler that goes is waited for, and the harvests go on from their stores.

    Unreachable where none answers at the beginning.
    """
    was_there = False
    while True:
        try:
            async with connect() as client:
                was_there = True
                await fleet.run(client, stop)
                break
        except (*LOST, SchedulerLost):
            if not was_there:
                raise Unreachable("No scheduler of Dask answers there: start it, or mend the address.") from None
        if stop.is_set():
            break
        observer(Noticed(sentence=_GONE))
        await asyncio.sleep(_AGAIN)
    fleet.conclude()
