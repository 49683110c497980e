"""Geographic searches: Flickr shows the last 12 hours of one that nothing else limits, and 250 rows a page."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harvester.archive.checkpoint.state import State
from harvester.engine import lister
from harvester.engine.estimate import estimate_job
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep import update
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import CannotWrite
from harvester.events import Event, Noticed
from harvester.flickr.geo import EVER, find_page_size, is_geographic
from harvester.jobs.model import Job, Search
from harvester.jobs.urls import read_url
from harvester.python.api import Flickr
from harvester.sandbox.places import PLACES
from harvester.sandbox.search import Failure
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for

LONDON = PLACES[0]
WORLD = "-180,-90,180,90"
AROUND_LONDON = {"lat": "51.5", "lon": "-0.12", "radius": "5"}
SEARCHES = {
    "a box": Search(bbox=WORLD),
    "with a place": Search(has_geo=True),
    "around a point": Search(params=AROUND_LONDON),
    "a woe_id": Search(params={"woe_id": LONDON.woeid}),
    "a place_id": Search(params={"place_id": LONDON.place_id}),
    "a context": Search(params={"geo_context": "0"}),
    "an accuracy": Search(bbox=WORLD, params={"accuracy": "3"}),
    "an end": Search(has_geo=True, max_upload_date="2024-01-01"),
    "oldest first": Search(bbox=WORLD, sort="date-posted-asc"),
    "by date taken": Search(bbox=WORLD, sort="date-taken-desc"),
    "by interest": Search(has_geo=True, sort="interestingness-desc"),
    "by relevance": Search(has_geo=True, sort="relevance"),
    "licences": Search(has_geo=True, license="cc-by,0", media="photos"),
    "an address": read_url(f"https://www.flickr.com/search/?has_geo=1&woe_id={LONDON.woeid}"),
}


def truth(sandbox: Sandbox, search: Any) -> set[str]:
    _, until = search.upload_span
    bound = {} if until is None else {"max_upload_date": str(until)}
    return set(json.loads(sandbox.api.truth({**search.arguments, **bound})))


def ids_of(folder: Path) -> list[str]:
    return [line["id"] for line in read_lines(folder / "photos.ndjson")]


def show(sandbox: Sandbox, **query: str) -> Any:
    return sandbox.api.searcher.show(query, faults=sandbox.api.faults, rng=Random(1))


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
async def test_a_geographic_search_without_a_first_date_finds_all_photos(
    sandbox_of: Opener, tmp_path: Path, search: Search
) -> None:
    async with sandbox_of(photos=1_500) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=search, detail="list"))
        wanted = truth(sandbox, search)
        assert len(wanted) > 10
        assert sorted(ids_of(tmp_path)) == sorted(wanted)
        assert summary.status == "complete"


async def test_an_update_of_a_geographic_search_sees_all_of_it(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=1_500) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Search(bbox=WORLD), detail="list"))
        gone, changed = ids_of(tmp_path)[20:22]
        sandbox.api.control({"delete": [gone], "change": [changed], "add": 40})
        await run_update(tmp_path, settings_for(sandbox))
        assert sorted(ids_of(tmp_path)) == sorted(truth(sandbox, Search(bbox=WORLD)))
    told = {(line["change"], line["id"]) for line in read_lines(tmp_path / "changes.ndjson")}
    assert {("removed", gone), ("changed", changed)} <= told
    assert [id_ for change, id_ in told if change == "removed"] == [gone]


async def test_python_streams_all_of_a_geographic_search(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=600) as sandbox:
        flickr = Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none")
        async with flickr:
            found = [photo.id async for photo in flickr.harvest(Search(has_geo=True), detail="list")]
        assert sorted(found) == sorted(truth(sandbox, Search(has_geo=True)))


async def test_a_plan_counts_all_of_a_geographic_search_in_pages_of_250(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=4_000) as sandbox:
        search = Search(has_geo=True)
        facts = await estimate_job(Job(source=search), settings_for(sandbox))
        matches = len(truth(sandbox, search))
    assert facts["matches"] == matches > 750
    assert facts["costs"][0]["calls"] == -(-matches * 102 // 25_000)


# -- archives that were begun without a first date


async def begin_as_before(
    folder: Path, sandbox: Sandbox, job: Job, monkeypatch: pytest.MonkeyPatch, **given: Any
) -> set[str]:
    """An archive as an earlier version left it, which knew no lower bound; the ids it has."""
    with monkeypatch.context() as earlier:
        earlier.setattr(lister, "EVER", {})
        await harvest_into(folder, sandbox, job, **given)
    with State(folder / "state.sqlite") as state, state.changing():
        state.note(replace(state.facts, bounded=None))
    return set(ids_of(folder))


@pytest.mark.parametrize("how", ["resume", "update", "the same command"])
async def test_an_archive_of_12_hours_is_made_whole(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    job = Job(source=Search(bbox=WORLD), detail="list")
    async with sandbox_of(photos=900) as sandbox:
        sandbox.api.control({"add": 40})
        recent = await begin_as_before(tmp_path, sandbox, job, monkeypatch)
        wanted = truth(sandbox, job.source)
        assert 0 < len(recent) < 41 < len(wanted)
        status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
        assert status["state"] == "incomplete"
        assert status["note"].startswith("An earlier version saw only the last 12 hours")
        events: list[Event] = []
        settings = settings_for(sandbox)
        if how == "update":
            summary = await run_update(tmp_path, settings)
        elif how == "resume":
            summary = await run_resume(tmp_path, settings, observer=events.append)
        else:
            summary = await run_job(job, settings, output=Output(folder=tmp_path), observer=events.append)
        assert sorted(ids_of(tmp_path)) == sorted(wanted)
        assert (summary.status, summary.expected) == ("complete", len(wanted))
        assert how == "update" or any("last 12 hours" in e.sentence for e in events if isinstance(e, Noticed))
        verify_archive(tmp_path)
        assert (await asyncio.to_thread(read_status, tmp_path, settings))["state"] == "complete"
        calls = sandbox.stats.calls
        await run_resume(tmp_path, settings)
        assert sandbox.stats.calls == calls, "it is listed from the beginning once"


async def test_an_update_begun_without_a_first_date_is_listed_again(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It held all photos but those of the last 12 hours for gone, and stopped before it merged."""

    def refuse(*_: object, **__: object) -> None:
        raise CannotWrite("The disk is full.")

    job = Job(source=Search(has_geo=True))
    async with sandbox_of(photos=300) as sandbox:
        await harvest_into(tmp_path, sandbox, job)
        sandbox.api.control({"add": 40})
        removed = ids_of(tmp_path)[5]
        sandbox.api.control({"delete": [removed]})
        with monkeypatch.context() as earlier:
            earlier.setattr(lister, "EVER", {})
            earlier.setattr(update, "merge_update", refuse)
            with pytest.raises(CannotWrite):
                await run_update(tmp_path, settings_for(sandbox))
        with State(tmp_path / ".update" / "state.sqlite") as state, state.changing():
            assert len(list(state.gone())) > 20
            state.note(replace(state.facts, bounded=None))
        await run_update(tmp_path, settings_for(sandbox))
        assert set(ids_of(tmp_path)) == truth(sandbox, job.source)
    told = [(line["change"], line["id"]) for line in read_lines(tmp_path / "changes.ndjson")]
    assert [photo for change, photo in told if change == "removed"] == [removed]
    assert {change for change, _ in told} == {"added", "removed"}
    verify_archive(tmp_path)


async def test_a_search_with_a_tag_is_not_listed_again(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(source=Search(has_geo=True, tags="sandbox"), detail="list")
    async with sandbox_of(photos=300) as sandbox:
        await begin_as_before(tmp_path, sandbox, job, monkeypatch)
        calls = sandbox.stats.calls
        assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
        assert sandbox.stats.calls == calls


# -- the sandbox's rules


@pytest.mark.parametrize(
    "query",
    [{"bbox": WORLD}, {"has_geo": "1"}, AROUND_LONDON, {"woe_id": LONDON.woeid}, {"geo_context": "0"}],
)
async def test_the_sandbox_shows_12_hours_of_a_geographic_search(sandbox_of: Opener, query: dict[str, str]) -> None:
    async with sandbox_of(photos=900) as sandbox:
        added = sandbox.api.control({"add": 300})["added"]
        last = {sandbox.catalogue.number_of(i) for i in added}
        per_page = {"per_page": "500"}
        whole = set(show(sandbox, **query, **per_page, **EVER).numbers)
        late = {"max_upload_date": str(1 << 33)}
        assert set(show(sandbox, **query, **per_page).numbers) == set(show(sandbox, **query, **late).numbers)
        assert 0 < int(show(sandbox, **query).total) < len(whole)
        assert set(show(sandbox, **query, **per_page).numbers) <= last
        for limit in ({"tags": "sandbox"}, {"min_taken_date": "1990-01-01"}):
            assert int(show(sandbox, **query, **limit).total) == len(sandbox.api.searcher.find({**query, **limit}))


async def test_the_sandbox_gives_250_rows_of_a_geographic_search_and_500_of_others(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=2_500) as sandbox:
        for query in ({"bbox": WORLD}, {"has_geo": "1"}, {"geo_context": "0"}):
            page = show(sandbox, **query, **EVER, per_page="500")
            assert (page.per_page, len(page.numbers)) == (250, 250)
        assert show(sandbox, has_geo="0", per_page="500").per_page == 500


async def test_the_sandbox_knows_points_and_places(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=2_000) as sandbox:
        find, catalogue = sandbox.api.searcher.find, sandbox.catalogue
        there = [n for n in range(len(catalogue)) if catalogue.place(n) == LONDON]
        assert there == find({"woe_id": LONDON.woeid}) == find({"place_id": LONDON.place_id})
        assert there == find({"lat": "51.5", "lon": "-0.12"}) == find({**AROUND_LONDON, "radius_units": "mi"})
        assert find({"lat": "51.5", "lon": "-0.12", "radius": "0.1"}) == []
        assert find({"geo_context": "1"}) == []
        with pytest.raises(Failure, match="Illogical"):
            find({"lat": "51.5"})


@pytest.mark.parametrize(
    ("arguments", "is_geo"),
    [
        ({"bbox": WORLD}, True),
        ({"has_geo": "1"}, True),
        ({"has_geo": "0"}, False),
        ({"lat": "1", "lon": "2"}, True),
        ({"tags": "bbox", "text": "lat"}, False),
        ({"woe_id": ""}, False),
    ],
)
def test_geographic_searches_are_known_by_their_arguments(arguments: dict[str, str], is_geo: bool) -> None:
    assert is_geographic(arguments) is is_geo
    assert find_page_size(arguments) == (250 if is_geo else 500)
