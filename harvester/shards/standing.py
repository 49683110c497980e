"""How far the shards of a store are: asked of the store alone, without a call and without any engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from harvester.jobs.values import stamp
from harvester.objects import Store
from harvester.shards.commit import Commit, decode_commit
from harvester.shards.leases import Lease, read_leases, read_leaves
from harvester.shards.names import name_commit
from harvester.shards.planning import read_plan
from harvester.shards.tree import Leaf

_STATES = ("committed", "running", "lost", "open")
"""`lost`: whoever ran it was not heard of for longer than it had said; it is taken over."""
_AT_ONCE = 16
"""Objects that are asked for at the same time."""


async def read_standing(store: Store, *, clock: Callable[[], float]) -> dict[str, Any]:
    """Plain JSON: the job, counts of shards and photos, and each shard in the order of the plan."""
    plan = await read_plan(store)
    leaves = await read_leaves(store, plan)
    leases, commits = await read_leases(store, leaves), await _read_commits(store, leaves)
    now = clock()
    shards = [_describe(leaf, leases.get(leaf.shard.id), commits.get(leaf.shard.id), now=now) for leaf in leaves]
    counts = {state: sum(each["state"] == state for each in shards) for state in _STATES}
    return {
        "job": plan.job,
        "planned": plan.begun,
        "claimed": plan.claimed,
        "photos": sum(each["photos"] or 0 for each in shards),
        "failed": sum(commit.failed for commit in commits.values()),
        "incomplete": sum(commit.status == "incomplete" for commit in commits.values()),
        "is_committed": counts["committed"] == len(shards),
        **counts,
        "shards": shards,
    }


def _describe(leaf: Leaf, lease: Lease | None, commit: Commit | None, *, now: float) -> dict[str, Any]:
    told: dict[str, Any] = {"shard": leaf.shard.id, "state": "open", "photos": None, "attempt": leaf.attempt}
    if commit is not None:
        told |= {"state": "committed", "photos": commit.photos}
        return {**told, "worker": commit.worker, "heard_of": commit.ended}
    if lease is None:
        return {**told, "worker": None, "heard_of": None}
    state = "running" if lease.until > now else "lost"
    return {**told, "state": state, "photos": lease.photos, "worker": lease.worker, "heard_of": stamp(lease.at)}


async def _read_commits(store: Store, leaves: Sequence[Leaf]) -> dict[str, Commit]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def read(leaf: Leaf) -> Commit | None:
        async with slots:
            data = await store.get(name_commit(leaf.shard))
        return None if data is None else decode_commit(data, leaf.shard, where=store.url)

    found = await asyncio.gather(*(read(leaf) for leaf in leaves if leaf.is_committed))
    return {commit.shard: commit for commit in found if commit is not None}
