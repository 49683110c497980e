"""The merge of a harvest's shards on a thread: the event loop of the driver goes on with all other harvests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from harvester.engine.upkeep.thread import finish
from harvester.errors import Summary
from harvester.events import Event, Observer
from harvester.objects import open_store
from harvester.shards.merging import Merged, merge_shards


async def merge_on_thread(url: str, target: Path, *, is_private: bool, observer: Observer) -> Summary | None:
    """Make the archive `target` of the shards in the store at `url`; None, and nothing there, where some are missing.

    Cancelled, the merge stops before its next shard, which is waited for: by that name there is nothing then. Only one
    that has taken its last shard makes the whole archive still. Errors as of `merge_shards`.
    """
    events: list[Event] = []
    caller = asyncio.current_task()

    def is_stopped() -> bool:
        return caller is not None and caller.cancelling() > 0

    async def merge() -> Merged:
        store = open_store(url, is_private=is_private)
        return await merge_shards(store, target, is_stopped=is_stopped, observer=events.append)

    merged = await finish(lambda: asyncio.run(merge()))
    for event in events:
        observer(event)
    return merged.summary
