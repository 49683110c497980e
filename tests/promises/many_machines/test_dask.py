"""A harvest on the workers of a Dask cluster: real processes, that are killed."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from distributed import Client

from harvester.config.settings import Settings
from harvester.dask import harvest_on
from harvester.dask.cluster import find_cluster, harvest_in
from harvester.dask.course import Course
from harvester.dask.fleet import Fleet
from harvester.dask.task import take_shard
from harvester.errors import Exit, Unreachable, UsageError
from harvester.events import Summary, ignore
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.shards.planning import plan_shards
from harvester.verify.archive import prove_archive
from support.clusters import find_workers, until
from support.harvest import KEY, Opener, settings_for
from support.shard_runs import open_folder, read_by_id

PHOTOS = 240
JOB = Job(source=Search(tags="sandbox"))


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    async with sandbox_of(photos=PHOTOS, latency=0.02) as running:
        yield running


SEARCH = ("search", "--tags", "sandbox")


async def start(sandbox: Sandbox, folder: Path, *wanted: str, workers: int = 2) -> asyncio.subprocess.Process:
    """The driver, with workers that are processes of their own. What all of them say goes to a file."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url, "TMPDIR": str(folder / "tmp")}
    command = (
        *(*wanted, "--dask", f"local:{workers}", "--store", str(folder / "store")),
        *("-o", str(folder / "archive"), "--quota", "none", "--pace", "none", "--workers", "2", "-v"),
    )
    with (folder / "said.txt").open("ab") as said:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "harvester", *command), env=environment, stdout=said, stderr=said
        )


@pytest.mark.slow
async def test_workers_and_the_driver_are_killed_and_each_photo_comes_once(sandbox: Sandbox, tmp_path: Path) -> None:
    await plan_shards(open_folder(tmp_path / "store"), JOB, settings_for(sandbox), photos=60)
    said = tmp_path / "said.txt"
    async with asyncio.timeout(300):
        driver = await start(sandbox, tmp_path, *SEARCH)
        await until(sandbox, 20, driver, said)
        workers = find_workers(driver)
        assert len(workers) == 2
        workers[0].kill()
        await until(sandbox, 60, driver, said)
        workers = find_workers(driver)
        driver.kill()
        await driver.wait()
        psutil.wait_procs(workers, timeout=60)
        assert not any(each.is_running() for each in workers), "workers end with their driver"
        again = await start(sandbox, tmp_path, *SEARCH)
        await until(sandbox, 120, again, said)
        find_workers(again)[-1].send_signal(signal.SIGKILL)
        assert await again.wait() == 0, said.read_text()
    assert len(read_by_id(tmp_path / "archive/photos.ndjson")) == PHOTOS
    assert prove_archive(tmp_path / "archive").findings == ()
    assert KEY not in said.read_text()
    commits = [path.name for path in (tmp_path / "store/commits").iterdir()]
    assert len(commits) >= PHOTOS // 60


@pytest.mark.slow
async def test_an_account_comes_whole_and_asked_for_again_it_is_there(sandbox_of: Opener, tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    async with sandbox_of(photos=40, owners=1) as sandbox, asyncio.timeout(300):
        wanted = ("account", sandbox.catalogue.people[0].nsid)
        driver = await start(sandbox, tmp_path, *wanted, workers=1)
        assert await driver.wait() == Exit.COMPLETE, said.read_text()
        calls = sandbox.stats.calls
        again = await start(sandbox, tmp_path, *wanted, workers=1)
        assert await again.wait() == Exit.COMPLETE, said.read_text()
        assert sandbox.stats.calls == calls
    assert len(read_by_id(tmp_path / "archive/photos.ndjson")) == 40
    assert (tmp_path / "archive/photosets.ndjson").stat().st_size
    assert prove_archive(tmp_path / "archive").findings == ()


def test_what_is_sent_to_the_cluster_holds_no_secret() -> None:
    settings = Settings(api_key=KEY, api_secret="s3cr3t" * 4, oauth_token="t0k3n" * 4, oauth_token_secret="x" * 24)
    course = Course(job=JOB, store="s3://bucket/x", settings=settings, options={"pace": "1/s", "quota": None})
    assert course.assignment["options"] == {"pace": "1/s"}
    sent = pickle.dumps((take_shard, course.assignment))
    assert not any(secret.encode() in sent for secret in settings.secrets)


async def test_a_task_reports_what_is_wrong_instead_of_raising_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    open_folder(tmp_path / "store")
    course = Course(job=JOB, store=str(tmp_path / "store"), settings=Settings(api_key=KEY))
    report = await take_shard(course.assignment)
    assert (report["shard"], report["exit_code"]) == (None, Exit.USAGE)
    assert "holds no plan of shards" in str(report["error"])


@pytest.mark.parametrize("address", ["local:0", "local:many", "scheduler", "tcp://host:port", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        find_cluster(address)


async def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    import dask  # noqa: PLC0415

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        course = Course(job=JOB, store=str(tmp_path), settings=Settings(api_key=KEY))
        fleet = Fleet([course])
        with pytest.raises(Unreachable, match="No scheduler"):
            await harvest_in(find_cluster("tcp://127.0.0.1:9"), fleet, observer=ignore, stop=asyncio.Event())


def test_without_the_extra_it_is_told_and_nothing_of_it_is_imported(tmp_path: Path) -> None:
    check = (
        "import sys\nsys.modules['distributed'] = None\nsys.modules['obstore'] = None\n"
        "from harvester.cli import main\n"
        f"sys.argv = ['harvester', 'search', '--tags', 'a', '--dask', 'local:2', '--store', {str(tmp_path)!r}, "
        f"'-o', {str(tmp_path / 'x')!r}]\nmain()"
    )
    environment = {**os.environ, "FLICKR_API_KEY": KEY}
    done = subprocess.run([sys.executable, "-c", check], env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == Exit.USAGE
    assert 'pip install "flickr-harvester[dask]"' in done.stderr
    listed = "import sys; from harvester.cli import main; main(['shard', 'run', '--help'], standalone_mode=False)"
    heavy = "assert not {'distributed', 'dask', 'obstore', 'redis', 'aiohttp', 'harvester.shards'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{listed}\n{heavy}"], env=environment, check=True, capture_output=True)


@pytest.mark.slow
async def test_from_python_a_blocking_client_gets_the_summary(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with sandbox_of(photos=30) as sandbox:
        options = {"api_url": sandbox.url, "quota": "none", "pace": "none"}

        def harvest() -> Summary:
            given: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
            connect: Any = Client
            with connect(processes=False, **given) as client:
                summary: Summary = harvest_on(
                    client, JOB, store=tmp_path / "store", output=tmp_path / "archive", options=options
                )
                return summary

        summary = await asyncio.to_thread(harvest)
    assert (summary.status, summary.photos) == ("complete", 30)
    assert len(read_by_id(tmp_path / "archive/photos.ndjson")) == 30
