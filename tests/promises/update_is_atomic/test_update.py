"""Updates over real HTTP: afterwards the archive equals the catalogue, and tells what has changed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.checkpoint.schema import FORMAT
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import STATE
from harvester.archive.repair.run import repair_archive
from harvester.engine.identity import NOT_LOGGED_IN
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import CannotWrite, KeyRefused, UsageError
from harvester.events import Event, Started
from harvester.jobs.model import Account, Album, Favorites, Job, Photos, Search
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.transport.retry import Backoff
from harvester.verify.archive import verify_archive
from support.accounts import check_account, owner
from support.archives import changes_of, history_of, ids_of, read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for
from support.processes import start, until_calls


def truth(sandbox: Sandbox, **query: str) -> set[str]:
    return set(json.loads(sandbox.api.truth(query)))


@pytest.mark.slow
async def test_just_what_is_new_changed_or_gone_is_asked_for(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=2_000, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Search(user=owner(sandbox))))
        old = {line["id"]: line for line in read_lines(tmp_path / "photos.ndjson")}
        ids = list(old)
        changed, removed = set(ids[100:150]), set(ids[700:710])
        added = set(sandbox.api.control({"change": list(changed), "delete": list(removed), "add": 20})["added"])
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert summary.status == "complete"
        assert (summary.photos, summary.new) == (2_010, 70)
        assert summary.calls <= 1.1 * 2_020 / 500 + 1 + 2 * (len(changed) + len(added)) + len(removed)
        assert set(ids_of(tmp_path)) == truth(sandbox, user_id=owner(sandbox))
    told = changes_of(tmp_path)
    assert {name: {line["id"] for line in lines} for name, lines in told.items()} == {
        "changed": changed,
        "removed": removed,
        "added": added,
    }
    assert all("search.lastupdate" in line["members"] for line in told["changed"])
    assert all(line["code"] == 1 for line in told["removed"])
    (update,) = (tmp_path / "updates").iterdir()
    assert {line["id"] for line in read_lines(update)} == changed | added
    assert {line["id"]: line for line in history_of(tmp_path)} == {i: old[i] for i in changed | removed}
    assert verify_archive(tmp_path) == []
    assert not (tmp_path / ".update").exists()


@pytest.mark.slow
async def test_an_unchanged_archive_costs_its_listing_and_stays_as_it_is(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=3_000, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
        before = (tmp_path / "photos.ndjson").read_bytes()
        summary = await run_update(tmp_path, settings_for(sandbox))
        # No set is read again, and no photo: pages, and one call each for the other lists, two for an empty one.
        kinds = ("photosets", "collections", "galleries", "groups", "favorites", "contacts")
        empty = sum(not read_lines(tmp_path / f"{kind}.ndjson") for kind in kinds)
        assert summary.calls <= 1.1 * 3_000 / 500 + 8 + empty
        assert (summary.notes[0], summary.notes[-1]) == ("Since the last time: nothing has changed.", NOT_LOGGED_IN)
        assert (tmp_path / "photos.ndjson").read_bytes() == before
        assert not list((tmp_path / "updates").glob("*")) if (tmp_path / "updates").exists() else True
        check_account(tmp_path, sandbox, owner(sandbox))
        assert verify_archive(tmp_path) == []


@pytest.mark.slow
async def test_an_account_is_brought_up_to_date_with_its_sets(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=2_000, owners=3) as sandbox:
        job = Job(source=Account(user=owner(sandbox)), detail="list")
        await harvest_into(tmp_path, sandbox, job)
        for _ in range(3):
            ids = ids_of(tmp_path)
            sandbox.api.control({"change": ids[:30], "delete": ids[40:60], "add": 25})
            summary = await run_update(tmp_path, settings_for(sandbox))
            assert summary.status == "complete"
            assert "30 photos changed" in summary.notes[0]
            assert "of the photosets differ" in summary.notes[0]
            check_account(tmp_path, sandbox, owner(sandbox))
            assert verify_archive(tmp_path) == []
    assert len(read_lines(tmp_path / "changes.ndjson")) > 3 * 50
    assert any("photoset" in line for line in history_of(tmp_path))


@pytest.mark.slow
async def test_views_alone_are_no_change_of_a_set_but_nothing_is_thrown_away(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=300, owners=2) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
        honest = sandbox.api.answer

        def answer(query: dict[str, str]) -> bytes:
            return re.sub(rb'"count_views":"\d+"', b'"count_views":"1234"', honest(query))

        monkeypatch.setattr(sandbox.api, "answer", answer)
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert summary.notes[0] == "Since the last time: nothing has changed."
    sets = read_lines(tmp_path / "photosets.ndjson")
    assert all(line["photoset"]["count_views"] == "1234" for line in sets)
    assert len(history_of(tmp_path)) == len(sets)
    assert verify_archive(tmp_path) == []


async def test_a_photo_that_no_longer_matches_is_told_apart_from_one_that_is_gone(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    hidden = ids_of(tmp_path)[5]
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        body = honest(query)
        if query.get("method") != "flickr.photos.search":
            return body
        found = json.loads(body)
        found["photos"]["photo"] = [row for row in found["photos"]["photo"] if row["id"] != hidden]
        found["photos"]["total"] = int(found["photos"]["total"]) - 1
        return orjson.dumps(found)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    summary = await run_update(tmp_path, settings_for(sandbox))
    assert summary.photos == 299
    assert [line["id"] for line in changes_of(tmp_path)["unlisted"]] == [hidden]
    assert [line["id"] for line in history_of(tmp_path)] == [hidden]
    monkeypatch.setattr(sandbox.api, "answer", honest)
    await run_update(tmp_path, settings_for(sandbox))
    assert [line["id"] for line in changes_of(tmp_path)["added"]] == [hidden]
    assert verify_archive(tmp_path) == []


class Withholding:
    """A sandbox's answers, but for those to one method, which show and claim nothing while `is_down`."""

    def __init__(self, sandbox: Sandbox, method: str = "flickr.photos.search") -> None:
        self.is_down = True
        self._honest = sandbox.api.answer
        self._method = method

    def __call__(self, query: dict[str, str]) -> bytes:
        body = self._honest(query)
        if not self.is_down or query.get("method") != self._method:
            return body
        found = json.loads(body)
        found["photos"].update(photo=[], total=0, pages=0)
        return orjson.dumps(found)


@pytest.mark.slow
async def test_photos_that_are_there_unchanged_stay_where_a_search_shows_nothing_of_them(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that fails in passing is not taken for 300 photos that match no more; one photo that changed may be."""
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    answers = Withholding(sandbox)
    monkeypatch.setattr(sandbox.api, "answer", answers)
    summary = await run_update(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("incomplete", 300), "new photos may be kept back with the old ones"
    assert summary.notes[0] == "Since the last time: nothing has changed."
    assert summary.notes[1].startswith("300 photos of the archive no longer come, though they are at Flickr as before")
    [told] = verify_archive(tmp_path)
    assert told.startswith("300 photos of the archive no longer come")
    sandbox.api.control({"change": ids_of(tmp_path)[:250]})
    summary = await run_update(tmp_path, settings_for(sandbox))
    assert (summary.photos, len(changes_of(tmp_path)["unlisted"])) == (0, 300), (
        "they were changed, so they may have left"
    )
    answers.is_down = False
    await run_update(tmp_path, settings_for(sandbox))
    assert len(ids_of(tmp_path)) == 300
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
async def test_what_a_search_keeps_back_is_incomplete_until_it_shows_it_again(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    answers = Withholding(sandbox)
    monkeypatch.setattr(sandbox.api, "answer", answers)
    sandbox.api.control({"add": 5})
    await run_update(tmp_path, settings_for(sandbox))
    report = read_status(tmp_path, settings_for(sandbox))
    assert (report["state"], report["photos"]) == ("incomplete", 300)
    assert "new ones may be kept back too" in report["note"]
    assert (await run_resume(tmp_path, settings_for(sandbox))).status == "incomplete", "it asks anew"
    answers.is_down = False
    summary = await run_resume(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 305)
    assert read_status(tmp_path, settings_for(sandbox))["state"] == "complete"
    assert verify_archive(tmp_path) == []


async def test_a_list_that_is_empty_loses_no_photo_until_half_a_day_later(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=2_000, owners=2) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Favorites(user=owner(sandbox)), detail="list"))
        known = ids_of(tmp_path)
        assert len(known) > 5
        answers = Withholding(sandbox, "flickr.favorites.getPublicList")
        monkeypatch.setattr(sandbox.api, "answer", answers)
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert (summary.status, ids_of(tmp_path)) == ("incomplete", known)
        answers.is_down = False
        summary = await run_resume(tmp_path, settings_for(sandbox))
        assert (summary.status, ids_of(tmp_path)) == ("complete", known)
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
async def test_what_a_search_keeps_back_for_half_a_day_has_left_it(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    monkeypatch.setattr(sandbox.api, "answer", Withholding(sandbox))
    await run_update(tmp_path, settings_for(sandbox))
    with State(tmp_path / STATE) as state, state.changing():
        assert state.facts.withheld is not None
        since = state.facts.withheld["since"] - 12 * 60 * 60
        state.note(replace(state.facts, withheld={"count": 300, "since": since}))
    summary = await run_update(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 0)
    assert len(history_of(tmp_path)) == 300, "no line is lost"
    assert verify_archive(tmp_path) == []


async def test_a_repair_without_checkpoint_knows_what_a_search_keeps_back(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    monkeypatch.setattr(sandbox.api, "answer", Withholding(sandbox))
    await run_update(tmp_path, settings_for(sandbox))
    (tmp_path / STATE).unlink()
    repair_archive(tmp_path)
    told = verify_archive(tmp_path)[-1]
    assert told.startswith("300 photos of the archive no longer come")


async def test_favourites_that_are_none_any_more_leave_though_the_photos_are_as_they_were(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=2_000, owners=2) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Favorites(user=owner(sandbox)), detail="list"))
        rows = sandbox.api._methods["flickr.favorites.getPublicList"]({"user_id": owner(sandbox)})["photos"]["photo"]
        honest = sandbox.api.answer
        assert len(ids_of(tmp_path)) == len(rows) > 5

        def answer(query: dict[str, str]) -> bytes:
            found = json.loads(honest(query))
            if query["method"] == "flickr.favorites.getPublicList":
                found["photos"].update(photo=found["photos"]["photo"][:2], total=2)
            return orjson.dumps(found)

        monkeypatch.setattr(sandbox.api, "answer", answer)
        await run_update(tmp_path, settings_for(sandbox))
    assert set(ids_of(tmp_path)) == {row["id"] for row in rows[:2]}
    assert verify_archive(tmp_path) == []


async def test_a_photo_that_is_public_again_when_an_update_goes_on_stays(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="info"))
    ids, stop = ids_of(tmp_path), asyncio.Event()
    sandbox.api.control({"hide": ids[:5], "change": ids[5:50]})

    def stop_soon(event: Event) -> None:
        if isinstance(event, Started):
            asyncio.get_running_loop().call_later(0, watch)

    def watch() -> None:
        if sandbox.stats.methods["flickr.photos.getInfo"] > 310:
            stop.set()
        else:
            asyncio.get_running_loop().call_later(0, watch)

    summary = await run_update(tmp_path, settings_for(sandbox, workers=1), observer=stop_soon, stop=stop)
    assert summary.status == "stopped"
    sandbox.api.control({"show": ids[:5]})
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert set(ids) <= set(ids_of(tmp_path)), "that they were hidden is what an earlier run has seen"
    await run_update(tmp_path, settings_for(sandbox))
    assert sorted(ids_of(tmp_path)) == sorted(ids)
    assert verify_archive(tmp_path) == []


async def test_an_archive_that_cannot_be_updated_says_why(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox)
    with pytest.raises(UsageError, match="is no archive"):
        await run_update(tmp_path, settings)
    job = Job(source=Search(tags="sandbox"), detail="list", limit=10)
    await harvest_into(tmp_path / "some", sandbox, job)
    with pytest.raises(UsageError, match="harvested with a limit of 10 photos"):
        await run_update(tmp_path / "some", settings)
    ids = ids_of(tmp_path / "some")
    await harvest_into(tmp_path / "ids", sandbox, Job(source=Photos(ids=ids[:2]), detail="info"))
    with pytest.raises(UsageError, match="holds photos given by id"):
        await run_update(tmp_path / "ids", settings)


async def test_a_checkpoint_of_format_1_is_brought_to_this_one_and_updated(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    with contextlib.closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as database:
        for table in ("walk", "gathered", "entry", "later", "gone", "line", "list_line", "unfetched", "part"):
            database.execute(f"DROP TABLE {table}")
        database.execute("DROP INDEX todo_failure")
        database.execute("ALTER TABLE seen DROP COLUMN updated")
        database.execute("ALTER TABLE seen DROP COLUMN uploaded")
        database.execute("ALTER TABLE todo DROP COLUMN missing")
        database.execute("ALTER TABLE todo DROP COLUMN draft")
        database.execute("PRAGMA user_version=1")
    sandbox.api.control({"change": ids_of(tmp_path)[:3]})
    summary = await run_update(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.new) == ("complete", 3)
    with contextlib.closing(sqlite3.connect(tmp_path / "state.sqlite")) as database, database:
        assert database.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
async def test_an_update_that_came_to_nothing_begins_anew(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=300, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
        sandbox.api.control({"refuse_key": KEY})
        with pytest.raises(KeyRefused):
            await run_update(tmp_path, settings_for(sandbox))
        assert not (tmp_path / ".update").exists()
        sandbox.api.refused_keys.clear()
        sandbox.api.control({"add": 3})
        assert (await run_update(tmp_path, settings_for(sandbox))).new == 3
        assert orjson.loads((tmp_path / "manifest.json").read_bytes())["horizon"] > "2000"
        check_account(tmp_path, sandbox, owner(sandbox))


async def test_what_was_refused_once_is_not_told_for_ever(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer
    monkeypatch.setattr(
        sandbox.api,
        "answer",
        lambda query: (
            b'{"stat":"fail","code":1,"message":"no"}' if "contacts" in query.get("method", "") else honest(query)
        ),
    )
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
    assert "refusals" in orjson.loads((tmp_path / "manifest.json").read_bytes())
    monkeypatch.undo()
    await run_update(tmp_path, settings_for(sandbox))
    assert "refusals" not in orjson.loads((tmp_path / "manifest.json").read_bytes())
    check_account(tmp_path, sandbox, owner(sandbox))


@pytest.mark.slow
async def test_a_stopped_update_is_resumed_and_until_then_the_archive_is_the_old_one(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=1_000, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox")))
        before = (tmp_path / "photos.ndjson").read_bytes()
        sandbox.api.control({"change": ids_of(tmp_path)[:400]})
        stop = asyncio.Event()
        task = asyncio.create_task(run_update(tmp_path, settings_for(sandbox), stop=stop))
        calls = sandbox.stats.calls
        while sandbox.stats.calls < calls + 150:
            await asyncio.sleep(0.001)
        stop.set()
        summary = await task
        assert (summary.status, summary.photos) == ("stopped", 1_000)
        assert "is as it was" in summary.notes[0]
        assert (tmp_path / "photos.ndjson").read_bytes() == before
        assert verify_archive(tmp_path) == []
        status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
        assert status["state"] == "complete"
        assert status["note"] == f"An update is not through yet: `harvester update {tmp_path}` goes on."
        summary = await run_resume(tmp_path, settings_for(sandbox))
        status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
        assert status["state"] == "complete"
        assert status["brought_up_to_date"]
        assert status["lists"] == {}
        assert summary.status == "complete"
        assert sandbox.stats.calls - calls <= 2 * 400 + 20  # what was fetched before the stop is kept
    assert len(changes_of(tmp_path)["changed"]) == 400


class Died(Exception):
    """Stands for a power cut."""


@pytest.mark.slow
async def test_whatever_moment_a_fold_dies_at_the_archive_is_the_old_one_or_the_new_one(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=400, owners=1) as sandbox:
        settings = settings_for(sandbox)
        job = Job(source=Account(user=owner(sandbox)), detail="list")
        await harvest_into(tmp_path, sandbox, job)
        honest = Path.replace
        for moment in range(12):
            sandbox.api.control({"change": ids_of(tmp_path)[:5], "add": 2, "delete": ids_of(tmp_path)[10:12]})
            before = set(ids_of(tmp_path))
            left = moment

            def replace(path: Path, target: Path) -> Path:
                nonlocal left
                if ".update" in path.parts and path.suffix != ".part":
                    left -= 1
                    if left < 0:
                        raise Died
                return honest(path, target)

            monkeypatch.setattr(Path, "replace", replace)
            with contextlib.suppress(Died):
                await run_update(tmp_path, settings)
            monkeypatch.setattr(Path, "replace", honest)
            assert set(ids_of(tmp_path)) in (before, truth(sandbox, user_id=owner(sandbox)))
            found = verify_archive(tmp_path)  # whoever looks finds all of it, and changes nothing
            assert all("is being put in place" in finding for finding in found)
            assert len(found) <= 1
            await run_resume(tmp_path, settings)
            if not (tmp_path / ".update").exists():
                assert verify_archive(tmp_path) == []
            assert set(ids_of(tmp_path)) == truth(sandbox, user_id=owner(sandbox))
            check_account(tmp_path, sandbox, owner(sandbox))


async def test_a_full_disk_leaves_the_archive_as_it_was(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=300, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
        sandbox.api.control({"change": ids_of(tmp_path)[:1]})
        await run_update(tmp_path, settings_for(sandbox))
        before = {path: path.read_bytes() for path in tmp_path.glob("*.ndjson")}
        sandbox.api.control({"change": ids_of(tmp_path)[:5]})

        def full(_folder: Path) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("harvester.archive.merge.apply.sync_folder", full)
        with pytest.raises(CannotWrite, match="No space left on device"):
            await run_update(tmp_path, settings_for(sandbox))
        monkeypatch.undo()
        assert {path: path.read_bytes() for path in tmp_path.glob("*.ndjson")} == before
        assert verify_archive(tmp_path) == []
        assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert len(changes_of(tmp_path)["changed"]) == 6
    assert verify_archive(tmp_path) == []


async def test_two_updates_of_one_second_keep_apart_and_their_names_keep_their_order(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    monkeypatch.setattr("harvester.engine.upkeep.update.stamp", lambda _: "2026-11-24T02:58:00Z")
    changed = ids_of(tmp_path)[:2]
    for photo_id in changed:
        sandbox.api.control({"change": [photo_id]})
        await run_update(tmp_path, settings_for(sandbox))
    brought = [read_lines(path) for path in sorted((tmp_path / "updates").iterdir())]
    assert [[line["id"] for line in lines] for lines in brought] == [[photo_id] for photo_id in changed]
    assert [line["id"] for line in history_of(tmp_path)] == changed


async def test_what_an_update_could_not_get_stands_in_the_archives_errors_until_it_is_there(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="info"))
    changed = ids_of(tmp_path)[0]
    sandbox.api.control({"change": [changed]})
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        return b"<html>" if query.get("photo_id") == changed else honest(query)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    swift = Backoff(base=0.001, factor=1, cap=0.001)
    monkeypatch.setattr("harvester.transport.client.OWN", swift)
    monkeypatch.setattr("harvester.transport.circuit_breaker.SHARED", swift)
    summary = await run_update(tmp_path, settings_for(sandbox))
    assert summary.status == "incomplete"
    assert f"see {tmp_path / 'errors.ndjson'}" in " ".join(summary.notes)
    assert [line["id"] for line in read_lines(tmp_path / "errors.ndjson")] == [changed]
    monkeypatch.undo()
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert not (tmp_path / "errors.ndjson").exists()
    assert verify_archive(tmp_path) == []


async def test_a_fold_is_told_and_can_be_stopped(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    before = (tmp_path / "photos.ndjson").read_bytes()
    sandbox.api.control({"change": ids_of(tmp_path)[:5]})
    stop = asyncio.Event()
    events: list[Event] = []
    monkeypatch.setattr("harvester.archive.merge.photos.find", lambda *_: stop.set())  # asked of each line that stays
    summary = await run_update(tmp_path, settings_for(sandbox), observer=events.append, stop=stop)
    monkeypatch.undo()
    assert [e.tally.doing for e in events if isinstance(e, Started)] == ["merging the update into the archive"]
    assert (summary.status, summary.photos) == ("stopped", 300)
    assert "5 new or changed lines wait" in summary.notes[0]
    assert (tmp_path / "photos.ndjson").read_bytes() == before
    assert verify_archive(tmp_path) == []
    calls = sandbox.stats.calls
    assert (await run_update(tmp_path, settings_for(sandbox))).notes == ("Since the last time: 5 photos changed.",)
    assert sandbox.stats.calls == calls
    assert verify_archive(tmp_path) == []


DAMAGED_PHOTOS = [
    ("no photo", lambda data: b"{}" + data[2:], "holds no photo in line 1, at byte 0"),
    (
        "no JSON",
        lambda data: data.replace(b'"search":{', b'"search": ', 1),
        "holds a line that is no JSON",
    ),
    ("a line less", lambda data: data[: data.index(b"\n") + 1], "has [0-9,]+ bytes where the checkpoint has"),
    (
        "two lines in one",
        lambda data: data[:9000] + data[9000:].replace(b"}\n", b"} ", 1),
        "has 299 lines where the checkpoint has 300",
    ),
]


@pytest.mark.parametrize(
    ("damage", "sentence"), [row[1:] for row in DAMAGED_PHOTOS], ids=[r[0] for r in DAMAGED_PHOTOS]
)
async def test_nothing_is_built_upon_damaged_photos(
    damage: Callable[[bytes], bytes], sentence: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    photos = tmp_path / "photos.ndjson"
    whole = photos.read_bytes()
    sandbox.api.control({"change": ids_of(tmp_path)[:1]})
    photos.write_bytes(damage(whole))
    with pytest.raises(CannotWrite, match=sentence):
        await run_update(tmp_path, settings_for(sandbox))
    photos.write_bytes(whole)
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert len(changes_of(tmp_path)["changed"]) == 1
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["photosets", "favorites", "people", "collections"])
async def test_a_damaged_or_missing_list_is_read_again(name: str, sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=600, owners=2) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
        path = tmp_path / f"{name}.ndjson"
        for damaged in (b"\xff" + path.read_bytes()[1:], path.read_bytes()[:-9], b"{}\n[]\n7\n", None):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            await run_update(tmp_path, settings_for(sandbox))
            check_account(tmp_path, sandbox, owner(sandbox))
            assert verify_archive(tmp_path) == []


async def test_an_album_follows_its_members(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=600, owners=1) as sandbox:
        lists = sandbox.api._methods["flickr.photosets.getList"]({"user_id": owner(sandbox)})
        album = lists["photosets"]["photoset"][0]["id"]
        await harvest_into(tmp_path, sandbox, Job(source=Album(album=album), detail="info"))
        sandbox.api.control({"delete": ids_of(tmp_path)[:2], "change": ids_of(tmp_path)[5:7]})
        await run_update(tmp_path, settings_for(sandbox))
        members = sandbox.api._methods["flickr.photosets.getPhotos"]({"photoset_id": album})["photoset"]["photo"]
    assert set(ids_of(tmp_path)) == {row["id"] for row in members}
    (line,) = read_lines(tmp_path / "photosets.ndjson")
    assert line["photo_ids"] == [row["id"] for row in members]
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_an_update_killed_again_and_again_ends_as_one_that_was_not(sandbox_of: Opener, tmp_path: Path) -> None:
    rng = random.Random(3)
    folder = tmp_path / "archive"
    async with sandbox_of(photos=1_500, owners=1, faults=Faults(any=0.03)) as sandbox:
        nsid = owner(sandbox)
        await harvest_into(folder, sandbox, Job(source=Account(user=nsid), detail="info"))
        ids = ids_of(folder)
        sandbox.api.control({"change": ids[:300], "delete": ids[400:440], "add": 60})
        for _ in range(10):
            process = await start(sandbox, "update", str(folder))
            await until_calls(sandbox, sandbox.stats.calls + rng.randrange(1, 60), process)
            await asyncio.sleep(rng.random() * 0.05)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()
            assert verify_archive(folder) == []
        process = await start(sandbox, "update", str(folder))
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        check_account(folder, sandbox, nsid)
    assert verify_archive(folder) == []
    told = changes_of(folder)
    assert {name: len(lines) for name, lines in told.items()} == {"changed": 300, "removed": 40, "added": 60}


@pytest.mark.slow
async def test_of_ones_own_account_flickr_tells_what_has_changed(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=3_000, owners=1, private=0.1) as sandbox:
        nsid = owner(sandbox)
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
        login: dict[str, Any] = {"api_secret": "0123456789abcdef", "oauth_token": token, "oauth_token_secret": secret}
        job = Job(source=Account(user="me"), detail="list")
        await harvest_into(tmp_path, sandbox, job, **login)
        assert len(ids_of(tmp_path)) == 3_000
        check_account(tmp_path, sandbox, nsid, login=nsid)
        sandbox.api.control({"change": ids_of(tmp_path)[:40], "add": 9})
        summary = await run_update(tmp_path, settings_for(sandbox, **login))
        assert summary.new == 49
        # login, person, sets, collections, galleries, groups, favourites, contacts, what has changed; sets that grew
        assert summary.calls <= 9 + 2 * 9
        assert not any("Flickr counts" in note for note in summary.notes)
        check_account(tmp_path, sandbox, nsid, login=nsid)
        assert verify_archive(tmp_path) == []
        sandbox.api.control({"delete": ids_of(tmp_path)[:3], "add": 3})
        summary = await run_update(tmp_path, settings_for(sandbox, **login))
        assert summary.status == "complete"
        check_account(tmp_path, sandbox, nsid, login=nsid)
        assert verify_archive(tmp_path) == []
    assert {name: len(lines) for name, lines in changes_of(tmp_path).items()} == {
        "changed": 40,
        "added": 12,
        "removed": 3,
    }


async def test_a_smaller_limit_changes_nothing_of_a_complete_archive_nor_of_its_updates(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    source = Search(tags="sandbox")
    await harvest_into(tmp_path, sandbox, Job(source=source, detail="list"))
    calls = sandbox.stats.calls
    summary = await harvest_into(tmp_path, sandbox, Job(source=source, detail="list", limit=20))
    assert (summary.status, summary.photos, sandbox.stats.calls) == ("complete", len(ids_of(tmp_path)), calls)
    sandbox.api.control({"add": 30})
    assert (await run_update(tmp_path, settings_for(sandbox))).new == 30
    assert set(ids_of(tmp_path)) == truth(sandbox, tags="sandbox")
