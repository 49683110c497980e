"""The long proofs, run by `make soak`: kills by the dozen, parallel archives within one quota, a million photos."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import orjson
import pytest

from harvester.sandbox.oauth import secret_of
from harvester.verify.archive import verify_archive
from support.accounts import check_account
from support.archives import read_lines
from support.harvest import KEY, Opener
from support.processes import start_quietly

pytestmark = pytest.mark.skipif(not os.environ.get("HARVESTER_SOAK"), reason="long: run by make soak")


class Server:
    """A sandbox in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    def get(self, path: str) -> Any:
        with urlopen(Request(self.url.removesuffix("/services/rest/") + path)) as answer:  # noqa: S310
            return orjson.loads(answer.read())


@asynccontextmanager
async def serve(*options: str, port: int = 0) -> AsyncIterator[Server]:
    command = ["-m", "harvester", "sandbox", "--port", str(port), *options]
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=pipe, stderr=null)
    assert process.stdout
    try:
        yield Server(process, (await process.stdout.readline()).decode().strip())
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def ids_of(folder: Path) -> list[str]:
    with (folder / "photos.ndjson").open("rb") as file:
        return [orjson.loads(line)["id"] for line in file]


async def test_fifty_kills_cost_at_most_a_twentieth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full_speed = ("--quota", "none", "--pace", "none")
    rng = random.Random(11)
    async with serve("--photos", "30000", "--faults", "0.05", "--drift", "0.2") as server:
        everything = ("search", "--tags", "sandbox", *full_speed, "-o")
        process = await start_quietly(server.url, *everything, str(tmp_path / "calm"))
        assert await process.wait() == 0
        calm = server.get("/__stats")["calls"]
        for _ in range(50):
            process = await start_quietly(server.url, *everything, str(tmp_path / "killed"))
            target = server.get("/__stats")["calls"] + rng.randrange(200, 2_000)
            while process.returncode is None and server.get("/__stats")["calls"] < target:
                await asyncio.sleep(0.01)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()
        process = await start_quietly(server.url, *everything, str(tmp_path / "killed"))
        assert await process.wait() == 0
        spent = server.get("/__stats")["calls"] - calm
        stays = set(server.get("/__truth?tags=sandbox"))
    ids = ids_of(tmp_path / "killed")
    with capsys.disabled():
        print(f"\n50 kills: {spent:,} calls, undisturbed {calm:,}: {spent / calm:.4f}")  # noqa: T201
    assert len(ids) == len(set(ids))
    assert stays & set(ids_of(tmp_path / "calm")) <= set(ids)
    assert verify_archive(tmp_path / "killed") == []
    assert spent <= calm * 1.05


async def test_two_archives_and_kills_stay_within_one_quota(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = ("--quota", "300/5s", "--pace", "400/s")
    rng = random.Random(5)
    photos = 1_500
    async with serve("--photos", str(photos)) as server:
        began = time.monotonic()

        async def harvest(folder: Path) -> None:
            code = -1
            for life in range(4):
                process = await start_quietly(server.url, "search", "--tags", "sandbox", *limits, "-o", str(folder))
                if life < 3:
                    await asyncio.sleep(3 + 6 * rng.random())
                    if process.returncode is None:
                        process.send_signal(signal.SIGKILL)
                code = await process.wait()
            assert code == 0

        await asyncio.gather(harvest(tmp_path / "one"), harvest(tmp_path / "two"))
        took = time.monotonic() - began
        stats = server.get("/__stats?period=5")
    least = (stats["calls"] - 1) // 300 * 5
    with capsys.disabled():
        print(f"\n{stats['calls']:,} calls, worst window {stats['worst_window']}, {took:.1f} s, least {least} s")  # noqa: T201
    assert stats["worst_window"] <= 300
    assert took <= least * 1.05 + 2  # the last window is not full, and a process takes half a second to start
    for name in ("one", "two"):
        assert len(set(ids_of(tmp_path / name))) == len(ids_of(tmp_path / name)) == photos


async def test_memory_does_not_grow_with_the_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peaks = {}
    for photos in (10_000, 1_000_000):
        async with serve("--photos", str(photos)) as server:
            peaks[photos] = await peak_memory(server.url, tmp_path / str(photos))
            (tmp_path / str(photos) / "photos.ndjson").unlink()
    with capsys.disabled():
        print(f"\npeak memory in MB: {peaks}")  # noqa: T201
    assert peaks[1_000_000] <= peaks[10_000] + 20


async def peak_memory(url: str, folder: Path) -> float:
    options = ("--detail", "list", "--quota", "none", "--pace", "none", "-q", "-o", str(folder))
    return await watch_memory(await start_quietly(url, "search", "--tags", "sandbox", *options))


async def watch_memory(process: asyncio.subprocess.Process) -> float:
    """The most memory, in MB, of a process that ends well."""
    peak = 0
    while process.returncode is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        peak = max([peak, *map(int, re.findall(r"VmHWM:\s+(\d+)", status))])
        await asyncio.sleep(0.2)
    assert await process.wait() == 0
    return peak / 1024


async def test_an_outage_of_a_minute_is_lived_through(tmp_path: Path) -> None:
    async with serve("--photos", "3000", "--latency", "0.02") as server:
        port = int(server.url.split(":")[2].split("/")[0])
        full_speed = ("--quota", "none", "--pace", "none", "-o", str(tmp_path))
        process = await start_quietly(server.url, "search", "--tags", "sandbox", *full_speed)
        while server.get("/__stats")["calls"] < 1_000:
            await asyncio.sleep(0.05)
        server.process.terminate()
        await server.process.wait()
    await asyncio.sleep(60)
    assert process.returncode is None
    async with serve("--photos", "3000", port=port):
        assert await asyncio.wait_for(process.wait(), 180) == 0
    assert len(set(ids_of(tmp_path))) == len(ids_of(tmp_path)) == 3_000


@pytest.mark.parametrize("logged_in", [True, False])
async def test_an_account_killed_ten_times_and_then_updated_equals_the_catalogue(
    logged_in: bool, sandbox_of: Opener, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(13)
    async with sandbox_of(photos=30_000, owners=2, private=0.1) as sandbox:
        catalogue, person = sandbox.catalogue, sandbox.catalogue.people[0]
        token, secret = sandbox.authority.grant(person)
        login = {
            "FLICKR_API_SECRET": secret_of(KEY),
            "FLICKR_OAUTH_TOKEN": token,
            "FLICKR_OAUTH_TOKEN_SECRET": secret,
        }
        seen_by, environment = (person.nsid, login) if logged_in else (None, {})
        full_speed = ("--quota", "none", "--pace", "none", "-q")

        async def run(*arguments: str) -> tuple[int, float, float]:
            calls, began = sandbox.stats.calls, time.monotonic()
            peak = await watch_memory(await start_quietly(sandbox.url, *arguments, *full_speed, **environment))
            return sandbox.stats.calls - calls, time.monotonic() - began, peak

        def check() -> None:
            check_account(tmp_path, sandbox, person.nsid, login=seen_by)
            own = [n for n in range(len(catalogue)) if catalogue.owners[n] == 0 and n not in catalogue.removed]
            wanted = {str(catalogue.id_of(n)) for n in own if logged_in or not catalogue.is_private(n)}
            assert set(ids_of(tmp_path)) == wanted
            assert verify_archive(tmp_path) == []

        account = ("account", person.nsid, "--detail", "info", "-o", str(tmp_path))
        for _ in range(10):
            process = await start_quietly(sandbox.url, *account, *full_speed, **environment)
            target = sandbox.stats.calls + rng.randrange(50, 2_000)
            while process.returncode is None and sandbox.stats.calls < target:
                await asyncio.sleep(0.002)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()
        killed = sandbox.stats.calls
        harvested = await run(*account)
        check()
        ids = ids_of(tmp_path)
        public = [i for i in ids if not catalogue.is_private(catalogue.number_of(i) or 0)]
        changed, deleted = public[100:150], public[900:910]
        sandbox.api.control({"change": changed, "delete": deleted, "add": 20})
        updated = await run("update", str(tmp_path))
        check()
        added = len(set(ids_of(tmp_path)) - set(ids))
        told = [line["change"] for line in read_lines(tmp_path / "changes.ndjson")]
        assert {name: told.count(name) for name in told} == {"changed": 50, "removed": 10, "added": added}
        before = {path.name: path.read_bytes() for path in tmp_path.glob("*.ndjson")}
        unchanged = await run("update", str(tmp_path))
        check()
        assert before["photos.ndjson"] == (tmp_path / "photos.ndjson").read_bytes()
        sets = len(before["photosets.ndjson"].splitlines())
        lists = 1.1 * len(ids) / 500 + 12
        assert unchanged[0] <= lists
    with capsys.disabled():
        print(f"\n{len(ids):,} photos in {sets} sets, 10 kills: {killed:,} + {harvested[0]:,} calls")  # noqa: T201
        for name, (calls, seconds, peak) in (("last", harvested), ("update", updated), ("unchanged", unchanged)):
            print(f"  {name}: {calls:,} calls, {seconds:.1f} s, {peak:.0f} MB")  # noqa: T201
