"""What cannot be had for now holds up no update: the rest is merged, and it is tried again the next time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.engine.run import Output, UpdateWanted, run_job
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import UsageError
from harvester.jobs.model import Account, Job, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.accounts import ask_all, check_account, owner
from support.answers import BUSY
from support.archives import changes_of, ids_of, read_lines
from support.harvest import Opener, harvest_into, settings_for

Fail = Callable[[Callable[[dict[str, str]], bool], bytes], None]


OLDER = "The last update could not get 1 photo or list, and kept the older lines; update to try again."


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
    return found


def line_of(folder: Path, photo_id: str) -> dict[str, Any]:
    (line,) = [line for line in read_lines(folder / "photos.ndjson") if line["id"] == photo_id]
    return line


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"<html>", BUSY])
async def test_one_photo_that_fails_for_good_holds_up_no_update(
    body: bytes, sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="info"))
    bad, *others = ids_of(tmp_path)[:4]
    old = line_of(tmp_path, bad)
    with failing(sandbox, lambda query: query.get("photo_id") == bad, body):
        for n in range(2):
            sandbox.api.control({"change": [bad, *others]})
            summary = await run_update(tmp_path, settings_for(sandbox))
            assert (summary.status, summary.failed) == ("incomplete", 1)
            assert summary.notes[0] == "Since the last time: 3 photos changed."
            assert line_of(tmp_path, bad) == old
            assert [line["id"] for line in read_lines(tmp_path / "errors.ndjson")] == [bad]
            assert verify_archive(tmp_path) == [OLDER]
            told = manifest_of(tmp_path)
            assert (told["status"], told["counts"]["failed"]) == ("incomplete", 1)
            assert len(changes_of(tmp_path)["changed"]) == 3 * (n + 1)
    summary = await run_update(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.new) == ("complete", 1)
    assert line_of(tmp_path, bad)["search"]["lastupdate"] > old["search"]["lastupdate"]
    assert not (tmp_path / "errors.ndjson").exists()
    assert manifest_of(tmp_path)["status"] == "complete"
    assert verify_archive(tmp_path) == []


@pytest.mark.parametrize("again", [run_update, run_resume])
async def test_a_new_photo_that_fails_is_missed_until_it_is_there(
    again: Callable[..., Any], sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    job = Job(source=Search(tags="sandbox"), detail="info")
    await harvest_into(tmp_path, sandbox, job)
    (new,) = sandbox.api.control({"add": 1})["added"]
    with failing(sandbox, lambda query: query.get("photo_id") == new):
        assert (await run_update(tmp_path, settings_for(sandbox))).status == "incomplete"
    assert new not in ids_of(tmp_path)
    assert verify_archive(tmp_path) == ["Listed by the last update and not there yet: 1 photo; update to try again."]
    summary = await harvest_into(tmp_path, sandbox, job)
    assert summary.status == "incomplete"
    assert "What the last update could not get: 1; `harvester update` tries again." in summary.notes
    assert [line["id"] for line in read_lines(tmp_path / "errors.ndjson")] == [new]
    assert (await again(tmp_path, settings_for(sandbox))).status == "complete"
    assert new in ids_of(tmp_path)
    assert verify_archive(tmp_path) == []
    assert [line["id"] for line in changes_of(tmp_path)["added"]] == [new]


async def test_a_photo_that_failed_in_the_first_run_holds_up_no_update_either(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    bad = str(sandbox.catalogue.id_of(3))
    with failing(sandbox, lambda query: query.get("photo_id") == bad):
        assert (await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="info"))).failed == 1
        sandbox.api.control({"change": ids_of(tmp_path)[:2]})
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert summary.notes[0] == "Since the last time: 2 photos changed."
        assert (summary.status, summary.photos) == ("incomplete", 299)
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert len(ids_of(tmp_path)) == 300
    assert [line["id"] for line in changes_of(tmp_path)["added"]] == [bad]
    assert verify_archive(tmp_path) == []


async def test_a_photo_that_failed_in_the_first_run_and_is_gone_since_was_never_there(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    bad = str(sandbox.catalogue.id_of(3))
    with failing(sandbox, lambda query: query.get("photo_id") == bad):
        await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="info"))
    sandbox.api.control({"delete": [bad]})
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert read_lines(tmp_path / "changes.ndjson") == []
    assert verify_archive(tmp_path) == []


async def test_a_run_that_was_cut_short_is_still_to_be_resumed_before_an_update(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list", limit=10))
    with pytest.raises(UsageError, match="harvested with a limit"):
        await run_update(tmp_path, settings_for(sandbox))


async def test_what_became_of_a_photo_is_asked_again_where_it_could_not_be_found_out(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    gone = ids_of(tmp_path)[7]
    sandbox.api.control({"delete": [gone]})
    with failing(sandbox, lambda query: query.get("photo_id") == gone):
        assert (await run_update(tmp_path, settings_for(sandbox))).status == "incomplete"
    assert gone in ids_of(tmp_path)
    assert verify_archive(tmp_path) == [OLDER]
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert [line["id"] for line in changes_of(tmp_path)["removed"]] == [gone]


@pytest.mark.slow
async def test_of_ones_own_account_a_photo_that_failed_is_asked_for_again(
    sandbox_of: Opener, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    async with sandbox_of(photos=300, owners=1) as sandbox:
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
        login: dict[str, Any] = {"api_secret": "0123456789abcdef", "oauth_token": token, "oauth_token_secret": secret}
        await harvest_into(tmp_path, sandbox, Job(source=Account(user="me"), detail="info"), **login)
        bad = ids_of(tmp_path)[5]
        sandbox.api.control({"change": [bad]})
        with failing(sandbox, lambda query: query.get("photo_id") == bad):
            assert (await run_update(tmp_path, settings_for(sandbox, **login))).status == "incomplete"
        summary = await run_update(tmp_path, settings_for(sandbox, **login))
        assert (summary.status, summary.new) == ("complete", 1)
        assert (await run_update(tmp_path, settings_for(sandbox, **login))).new == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["photosets.getPhotos", "photosets.getList", "contacts.getPublicList", "people.getInfo"]
)
async def test_a_list_that_fails_for_good_stays_as_it_was_and_holds_up_no_update(
    method: str, sandbox_of: Opener, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    async with sandbox_of(photos=300, owners=2) as sandbox:
        nsid = owner(sandbox)
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=nsid), detail="list"))
        (name,) = [name for name in ("photosets", "contacts", "people") if method.startswith(name)]
        (bad, *_), path = (
            ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=nsid),
            tmp_path / f"{name}.ndjson",
        )
        before = {line["id"]: line for line in read_lines(path)}
        ids = ids_of(tmp_path)
        sandbox.api.control({"change": ids[:20], "delete": ids[30:60], "add": 3})

        def which(query: dict[str, str]) -> bool:
            is_list = query.get("method") == f"flickr.{method}"
            return is_list and query.get("photoset_id", bad["id"]) == bad["id"]

        with failing(sandbox, which):
            summary = await run_update(tmp_path, settings_for(sandbox))
            assert summary.status == "incomplete"
            after = {line["id"]: line for line in read_lines(path)}
            kept = {bad["id"]} if method == "photosets.getPhotos" else set(before)
            assert {i: after[i] for i in kept} == {i: before[i] for i in kept}
            assert len(after) == len(before)
            assert len(changes_of(tmp_path)["changed"]) == 20
            assert verify_archive(tmp_path) == [OLDER]
            assert len(read_lines(tmp_path / "errors.ndjson")) == 1
        assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
        check_account(tmp_path, sandbox, nsid)
    assert verify_archive(tmp_path) == []
    assert not (tmp_path / "errors.ndjson").exists()


async def test_an_archive_of_an_older_format_that_nobody_can_change_can_be_looked_at(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    with closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as database:
        database.execute("DROP TABLE unfetched")
        database.execute("DROP TABLE part")
        database.execute("ALTER TABLE todo DROP COLUMN draft")
        database.execute("PRAGMA user_version=3")
        database.execute("PRAGMA journal_mode=DELETE")
    with open_archive_to_read(tmp_path) as state:
        assert list(state.failures()) == []
    assert verify_archive(tmp_path) == []


async def test_a_job_that_runs_every_night_is_held_up_by_no_photo_that_fails(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    job, settings = Job(source=Search(tags="sandbox"), detail="info"), settings_for(sandbox)
    bad = str(sandbox.catalogue.id_of(3))
    nightly = Output(folder=tmp_path, update=True)
    with failing(sandbox, lambda query: query.get("photo_id") == bad):
        assert (await run_job(job, settings, output=nightly)).status == "incomplete"
        for _ in range(2):
            (new,) = sandbox.api.control({"add": 1})["added"]
            with pytest.raises(UpdateWanted):
                await run_job(job, settings, output=nightly)
            assert (await run_update(tmp_path, settings)).status == "incomplete"
            assert new in ids_of(tmp_path)
    with pytest.raises(UpdateWanted):
        await run_job(job, settings, output=Output(folder=tmp_path, redo_update=True))
    assert (await run_update(tmp_path, settings)).status == "complete"
    assert bad in ids_of(tmp_path)
