"""While one harvest of a fleet is merged the others go on, and a merge that is cut short leaves nothing half done."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from harvester.dask.course import Course
from harvester.dask.crew import Crew, SchedulerLost
from harvester.dask.fleet import Fleet
from harvester.dask.member import Member
from harvester.dask.merging import merge_on_thread
from harvester.events import Ended, Event, Started, Summary, ignore
from harvester.jobs.model import Job, Photos, Search
from harvester.sandbox.server import Sandbox
from harvester.shards import merging
from harvester.shards.planning import plan_shards
from support.archives import read_archive
from support.harvest import KEY, Opener, settings_for
from support.shard_runs import Clock, at_once, open_folder, plan, read_by_id, run

LONGEST = 60.0
"""Seconds after which a thread that is held at a gate gives up."""
SEARCH = Job(source=Search(tags="sandbox"), detail="list")


class Gate:
    """Holds whoever comes by, on a thread, until it is opened."""

    def __init__(self) -> None:
        self.is_reached, self._is_open = threading.Event(), threading.Event()

    def hold(self) -> None:
        self.is_reached.set()
        assert self._is_open.wait(LONGEST), "nobody has opened the gate"

    def open(self) -> None:
        self._is_open.set()


def build_course(sandbox: Sandbox, folder: Path, name: str, job: Job, *, output: Path | None) -> Course:
    options = {"api_url": sandbox.url, "quota": "none", "pace": "none"}
    settings = settings_for(sandbox, env_prefix="FLEET")
    return Course(name=name, job=job, store=str(folder / name), settings=settings, output=output, options=options)


@pytest.mark.slow
async def test_the_others_go_on_while_one_is_merged(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate before the end of the first merge opens when the other harvest has ended."""
    monkeypatch.setenv("FLEET_API_KEY", KEY)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    gate, ends, put_in_place = Gate(), list[str](), merging._put_in_place

    def hold(scratch: Path, target: Path) -> None:
        gate.hold()
        put_in_place(scratch, target)

    def note_end(member: Member) -> None:
        ends.append(member.course.name)
        if member.course.name == "many":
            assert gate.is_reached.is_set(), "the few are merged before the many are through"
            gate.open()

    monkeypatch.setattr(merging, "_put_in_place", hold)
    async with sandbox_of(photos=80) as sandbox:
        few = Job(source=Photos(ids=[str(sandbox.catalogue.id_of(0))]))
        courses = [
            build_course(sandbox, tmp_path, "few", few, output=tmp_path / "archive"),
            build_course(sandbox, tmp_path, "many", SEARCH, output=None),
        ]
        for course in courses:
            await plan_shards(open_folder(Path(course.store)), course.job, course.settings, photos=60)
        fleet = Fleet(courses, on_end=note_end)
        given: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
        connect: Any = Client
        async with connect(processes=False, asynchronous=True, **given) as client, asyncio.timeout(2 * LONGEST):
            await fleet.run(client, asyncio.Event())
    assert ends == ["many", "few"]
    assert isinstance(fleet.members[0].end, Summary)
    assert len(read_by_id(tmp_path / "archive/photos.ndjson")) == 1


async def commit_shards(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A store of which all shards are committed, several of them."""
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, SEARCH, photos=25)
    clock = Clock()
    await run(store, sandbox, tmp_path / "work", terms=at_once("one", clock=clock, sleep=clock.sleep))
    return tmp_path / "store"


async def test_a_cancelled_merge_is_waited_for_and_takes_no_further_shard(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, taken, take, events = Gate(), list[str](), merging._take, list[Event]()

    async def hold(store: Any, leaf: Any, *rest: Any) -> None:
        taken.append(leaf.shard.id)
        gate.hold()
        await take(store, leaf, *rest)

    async with sandbox_of(photos=40) as sandbox:
        store = await commit_shards(sandbox, tmp_path)
    target = tmp_path / "archive"
    with monkeypatch.context() as patched:
        patched.setattr(merging, "_take", hold)
        task = asyncio.create_task(merge_on_thread(str(store), target, is_private=False, observer=events.append))
        assert await asyncio.to_thread(gate.is_reached.wait, LONGEST)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=0)
        assert not done, "the thread still works on the files"
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (len(taken), events, target.exists()) == (1, [], False)
    summary = await merge_on_thread(str(store), target, is_private=False, observer=ignore)
    assert summary is not None
    assert (summary.status, summary.photos) == ("complete", 40)
    await merging.merge_shards(open_folder(store), tmp_path / "again")
    assert read_archive(target) == read_archive(tmp_path / "again")


async def test_a_merge_needs_no_cluster(sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler goes when all shards are committed: their archive is made all the same."""

    async def fail(*_: object) -> None:
        raise SchedulerLost

    monkeypatch.setattr(Crew, "fill", fail)
    async with sandbox_of(photos=40) as sandbox:
        store = await commit_shards(sandbox, tmp_path)
        course, events = build_course(sandbox, tmp_path, store.name, SEARCH, output=tmp_path / "archive"), list[Event]()
        fleet = Fleet([course], observer=events.append)
        with pytest.raises(SchedulerLost):  # as yet it was only planned
            await fleet.run(None, asyncio.Event())  # type: ignore[arg-type]
        await fleet.run(None, asyncio.Event())  # type: ignore[arg-type]
    assert isinstance(fleet.members[0].end, Summary)
    assert len(read_by_id(tmp_path / "archive/photos.ndjson")) == 40
    started, ended = [each for each in events if isinstance(each, Started | Ended)]
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    tally = started.tally
    assert (tally.written, tally.expected, tally.failed, tally.calls > 0) == (40, 40, 0, True), "as in a single run"
    assert (ended.summary.status, ended.summary.photos) == ("complete", 40)


async def test_a_fleet_that_is_stopped_cuts_its_merge_short(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, stop, taken, take = asyncio.get_running_loop(), asyncio.Event(), list[str](), merging._take
    gate = Gate()

    async def stand_still(*_: object) -> None:
        """No cluster: there is nothing left to be run."""

    async def hold(store: Any, leaf: Any, *rest: Any) -> None:
        taken.append(leaf.shard.id)
        loop.call_soon_threadsafe(stop.set)
        gate.hold()
        await take(store, leaf, *rest)

    monkeypatch.setattr(Crew, "fill", stand_still)
    monkeypatch.setattr(Crew, "release", lambda _: loop.call_soon(loop.call_soon, gate.open))
    monkeypatch.setattr(merging, "_take", hold)
    async with sandbox_of(photos=40) as sandbox, asyncio.timeout(2 * LONGEST):
        store = await commit_shards(sandbox, tmp_path)
        fleet = Fleet([build_course(sandbox, tmp_path, store.name, SEARCH, output=tmp_path / "archive")])
        await fleet.run(None, stop)  # type: ignore[arg-type]
    assert (len(taken), fleet.members[0].is_over, (tmp_path / "archive").exists()) == (1, False, False)
