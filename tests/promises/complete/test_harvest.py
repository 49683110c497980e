"""A whole harvest over real HTTP: the archive equals the catalogue."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harvester import Flickr, Photos, Search
from harvester.archive.checkpoint.state import State
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.update import run_resume
from harvester.errors import CannotWrite, KeyRefused, Unreachable, UsageError
from harvester.events import Event, Failed, Retrying
from harvester.jobs.model import Account, Job
from harvester.listing.sweep import Stretch
from harvester.sandbox.faults import KINDS, Faults
from harvester.sandbox.info import build_info
from harvester.sandbox.server import Sandbox
from harvester.sandbox.sizes import build_sizes
from harvester.transport.retry import Backoff
from harvester.verify.archive import verify_archive
from support.archives import read_archive, read_lines
from support.harvest import Opener, harvest_into, settings_for

EVERYTHING = Search(tags="sandbox")


def truth(sandbox: Sandbox, **query: str) -> list[str]:
    found: list[str] = json.loads(sandbox.api.truth(query))
    return found


async def test_each_photo_has_one_line_with_what_flickr_sent(sandbox: Sandbox, tmp_path: Path) -> None:
    summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    lines = read_lines(tmp_path / "photos.ndjson")
    assert sorted(line["id"] for line in lines) == sorted(truth(sandbox, tags="sandbox"))
    for line in lines:
        n = sandbox.catalogue.number_of(line["id"])
        assert n is not None
        assert line["info"] == build_info(sandbox.catalogue, n)["photo"]
        assert line["sizes"] == build_sizes(sandbox.catalogue, n)["sizes"]
        assert line["search"]["dateupload"] == str(sandbox.catalogue.uploads[n])
        assert list(line) == ["id", "harvested_at", "search", "info", "sizes"]
    assert summary.status == "complete"
    assert summary.photos == summary.new == 300


async def test_it_costs_two_calls_a_photo_and_one_for_each_page(sandbox: Sandbox, tmp_path: Path) -> None:
    summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert sandbox.stats.methods == {
        "flickr.photos.search": 1,
        "flickr.photos.getInfo": 300,
        "flickr.photos.getSizes": 300,
    }
    assert summary.calls == 601


@pytest.mark.slow
async def test_a_listing_past_the_cap_is_whole_and_costs_a_tenth_more_than_its_pages(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=30_000) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, detail="list"))
    ids = [line["id"] for line in read_lines(tmp_path / "photos.ndjson")]
    assert len(ids) == len(set(ids)) == 30_000
    assert summary.calls <= 1.1 * 60


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_every_passing_failure_is_survived(kind: str, sandbox_of: Opener, tmp_path: Path) -> None:
    events: list[Event] = []
    async with sandbox_of(photos=60, faults=Faults(any=0.2, kinds=(kind,))) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), events=events)
        assert summary.calls == sandbox.stats.calls, "no call goes out that was not counted"
    assert len({line["id"] for line in read_lines(tmp_path / "photos.ndjson")}) == 60
    assert summary.status == "complete"
    assert kind == "10" or any(isinstance(event, Retrying) for event in events)


@pytest.mark.slow
async def test_a_listing_that_lies_in_every_way_is_whole_at_last(sandbox_of: Opener, tmp_path: Path) -> None:
    lies = Faults(unstable_order=0.5, wrong_totals=0.2, widened_windows=True, cap_error=True)
    async with sandbox_of(photos=20_000, faults=lies) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, detail="list"))
        assert {line["id"] for line in read_lines(tmp_path / "photos.ndjson")} == set(truth(sandbox, tags="sandbox"))


@pytest.mark.slow
async def test_photos_that_stay_while_others_come_and_go_are_all_there(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=10_000, faults=Faults(drift=0.8)) as sandbox:
        before = set(truth(sandbox, tags="sandbox"))
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, detail="list"))
        stayed = before & set(truth(sandbox, tags="sandbox"))
    ids = [line["id"] for line in read_lines(tmp_path / "photos.ndjson")]
    assert stayed <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.slow
async def test_a_second_with_thousands_of_photos_is_listed(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=9_000, wide_second=7_000) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, detail="list"))
    assert summary.photos == 9_000


async def test_compressed_answers_are_taken(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=50, gzip=True) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert summary.photos == 50


async def test_what_flickr_refuses_for_good_stands_on_the_line(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=200, refused=0.3) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
        refused = {str(sandbox.catalogue.id_of(n)) for n in range(200) if sandbox.catalogue.is_refused(n)}
    lines = read_lines(tmp_path / "photos.ndjson")
    assert {line["id"] for line in lines if line["sizes"] is None} == refused
    errors = {"sizes": {"code": 2, "message": "Permission denied"}}
    assert all(line.get("errors") == (errors if line["id"] in refused else None) for line in lines)
    assert summary.status == "complete"
    assert summary.refused == len(refused) > 0


async def test_extras_come_as_members_of_the_line(sandbox: Sandbox, tmp_path: Path) -> None:
    job = Job(source=EVERYTHING, detail="info", extras="comments,contexts,exif,favorites", limit=40)
    await harvest_into(tmp_path, sandbox, job)
    lines = read_lines(tmp_path / "photos.ndjson")
    assert {tuple(line)[3:8] for line in lines} == {("info", "exif", "comments", "contexts", "favorites")}
    assert any(line["contexts"] == {} for line in lines)
    assert any("pool" in line["contexts"] for line in lines)
    assert any("set" in line["contexts"] for line in lines)
    assert any(line["exif"] is None and line["errors"]["exif"]["code"] == 2 for line in lines)
    for line in lines:
        assert line["favorites"] is None or len(line["favorites"]["person"]) == int(line["favorites"]["total"])


async def test_favourites_of_more_than_one_page_are_put_together(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=60, owners=80) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, detail="info", extras="favorites"))
    counts = [len(line["favorites"]["person"]) for line in read_lines(tmp_path / "photos.ndjson")]
    assert max(counts) > 50
    assert counts == [int(line["favorites"]["total"]) for line in read_lines(tmp_path / "photos.ndjson")]


async def test_a_limit_gives_so_many_photos_and_a_higher_one_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    for limit, listings in ((7, 1), (120, 2)):
        summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, limit=limit))
        assert summary.photos == limit
        assert sandbox.stats.methods["flickr.photos.search"] == listings
    assert sandbox.stats.methods["flickr.photos.getInfo"] == 120
    assert len({line["id"] for line in read_lines(tmp_path / "photos.ndjson")}) == 120


async def test_ids_are_hydrated_once_each_and_wrong_ones_reported(sandbox: Sandbox, tmp_path: Path) -> None:
    ids = truth(sandbox, tags="monkey")
    given = [*ids, ids[0], f"https://www.flickr.com/photos/someone/{ids[1]}/", "not an id", "77"]
    events: list[Event] = []
    summary = await harvest_into(tmp_path, sandbox, Job(source=Photos(ids=given)), events=events)
    lines = {line["id"]: line for line in read_lines(tmp_path / "photos.ndjson")}
    assert set(lines) == {*ids, "77"}
    assert all(line["search"] is None for line in lines.values())
    assert lines["77"]["errors"]["info"]["code"] == 1
    assert [event.what for event in events if isinstance(event, Failed)] == ["not an id"]
    assert summary.status == "incomplete"
    assert read_lines(tmp_path / "errors.ndjson")[0]["input"] == "not an id"
    again = await harvest_into(tmp_path, sandbox, Job(source=Photos(ids=ids)))
    assert (again.calls, again.status, again.photos) == (0, "complete", len(lines))
    assert not (tmp_path / "errors.ndjson").exists()


async def test_a_finished_archive_makes_no_call(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    calls = sandbox.stats.calls
    again = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert (again.status, again.calls, again.photos) == ("complete", 0, 300)
    assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
    assert sandbox.stats.calls == calls


async def test_resume_keeps_the_limit(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, limit=20))
    summary = await run_resume(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.photos, summary.calls) == ("complete", 20, 0)


async def test_photos_without_a_checkpoint_are_not_overwritten(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "photos.ndjson").write_bytes(b"precious\n")
    with pytest.raises(UsageError, match="choose another folder"):
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert (tmp_path / "photos.ndjson").read_bytes() == b"precious\n"


async def test_a_changed_file_is_not_blessed_by_resuming(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING, limit=20))
    path = tmp_path / "photos.ndjson"
    path.write_bytes(path.read_bytes().replace(b"title", b"titlf", 1))
    await run_resume(tmp_path, settings_for(sandbox))
    assert any("sha256" in finding for finding in verify_archive(tmp_path))


async def test_a_state_folder_is_no_archive_and_its_limit_is_a_total(
    sandbox: Sandbox, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    for limit, new in ((20, 20), (20, 0), (50, 30)):
        job = Job(source=EVERYTHING, limit=limit)
        await run_job(job, settings_for(sandbox), output=Output(state=tmp_path))
        lines = capfd.readouterr().out.splitlines()
        assert len(lines) == new
        seen += [json.loads(line)["id"] for line in lines]
    assert len(set(seen)) == 50
    with pytest.raises(UsageError, match="sent to standard output, and is no archive"):
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert "standard output" in verify_archive(tmp_path)[0]


@pytest.mark.parametrize("given", [{"tags": ","}, {"text": "a\udcff"}])
def test_a_filter_that_says_nothing_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        Search(**given)  # type: ignore[arg-type]


async def test_what_flickr_keeps_back_is_said_by_every_later_run(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_back = Stretch(since=1, until=1, reported=None, found=4000, note="kept back", whole=False)
    monkeypatch.setattr(State, "stretches", lambda _: iter([kept_back]))
    for _ in range(2):
        summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
        assert (summary.status, summary.photos) == ("incomplete", 300)


async def test_another_query_is_refused_and_both_are_shown(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="monkey"), limit=3))
    with pytest.raises(UsageError, match=r"monkey.*chimp"):
        await harvest_into(tmp_path, sandbox, Job(source=Search(tags="chimp"), limit=3))


@pytest.mark.slow
async def test_a_stopped_run_goes_on_where_it_stood(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=2_000) as sandbox:
        total = 0
        for share in (0.2, 0.5, 0.9, 2):
            stop = asyncio.Event()
            task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), stop=stop))
            while sandbox.stats.calls < 4_000 * share and not task.done():
                await asyncio.sleep(0)
            stop.set()
            summary = await task
            total += summary.calls
            assert len(read_lines(tmp_path / "photos.ndjson")) == summary.photos
        assert summary.status == "complete"
    assert len({line["id"] for line in read_lines(tmp_path / "photos.ndjson")}) == 2_000
    assert total <= 4_005 * 1.02


async def test_a_photo_that_always_fails_is_left_for_the_next_run(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = truth(sandbox, tags="sandbox")[17]
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        return b"<html>" if query.get("photo_id") == poison else honest(query)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    swift = Backoff(base=0.001, factor=1, cap=0.001)
    monkeypatch.setattr("harvester.transport.client.OWN", swift)
    monkeypatch.setattr("harvester.transport.circuit_breaker.SHARED", swift)
    summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert summary.status == "incomplete"
    assert [(e["id"], e["attempts"] >= 8) for e in read_lines(tmp_path / "errors.ndjson")] == [(poison, True)]
    assert poison not in {line["id"] for line in read_lines(tmp_path / "photos.ndjson")}
    monkeypatch.setattr(sandbox.api, "answer", honest)
    again = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    assert (again.status, again.new, again.calls) == ("complete", 1, 2)


async def test_a_refused_key_stops_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="invalid format"):
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), api_key="not-a-key")
    assert sandbox.stats.calls == 1


async def test_a_key_revoked_in_the_middle_stops_the_run_and_another_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING)))
    while sandbox.stats.calls < 200:
        await asyncio.sleep(0)
    sandbox.api.refused_keys.add("0123456789abcdef0123456789abcdef")
    with pytest.raises(KeyRefused, match="expired"):
        await task
    summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), api_key="f" * 32)
    assert (summary.status, summary.photos) == ("complete", 300)


async def test_a_server_that_is_not_there_is_told_soon(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(Unreachable, match="Cannot reach Flickr's API"):
        await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), api_url="http://127.0.0.1:1/services/rest/")


@pytest.mark.slow
async def test_an_outage_is_waited_out(sandbox: Sandbox, tmp_path: Path) -> None:
    task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING)))
    while sandbox.stats.calls < 100:
        await asyncio.sleep(0)
    sandbox.faults = Faults(outage=True)
    while sandbox.stats.faults["503"] < 20:
        await asyncio.sleep(0.01)
    sandbox.faults = Faults()
    assert (await task).photos == 300


async def test_users_and_groups_are_found_by_name_and_address(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(owners=20) as sandbox:
        await check_names(sandbox, tmp_path)


async def check_names(sandbox: Sandbox, tmp_path: Path) -> None:
    people = sandbox.catalogue.people
    person = next(people[o] for o in sandbox.catalogue.owners if people[o].alias)
    names = (person.nsid, person.username, person.alias, f"https://www.flickr.com/photos/{person.alias}/")
    for n, name in enumerate(names):
        folder = tmp_path / str(n)
        summary = await harvest_into(folder, sandbox, Job(source=Search(user=name), detail="list"))
        assert summary.photos == len(truth(sandbox, user_id=person.nsid)) > 0
    group = await harvest_into(tmp_path / "g", sandbox, Job(source=Search(group="monkeys"), detail="list"))
    assert group.photos == 100
    with pytest.raises(UsageError, match="knows no user 'nobody'"):
        await harvest_into(tmp_path / "n", sandbox, Job(source=Search(user="nobody"), detail="list"))


async def test_a_mended_query_may_use_the_folder_of_the_mistaken_one(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="knows no user"):
        await harvest_into(tmp_path, sandbox, Job(source=Search(user="nobody")))
    assert (await harvest_into(tmp_path, sandbox, Job(source=Search(tags="monkey"), limit=3))).photos == 3


async def test_an_empty_result_is_complete_and_explained(sandbox: Sandbox, tmp_path: Path) -> None:
    summary = await harvest_into(tmp_path, sandbox, Job(source=Search(tags="nosuchtag")))
    assert (summary.status, summary.photos) == ("complete", 0)
    assert "No photo matches" in summary.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["date-posted-asc", "date-taken-desc", "interestingness-desc", "relevance"])
async def test_every_order_gives_every_photo(sort: Any, sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=5_000) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox", sort=sort), detail="list"))
    assert summary.photos == 5_000


async def test_a_second_writer_is_refused_with_the_pid_of_the_first(sandbox: Sandbox, tmp_path: Path) -> None:
    async def second_run() -> None:
        await run_job(Job(source=EVERYTHING), settings_for(sandbox), output=Output(folder=tmp_path))

    first = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING)))
    while sandbox.stats.calls < 10:
        await asyncio.sleep(0)
    with pytest.raises(CannotWrite, match=rf"in use by another harvester \(pid {os.getpid()}\)"):
        await second_run()
    assert (await first).status == "complete"


async def test_the_manifest_says_what_was_asked_and_what_came(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="monkey", min_upload_date="2010-01-01")))
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["status"] == "complete"
    assert manifest["job"]["tags"] == "monkey"
    entry = manifest["files"]["photos.ndjson"]
    assert entry["bytes"] == (tmp_path / "photos.ndjson").stat().st_size
    assert entry["lines"] == manifest["counts"]["photos"] == len(read_lines(tmp_path / "photos.ndjson"))
    assert sum(stretch["found"] for stretch in manifest["coverage"]) >= entry["lines"]


async def test_the_key_is_in_no_file(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING))
    for path in tmp_path.iterdir():
        assert b"0123456789abcdef0123456789abcdef" not in path.read_bytes(), path


async def test_from_python_photos_come_as_a_stream(sandbox: Sandbox) -> None:
    seen: Counter[str] = Counter()
    async with Flickr(api_key="0" * 32, api_url=sandbox.url, quota="none", pace="none") as flickr:
        harvest = flickr.harvest(Search(tags=["monkey", "chimp"], tag_mode="any"), detail="full")
        async for photo in harvest:
            seen[photo.id] += 1
            assert photo.info["id"] == photo.id
            assert photo.sizes["size"][-1]["source"].startswith("https://")
            assert photo.search["id"] == photo.id
            assert photo.errors == {}
    assert sorted(seen) == sorted(truth(sandbox, tags="monkey,chimp"))
    assert set(seen.values()) == {1}
    assert harvest.summary
    assert harvest.summary.status == "complete"


async def test_leaving_the_loop_early_leaves_nothing_running(sandbox: Sandbox) -> None:
    before = asyncio.all_tasks()
    async with Flickr(api_key="0" * 32, api_url=sandbox.url, quota="none", pace="none") as flickr:
        async for photo in flickr.harvest(EVERYTHING):
            assert photo.id
            break
    assert asyncio.all_tasks() == before
    assert sandbox.stats.methods["flickr.photos.getInfo"] < 300, "a slow consumer slows the harvest"


async def test_errors_reach_whoever_iterates(sandbox: Sandbox) -> None:
    async with Flickr(api_key="x", api_url=sandbox.url, quota="none", pace="none") as flickr:
        with pytest.raises(KeyRefused):
            async for _ in flickr.harvest(EVERYTHING):
                pass


@pytest.mark.parametrize("source", [Search(user="nobody at all"), Account(user="me"), Search(user="me")])
async def test_a_harvest_that_cannot_begin_leaves_no_folder(
    source: Search | Account, sandbox: Sandbox, tmp_path: Path
) -> None:
    for folder in (tmp_path / "new", tmp_path / "old"):
        (tmp_path / "old").mkdir(exist_ok=True)
        (tmp_path / "old" / "notes.txt").write_text("mine")
        with pytest.raises(UsageError):
            await harvest_into(folder, sandbox, Job(source=source))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["notes.txt", "old"]


async def test_a_command_that_cannot_be_meant_leaves_an_archive_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path / "a", sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    before = read_archive(tmp_path / "a")
    with pytest.raises(UsageError):
        await harvest_into(tmp_path / "a", sandbox, Job(source=Account(user="me")))
    assert read_archive(tmp_path / "a") == before


async def test_a_photo_that_is_dated_beyond_all_time_is_kept(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second of upload tells nothing; above all it is not where the harvest ends."""
    answer = sandbox.api.answer

    def answer_otherwise(query: Any) -> bytes:
        said = json.loads(answer(query))
        if query["method"] == "flickr.photos.search" and said["photos"]["photo"]:
            said["photos"]["photo"][0]["dateupload"] = str(1 << 40)
        return json.dumps(said).encode()

    monkeypatch.setattr(sandbox.api, "answer", answer_otherwise)
    summary = await harvest_into(tmp_path, sandbox, Job(source=Search(tags=("sandbox",)), detail="list"))
    assert (summary.status, summary.photos) == ("complete", 300)
    assert json.loads((tmp_path / "manifest.json").read_bytes())["horizon"] < "2100"
    assert verify_archive(tmp_path) == []
