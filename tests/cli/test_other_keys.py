"""An archive is gone on with by the key that it is harvested with, wherever that stands in the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harvester.archive.repair.run import repair_archive
from harvester.engine.key_names import read_env_prefix
from harvester.errors import Exit
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.shards.planning import plan_shards
from support.archives import read_archive, read_lines
from support.harvest import KEY, Opener, settings_for
from support.processes import start
from support.shard_runs import open_folder

pytestmark = pytest.mark.slow
PARTNER = "fedcba9876543210fedcba9876543210"
JOBS = """
[jobs.theirs]
source = "search"
tags = "sandbox"
env_prefix = "PARTNER"
output = "theirs"

[jobs.ours]
source = "search"
tags = "sandbox"
output = "ours"
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARTNER_API_KEY", PARTNER)
    Path("jobs.toml").write_text(JOBS)


async def harvester(sandbox: Sandbox, *arguments: str, calls: bool = True) -> tuple[int, str, dict[str, int]]:
    """Run a command to its end: exit code, what it said, and with which keys it has made how many calls."""
    before = sandbox.stats.keys.copy()
    process = await start(sandbox, *arguments, calls=calls)
    said, errors = await process.communicate()
    return process.returncode or 0, (said + errors).decode(), dict(sandbox.stats.keys - before)


async def test_a_job_of_another_key_is_resumed_and_updated_with_that(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Path("theirs/photos.ndjson")
    async with sandbox_of(photos=12) as sandbox:
        code, said, keys = await harvester(sandbox, "run", "theirs", "--config", "jobs.toml")
        assert (code, list(keys)) == (Exit.COMPLETE, [PARTNER]), said
        lines.write_bytes(b"".join(lines.read_bytes().splitlines(keepends=True)[:-2]))
        Path("theirs/state.sqlite").unlink()
        repair_archive(Path("theirs"))
        monkeypatch.delenv("PARTNER_API_KEY")
        for command in ("resume", "update"):
            code, said, keys = await harvester(sandbox, command, "theirs")
            told = "theirs is harvested with the key in PARTNER_API_KEY, which holds no key of Flickr's"
            assert (code, keys, told in said) == (Exit.USAGE, {}, True), said
        monkeypatch.setenv("PARTNER_API_KEY", PARTNER)
        for command in ("resume", "update"):
            code, said, keys = await harvester(sandbox, command, "theirs")
            assert (code, list(keys)) == (Exit.COMPLETE, [PARTNER]), said
    assert len(read_lines(lines)) == 12
    assert json.loads(Path("theirs/manifest.json").read_bytes())["facts"]["env_prefix"] == "PARTNER"
    assert not any(PARTNER.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


async def test_of_several_archives_each_is_updated_with_its_own_key(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=12) as sandbox:
        code, said, _ = await harvester(sandbox, "run", "--config", "jobs.toml")
        assert code == Exit.COMPLETE, said
        code, said, keys = await harvester(sandbox, "update", "theirs", "ours")
        assert (code, sorted(keys)) == (Exit.COMPLETE, sorted([PARTNER, KEY])), said
        sandbox.api.control({"refuse_key": PARTNER})
        code, said, keys = await harvester(sandbox, "update", "theirs", "ours")
        assert (code, keys[KEY] > 0) == (Exit.KEY_REFUSED, True), said


async def test_status_tells_what_is_left_of_the_quota_of_its_key(
    sandbox_of: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=12) as sandbox:
        job = ("run", "theirs", "--config", "jobs.toml", "--pace", "none")
        code, said, keys = await harvester(sandbox, *job, calls=False)
        assert code == Exit.COMPLETE, said
        _, said, _ = await harvester(sandbox, "status", "theirs", "--json", calls=False)
        assert json.loads(said)["quota_left"] == 3600 - keys[PARTNER]
        monkeypatch.delenv("PARTNER_API_KEY")
        _, said, _ = await harvester(sandbox, "status", "theirs", "--json", calls=False)
        assert json.loads(said)["quota_left"] is None


async def test_whoever_harvests_an_archive_with_the_own_key_goes_on_with_that(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=12) as sandbox:
        await harvester(sandbox, "run", "theirs", "--config", "jobs.toml")
        await harvester(sandbox, "search", "--tags", "sandbox", "-o", "theirs")
        code, said, keys = await harvester(sandbox, "update", "theirs")
    assert (code, list(keys)) == (Exit.COMPLETE, [KEY]), said


async def test_an_update_by_another_job_is_gone_on_with_by_its_key(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=12) as sandbox:
        await harvester(sandbox, "run", "ours", "--config", "jobs.toml")
        Path("jobs.toml").write_text(JOBS.replace('"theirs"', '"ours"'))
        code, said, keys = await harvester(sandbox, "run", "theirs", "--config", "jobs.toml", "--update")
        assert (code, list(keys)) == (Exit.COMPLETE, [PARTNER]), said
    assert read_env_prefix(Path("ours")) == "PARTNER"


async def test_shards_of_another_key_are_run_and_their_archive_is_updated_with_that(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=12) as sandbox:
        theirs = settings_for(sandbox, api_key=PARTNER, env_prefix="PARTNER")
        await plan_shards(open_folder(Path("store")), Job(source=Search(tags="sandbox")), theirs)
        code, said, keys = await harvester(sandbox, "shard", "run", "store")
        assert (code, list(keys)) == (Exit.COMPLETE, [PARTNER]), said
        for target in ("merged", "again"):
            code, said, _ = await harvester(sandbox, "shard", "merge", "store", "-o", target, calls=False)
            assert code == Exit.COMPLETE, said
        assert read_archive(tmp_path / "merged") == read_archive(tmp_path / "again")
        code, said, keys = await harvester(sandbox, "update", "merged")
        assert (code, list(keys)) == (Exit.COMPLETE, [PARTNER]), said
        monkeypatch.delenv("PARTNER_API_KEY")
        code, said, keys = await harvester(sandbox, "shard", "run", "store")
        assert (code, keys, "with the key in PARTNER_API_KEY, which holds no key" in said) == (Exit.USAGE, {}, True), (
            said
        )
