"""Whoever writes an archive or a plan names the variable that holds its key, and gets no other secret out by that."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harvester.errors import Exit
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from harvester.shards.planning import plan_shards
from support.harvest import Opener, settings_for
from support.processes import start
from support.shard_runs import open_folder

SECRET = "sk-0123456789abcdef0123456789abcdef"
KEY = "fedcba9876543210fedcba9876543210"


@pytest.fixture
async def sandbox(sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """One beside an archive and a plan whose key is said to be in OTHER_API_KEY, when they were made at least."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTHER_API_KEY", KEY)
    Path("jobs.toml").write_text(
        '[jobs.theirs]\nsource = "search"\ntags = "sandbox"\nenv_prefix = "OTHER"\noutput = "theirs"\n'
    )
    async with sandbox_of(photos=3) as sandbox:
        process = await start(sandbox, "run", "--config", "jobs.toml")
        assert await process.wait() == Exit.COMPLETE
        other = settings_for(sandbox, api_key=KEY, env_prefix="OTHER")
        await plan_shards(open_folder(Path("store")), Job(source=Search(tags="sandbox")), other)
        yield sandbox


async def test_what_is_no_key_of_flickrs_is_not_sent(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_OAUTH_TOKEN", SECRET)
    before = sandbox.stats.calls
    for held, *command in (
        (SECRET, "resume", "theirs"),
        (SECRET, "update", "theirs"),
        (SECRET, "shard", "run", "store"),
        (KEY[:-1], "update", "theirs"),
        (f"{KEY}0", "update", "theirs"),
        ("", "update", "theirs"),
    ):
        monkeypatch.setenv("OTHER_API_KEY", held)
        process = await start(sandbox, *command)
        said, errors = await process.communicate()
        told = b"in OTHER_API_KEY, which holds no key of Flickr's (32 hexadecimal digits): put it there." in errors
        assert (process.returncode, told, SECRET.encode() in said + errors) == (Exit.USAGE, True, False), errors
    assert sandbox.stats.calls == before


async def test_status_is_told_without_it(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_API_KEY", SECRET)
    process = await start(sandbox, "status", "theirs", "--json", calls=False)
    said, errors = await process.communicate()
    assert (process.returncode, json.loads(said)["quota_left"]) == (Exit.COMPLETE, None), errors
