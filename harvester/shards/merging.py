"""One ordinary archive out of the shards that are committed: the same bytes, however often it is made.

It is made in a folder beside the target, and takes its name when it is on the disk; a kill leaves nothing by that name.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.files import Appender, cannot_write, sync_file, sync_folder
from harvester.archive.disk.layout import LOCK, STATE
from harvester.archive.disk.lock import lock_folder, make_folder
from harvester.archive.disk.modes import make_checkpoint_file
from harvester.archive.sinks import PHOTOS
from harvester.engine.outcome import Outcome
from harvester.engine.output import Output
from harvester.engine.run_end import Halt, RunEnd
from harvester.errors import Stopped, StoreFault, Summary, UsageError
from harvester.events import Observer, Tally, ignore
from harvester.objects import Store
from harvester.shards.absorbing import Merger, append
from harvester.shards.commit import Part, decode_commit, unpack
from harvester.shards.leases import read_leaves
from harvester.shards.missing import owe
from harvester.shards.names import PLAN, name_commit, name_ids
from harvester.shards.plan import Plan, decode_plan
from harvester.shards.planning import read_plan
from harvester.shards.tree import Leaf, find_fault


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to. `summary` is None where shards are missing, and nothing was written."""

    missing: tuple[str, ...]
    summary: Summary | None


@dataclass(slots=True)
class _Told:
    """What the manifest tells of the shards, and what is counted over all of them."""

    shards: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    failed: int = 0
    updated: str = ""


async def merge_shards(
    store: Store,
    target: Path,
    *,
    is_partial: bool = False,
    is_stopped: Callable[[], bool] = lambda: False,
    observer: Observer = ignore,
) -> Merged:
    """Make the archive `target` of the committed shards.

    Where some are missing nothing is written; with `is_partial` the archive is, and owes what they would bring: it is
    incomplete, and `harvester resume` fetches that. UsageError where there is something by that name already,
    StoreFault where an object is missing or damaged; Stopped, once `is_stopped` says that the merge is to end.
    """
    plan = await read_plan(store)
    leaves = await read_leaves(store, plan)
    if fault := find_fault([leaf.shard for leaf in leaves], plan.roots):
        raise StoreFault(f"{store.url}: the shards do not tile what was asked: {fault}.")
    missing = tuple(leaf.shard.id for leaf in leaves if not leaf.is_committed)
    if missing and not is_partial:
        return Merged(missing, None)
    check_target(target)
    scratch = _name_scratch(target)
    with lock_folder(scratch, private=plan.signed):
        _clear(scratch)
        outcome, tally = await _build(store, plan, leaves, scratch, is_stopped=is_stopped)
        _put_in_place(scratch, target)
    return Merged(missing, _conclude(plan, target, outcome, tally, observer=observer))


async def find_merged(store: Store, target: Path, *, observer: Observer = ignore) -> Summary | None:
    """How the archive `target` stands that was merged of this store before; None where nothing is by that name.

    UsageError where something else is.
    """
    known = await store.get(PLAN) if (target / STATE).is_file() else None
    if known is None:
        check_target(target)
        return None
    plan = decode_plan(known, where=store.url)
    with open_archive_to_read(target) as state:
        if (state.facts.begun, state.facts.job) != (plan.begun, plan.job):
            check_target(target)
        tally = _count(state, _Told(failed=sum(1 for _ in state.failures())))
        tally.written_before = tally.written
        closing = RunEnd(plan.whole_job, state=state, output=Output(folder=target), tally=tally, observer=observer)
        return closing.conclude(closing.judge(Halt(is_stop_asked=False, is_read=True, is_through=True)))


def _name_scratch(target: Path) -> Path:
    whole = target.absolute()
    return whole.with_name(f".{whole.name}.merging")


def check_target(target: Path) -> None:
    """UsageError where there is something by the name of the archive that is to be made."""
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already: name a new folder for the merged archive.", field="output")
    make_folder(target.absolute().parent)


def _clear(scratch: Path) -> None:
    """Remove what a merge that was cut short has left."""
    try:
        for each in scratch.iterdir():
            if each.is_dir():
                shutil.rmtree(each)
            elif each.name != LOCK:
                each.unlink()
    except OSError as error:
        raise cannot_write(scratch, error) from None


async def _build(
    store: Store, plan: Plan, leaves: Sequence[Leaf], scratch: Path, *, is_stopped: Callable[[], bool]
) -> tuple[Outcome, Tally]:
    make_checkpoint_file(scratch / STATE, private=plan.signed)
    told = _Told()
    with State(scratch / STATE, lasting=False) as state:
        with Appender(scratch / PHOTOS, length=0) as file:
            merger = Merger(plan, state, file=file, scratch=scratch, where=store.url)
            for leaf in leaves:
                if is_stopped():
                    raise Stopped
                if leaf.is_committed:
                    await _take(store, leaf, merger, told)
                else:
                    owe(plan, leaf.shard, state, ids=await store.get(name_ids(leaf.shard)))
            file.sync()
            merger.finish(is_whole=all(leaf.is_committed for leaf in leaves))
        tally = _count(state, told)
        closing = RunEnd(
            plan.whole_job,
            state=state,
            output=Output(folder=scratch),
            tally=tally,
            observer=ignore,
            told=_describe(plan, leaves, told),
        )
        outcome = closing.keep(Halt(is_stop_asked=False, is_read=True, is_through=True))
    return outcome, tally


async def _take(store: Store, leaf: Leaf, merger: Merger, told: _Told) -> None:
    """Take over what a commit names."""
    key = name_commit(leaf.shard)
    data = await store.get(key)
    if data is None:
        raise StoreFault(f"{store.url}: {key} was removed while it was merged: run the same command again.")
    commit = decode_commit(data, leaf.shard, where=store.url)
    path = merger.checkpoint
    path.unlink(missing_ok=True)
    for part in commit.checkpoint:
        append(path, await _fetch(store, part))
    with merger.taking(leaf.shard):
        for part in commit.parts:
            merger.add_photos(part, await _fetch(store, part))
        for name, parts in sorted(commit.files.items()):
            merger.add_to_file(name, b"")  # it may be empty
            for part in parts:
                merger.add_to_file(name, await _fetch(store, part))
    told.shards.append({"shard": leaf.shard.id, "photos": commit.photos, "commit": hashlib.sha256(data).hexdigest()})
    told.calls += commit.calls
    told.failed += commit.failed
    told.updated = max(told.updated, commit.ended)


async def _fetch(store: Store, part: Part) -> bytes:
    return unpack(part, await store.get(part.key), where=store.url)


def _count(state: State, told: _Told) -> Tally:
    tally = Tally(clock=lambda: 0.0, expected=state.facts.expected)
    tally.written = tally.listed = state.length(PHOTOS).lines
    tally.calls, tally.failed = told.calls, told.failed
    return tally


def _describe(plan: Plan, leaves: Sequence[Leaf], told: _Told) -> dict[str, Any]:
    """What the manifest tells besides: of which shards the archive is made, and which are missing."""
    missing = [leaf.shard.id for leaf in leaves if not leaf.is_committed]
    return {
        "updated": told.updated or plan.begun,
        "shards": {
            "planned": plan.begun,
            "roots": plan.roots,
            "claimed": plan.claimed,
            "tile_without_gap": not missing,
            "missing": missing,
            "merged": told.shards,
        },
    }


def _put_in_place(scratch: Path, target: Path) -> None:
    """Have all of it on the disk, and give it its name."""
    try:
        for path in sorted(scratch.iterdir()):
            with path.open("rb") as file:
                sync_file(file.fileno(), path)
        sync_folder(scratch)
        scratch.replace(target)
        sync_folder(target.absolute().parent)
    except OSError as error:
        raise cannot_write(target, error) from None


def _conclude(plan: Plan, target: Path, outcome: Outcome, tally: Tally, *, observer: Observer) -> Summary:
    with open_archive_to_read(target) as state:
        closing = RunEnd(plan.whole_job, state=state, output=Output(folder=target), tally=tally, observer=observer)
        return closing.conclude(outcome)
