"""`harvester run --dask`: a config file's jobs as one fleet, on real processes that are killed."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]
import pytest
from distributed import Client

from harvester.cli.fleet import name_folder
from harvester.dask.course import Course
from harvester.dask.fleet import Fleet
from harvester.engine.key_names import read_env_prefix
from harvester.errors import Exit
from harvester.events import Summary
from harvester.jobs.model import Account, Job, Search, Source
from harvester.sandbox.server import Sandbox
from harvester.shards.planning import plan_shards
from harvester.verify.archive import prove_archive
from support.clusters import find_workers, until
from support.harvest import KEY, Opener, settings_for
from support.shard_runs import open_folder, read_by_id

PHOTOS = 240
PARTNER_KEY, REFUSED_KEY = "abcdef0123456789abcdef0123456789", "0" * 31 + "x"
JOBS = """
[limits]
pace = "none"
workers = 2

[jobs.all]
source = "search"
tags = "sandbox"
quota = "none"
output = "archives/all"

[jobs."the owner's"]
source = "account"
user = "{owner}"
env_prefix = "PARTNER"
quota = "50000/h"
output = "archives/owner"

[jobs.first]
source = "search"
tags = "sandbox"
limit = 10
output = "archives/first"

[jobs.refused]
source = "search"
tags = "sandbox"
env_prefix = "REFUSED"
output = "archives/refused"

[jobs.twice]
source = "search"
tags = "sandbox"
output = "archives/all"

[jobs.wrong]
source = "search"
tags = "sandbox"
with = "nonsense"
output = "archives/wrong"

[jobs.some]
source = "photos"
ids = [{ids}]
quota = "none"
output = "archives/some"

[notice]
on_complete = "cat >> told.txt"
"""


def find_owner(sandbox: Sandbox) -> tuple[str, int]:
    """Who has the most photos, and how many."""
    number, photos = Counter(sandbox.catalogue.owners).most_common(1)[0]
    return sandbox.catalogue.people[number].nsid, photos


async def start(sandbox: Sandbox, folder: Path, *jobs: str) -> asyncio.subprocess.Process:
    """The driver of a fleet, with two workers. What all of them say goes to a file."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "FLICKR_API_KEY": KEY,
        "PARTNER_API_KEY": PARTNER_KEY,
        "REFUSED_API_KEY": REFUSED_KEY,
        "FLICKR_API_URL": sandbox.url,
        "TMPDIR": str(folder / "tmp"),
    }
    with (folder / "said.txt").open("ab") as said:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "harvester", "run", *jobs, "--config", "jobs.toml"),
            *("--dask", "local:2", "--store", "store"),
            env=environment,
            stdout=said,
            stderr=said,
            cwd=folder,
        )


def read_table(said: Path) -> dict[str, str]:
    """The table at the end: how each job has ended."""
    found = [re.split(r"  +", line, maxsplit=1) for line in said.read_text().splitlines()[-7:]]
    return {title.removeprefix("Job "): how for title, how in found}


@pytest.mark.slow
async def test_jobs_share_a_cluster_that_is_killed_and_one_that_fails_stops_no_other(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    said = tmp_path / "said.txt"
    async with sandbox_of(photos=PHOTOS, latency=0.02, owners=2) as sandbox, asyncio.timeout(900):
        owner, owned = find_owner(sandbox)
        some = [sandbox.catalogue.id_of(n) for n in range(7)]
        (tmp_path / "jobs.toml").write_text(JOBS.format(owner=owner, ids=", ".join(map(str, some))))
        (tmp_path / "store").mkdir()
        sources: dict[str, Source] = {"all": Search(tags="sandbox"), "the owner's": Account(user=owner)}
        for name, source in sources.items():
            store = open_folder(tmp_path / "store" / name_folder(name))
            await plan_shards(store, Job(source=source), settings_for(sandbox), photos=60)
        driver = await start(sandbox, tmp_path)
        await until(sandbox, 40, driver, said)
        workers = find_workers(driver)
        workers[0].kill()
        await until(sandbox, 120, driver, said)
        workers = find_workers(driver)
        driver.kill()
        await driver.wait()
        psutil.wait_procs(workers, timeout=60)
        again = await start(sandbox, tmp_path)
        assert await again.wait() == Exit.KEY_REFUSED, said.read_text()
        ends = read_table(said)
        calls = sandbox.stats.calls
        once_more = await start(sandbox, tmp_path, "all", "the owner's", "some")
        assert await once_more.wait() == Exit.COMPLETE, said.read_text()
        assert sandbox.stats.calls == calls, "what is merged costs no call"
    limited = "refused: limit: shards know nothing of each other, so none can tell when the limit is met."
    assert ends["all"] == ends["the owner's"] == ends["some"] == "complete"
    assert (ends["first"], ends["refused"]) == (limited, "key or login refused")
    assert ends["twice"] == "refused: output: archives/all is the output of job all already."
    assert ends["wrong"].startswith("refused: jobs.toml: jobs.wrong.with: ")
    for name, photos in (("all", PHOTOS), ("owner", owned), ("some", len(some))):
        assert len(read_by_id(tmp_path / f"archives/{name}/photos.ndjson")) == photos
        assert prove_archive(tmp_path / "archives" / name).findings == ()
    assert len((tmp_path / "archives/owner/photosets.ndjson").read_bytes().splitlines()) > 0
    assert sandbox.stats.keys[PARTNER_KEY] >= 2 * owned, "a job asks with its own key"
    assert sandbox.stats.keys[KEY] >= 2 * PHOTOS
    assert read_told(tmp_path / "told.txt") == {"all", "owner", "some"}
    for path in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "jobs.toml"):
        held = path.read_bytes()
        assert not any(key.encode() in held for key in (KEY, PARTNER_KEY, REFUSED_KEY)), path


def read_told(path: Path) -> set[str]:
    """The names of the archives whose end a command was told of."""
    return {Path(orjson.loads(line)["archive"]).name for line in path.read_bytes().splitlines()}


@pytest.mark.slow
async def test_with_one_thread_each_job_gets_its_share_of_it(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that comes first in the file is not done before the other has begun."""
    monkeypatch.setenv("FLEET_API_KEY", KEY)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    names = ("a", "b")
    async with sandbox_of(photos=80) as sandbox:
        courses = [build_course(sandbox, tmp_path, name) for name in names]
        for course in courses:
            await plan_shards(open_folder(Path(course.store)), course.job, course.settings, photos=20)
        fleet = Fleet(courses)
        given: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
        connect: Any = Client
        async with connect(processes=False, asynchronous=True, **given) as client, asyncio.timeout(120):
            await fleet.run(client, asyncio.Event())
    assert [each.end.status for each in fleet.members if isinstance(each.end, Summary)] == ["complete"] * 2
    assert [read_env_prefix(tmp_path / f"archive-{name}") for name in names] == ["FLEET"] * 2
    moments = {name: sorted(path.stat().st_mtime for path in (tmp_path / name / "commits").iterdir()) for name in names}
    first = min(names, key=lambda name: moments[name][-1])
    other = next(name for name in names if name != first)
    done_by_then = sum(moment <= moments[first][-1] for moment in moments[other])
    assert done_by_then >= len(moments[other]) // 2


def build_course(sandbox: Sandbox, folder: Path, name: str) -> Course:
    options = {"api_url": sandbox.url, "quota": "none", "pace": "none"}
    return Course(
        name=name,
        job=Job(source=Search(tags="sandbox")),
        store=str(folder / name),
        settings=settings_for(sandbox, env_prefix="FLEET"),
        output=folder / f"archive-{name}",
        options=options,
    )


@pytest.mark.parametrize(
    ("job", "folder"),
    [("monkeys-2_A", "monkeys-2_A"), ("..", "~2e~2e"), ("a/b %2F", "a~2fb~20~252F"), ("Zoë", "Zo~c3~ab")],
)
def test_whatever_a_job_is_called_its_store_is_a_folder_below(job: str, folder: str) -> None:
    assert name_folder(job) == folder
