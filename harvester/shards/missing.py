"""What a shard that nobody has run leaves to be done, as the checkpoint of the merged archive has it."""

from __future__ import annotations

from harvester.archive.checkpoint.state import State, Todo
from harvester.errors import UsageError
from harvester.flickr.responses import Row
from harvester.jobs.urls import parse_photo
from harvester.listing.roots import find_roots
from harvester.listing.sweep import OPEN_END
from harvester.shards.plan import Plan
from harvester.shards.shard import Shard


def owe(plan: Plan, shard: Shard, state: State, *, ids: bytes | None) -> None:
    """Have the archive list, or fetch, what the shard would have brought. `ids` is the object of its range.

    UsageError where the shard is all there is.
    """
    if shard.kind == "all":
        raise UsageError("The job is one shard, and that is not committed: there is nothing to be merged.")
    with state.changing():
        if shard.kind == "ids":
            _owe_ids(state, ids or b"")
            return
        source = plan.build_job(shard).source
        login = plan.login["nsid"] if plan.login else None
        roots = find_roots(source, plan.arguments, horizon=shard.until or plan.horizon or OPEN_END, login=login)
        for sweep in roots.sweeps:
            state.add_sweep(sweep)
        for walk in roots.walks:
            state.add_walk(walk)


def _owe_ids(state: State, data: bytes) -> None:
    rows = []
    for text in data.decode("utf-8", "replace").split("\n"):
        try:
            rows.append(Row(parse_photo(text), None, None, b""))
        except UsageError as error:
            state.note_bad_input(text, {"input": text, "message": f"{error} Mend the line."})
    state.add_todo([Todo(row.id, None) for row in state.admit(rows)])
