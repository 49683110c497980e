"""Following harvests by their stores alone: how far they are, for whoever watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harvester.events import Tally
from harvester.objects import Store
from harvester.shards.commit import Commit, decode_commit
from harvester.shards.leases import Lease, read_leases, read_leaves
from harvester.shards.names import name_commit
from harvester.shards.plan import Plan
from harvester.shards.shard import Shard


class Follower:
    """Counts what the shards have brought. Each commit is read once."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store = store
        self._commits: dict[str, Commit] = {}
        self.plan = plan
        self.tally: Tally | None = None
        """Its counts, once it has looked."""
        self.is_all_committed = False
        self.left = 0
        """Shards that are not committed."""

    async def look(self) -> None:
        """Ask the store."""
        leaves = await read_leaves(self._store, self.plan)
        for leaf in leaves:
            if leaf.is_committed and leaf.shard.id not in self._commits:
                await self._read_commit(leaf.shard)
        leases = (await read_leases(self._store, leaves)).values()
        self.left = sum(not leaf.is_committed for leaf in leaves)
        self.is_all_committed = not self.left
        commits = [self._commits[leaf.shard.id] for leaf in leaves if leaf.shard.id in self._commits]
        brought: list[Commit | Lease] = [*commits, *leases]
        photos = sum(each.photos for each in brought)
        if self.tally is None:
            self.tally = Tally(expected=self.plan.claimed, written_before=photos)
        self.tally.written = self.tally.listed = photos
        self.tally.calls = sum(each.calls for each in brought)
        self.tally.failed = sum(commit.failed for commit in commits)

    async def _read_commit(self, shard: Shard) -> None:
        data = await self._store.get(name_commit(shard))
        if data is not None:
            self._commits[shard.id] = decode_commit(data, shard, where=self._store.url)


def add_up(tallies: Sequence[Tally], into: Tally) -> None:
    """The counts of several harvests as those of one."""
    into.expected = sum(each.expected or 0 for each in tallies)
    if any(each.expected is None for each in tallies):
        into.expected = None
    into.written = into.listed = sum(each.written for each in tallies)
    into.calls = sum(each.calls for each in tallies)
    into.failed = sum(each.failed for each in tallies)


def describe_fleet(names: Sequence[str], jobs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several jobs as one that can be told; how deep it goes where all go as deep."""
    depths: list[dict[str, Any]] = [
        {key: job[key] for key in job if key in ("detail", "with", "sizes")} for job in jobs
    ]
    told = {"source": "fleet", "jobs": list(names)}
    return told | depths[0] if all(each == depths[0] for each in depths) else told
