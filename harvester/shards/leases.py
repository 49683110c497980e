"""Who runs which shard: a mark by number in the store, which one taker alone can put, and which ends by itself.

A mark says until when its taker is believed to be at work. Clocks of machines differ, and a taker that was stopped may
go on: then two run the same shard, and the commit, which is put once, decides. So a mark spares work, no more.
"""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from harvester.objects import Store
from harvester.shards.names import ATTEMPTS, COMMITS, SPLITS, name_attempt
from harvester.shards.plan import Plan
from harvester.shards.shard import Shard
from harvester.shards.tree import Leaf, find_leaves, is_within, read_marks


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What a mark holds: when its taker was last heard of, and how long it counts; counts are the shard's so far."""

    worker: str
    at: float
    until: float
    photos: int = 0
    expected: int | None = None
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A shard that is this process's, for now."""

    shard: Shard
    number: int


def name_worker() -> str:
    """A name that no other process has: host, pid, and dice."""
    return f"{platform.node()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"


async def read_leaves(store: Store, plan: Plan, within: Shard | None = None) -> list[Leaf]:
    """How far the shards are, in the order of the plan; only those `within` another one."""
    keys = [entry.key for kind in (SPLITS, COMMITS, ATTEMPTS) async for entry in store.list(kind)]
    leaves = find_leaves(plan.roots, read_marks(keys), newest_first=plan.newest_first)
    return [leaf for leaf in leaves if within is None or is_within(leaf.shard, within)]


async def read_leases(store: Store, leaves: Sequence[Leaf]) -> dict[str, Lease]:
    """Of each shard that was begun and is not committed, what its last taker has said, by the shard's id."""
    found = {}
    for leaf in leaves:
        if leaf.attempt and not leaf.is_committed:
            lease = decode_lease(await store.get(name_attempt(leaf.shard, leaf.attempt)))
            if lease is not None:
                found[leaf.shard.id] = lease
    return found


def decode_lease(data: bytes | None) -> Lease | None:
    """What a mark says; None where it says nothing that can be read."""
    try:
        return None if data is None else msgspec.json.decode(data, type=Lease)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def list_free(leaves: Sequence[Leaf], leases: Mapping[str, Lease], *, now: float) -> list[Leaf]:
    """The shards that may be taken: first those that nobody has begun, then those that nobody is at any more."""
    left = [leaf for leaf in leaves if not leaf.is_committed]
    fresh = [leaf for leaf in left if not leaf.attempt]
    ended = [
        leaf for leaf in left if leaf.attempt and ((lease := leases.get(leaf.shard.id)) is None or lease.until <= now)
    ]
    return [*fresh, *ended]


async def claim(store: Store, free: Sequence[Leaf], lease: Callable[[], Lease]) -> Claim | None:
    """Take the first of the shards that nobody else takes meanwhile; None where all are taken."""
    for leaf in free:
        number = leaf.attempt + 1
        if await store.put_new(name_attempt(leaf.shard, number), msgspec.json.encode(lease())):
            return Claim(shard=leaf.shard, number=number)
    return None
