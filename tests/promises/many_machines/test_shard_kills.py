"""Whoever dies, is stopped or comes second: each photo once, each shard committed once."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from harvester.errors import CannotWrite, StoreFault
from harvester.jobs.model import Job, Search
from harvester.objects import Store
from harvester.sandbox.server import Sandbox
from harvester.shards.merging import merge_shards
from harvester.shards.running import Done
from harvester.shards.tree import find_leaves, read_marks
from support.archives import read_archive
from support.durable import Died as DiedAtDisk
from support.durable import Disk, lay_under
from support.harvest import Opener
from support.processes import start, until_calls
from support.shard_runs import Clock, Died, FrailStore, at_once, open_folder, plan, read_by_id, run

JOB = Job(source=Search(tags="sandbox"), detail="list")
PHOTOS = 40


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    async with sandbox_of(photos=PHOTOS) as running:
        yield running


async def check(store: Path, target: Path, photos: int = PHOTOS) -> None:
    """The store is complete, and so is its archive."""
    merged = await merge_shards(open_folder(store), target)
    assert merged.missing == ()
    assert merged.summary is not None
    assert (merged.summary.status, merged.summary.photos) == ("complete", photos)
    assert len(read_by_id(target / "photos.ndjson")) == photos


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "after", "fault"])
async def test_cut_short_at_each_step_of_the_store_it_goes_on(how: str, sandbox: Sandbox, tmp_path: Path) -> None:
    at, steps = 0, 1
    while at < steps:
        place = tmp_path / str(at)
        place.mkdir()
        clock = Clock()
        await plan(open_folder(place / "store"), sandbox, JOB, photos=25)
        frail = FrailStore(open_folder(place / "store"), at=at, how=how)
        with suppress(Died, StoreFault):
            await run(frail, sandbox, place / "one", terms=at_once("one", clock=clock, sleep=clock.sleep))
        steps = max(steps, frail.done + 1)
        clock.now += 1000 * (at % 2)  # the same machine goes on at once, another when the lease has ended
        again = place / ("two" if at % 2 else "one")
        terms = at_once("two", clock=clock, sleep=clock.sleep)
        assert (await run(open_folder(place / "store"), sandbox, again, terms=terms)).exit_code == 0
        await check(place / "store", place / "merged")
        at += 1
    assert steps > 8


async def test_killed_at_each_step_on_the_disk_a_shard_goes_on(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = lay_under(monkeypatch, tmp_path / "work")
    at, is_cut = 0, True
    while is_cut:
        store = open_folder(tmp_path / f"store-{at}")
        await plan(store, sandbox, JOB, photos=1000)
        is_cut = await _die(store, sandbox, tmp_path, disk, at=at)
        clock = Clock()
        clock.now += 1000
        terms = at_once("two", clock=clock, sleep=clock.sleep)
        assert (await run(store, sandbox, tmp_path / "work" / str(at), terms=terms)).exit_code == 0
        await check(tmp_path / f"store-{at}", tmp_path / f"merged-{at}")
        at += 11
    assert at > 50


async def _die(store: Store, sandbox: Sandbox, tmp_path: Path, disk: Disk, *, at: int) -> bool:
    """Whether a run has died at call number `at` of the disk."""
    try:
        with disk.strike(at, "die"):
            await run(store, sandbox, tmp_path / "work" / str(at))
    except (DiedAtDisk, BaseExceptionGroup):
        return True
    return len(disk.calls) > at


async def test_killed_at_each_step_a_merge_leaves_nothing_by_that_name_and_is_made_again(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, JOB, photos=25)
    await run(store, sandbox, tmp_path / "work")
    await check(tmp_path / "store", tmp_path / "first")
    disk = lay_under(monkeypatch, tmp_path / "out")
    with disk.strike():
        await merge_shards(store, tmp_path / "out" / "all" / "merged")
    steps = len(disk.calls)
    assert steps > 20
    for at in range(0, steps, 3):
        target = tmp_path / "out" / str(at) / "merged"
        with suppress(DiedAtDisk), disk.strike(at, "die"):
            await merge_shards(store, target)
        if not target.exists():  # else it was killed once it had its name, and is whole
            await check(tmp_path / "store", target)
        assert read_archive(target) == read_archive(tmp_path / "first")


async def test_a_full_disk_ends_a_merge_with_a_sentence(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, JOB, photos=1000)
    await run(store, sandbox, tmp_path / "work")
    disk = lay_under(monkeypatch, tmp_path / "out")
    with pytest.raises(CannotWrite), disk.strike(9, "full"):
        await merge_shards(store, tmp_path / "out" / "merged")
    await check(tmp_path / "store", tmp_path / "out" / "merged")


class Slow(FrailStore):
    """A store whose first commit waits until it may go on."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.waits, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def put_new(self, key: str, data: bytes | Path) -> bool:
        if key.startswith("commits/") and not self.waits.is_set():
            self.waits.set()
            await self.may_go_on.wait()
        return await super().put_new(key, data)


async def test_who_commits_second_discards_what_he_has(sandbox: Sandbox, tmp_path: Path) -> None:
    await plan(open_folder(tmp_path / "store"), sandbox, JOB, photos=1000)
    slow, clock = Slow(open_folder(tmp_path / "store")), Clock()
    first = asyncio.create_task(run(slow, sandbox, tmp_path / "one", terms=at_once("one", clock=clock)))
    await slow.waits.wait()
    clock.now += 1000
    second = await run(open_folder(tmp_path / "store"), sandbox, tmp_path / "two", terms=at_once("two", clock=clock))
    assert list(second.ended.values()) == ["complete"]
    slow.may_go_on.set()
    done: Done = await first
    assert (list(done.ended.values()), done.exit_code) == (["superseded"], 0)
    commit = orjson.loads(next((tmp_path / "store/commits").iterdir()).read_bytes())
    assert commit["worker"] == "two"
    named = {part["key"] for part in (*commit["parts"], *commit["checkpoint"])}
    left = {str(path.relative_to(tmp_path / "store")) for path in (tmp_path / "store/parts").rglob("*.zst")}
    assert left == named
    await check(tmp_path / "store", tmp_path / "merged")


def count_attempts(store: Path) -> int:
    keys = [str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()]
    roots = orjson.loads((store / "plan.json").read_bytes())["roots"]
    return sum(leaf.attempt for leaf in find_leaves(roots, read_marks(keys)))


@pytest.mark.slow
async def test_a_process_that_was_stopped_and_goes_on_doubles_nothing(sandbox_of: Opener, tmp_path: Path) -> None:
    store = tmp_path / "store"
    async with sandbox_of(photos=60, latency=0.02) as sandbox:
        await plan(open_folder(store), sandbox, Job(source=Search(tags="sandbox")), photos=1000)
        given = ("shard", "run", str(store), "--lease", "1s", "--publish-every", "0.2s", "--workers", "2")
        stopped = await start(sandbox, *given, "--work", str(tmp_path / "one"))
        await until_calls(sandbox, 60, stopped)
        stopped.send_signal(signal.SIGSTOP)
        other = await start(sandbox, *given, "--work", str(tmp_path / "two"))
        assert await asyncio.wait_for(other.wait(), 100) == 0
        calls = sandbox.stats.calls
        stopped.send_signal(signal.SIGCONT)
        assert await asyncio.wait_for(stopped.wait(), 100) == 0
        assert sandbox.stats.calls - calls <= 30, "it makes few calls more"
    await check(store, tmp_path / "merged", 60)
    assert count_attempts(store) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("time_limit")
async def test_killed_again_and_again_few_calls_are_made_twice(sandbox_of: Opener, tmp_path: Path) -> None:
    store, rng = tmp_path / "store", random.Random(7)
    async with sandbox_of(photos=150, latency=0.01) as sandbox:
        await plan(open_folder(store), sandbox, Job(source=Search(tags="sandbox")), photos=60)
        given = ("shard", "run", str(store), "--lease", "2s", "--publish-every", "0.2s", "--workers", "2")
        names, kills = ["one", "two"], 0
        running = [await start(sandbox, *given, "--work", str(tmp_path / name)) for name in names]
        for n in range(6):
            await until_calls(sandbox, sandbox.stats.calls + rng.randrange(20, 50), running[n % 2])
            if running[n % 2].returncode is None:
                running[n % 2].kill()
                kills += 1
            await running[n % 2].wait()
            running[n % 2] = await start(sandbox, *given, "--work", str(tmp_path / f"{names[n % 2]}-{n // 3}"))
        assert [await asyncio.wait_for(each.wait(), 100) for each in running] == [0, 0]
        fetched = Counter(sandbox.stats.methods)["flickr.photos.getInfo"]
    assert kills >= 3
    assert fetched <= 150 * 1.5
    await check(store, tmp_path / "merged", 150)
    commits = [path.name for path in (store / "commits").iterdir()]
    assert len(commits) == len(set(commits))
