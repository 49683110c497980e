"""Following a harvest by its store alone: how far it is, for whoever watches."""

from __future__ import annotations

from pathlib import Path

from harvester.events import Observer, Started, Tally
from harvester.objects import Store
from harvester.shards.commit import Commit, decode_commit
from harvester.shards.leases import Lease, read_leases, read_leaves
from harvester.shards.names import name_commit
from harvester.shards.plan import Plan
from harvester.shards.shard import Shard


class Follower:
    """Counts what the shards have brought. Each commit is read once."""

    def __init__(self, store: Store, plan: Plan, *, output: Path | None, observer: Observer) -> None:
        self._store = store
        self._plan = plan
        self._output = output
        self._observer = observer
        self._commits: dict[str, Commit] = {}
        self._tally: Tally | None = None
        self.is_all_committed = False
        self.left = 1
        """Shards that are not committed."""

    async def look(self) -> None:
        """Ask the store."""
        leaves = await read_leaves(self._store, self._plan)
        for leaf in leaves:
            if leaf.is_committed and leaf.shard.id not in self._commits:
                await self._read_commit(leaf.shard)
        leases = (await read_leases(self._store, leaves)).values()
        self.left = sum(not leaf.is_committed for leaf in leaves)
        self.is_all_committed = not self.left
        commits = [self._commits[leaf.shard.id] for leaf in leaves if leaf.shard.id in self._commits]
        brought: list[Commit | Lease] = [*commits, *leases]
        self._tell(
            sum(each.photos for each in brought),
            sum(each.calls for each in brought),
            failed=sum(commit.failed for commit in commits),
        )

    async def _read_commit(self, shard: Shard) -> None:
        data = await self._store.get(name_commit(shard))
        if data is not None:
            self._commits[shard.id] = decode_commit(data, shard, where=self._store.url)

    def _tell(self, photos: int, calls: int, *, failed: int) -> None:
        if self._tally is None:
            self._tally = Tally(expected=self._plan.claimed, written=photos, written_before=photos)
            self._observer(Started(job=self._plan.job, output=self._output, resumed=photos, tally=self._tally))
        self._tally.written = self._tally.listed = photos
        self._tally.calls, self._tally.failed = calls, failed
