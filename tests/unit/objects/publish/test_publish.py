"""A published archive: whoever reads the bucket finds a whole one at any moment, and a crash costs nothing."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import signal
import stat
import sys
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harvester.archive.manifest import decode_manifest, read_manifest
from harvester.engine.run import Output
from harvester.engine.upkeep.deepening import resume_archive, run_whole_job, update_archive
from harvester.errors import Exit, Incomplete, StoreFault, UsageError
from harvester.events import Ended, Event, Noticed, Summary
from harvester.jobs.model import Account, Job, Photos, Search
from harvester.jobs.rotation import Rotation
from harvester.objects import open_store
from harvester.objects.patience import Patience
from harvester.objects.publish import beside
from harvester.objects.publish.beside import run_and_publish
from harvester.objects.publish.plan import is_named_rightly, name_key, read_key
from harvester.python.api import Flickr
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import Sandbox, SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from harvester.verify.archive import verify_archive
from support.accounts import owner
from support.commands import call
from support.harvest import KEY, Opener, harvest_into, settings_for
from support.object_stores import Bucket, Fault

ALL = Job(source=Search(tags=["sandbox"]), detail="info")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults of the store are waited through on a clock that goes on by itself."""
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(beside, "Patience", partial(Patience, clock=lambda: now[0], sleep=sleep))


async def harvest(
    folder: Path,
    sandbox: Sandbox,
    address: str | None,
    *,
    job: Job = ALL,
    events: list[Event] | None = None,
    rotation: Rotation | None = None,
) -> Summary:
    settings, stop = settings_for(sandbox), asyncio.Event()
    run = partial(
        run_whole_job, job, settings, output=Output(folder=folder, publish=address, rotation=rotation), stop=stop
    )
    return await run_and_publish(
        lambda observer: run(observer=observer),
        folder=folder,
        address=address,
        observer=(events if events is not None else []).append,
        stop=stop,
    )


async def go_on(folder: Path, sandbox: Sandbox, start: Callable[..., Any] = resume_archive) -> Summary:
    settings, stop = settings_for(sandbox), asyncio.Event()
    run = partial(start, folder, settings, stop=stop)
    return await run_and_publish(
        lambda observer: run(observer=observer), folder=folder, observer=lambda _: None, stop=stop
    )


async def read_copy(address: str) -> dict[str, bytes]:
    """The files of a published archive by name, each as its manifest has it."""
    store = open_store(address)
    data = await store.get("manifest.json")
    assert data is not None
    manifest = decode_manifest(data)
    assert manifest is not None
    assert is_named_rightly(manifest.objects)
    found = {}
    for name, each in manifest.objects.items():
        content = await store.get(each.key)
        assert content is not None, name
        assert (len(content), hashlib.sha256(content).hexdigest()) == (each.bytes, each.sha256)
        found[name] = content
    return found


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of an archive that are to be published, by name."""
    paths = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name.endswith((".ndjson", ".ndjson.zst", ".ndjson.gz"))
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


async def list_keys(address: str) -> set[str]:
    return {entry.key async for entry in open_store(address).list()}


@pytest.fixture(params=["bucket", "folder"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "published")
    found: Bucket = request.getfixturevalue("bucket")
    return f"s3://{found.name}/some/prefix"


async def test_the_copy_is_the_archive_and_nothing_else(sandbox_of: Opener, tmp_path: Path, address: str) -> None:
    folder, events = tmp_path / "a", list[Event]()
    async with sandbox_of(photos=60) as sandbox:
        job = Job(source=Account(user=owner(sandbox)), detail="list")
        summary = await harvest(folder, sandbox, address, job=job, events=events)
    assert summary.status == "complete"
    assert summary.notes[-1].startswith(f"Published in {address}: ")
    assert [event.summary for event in events if isinstance(event, Ended)] == [summary]
    assert await read_copy(address) == read_folder(folder)
    assert len(await list_keys(address)) == len(read_folder(folder)) + 1


async def test_what_is_there_is_not_sent_again(sandbox: Sandbox, tmp_path: Path, bucket: Bucket) -> None:
    address = f"s3://{bucket.name}/p"
    await harvest(tmp_path / "a", sandbox, address)
    bucket.asked.clear()
    summary = await go_on(tmp_path / "a", sandbox)
    assert summary.status == "complete"
    size = (tmp_path / "a" / "photos.ndjson").stat().st_size
    assert summary.notes[-1] == f"Published in {address}: 1 file, {size:,} bytes, which were there already."
    assert [(method, path) for method, path in bucket.asked if method not in ("GET", "HEAD")] == []


@pytest.mark.slow
async def test_an_update_sends_what_has_changed_and_keeps_what_is_being_read(
    sandbox_of: Opener, tmp_path: Path, bucket: Bucket
) -> None:
    address, folder = f"s3://{bucket.name}/p", tmp_path / "a"
    async with sandbox_of(photos=60, owners=1) as sandbox:
        await harvest(folder, sandbox, address, job=Job(source=Account(user=owner(sandbox)), detail="list"))
        first = await list_keys(address)
        ids = [line["id"] for line in map(json.loads, (folder / "photos.ndjson").read_text().splitlines())]
        sandbox.api.control({"change": ids[:3]})
        bucket.asked.clear()
        await go_on(folder, sandbox, update_archive)
        assert {"photos.ndjson", "changes.ndjson"} < put_names(bucket)
        assert await read_copy(address) == read_folder(folder)
        second = await list_keys(address)
        assert first <= second  # whoever has read the first manifest can read to the end
        (put_away,) = (name for name in await read_copy(address) if name.startswith("updates/"))
        sandbox.api.control({"change": ids[:3]})
        bucket.asked.clear()
        await go_on(folder, sandbox, update_archive)
        assert "photos.ndjson" in put_names(bucket)
        assert put_away not in put_names(bucket)
    assert await read_copy(address) == read_folder(folder)
    third = await list_keys(address)
    old = {key for key in first if key.startswith("photos.")}
    assert old <= second
    assert not old & third


def put_names(bucket: Bucket) -> set[str | None]:
    return {read_key(path.removeprefix("p/")) for method, path in bucket.asked if method == "PUT"}


@pytest.mark.slow
async def test_a_reader_finds_a_whole_copy_at_any_moment(
    sandbox_of: Opener, tmp_path: Path, bucket: Bucket, s3_server: str
) -> None:
    address, folder, seen = f"s3://{bucket.name}/p", tmp_path / "a", list[int]()

    def look(method: str, _path: str) -> Fault:
        if method in ("PUT", "POST", "DELETE"):
            seen.append(count_whole(f"{s3_server}/{bucket.name}/p"))
        return ""

    async with sandbox_of(photos=60, owners=1) as sandbox:
        await harvest(folder, sandbox, address)
        bucket.plan = look
        for _ in range(3):
            ids = [line["id"] for line in map(json.loads, (folder / "photos.ndjson").read_text().splitlines())]
            sandbox.api.control({"change": ids[:3], "add": 2})
            await go_on(folder, sandbox, update_archive)
    assert len(seen) > 12
    assert min(seen) >= 1
    assert max(seen) > 5


def count_whole(place: str) -> int:
    """The files of a copy that a reader finds now, all of them whole."""

    def read(key: str) -> bytes:
        request = urllib.request.Request(f"{place}/{key}", headers={"Authorization": "AWS key:signature"})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return bytes(answer.read())

    objects = json.loads(read("manifest.json"))["objects"]
    for each in objects.values():
        assert hashlib.sha256(read(each["key"])).hexdigest() == each["sha256"]
    return len(objects)


async def test_a_store_that_fails_costs_the_harvest_nothing(sandbox: Sandbox, tmp_path: Path, bucket: Bucket) -> None:
    address, events = f"s3://{bucket.name}/p", list[Event]()
    bucket.plan = lambda _method, _path: "503"
    summary = await harvest(tmp_path / "a", sandbox, address, events=events)
    assert summary.status == "incomplete"
    assert summary.photos == 300
    assert summary.notes[-1].startswith(f"Not published in {address}: {address} answers 503 SlowDown")
    told = [event.sentence for event in events if isinstance(event, Noticed)]
    assert told[0].startswith("Nothing can be published for now, and the harvest goes on: ")
    assert told[1].startswith("Publishing waits ")
    assert len(told) == 2
    assert verify_archive(tmp_path / "a") == []
    bucket.plan = lambda _method, _path: ""
    calls = sandbox.stats.calls
    summary = await go_on(tmp_path / "a", sandbox)
    assert summary.status == "complete"
    assert sandbox.stats.calls == calls
    assert await read_copy(address) == read_folder(tmp_path / "a")


@pytest.mark.parametrize("fault", ["cut", "lost", "503"])
async def test_faults_of_the_store_are_waited_through(
    sandbox: Sandbox, tmp_path: Path, bucket: Bucket, fault: Fault
) -> None:
    address, faults = f"s3://{bucket.name}/p", iter(range(1000))
    bucket.plan = lambda _method, _path: fault if next(faults) % 3 else ""
    summary = await harvest(tmp_path / "a", sandbox, address)
    assert summary.status == "complete", summary.notes
    bucket.plan = lambda _method, _path: ""
    assert await read_copy(address) == read_folder(tmp_path / "a")
    assert len(await list_keys(address)) == len(read_folder(tmp_path / "a")) + 1


async def test_a_place_that_cannot_be_used_is_told_before_the_first_call(
    sandbox: Sandbox, tmp_path: Path, bucket: Bucket
) -> None:
    with pytest.raises(StoreFault, match="there is no such bucket") as caught:
        await harvest(tmp_path / "a", sandbox, "s3://no-such-bucket/p")
    assert caught.value.exit_code == Exit.USAGE
    bucket.plan = lambda _method, _path: "403"
    with pytest.raises(StoreFault, match="refuses the credentials") as caught:
        await harvest(tmp_path / "a", sandbox, f"s3://{bucket.name}/p")
    assert caught.value.exit_code == Exit.KEY_REFUSED
    assert sandbox.stats.calls == 0
    assert not (tmp_path / "a").exists()
    with pytest.raises(UsageError, match="is in the archive itself"):
        await harvest(tmp_path / "a", sandbox, str(tmp_path / "a" / "b"))


async def test_an_archive_that_is_there_is_harvested_though_its_store_refuses(
    sandbox: Sandbox, tmp_path: Path, bucket: Bucket
) -> None:
    await harvest(tmp_path / "a", sandbox, f"s3://{bucket.name}/p")
    bucket.plan = lambda _method, _path: "403"
    added = sandbox.api.control({"add": 2})["added"]
    summary = await go_on(tmp_path / "a", sandbox, update_archive)
    assert summary.status == "incomplete"
    assert (summary.new, len(added)) == (2, 2)
    assert "refuses the credentials" in summary.notes[-1]


async def test_another_archive_is_not_written_over(sandbox: Sandbox, tmp_path: Path, address: str) -> None:
    await harvest(tmp_path / "a", sandbox, address)
    there = await read_copy(address)
    other = Job(source=Search(tags=["sandbox"], text="x"), detail="list")
    summary = await harvest(tmp_path / "b", sandbox, address, job=other)
    assert summary.status == "incomplete"
    assert "holds the archive of another job: name another place with --publish" in summary.notes[-1]
    assert await read_copy(address) == there
    await open_store(address).put("manifest.json", b"{}")
    summary = await go_on(tmp_path / "a", sandbox)
    assert "holds a manifest.json of something else" in summary.notes[-1]


async def test_photos_given_by_id_are_other_photos_each_time(sandbox: Sandbox, tmp_path: Path, address: str) -> None:
    ids = json.loads(sandbox.api.truth({"tags": "sandbox"}))
    await harvest(tmp_path / "a", sandbox, address, job=Job(source=Photos(ids=tuple(ids[:2])), detail="info"))
    there = await read_copy(address)
    await asyncio.sleep(1.1)  # archives are begun at whole seconds
    other = Job(source=Photos(ids=tuple(ids[2:5])), detail="info")
    summary = await harvest(tmp_path / "b", sandbox, address, job=other)
    assert "holds the archive of another job" in summary.notes[-1]
    assert await read_copy(address) == there


@pytest.mark.slow
async def test_the_same_query_harvested_anew_takes_the_place(sandbox: Sandbox, tmp_path: Path, address: str) -> None:
    await harvest(tmp_path / "a", sandbox, address)
    deeper = Job(source=Search(tags=["sandbox"]), detail="full")
    assert (await harvest(tmp_path / "b", sandbox, address, job=deeper)).status == "complete"
    assert await read_copy(address) == read_folder(tmp_path / "b")


async def test_foreign_objects_beside_the_copy_stay(sandbox: Sandbox, tmp_path: Path, address: str) -> None:
    store = open_store(address)
    foreign = ("index.html", "photos.ndjson", "updates/notes.txt", "other/photos.0123456789abcdef.ndjson")
    left = "photos.0123456789abcdef.ndjson"
    for key in (*foreign, left):
        await store.put(key, b"x")
    await harvest(tmp_path / "a", sandbox, address)
    keys = await list_keys(address)
    assert keys >= set(foreign)
    assert left not in keys  # an archive's file that no manifest names: a crash has left it


async def test_what_was_changed_on_the_disk_is_not_published(sandbox: Sandbox, tmp_path: Path, address: str) -> None:
    await harvest_into(tmp_path / "a", sandbox, ALL)
    path = tmp_path / "a" / "photos.ndjson"
    path.write_bytes(path.read_bytes().replace(b"sandbox", b"sandbag", 1))
    summary = await harvest(tmp_path / "a", sandbox, address)
    assert summary.status == "incomplete"
    assert "photos.ndjson is not what manifest.json tells" in summary.notes[-1]
    assert await list_keys(address) == set()


async def test_an_object_of_another_length_is_put_anew(sandbox: Sandbox, tmp_path: Path, address: str) -> None:
    await harvest(tmp_path / "a", sandbox, address)
    (key,) = [key for key in await list_keys(address) if key.startswith("photos.")]
    await open_store(address).put(key, b"half")
    await go_on(tmp_path / "a", sandbox)
    assert await read_copy(address) == read_folder(tmp_path / "a")


async def test_what_was_withdrawn_is_nowhere_in_the_store(sandbox: Sandbox, tmp_path: Path, address: str) -> None:
    await harvest(tmp_path / "a", sandbox, address)
    photo_id = json.loads((tmp_path / "a" / "photos.ndjson").read_text().splitlines()[0])["id"]
    result = await asyncio.to_thread(call, "withdraw", str(tmp_path / "a"), photo_id, "--reason", "asked")
    assert f"{address} still has them: `harvester resume {tmp_path / 'a'}`" in result.stderr
    await go_on(tmp_path / "a", sandbox)
    copy = await read_copy(address)
    assert copy == read_folder(tmp_path / "a")
    assert set(copy) == {"photos.ndjson", "withdrawn.ndjson"}
    assert len(await list_keys(address)) == 3


async def test_what_was_repaired_is_published_by_the_resume_that_the_repair_names(
    sandbox: Sandbox, tmp_path: Path, address: str
) -> None:
    folder = tmp_path / "a"
    await harvest(folder, sandbox, address)
    assert "publishes" not in (await asyncio.to_thread(call, "repair", str(folder))).stderr
    path = folder / "photos.ndjson"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    told = f"{address} has the archive as it was: `harvester resume {folder}` publishes it as it is now."
    assert "publishes" not in (await asyncio.to_thread(call, "repair", "--dry-run", str(folder))).stderr
    assert told in (await asyncio.to_thread(call, "repair", str(folder))).stderr
    await go_on(folder, sandbox)
    assert await read_copy(address) == read_folder(folder)


async def test_none_ends_it_and_the_place_is_told_to_nobody(sandbox: Sandbox, tmp_path: Path, bucket: Bucket) -> None:
    address = f"s3://{bucket.name}/p"
    await harvest(tmp_path / "a", sandbox, address)
    manifest = await open_store(address).get("manifest.json")
    assert manifest is not None
    assert b"s3://" not in manifest
    kept = b"".join(path.read_bytes() for path in (tmp_path / "a").iterdir() if path.is_file())
    assert b"testing-secret-key" not in kept
    assert b"testing-key-id" not in kept
    bucket.asked.clear()
    await harvest(tmp_path / "a", sandbox, "none")
    await go_on(tmp_path / "a", sandbox)
    assert bucket.asked == []


async def test_a_stop_ends_publishing_and_resume_goes_on(sandbox: Sandbox, tmp_path: Path, bucket: Bucket) -> None:
    await harvest_into(tmp_path / "a", sandbox, ALL)
    stop = asyncio.Event()

    def plan(method: str, _path: str) -> Fault:
        if method == "PUT":
            loop.call_soon_threadsafe(stop.set)
            return "slow"
        return ""

    loop, bucket.plan = asyncio.get_running_loop(), plan
    address = f"s3://{bucket.name}/p"

    def run(observer: Any) -> Any:
        return resume_archive(tmp_path / "a", settings_for(sandbox), observer=observer, stop=stop)

    summary = await run_and_publish(run, folder=tmp_path / "a", address=address, observer=lambda _: None, stop=stop)
    assert summary.status == "stopped"
    assert f"Not published in {address} yet: `harvester resume" in summary.notes[-1]
    bucket.plan = lambda _method, _path: ""
    assert (await go_on(tmp_path / "a", sandbox)).status == "complete"
    assert await read_copy(address) == read_folder(tmp_path / "a")


async def start(*arguments: str, api_url: str = "http://127.0.0.1:9/services/rest/") -> asyncio.subprocess.Process:
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": api_url}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "harvester", *arguments, env=environment, stdout=pipe, stderr=pipe
    )


@pytest.mark.slow
async def test_killed_at_each_step_it_is_whole_after_a_resume(
    sandbox_of: Opener, tmp_path: Path, bucket: Bucket
) -> None:
    folder, killed = tmp_path / "a", 0
    async with sandbox_of(photos=60) as sandbox:
        await harvest_into(folder, sandbox, ALL)
    for step in range(100):
        address = f"s3://{bucket.name}/{step}"
        await open_store(address).put("people.0123456789abcdef.ndjson", b"left by a crash")
        process = await start("resume", str(folder), "--publish", address)
        bucket.asked.clear()
        bucket.plan = _kill_at(step, process.pid, bucket)
        _, said = await process.communicate()
        bucket.plan = lambda _method, _path: ""
        if process.returncode == 0:
            break
        killed += 1
        assert process.returncode == -signal.SIGKILL, said.decode()
        process = await start("resume", str(folder))
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        assert await read_copy(address) == read_folder(folder)
        assert len(await list_keys(address)) == len(read_folder(folder)) + 1
    assert killed == 7  # is it there, whose, once more, what is there; the photos, the manifest, away with the rest


def _kill_at(step: int, pid: int, bucket: Bucket) -> Callable[[str, str], Fault]:
    """The request may have arrived, or not."""

    def plan(_method: str, _path: str) -> Fault:
        if len(bucket.asked) <= step:
            return ""
        os.kill(pid, signal.SIGKILL)
        return "lost" if step % 2 else "cut"

    return plan


@pytest.mark.slow
async def test_parts_go_there_while_the_harvest_goes_on(sandbox_of: Opener, tmp_path: Path, bucket: Bucket) -> None:
    address, folder = f"s3://{bucket.name}/p", tmp_path / "a"
    async with sandbox_of(photos=300, latency=0.2) as sandbox:
        put_at: list[tuple[str, int]] = []

        def note(method: str, path: str) -> Fault:
            if method == "PUT":
                put_at.append((path.removeprefix("p/"), sandbox.stats.calls))
            return ""

        bucket.plan = note
        summary = await harvest(folder, sandbox, address, rotation=Rotation(lines=50))
        assert summary.status == "complete"
        assert sandbox.stats.calls > put_at[0][1] + 50
    assert await read_copy(address) == read_folder(folder)
    names = [read_key(key) for key, _ in put_at]
    assert names[0] == "photos-00001.ndjson.zst"
    assert len(names) == len(set(names)) == len(read_folder(folder)) + 1
    assert put_at[-1][0] == "manifest.json"
    bucket.asked.clear()
    assert (await go_on(folder, sandbox)).status == "complete"
    assert {method for method, _ in bucket.asked} == {"GET"}


async def test_parts_whose_store_fails_delay_no_photo(sandbox_of: Opener, tmp_path: Path, bucket: Bucket) -> None:
    address, folder, events = f"s3://{bucket.name}/p", tmp_path / "a", list[Event]()
    bucket.plan = lambda _method, _path: "503"
    async with sandbox_of(photos=300) as sandbox:
        summary = await harvest(folder, sandbox, address, rotation=Rotation(lines=50), events=events)
        assert (summary.status, summary.photos) == ("incomplete", 300)
        told = [event.sentence for event in events if isinstance(event, Noticed)]
        assert sum("is not published yet, and the harvest goes on" in sentence for sentence in told) == 1
        bucket.plan = lambda _method, _path: ""
        assert (await go_on(folder, sandbox)).status == "complete"
    assert await read_copy(address) == read_folder(folder)


@pytest.mark.slow
async def test_an_update_publishes_the_parts_that_it_has_written_anew(
    sandbox_of: Opener, tmp_path: Path, address: str
) -> None:
    folder = tmp_path / "a"
    async with sandbox_of(photos=300, owners=1) as sandbox:
        job = Job(source=Search(user=owner(sandbox)), detail="list")
        await harvest(folder, sandbox, address, job=job, rotation=Rotation(lines=50))
        before = set(await read_copy(address))
        ids = json.loads(sandbox.api.truth({"user_id": owner(sandbox)}))
        sandbox.api.control({"change": ids[:3], "delete": ids[100:102], "add": 5})
        assert (await go_on(folder, sandbox, update_archive)).status == "complete"
    copy = await read_copy(address)
    assert copy == read_folder(folder)
    assert set(copy) != before
    assert verify_archive(folder) == []


@pytest.mark.slow
async def test_killed_while_parts_are_published_nothing_is_lost_or_doubled(
    sandbox_of: Opener, tmp_path: Path, bucket: Bucket
) -> None:
    address, folder = f"s3://{bucket.name}/p", tmp_path / "a"
    search = ("search", "--tags", "sandbox", "--detail", "info", "-o", str(folder), "--pace", "none", "--quota", "none")
    async with sandbox_of(photos=300, latency=0.2) as sandbox:
        for number in (1, 2, 4, 0):
            process = await start(*search, "--rotate", "50", "--publish", address, api_url=sandbox.url)
            bucket.asked.clear()
            bucket.plan = _kill_at_put(number, process.pid, bucket)
            _, said = await process.communicate()
            assert process.returncode == (-signal.SIGKILL if number else 0), said.decode()
    ids = [line["id"] for line in map(json.loads, (folder / "photos.ndjson").read_text().splitlines())]
    assert len(ids) == len(set(ids)) < 50
    assert verify_archive(folder) == []
    assert await read_copy(address) == read_folder(folder)
    assert len(await list_keys(address)) == len(read_folder(folder)) + 1


def _kill_at_put(number: int, pid: int, bucket: Bucket) -> Callable[[str, str], Fault]:
    def plan(method: str, _path: str) -> Fault:
        if not number or method != "PUT" or [each for each, _ in bucket.asked].count("PUT") < number:
            return ""
        os.kill(pid, signal.SIGKILL)
        return "lost" if number % 2 else "cut"

    return plan


async def test_what_is_private_stays_so_in_a_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path / "a", sandbox, ALL)
    (tmp_path / "a" / "state.sqlite").chmod(0o600)
    await harvest(tmp_path / "a", sandbox, str(tmp_path / "p"))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "p").iterdir()}
    assert modes == {0o600}


async def test_a_full_disk_of_the_store_is_told(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("harvester.objects.folder.sync_file", fail)
    summary = await harvest(tmp_path / "a", sandbox, str(tmp_path / "p"))
    assert summary.status == "incomplete"
    assert "No space left on device" in summary.notes[-1]
    monkeypatch.undo()
    assert (await go_on(tmp_path / "a", sandbox)).status == "complete"
    assert await read_copy(str(tmp_path / "p")) == read_folder(tmp_path / "a")


def test_keys_tell_their_names() -> None:
    names = ["photos.ndjson", "errors.ndjson", "history/2026-11-27T15-00-00Z_2.ndjson.zst"]
    assert [read_key(name_key(name, "ab" * 32)) for name in names] == names
    assert [
        read_key(key) for key in ("photos.ndjson", "a.0123456789abcdef.ndjson", "../photos.0123456789abcdef.x")
    ] == [
        None,
        None,
        None,
    ]


@pytest.fixture
def _at_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=60, owners=2))) as url:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FLICKR_API_KEY", KEY)
        monkeypatch.setenv("FLICKR_API_URL", url)
        yield


@pytest.mark.usefixtures("_at_the_command_line")
def test_the_command_line_publishes_and_remembers(tmp_path: Path, bucket: Bucket) -> None:
    address = f"s3://{bucket.name}/monkeys"
    search = ("search", "--tags", "sandbox", "--detail", "info", "-o", "monkeys", "--pace", "none")
    result = call(*search, "--publish", address)
    assert result.exit_code == 0, result.output
    assert f"Published in {address}: 1 file" in result.stderr
    assert call("resume", "monkeys").exit_code == 0
    bucket.plan = lambda _method, _path: "403"
    result = call("update", "monkeys")
    assert result.exit_code == Exit.INCOMPLETE
    assert f"Not published in {address}: {address} refuses the credentials (403 InvalidAccessKeyId)" in result.stderr
    assert "Try the rest again with: harvester resume monkeys" in result.stderr
    assert "testing" not in result.output
    bucket.plan = lambda _method, _path: ""
    assert call("resume", "monkeys").exit_code == 0
    (tmp_path / "harvester.toml").write_text(
        '[jobs.more]\nsource = "search"\ntags = "sandbox"\ndetail = "list"\noutput = "more"\npublish = "copy"\n'
    )
    assert call("run", "--pace", "none").exit_code == 0
    assert read_manifest(tmp_path / "copy") is not None


@pytest.mark.usefixtures("_at_the_command_line")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("search", "--tags", "sandbox", "--publish", "x"), "--publish: only an archive can be published"),
        (("update", "a", "b", "--publish", "x"), "--publish: 2 archives cannot share one place"),
        (("search", "--tags", "sandbox", "-o", "a", "--publish", "s3://"), "names no bucket"),
        (("shard", "run", "store", "--publish", "x"), "--publish: shards are merged first"),
        (("search", "--tags", "sandbox", "-o", "a", "--publish", "s3://no-such-bucket/x"), "there is no such bucket"),
    ],
)
def test_a_wrong_place_is_a_wrong_use(arguments: tuple[str, ...], told: str, bucket: Bucket) -> None:
    assert bucket.name
    result = call(*arguments)
    assert result.exit_code == Exit.USAGE
    assert told in result.stderr


async def test_from_python(sandbox: Sandbox, tmp_path: Path, bucket: Bucket) -> None:
    address = f"s3://{bucket.name}/p"
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        bucket.plan = lambda _method, _path: "403" if is_refused else ""
        is_refused = False
        found = [p async for p in flickr.harvest(ALL.source, archive=tmp_path / "a", detail="info", publish=address)]
        assert len(found) == 300
        assert await read_copy(address) == read_folder(tmp_path / "a")
        is_refused = True
        with pytest.raises(Incomplete, match="refuses the credentials"):
            await flickr.update(tmp_path / "a")
        with pytest.raises(UsageError, match="only an archive can be published"):
            flickr.harvest(ALL.source, publish=address)
