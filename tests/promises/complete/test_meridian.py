"""Boxes across the 180th meridian: two parts of one search, and each photo once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harvester.config.settings import load_config
from harvester.engine.estimate import estimate_job
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import UsageError
from harvester.events import Event, Noticed
from harvester.jobs.box import read_bbox, split_box
from harvester.jobs.filters import Sort
from harvester.jobs.model import Job, Search, Source
from harvester.jobs.urls import read_url
from harvester.listing.parts import find_part, keep_part, split_sweep
from harvester.listing.sweep import Step, Sweep, first_sweep
from harvester.python.api import Flickr
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for

PACIFIC = "100,-60,-60,60"
"""From Bangkok over Tokyo, Sydney and Fiji to San Francisco and New York."""
HALVES = ("100,-60,180,60", "-180,-60,-60,60")


def truth(sandbox: Sandbox, **query: str) -> list[str]:
    halves = [json.loads(sandbox.api.truth({**query, "bbox": half})) for half in HALVES]
    assert all(halves)
    return sorted(halves[0] + halves[1])


def ids_of(folder: Path) -> list[str]:
    return sorted(line["id"] for line in read_lines(folder / "photos.ndjson"))


@pytest.mark.parametrize("sort", ["date-posted-desc", "date-posted-asc", "date-taken-asc", "interestingness-desc"])
async def test_a_box_across_the_meridian_is_harvested_whole_and_each_photo_once(
    sandbox_of: Opener, tmp_path: Path, sort: Sort
) -> None:
    events: list[Event] = []
    async with sandbox_of(photos=2_000) as sandbox:
        job = Job(source=Search(bbox=PACIFIC, sort=sort), detail="list")
        summary = await harvest_into(tmp_path, sandbox, job, events=events)
        wanted = truth(sandbox)
        assert ids_of(tmp_path) == wanted
        assert (summary.status, summary.expected, summary.photos) == ("complete", len(wanted), len(wanted))
    (sentence,) = told(events)
    assert sentence.startswith("The box goes east from 100 to -60 across the 180th meridian, 200 degrees wide: it is ")
    verify_archive(tmp_path)


def told(events: list[Event]) -> list[str]:
    return [event.sentence for event in events if isinstance(event, Noticed)]


@pytest.mark.slow
async def test_a_ranked_search_past_the_cap_stays_within_its_parts(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=60_000) as sandbox:
        search = Search(bbox=PACIFIC, sort="interestingness-desc")
        await harvest_into(tmp_path, sandbox, Job(source=search, detail="list"))
        wanted = truth(sandbox)
        assert len(wanted) > 5_000
        assert ids_of(tmp_path) == wanted


@pytest.mark.slow
async def test_a_full_second_is_split_within_its_part(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=40_000, wide_second=40_000) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Search(bbox=PACIFIC), detail="list"))
        assert set(ids_of(tmp_path)) == set(truth(sandbox))


@pytest.mark.slow
async def test_the_parts_survive_a_refusal_past_the_cap(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=30_000, faults=Faults(cap_error=True)) as sandbox:
        search = Search(bbox=PACIFIC, sort="relevance")
        await harvest_into(tmp_path, sandbox, Job(source=search, detail="list"))
        assert ids_of(tmp_path) == truth(sandbox)


async def test_a_stopped_search_goes_on_in_its_parts(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=2_000) as sandbox:
        search = Search(bbox=PACIFIC, tags="sandbox")
        await harvest_into(tmp_path, sandbox, Job(source=search, detail="list", limit=30))
        assert len(ids_of(tmp_path)) == 30
        await harvest_into(tmp_path, sandbox, Job(source=search, detail="list"))
        assert ids_of(tmp_path) == truth(sandbox, tags="sandbox")
        calls = sandbox.stats.calls
        assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
        assert sandbox.stats.calls == calls


async def test_an_update_lists_both_parts(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=2_000) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Search(bbox=PACIFIC), detail="list"))
        half = [json.loads(sandbox.api.truth({"bbox": half})) for half in HALVES]
        sandbox.api.control({"delete": [half[0][0], half[1][0]], "change": [half[0][1], half[1][1]], "add": 40})
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert ids_of(tmp_path) == truth(sandbox)
        assert summary.status == "complete"
    changes = read_lines(tmp_path / "changes.ndjson")
    assert {c["id"] for c in changes if c["change"] == "removed"} == {half[0][0], half[1][0]}
    assert {c["id"] for c in changes if c["change"] == "changed"} == {half[0][1], half[1][1]}


async def test_a_plan_counts_both_parts(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=2_000) as sandbox:
        facts = await estimate_job(Job(source=Search(bbox=PACIFIC)), settings_for(sandbox))
        assert facts["matches"] == len(truth(sandbox))


async def test_python_streams_both_parts(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=600) as sandbox:
        async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
            with pytest.warns(UserWarning, match="180th meridian"):
                harvest = flickr.harvest(Search(bbox=[100, -60, -60, 60]), detail="list")
            found = [photo.id async for photo in harvest]
        assert sorted(found) == truth(sandbox)


def box_of(source: Source) -> str:
    assert isinstance(source, Search)
    return source.arguments["bbox"]


def test_config_files_and_addresses_take_such_a_box(tmp_path: Path) -> None:
    file = tmp_path / "harvester.toml"
    file.write_text('[jobs.x]\nsource = "search"\nbbox = [177, -20, -178.5, -15]\n')
    config = load_config({}, config_path=file, environ={}, cwd=tmp_path)
    assert box_of(config.jobs["x"].job.source) == "177,-20,-178.5,-15"
    assert box_of(read_url("https://www.flickr.com/search/?bbox=177%2C-20%2C-178%2C-15")) == "177,-20,-178,-15"


@pytest.mark.parametrize(
    ("given", "read", "parts"),
    [
        ("-0.6,51.2,0.4,51.8", "-0.6,51.2,0.4,51.8", ("-0.6,51.2,0.4,51.8",)),
        ("177,-20,-178,-15", "177,-20,-178,-15", ("177,-20,180,-15", "-180,-20,-178,-15")),
        ("177,-20,182,-15", "177,-20,-178,-15", ("177,-20,180,-15", "-180,-20,-178,-15")),
        ("-183,-20,-178,-15", "177,-20,-178,-15", ("177,-20,180,-15", "-180,-20,-178,-15")),
        ("190,-20,200,-15", "-170,-20,-160,-15", ("-170,-20,-160,-15",)),
        ("0,-90,360,90", "-180,-90,180,90", ("-180,-90,180,90",)),
        ("180,-20,-180,-15", "180,-20,-180,-15", ("180,-20,180,-15", "-180,-20,-180,-15")),
        ("170,-20,180,-15", "170,-20,180,-15", ("170,-20,180,-15",)),
    ],
)
def test_boxes_are_read_and_cut(given: str, read: str, parts: tuple[str, ...]) -> None:
    assert read_bbox(given) == read
    assert split_box(read) == parts


@pytest.mark.parametrize(
    "given", ["177,20,-178,-15", "1,2,3", "a,b,c,d", "0,0,361,1", "500,0,501,1", "nan,0,1,1", "0,-91,1,1", "10,0,inf,1"]
)
def test_what_is_no_box_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match=r"bbox: .* is not a box; .* across the 180th meridian"):
        read_bbox(given)


def test_what_follows_from_a_part_is_of_the_same_part() -> None:
    whole = first_sweep(since=0, until=1000, sort="relevance")
    east, west = split_sweep(whole, {"bbox": PACIFIC})
    assert (find_part(east), find_part(west)) == HALVES
    lost, kept = Sweep(since=0, until=10), Sweep(since=5, until=5, narrow=(("bbox", HALVES[1]), ("media", "photos")))
    step = keep_part(west, Step((lost, kept)))
    assert [find_part(sweep) for sweep in step.sweeps] == [HALVES[1], HALVES[1]]
    assert step.sweeps[1] == kept
    assert keep_part(whole, Step((lost,))) == Step((lost,))
    assert split_sweep(whole, {"tags": "a"}) == (whole,)
