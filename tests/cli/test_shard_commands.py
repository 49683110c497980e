"""`harvester shard`: what people type, what it says, and with which exit code it ends."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from harvester.errors import Exit
from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import KEY, Opener
from support.object_stores import Bucket
from support.processes import start, until_calls


async def harvester(sandbox: Sandbox, *arguments: str, calls: bool = True) -> tuple[int, str]:
    """Run a command to its end: exit code, and all that it said."""
    process = await start(sandbox, *arguments, calls=calls)
    said, errors = await process.communicate()
    return process.returncode or 0, (said + errors).decode()


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store")


PLAN = ("shard", "plan", "search", "--tags", "sandbox", "--detail", "info", "--shard-photos", "40", "--store")


@pytest.mark.slow
async def test_from_the_plan_to_the_archive(sandbox_of: Opener, store: str, tmp_path: Path) -> None:
    archive = str(tmp_path / "archive")
    async with sandbox_of(photos=60) as sandbox:
        code, said = await harvester(sandbox, *PLAN, store)
        assert (code, "harvester shard run" in said) == (0, True), said
        code, said = await harvester(sandbox, "shard", "commit-status", store, calls=False)
        assert (code, "committed") == (Exit.INCOMPLETE, "committed"), said
        code, said = await harvester(sandbox, "shard", "merge", store, "-o", archive, calls=False)
        assert (code, "Nothing is merged: 1 shard not committed yet" in said) == (Exit.INCOMPLETE, True), said
        assert not Path(archive).exists()
        code, said = await harvester(sandbox, "shard", "run", store, "--work", str(tmp_path / "work"))
        assert (code, "none is left" in said) == (0, True), said
        code, said = await harvester(sandbox, "shard", "commit-status", store, "--json", calls=False)
        facts = json.loads(said)
        assert (code, facts["is_committed"], facts["photos"]) == (0, True, 60)
        code, said = await harvester(sandbox, "shard", "commit-status", store, "--left", calls=False)
        assert (code, said) == (0, "")
        code, said = await harvester(sandbox, "shard", "merge", store, "-o", archive, calls=False)
        assert (code, "Complete: 60 photos" in said) == (0, True), said
        code, said = await harvester(sandbox, "shard", "merge", store, "-o", archive, calls=False)
        assert (code, "is there already" in said) == (Exit.USAGE, True), said
    assert len(read_lines(tmp_path / "archive" / "photos.ndjson")) == 60
    assert not (tmp_path / "work").exists() or not list((tmp_path / "work").rglob("state.sqlite"))


@pytest.mark.slow
async def test_a_store_that_is_not_there_or_holds_no_plan_is_told(sandbox: Sandbox, store: str, tmp_path: Path) -> None:
    for command in (("run", store), ("commit-status", store), ("merge", store, "-o", str(tmp_path / "x"))):
        code, said = await harvester(sandbox, "shard", *command, calls=command[0] == "run")
        assert (code, "is no folder that is there" in said) == (Exit.USAGE, True), said
    Path(store).mkdir()
    code, said = await harvester(sandbox, "shard", "commit-status", store, calls=False)
    assert (code, "holds no plan of shards: `harvester shard plan` makes one" in said) == (Exit.USAGE, True)
    code, said = await harvester(sandbox, "shard", "run", store, "all-of-it")
    assert code == Exit.USAGE
    code, said = await harvester(sandbox, "shard", "run", store, "--lease", "never")
    assert (code, "lease: it must end some time" in said) == (Exit.USAGE, True), said


@pytest.mark.slow
async def test_a_named_shard_and_its_pieces_alone_are_run(sandbox_of: Opener, store: str, tmp_path: Path) -> None:
    async with sandbox_of(photos=60) as sandbox:
        await harvester(sandbox, *PLAN, store)
        process = await start(sandbox, "shard", "run", store, "--work", str(tmp_path / "one"), "--lease", "1s")
        while not list((tmp_path / "store").glob("commits/*")):
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        _, left = await harvester(sandbox, "shard", "commit-status", store, "--left", calls=False)
        shard = left.split()[-1]
        code, said = await harvester(
            sandbox, "shard", "run", store, shard, "--work", str(tmp_path / "two"), "--lease", "1s"
        )
        assert code == 0, said
        _, after = await harvester(sandbox, "shard", "commit-status", store, "--left", calls=False)
        assert set(left.split()) - set(after.split()) == {shard}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_it_and_the_next_machine_goes_on_at_once(
    number: signal.Signals, code: int, sandbox_of: Opener, store: str, tmp_path: Path
) -> None:
    async with sandbox_of(photos=60, latency=0.03) as sandbox:
        await harvester(sandbox, *PLAN[:-3], "--shard-photos", "1000", "--store", store)
        process = await start(sandbox, "shard", "run", store, "--work", str(tmp_path / "one"), "--workers", "2")
        await until_calls(sandbox, 40, process)
        process.send_signal(number)
        said, errors = await process.communicate()
        assert process.returncode == code, errors.decode()
        assert KEY not in (said + errors).decode()
        code, told = await harvester(sandbox, "shard", "run", store, "--work", str(tmp_path / "two"))
        assert (code, "of an earlier attempt are taken over" in told) == (0, True), told
        assert sandbox.stats.methods["flickr.photos.getInfo"] <= 64


@pytest.mark.slow
async def test_a_bucket_is_a_store(sandbox_of: Opener, bucket: Bucket, tmp_path: Path) -> None:
    store = f"s3://{bucket.name}/monkeys"
    async with sandbox_of(photos=60) as sandbox:
        for calls, *command in (
            (True, *PLAN, store),
            (True, "shard", "run", store, "--work", str(tmp_path / "work")),
            (False, "shard", "commit-status", store),
            (False, "shard", "merge", store, "-o", str(tmp_path / "archive")),
        ):
            code, said = await harvester(sandbox, *map(str, command), calls=bool(calls))
            assert code == 0, said
    assert len(read_lines(tmp_path / "archive" / "photos.ndjson")) == 60
