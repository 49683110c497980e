"""More of each photo, asked of an archive that is there: just the missing parts are fetched, in place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.repair.run import repair_archive
from harvester.engine.run import Output, UpdateWanted
from harvester.engine.upkeep.deepening import resume_archive, run_whole_job, update_archive
from harvester.engine.upkeep.deepening_cost import estimate_deepening
from harvester.engine.upkeep.update import run_update
from harvester.errors import UsageError
from harvester.events import Ended, Event, Started, Summary
from harvester.jobs.model import Account, Album, Job, Photos, Search
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.accounts import ask_all, owner
from support.answers import BUSY
from support.archives import changes_of, history_of, lines_of, read_lines
from support.calls import Calls
from support.harvest import Opener, settings_for

GET = "flickr.photos.get"
LIST = Job(source=Search(tags="sandbox"), detail="list")
FULL = Job(source=Search(tags="sandbox"), detail="full")
LACKING = "1 photo could not be had with all parts; resume to try again."


async def run(folder: Path, sandbox: Sandbox, job: Job, **given: Any) -> Summary:
    return await run_whole_job(job, settings_for(sandbox), output=Output(folder=folder), **given)


def manifest_of(folder: Path) -> dict[str, Any]:
    known: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
    return known


def without(line: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in names}


@pytest.mark.slow
async def test_only_the_missing_parts_are_asked_for_and_nothing_is_listed(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    old = lines_of(tmp_path)
    calls = Calls(sandbox)
    summary = await run(tmp_path, sandbox, Job(source=LIST.source, detail="info"))
    assert (summary.status, summary.new, summary.photos, summary.calls) == ("complete", 300, 300, 300)
    assert calls() == {f"{GET}Info": 300}
    info = lines_of(tmp_path)
    calls = Calls(sandbox)
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="full", extras="exif,contexts"))
    assert calls() == {f"{GET}Sizes": 300, f"{GET}Exif": 300, f"{GET}AllContexts": 300}
    new = lines_of(tmp_path)
    for photo_id, line in new.items():
        assert list(line)[:5] == ["id", "harvested_at", "search", "info", "sizes"]
        assert line["search"] == old[photo_id]["search"]
        assert line["info"] == info[photo_id]["info"]
    assert manifest_of(tmp_path)["job"] == {
        "source": "search",
        "tags": "sandbox",
        "tag_mode": "any",
        "detail": "full",
    } | {"with": ["exif", "contexts"]}
    assert manifest_of(tmp_path)["status"] == "complete"
    assert verify_archive(tmp_path) == []
    assert not (tmp_path / ".update").exists()


@pytest.mark.slow
async def test_a_deepened_archive_equals_one_that_was_deep_from_the_first(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path / "a", sandbox, LIST)
    await run(tmp_path / "a", sandbox, FULL)
    await run(tmp_path / "b", sandbox, FULL)
    one, other = lines_of(tmp_path / "a"), lines_of(tmp_path / "b")
    assert {i: list(line) for i, line in one.items()} == {i: list(line) for i, line in other.items()}
    assert {i: without(line, "harvested_at") for i, line in one.items()} == {
        i: without(line, "harvested_at") for i, line in other.items()
    }


async def test_old_lines_go_into_the_history_and_parts_that_come_are_no_changes(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await run(tmp_path, sandbox, LIST)
    old = lines_of(tmp_path)
    await run(tmp_path, sandbox, FULL)
    assert {line["id"]: line for line in history_of(tmp_path)} == old
    assert changes_of(tmp_path) == {}
    (update,) = (tmp_path / "updates").iterdir()
    assert {line["id"]: line for line in read_lines(update)} == lines_of(tmp_path)


async def stop_at(calls: Calls, most: int, stop: asyncio.Event) -> None:
    while sum(calls().values()) < most:
        await asyncio.sleep(0)
    stop.set()


async def test_the_same_command_again_makes_no_call(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    await run(tmp_path, sandbox, FULL)
    before = (tmp_path / "photos.ndjson").read_bytes()
    summary = await run(tmp_path, sandbox, FULL)
    assert (summary.status, summary.calls) == ("complete", 0)
    assert (tmp_path / "photos.ndjson").read_bytes() == before


@pytest.mark.slow
async def test_photos_that_are_gone_keep_their_old_lines(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="info"))
    old = lines_of(tmp_path)
    gone = sorted(old)[10:15]
    sandbox.api.control({"delete": gone})
    calls = Calls(sandbox)
    summary = await run(tmp_path, sandbox, Job(source=LIST.source, detail="full", extras="exif"))
    assert (summary.status, summary.new) == ("complete", 295)
    assert "Gone or private by now: 5 lines stayed as they were." in summary.notes
    made = calls()
    assert made.keys() == {f"{GET}Sizes", f"{GET}Exif"}
    assert made[f"{GET}Exif"] == 295
    assert 300 < made[f"{GET}Sizes"] <= 300 + len(gone)  # a refusal that names no photo is asked for again, alone
    new = lines_of(tmp_path)
    assert {i: new[i] for i in gone} == {i: old[i] for i in gone}
    assert all({"sizes", "exif"} <= line.keys() for i, line in new.items() if i not in gone)
    assert verify_archive(tmp_path) == []
    summary = await run(tmp_path, sandbox, Job(source=LIST.source, detail="full", extras="exif"))
    assert (summary.status, summary.calls) == ("complete", 0)
    summary = await update_archive(tmp_path, settings_for(sandbox))
    assert {line["id"] for line in changes_of(tmp_path)["removed"]} == set(gone)


async def test_an_unfinished_archive_gets_the_new_depth_at_once_and_the_rest_behind_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="info", limit=100))
    calls = Calls(sandbox)
    summary = await run(tmp_path, sandbox, FULL)
    assert (summary.status, summary.photos) == ("complete", 300)
    asked = calls()
    assert (asked[f"{GET}Info"], asked[f"{GET}Sizes"]) == (200, 300)
    assert (summary.calls, summary.new) == (sum(asked.values()), 300)
    assert all(line["info"] and line["sizes"] for line in lines_of(tmp_path).values())
    assert len(history_of(tmp_path)) == 100


@pytest.mark.slow
@pytest.mark.parametrize("command", ["same", "resume", "update"])
async def test_stopped_anywhere_it_goes_on_and_asks_nothing_twice(
    command: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    await run(tmp_path, sandbox, LIST)
    calls = Calls(sandbox)
    for most in (40, 90, 150):
        stop = asyncio.Event()

        stopping = asyncio.create_task(stop_at(calls, most, stop))
        summary = await run(tmp_path, sandbox, FULL, stop=stop)
        await stopping
        assert summary.status == "stopped"
        assert f"The deepening to full is not through: {tmp_path} is as it was" in summary.notes[0]
        assert verify_archive(tmp_path) == []
        assert "sizes" not in next(iter(lines_of(tmp_path).values()))
        status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
        assert status["state"] == "complete"
        assert status["note"] == f"A deepening to full is not through yet: `harvester resume {tmp_path}` goes on."
    if command == "same":
        summary = await run(tmp_path, sandbox, FULL)
    elif command == "resume":
        summary = await resume_archive(tmp_path, settings_for(sandbox))
    else:
        summary = await update_archive(tmp_path, settings_for(sandbox))
    assert summary.status == "complete"
    asked = calls()
    assert {name: asked[name] for name in (f"{GET}Info", f"{GET}Sizes")} == {f"{GET}Info": 300, f"{GET}Sizes": 300}
    assert all(line["info"] and line["sizes"] for line in lines_of(tmp_path).values())


@pytest.mark.slow
async def test_the_old_command_leaves_a_deepening_under_way_where_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    stop = asyncio.Event()

    def watch(event: Event) -> None:
        if isinstance(event, Started) and event.is_deepening:
            stop.set()

    await run(tmp_path, sandbox, Job(source=LIST.source, detail="full", extras="exif"), observer=watch, stop=stop)
    with pytest.raises(UsageError, match="is being deepened to full with exif, and this command asks for less"):
        await run(tmp_path, sandbox, FULL)
    wider = Job(source=LIST.source, detail="full", extras="exif,comments")
    calls = Calls(sandbox)
    assert (await run(tmp_path, sandbox, wider)).status == "complete"
    assert sum(calls().values()) == 4 * 300
    assert all({"sizes", "exif", "comments"} <= line.keys() for line in lines_of(tmp_path).values())


async def test_less_is_refused_with_both_values(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="info", extras="exif"))
    for job, told in (
        (LIST, r"detail \('info' there, 'list' here\) and with \('exif' there, none here\)"),
        (FULL, r"detail \('info' there, 'full' here\) and with \('exif' there, none here\)"),
    ):
        with pytest.raises(UsageError, match=told):
            await run(tmp_path, sandbox, job)


async def test_another_query_is_refused_however_deep(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    with pytest.raises(UsageError, match=r"differs in tags \('sandbox' there, 'monkey' here\)"):
        await run(tmp_path, sandbox, Job(source=Search(tags="monkey"), detail="full"))
    assert (await run(tmp_path, sandbox, LIST)).calls == 0


async def test_a_limit_below_what_is_there_is_refused_and_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    with pytest.raises(UsageError, match="holds 300 photos, and deepening it fetches what all of them lack"):
        await run(tmp_path, sandbox, Job(source=LIST.source, detail="full", limit=5))
    summary = await run(tmp_path, sandbox, Job(source=LIST.source, detail="list", limit=5))
    assert (summary.status, summary.photos, summary.calls) == ("complete", 300, 0)
    added = sandbox.api.control({"add": 7})["added"]
    await update_archive(tmp_path, settings_for(sandbox))
    assert set(added) <= lines_of(tmp_path).keys()
    assert len(lines_of(tmp_path)) == 307


@pytest.mark.slow
async def test_an_account_keeps_its_lists(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=100, owners=1) as sandbox:
        source = Account(user=owner(sandbox))
        await run(tmp_path, sandbox, Job(source=source, detail="list"))
        lists = {path.name: path.read_bytes() for path in tmp_path.glob("*.ndjson") if path.name != "photos.ndjson"}
        calls = Calls(sandbox)
        summary = await run(tmp_path, sandbox, Job(source=source, detail="info", extras="comments"))
        assert calls() == {f"{GET}Info": 100, "flickr.photos.comments.getList": 100}
        assert summary.status == "complete"
        assert {name: (tmp_path / name).read_bytes() for name in lists} == lists
        assert verify_archive(tmp_path) == []
        added = sandbox.api.control({"add": 3})["added"]
        await update_archive(tmp_path, settings_for(sandbox))
        lines = lines_of(tmp_path)
        assert all({"info", "comments"} <= lines[i].keys() for i in added)


async def test_photos_by_id_are_deepened_with_further_ids(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path / "all", sandbox, LIST)
    ids = list(lines_of(tmp_path / "all"))[:20]
    await run(tmp_path / "ids", sandbox, Job(source=Photos(ids=ids[:15]), detail="info"))
    calls = Calls(sandbox)
    summary = await run(tmp_path / "ids", sandbox, Job(source=Photos(ids=ids), detail="full", extras="favorites"))
    assert (summary.status, summary.photos) == ("complete", 20)
    assert calls() == {f"{GET}Info": 5, f"{GET}Sizes": 20, f"{GET}Favorites": 20}
    assert all({"info", "sizes", "favorites"} <= line.keys() for line in lines_of(tmp_path / "ids").values())


async def test_an_album_is_deepened(sandbox: Sandbox, tmp_path: Path) -> None:
    sets = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=owner(sandbox))
    source = Album(album=sets[0]["id"])
    await run(tmp_path, sandbox, Job(source=source, detail="list"))
    count = len(lines_of(tmp_path))
    calls = Calls(sandbox)
    summary = await run(tmp_path, sandbox, Job(source=source, detail="list", extras="exif"))
    assert (summary.status, summary.new) == ("complete", count)
    assert calls() == {f"{GET}Exif": count}
    assert all("exif" in line for line in lines_of(tmp_path).values())


@pytest.mark.slow
async def test_a_photo_that_fails_keeps_its_old_line_until_it_can_be_had(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await run(tmp_path, sandbox, LIST)
    old = lines_of(tmp_path)
    bad = sorted(old)[7]
    with failing(sandbox, lambda query: query.get("photo_id") == bad, BUSY):
        for _ in range(2):
            summary = await run(tmp_path, sandbox, FULL)
            assert (summary.status, summary.failed) == ("incomplete", 1)
            new = lines_of(tmp_path)
            assert [i for i, line in new.items() if "sizes" not in line] == [bad]
            assert new[bad] == old[bad]
            assert [line["id"] for line in read_lines(tmp_path / "errors.ndjson")] == [bad]
            told = manifest_of(tmp_path)
            assert (told["status"], told["counts"]["failed"]) == ("incomplete", 1)
            assert verify_archive(tmp_path) == [LACKING]
    calls = Calls(sandbox)
    summary = await run(tmp_path, sandbox, FULL)
    assert (summary.status, summary.new) == ("complete", 1)
    assert calls() == {f"{GET}Info": 1, f"{GET}Sizes": 1}
    assert all("sizes" in line for line in lines_of(tmp_path).values())
    assert not (tmp_path / "errors.ndjson").exists()
    assert manifest_of(tmp_path)["status"] == "complete"
    state = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
    assert state["state"] == "complete"


@pytest.mark.slow
@pytest.mark.parametrize("is_news", [True, False])
async def test_what_a_deepening_could_not_get_stays_told_through_updates(
    is_news: bool, sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await run(tmp_path, sandbox, LIST)
    bad, other = sorted(lines_of(tmp_path))[7:9]
    old = lines_of(tmp_path)[bad]
    with failing(sandbox, lambda query: query.get("photo_id") == bad, BUSY):
        assert (await run(tmp_path, sandbox, FULL)).status == "incomplete"
        for update in (run_update, update_archive):
            if is_news:
                sandbox.api.control({"change": [other]})
            summary = await update(tmp_path, settings_for(sandbox))
            assert (summary.status, summary.failed) == ("incomplete", 1)
            told = f"1 photo could not be had with all parts: `harvester resume {tmp_path}` tries again."
            assert told in summary.notes
            assert lines_of(tmp_path)[bad] == old
            assert [line["id"] for line in read_lines(tmp_path / "errors.ndjson")] == [bad]
            manifest = manifest_of(tmp_path)
            assert (manifest["status"], manifest["counts"]["failed"]) == ("incomplete", 1)
            assert verify_archive(tmp_path) == [LACKING]
            status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
            assert (status["state"], status["failed"]) == ("incomplete", 1)
    assert (await resume_archive(tmp_path, settings_for(sandbox))).status == "complete"
    assert "sizes" in lines_of(tmp_path)[bad]
    assert not (tmp_path / "errors.ndjson").exists()
    assert verify_archive(tmp_path) == []
    assert manifest_of(tmp_path)["status"] == "complete"


@pytest.mark.slow
async def test_an_update_that_brings_a_whole_new_line_ends_what_a_deepening_left(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await run(tmp_path, sandbox, LIST)
    bad = sorted(lines_of(tmp_path))[7]
    with failing(sandbox, lambda query: query.get("photo_id") == bad, BUSY):
        assert (await run(tmp_path, sandbox, FULL)).status == "incomplete"
    sandbox.api.control({"change": [bad]})
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
    assert "sizes" in lines_of(tmp_path)[bad]
    assert verify_archive(tmp_path) == []
    assert not (tmp_path / "errors.ndjson").exists()


@pytest.mark.slow
async def test_a_deepening_makes_no_archive_complete_whose_update_was_not(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await run(tmp_path, sandbox, LIST)
    bad, other = sorted(lines_of(tmp_path))[7:9]
    with failing(sandbox, lambda query: query.get("photo_id") in (bad, other), BUSY):
        assert (await run(tmp_path, sandbox, FULL)).status == "incomplete"
        sandbox.api.control({"change": [other]})
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert (summary.status, summary.failed) == ("incomplete", 2)
    summary = await resume_archive(tmp_path, settings_for(sandbox))
    assert "sizes" in lines_of(tmp_path)[bad]
    assert (summary.status, manifest_of(tmp_path)["status"]) == ("incomplete", "incomplete")
    assert [line["id"] for line in read_lines(tmp_path / "errors.ndjson")] == [other]
    assert (await update_archive(tmp_path, settings_for(sandbox))).status == "complete"
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
async def test_a_part_that_is_refused_is_null_with_its_reason_and_is_not_asked_for_again(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="info"))
    bad = sorted(lines_of(tmp_path))[7]
    denied = b'{"stat":"fail","code":2,"message":"Permission denied"}'
    with failing(sandbox, lambda query: query.get("photo_id") == bad, denied):
        assert (await run(tmp_path, sandbox, FULL)).status == "complete"
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="full", extras="exif"))
    line = lines_of(tmp_path)[bad]
    assert (line["sizes"], line["errors"]) == (None, {"sizes": {"code": 2, "message": "Permission denied"}})
    assert line["exif"]
    assert list(line)[-1] == "errors"


@pytest.mark.slow
async def test_an_update_under_way_is_ended_before_a_deepening(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="info"))
    added = sandbox.api.control({"add": 40})["added"]
    stop = asyncio.Event()
    stopping = asyncio.create_task(stop_at(Calls(sandbox), 10, stop))
    assert (await update_archive(tmp_path, settings_for(sandbox), stop=stop)).status == "stopped"
    await stopping
    assert (await run(tmp_path, sandbox, FULL)).status == "complete"
    lines = lines_of(tmp_path)
    assert lines.keys() >= set(added)
    assert all({"info", "sizes"} <= line.keys() for line in lines.values())
    assert {line["id"] for line in changes_of(tmp_path)["added"]} == set(added)


async def test_a_repair_keeps_the_old_lines_of_photos_that_are_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    gone = sorted(lines_of(tmp_path))[:3]
    sandbox.api.control({"delete": gone})
    await run(tmp_path, sandbox, FULL)
    before = lines_of(tmp_path)
    (tmp_path / "state.sqlite").unlink()
    await asyncio.to_thread(repair_archive, tmp_path)
    assert lines_of(tmp_path) == before
    assert not (tmp_path / "damaged.ndjson").exists()


@pytest.mark.slow
async def test_a_nightly_job_that_asks_for_more_is_deepened_and_then_updated(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    added = sandbox.api.control({"add": 4})["added"]
    with pytest.raises(UpdateWanted):
        await run_whole_job(FULL, settings_for(sandbox), output=Output(folder=tmp_path, update=True))
    assert all("sizes" in line for line in lines_of(tmp_path).values())
    await update_archive(tmp_path, settings_for(sandbox))
    assert all("sizes" in lines_of(tmp_path)[i] for i in added)


@pytest.mark.slow
async def test_a_photo_that_fails_to_deepen_does_not_hold_up_the_nightly_news(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    await run(tmp_path, sandbox, LIST)
    bad = sorted(lines_of(tmp_path))[7]
    with failing(sandbox, lambda query: query.get("photo_id") == bad, BUSY):
        for _ in range(2):
            added = sandbox.api.control({"add": 2})["added"]
            with pytest.raises(UpdateWanted):
                await run_whole_job(FULL, settings_for(sandbox), output=Output(folder=tmp_path, update=True))
            summary = await update_archive(tmp_path, settings_for(sandbox))
            assert (summary.status, summary.failed) == ("incomplete", 1)
            assert all("sizes" in lines_of(tmp_path)[i] for i in added)
            assert "sizes" not in lines_of(tmp_path)[bad]


@pytest.mark.slow
async def test_the_summary_of_an_update_behind_a_deepening_counts_both(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LIST)
    stop, calls = asyncio.Event(), Calls(sandbox)
    stopping = asyncio.create_task(stop_at(calls, 40, stop))
    before = (await run(tmp_path, sandbox, FULL, stop=stop)).calls
    await stopping
    added = sandbox.api.control({"add": 4})["added"]
    events: list[Event] = []
    summary = await update_archive(tmp_path, settings_for(sandbox), observer=events.append)
    assert (summary.status, summary.calls) == ("complete", sum(calls().values()) - before)
    assert summary.new == 300 + len(added)
    assert any(note.startswith("Deepened to full") for note in summary.notes)
    assert any(note.startswith("Since the last time") for note in summary.notes)
    assert [event.summary for event in events if isinstance(event, Ended)] == [summary]


async def test_a_limited_job_says_that_it_is_not_updated(sandbox: Sandbox, tmp_path: Path) -> None:
    output, events = Output(folder=tmp_path, update=True), list[Event]()
    job = Job(source=LIST.source, detail="list", limit=20)
    for _ in range(2):
        summary = await run_whole_job(job, settings_for(sandbox), output=output, observer=events.append)
        assert (summary.status, summary.photos) == ("complete", 20)
        assert "The limit of the job is reached, so --update brings nothing new" in summary.notes[-1]
    assert [event.summary.notes[-1] for event in events if isinstance(event, Ended)] == [summary.notes[-1]] * 2


@pytest.mark.slow
async def test_letters_stay_letters(sandbox: Sandbox, tmp_path: Path) -> None:
    output = Output(folder=tmp_path, unescape=True)
    await run_whole_job(LIST, settings_for(sandbox), output=output)
    await run(tmp_path, sandbox, FULL)
    assert not re.search(rb"\\u0[1-7]", (tmp_path / "photos.ndjson").read_bytes())
    assert verify_archive(tmp_path) == []


@pytest.mark.slow
async def test_a_plan_with_an_archive_tells_what_its_deepening_costs_without_a_call(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="info"))
    deep, settings = Job(source=LIST.source, detail="full", extras="exif"), settings_for(sandbox)
    calls = Calls(sandbox)
    facts = await asyncio.to_thread(estimate_deepening, deep, tmp_path, settings)
    assert facts is not None
    assert (facts["missing"], facts["photos"], facts["calls"]) == (["sizes", "exif"], 300, 600)
    assert calls() == {}
    stop = asyncio.Event()
    stopping = asyncio.create_task(stop_at(calls, 100, stop))
    await run(tmp_path, sandbox, deep, stop=stop)
    await stopping
    left = 600 - sum(calls().values())
    told = await asyncio.to_thread(estimate_deepening, deep, tmp_path, settings)
    status = await asyncio.to_thread(read_status, tmp_path, settings)
    assert told is not None
    assert left <= told["calls"] == status["calls_to_go"] < 600  # a part of a photo counts when all have come
    assert status["seconds_to_go"] == 0
    assert (await run(tmp_path, sandbox, deep)).calls == left
    assert (await asyncio.to_thread(read_status, tmp_path, settings))["calls_to_go"] == 0
    assert await asyncio.to_thread(estimate_deepening, deep, tmp_path, settings) is None


@pytest.mark.slow
async def test_plan_and_status_of_an_unfinished_archive_tell_what_is_left_at_its_new_depth(
    sandbox: Sandbox, tmp_path: Path, failing: Callable[..., Any]
) -> None:
    settings = settings_for(sandbox)
    await run(tmp_path, sandbox, Job(source=LIST.source, detail="info", limit=100))
    told = await asyncio.to_thread(estimate_deepening, FULL, tmp_path, settings)
    assert told is not None
    assert (told["photos"], told["missing"], told["calls"]) == (100, ["sizes"], 1 + 200 * 2 + 100)
    bad = sorted(lines_of(tmp_path))[7]
    with failing(sandbox, lambda query: query.get("photo_id") == bad, BUSY):
        assert (await run(tmp_path, sandbox, FULL)).status == "incomplete"
    told = await asyncio.to_thread(estimate_deepening, FULL, tmp_path, settings)
    assert told is not None
    assert (told["photos"], told["missing"], told["calls"]) == (300, ["sizes"], 1)
    status = await asyncio.to_thread(read_status, tmp_path, settings)
    assert status["calls_to_go"] == 1
