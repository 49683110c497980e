"""The sizes of the listing in place of a call: equal to what getSizes says, marked on the line, deepened on demand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.repair.run import repair_archive
from harvester.engine.estimate import estimate_job
from harvester.engine.run import Output
from harvester.engine.upkeep.deepening import resume_archive, run_whole_job
from harvester.engine.upkeep.deepening_cost import estimate_deepening
from harvester.engine.upkeep.update import run_update
from harvester.errors import UsageError
from harvester.events import Summary
from harvester.export.pictures.sizes import list_sizes
from harvester.export.reading import read_members
from harvester.flickr.lenient_json import read_number
from harvester.flickr.methods import LISTING_EXTRAS
from harvester.flickr.sizes import build_listed_sizes, is_listed
from harvester.jobs.model import Account, Album, Group, Job, Photos, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.accounts import ask_all, owner
from support.archives import lines_of
from support.calls import Calls
from support.harvest import KEY, Opener, harvest_into, settings_for
from support.project import SHARED

RECORDINGS = SHARED / "flickr-recordings"
GET_SIZES, GET_INFO = "flickr.photos.getSizes", "flickr.photos.getInfo"
SOURCE = Search(tags="sandbox")
LISTED = Job(source=SOURCE, sizes="listing")
Told = list[tuple[str, str, int | None, int | None]]


async def run(folder: Path, sandbox: Sandbox, job: Job) -> Summary:
    return await run_whole_job(job, settings_for(sandbox), output=Output(folder=folder))


def tell(sizes: dict[str, Any]) -> Told:
    """Label, address and dimensions of the pictures."""
    return [
        (size["label"], size["source"], read_number(size["width"]), read_number(size["height"]))
        for size in sizes["size"]
        if size["media"] == "photo"
    ]


def is_video(line: dict[str, Any]) -> bool:
    return bool(line["search"]["media"] == "video")


def find_recorded() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows and answers of getSizes that were recorded of the same photo."""
    bodies = [json.loads(path.read_bytes()) for path in sorted((RECORDINGS / GET_SIZES).glob("*.json"))]
    answers = [body["sizes"] for body in bodies if body["stat"] == "ok"]
    known = {size["source"].split("/")[-1].split("_")[0]: sizes for sizes in answers for size in sizes["size"][:1]}
    for path in sorted(RECORDINGS.glob("*/*.json")):
        body = path.read_bytes()
        for row in find_rows(json.loads(body)) if body.startswith(b"{") else ():
            if row["id"] in known:
                yield row, known[row["id"]]


def find_rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "id" in value and "url_sq" in value:
            yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from find_rows(each)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings are there")
def test_recorded_rows_tell_what_the_recorded_get_sizes_tells() -> None:
    """Of a video too, as far as its pictures go: its streams stand in no row."""
    found = list(find_recorded())
    assert len({row["id"] for row, _ in found}) >= 4
    for row, answer in found:
        listed = build_listed_sizes(orjson.dumps({**row, "media": "photo"}))
        assert listed is not None
        assert is_listed(listed)
        assert tell(orjson.loads(listed)) == tell(answer)
        if row.get("media") != "photo":
            assert build_listed_sizes(orjson.dumps(row)) is None


async def test_each_row_of_the_sandbox_tells_what_its_get_sizes_tells(sandbox: Sandbox) -> None:
    api = {"api_key": KEY, "format": "json", "nojsoncallback": "1"}

    def call(method: str, **given: str) -> Any:
        return orjson.loads(sandbox.api.answer({**api, "method": method, **given}))

    rows = call("flickr.photos.search", tags="sandbox", extras=LISTING_EXTRAS, per_page="500")["photos"]["photo"]
    assert {row["media"] for row in rows} == {"photo", "video"}
    for row in rows:
        listed = build_listed_sizes(orjson.dumps(row))
        assert (listed is None) == (row["media"] == "video")
        if listed is not None:
            assert tell(orjson.loads(listed)) == tell(call(GET_SIZES, photo_id=row["id"])["sizes"])


ROW: dict[str, Any] = {"id": "7", "media": "photo", "url_sq": "https://x/7_s.jpg", "width_sq": 75, "height_sq": "75"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"media": "video"}, "its streams are in no row"),
        ({"media": None}, "it may be a video"),
        ({"media_status": "pending"}, "its sizes are still being made"),
        ({"width_sq": None}, "a side is missing"),
        ({"width_sq": ""}, "a side is missing"),
        ({"height_sq": 0}, "a side is missing"),
        ({"height_sq": "x"}, "a side is no number"),
        ({"url_sq": None}, "no size is there"),
    ],
)
def test_a_row_that_does_not_tell_all_is_none(changed: dict[str, Any], why: str) -> None:
    row = {name: value for name, value in {**ROW, **changed}.items() if value is not None}
    assert build_listed_sizes(orjson.dumps(row)) is None, why


def test_each_value_stands_as_it_was_sent() -> None:
    raw = rb'{"id":"7","media":"photo","url_o":"https:\/\/x\/7_o.jpg","width_o":"640","height_o":480}'
    assert build_listed_sizes(raw) == (
        rb'{"from":"listing","size":[{"label":"Original","width":"640","height":480,'
        rb'"source":"https:\/\/x\/7_o.jpg","media":"photo"}]}'
    )


@pytest.mark.slow
async def test_a_whole_photo_costs_one_call(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path / "full", sandbox, Job(source=SOURCE))
    calls = Calls(sandbox)
    summary = await run(tmp_path / "listed", sandbox, LISTED)
    full, listed = lines_of(tmp_path / "full"), lines_of(tmp_path / "listed")
    videos = [line for line in listed.values() if is_video(line)]
    assert 0 < len(videos) < 30
    assert calls() == {"flickr.photos.search": 1, GET_INFO: 300, GET_SIZES: len(videos)}
    assert (summary.status, summary.photos) == ("complete", 300)
    assert verify_archive(tmp_path / "listed") == []
    for photo_id, line in listed.items():
        assert list(line) == ["id", "harvested_at", "search", "info", "sizes"]
        assert (line["sizes"].get("from") == "listing") != is_video(line)
        assert tell(line["sizes"]) == tell(full[photo_id]["sizes"])
        assert list_sizes(line) == list_sizes(full[photo_id])
    asked = orjson.loads((tmp_path / "listed" / "manifest.json").read_bytes())
    assert (asked["job"]["detail"], asked["job"]["sizes"]) == ("full", "listing")


async def test_an_export_has_the_same_sizes_but_for_their_pages(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LISTED)

    def fail(*misfit: object) -> None:
        raise AssertionError(misfit)

    for line in (tmp_path / "photos.ndjson").read_bytes().splitlines():
        record = orjson.loads(line)
        (sizes,) = [
            each for each in read_members(line, fail) if isinstance(each, list) and each and hasattr(each[0], "label")
        ]
        assert [(s.label, s.width) for s in sizes] == [
            (s["label"], read_number(s["width"])) for s in record["sizes"]["size"]
        ]


@pytest.mark.slow
@pytest.mark.parametrize("build", [lambda s: Account(user=owner(s)), lambda s: Group(group=s.catalogue.group_id)])
async def test_lists_tell_the_sizes_of_their_photos_too(
    sandbox: Sandbox, tmp_path: Path, build: Callable[[Sandbox], Account | Group]
) -> None:
    calls = Calls(sandbox)
    await run(tmp_path, sandbox, Job(source=build(sandbox), sizes="listing"))
    lines = lines_of(tmp_path).values()
    assert calls()[GET_SIZES] == sum(map(is_video, lines))
    assert calls()[GET_INFO] == len(lines) > 50


async def test_an_album_tells_the_sizes_of_its_photos(sandbox: Sandbox, tmp_path: Path) -> None:
    (album, *_) = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=owner(sandbox))
    calls = Calls(sandbox)
    await run(tmp_path, sandbox, Job(source=Album(album=album["id"]), sizes="listing"))
    lines = lines_of(tmp_path).values()
    assert calls().get(GET_SIZES, 0) == sum(map(is_video, lines))
    assert all(line["sizes"]["size"] for line in lines)


@pytest.mark.slow
async def test_deepening_asks_for_the_sizes_that_the_listing_had_told(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LISTED)
    pictures = [i for i, line in lines_of(tmp_path).items() if not is_video(line)]
    plan = estimate_deepening(Job(source=SOURCE), tmp_path, settings_for(sandbox))
    assert plan is not None
    calls = Calls(sandbox)
    summary = await run(tmp_path, sandbox, Job(source=SOURCE))
    assert (summary.status, summary.new, calls()) == ("complete", len(pictures), {GET_SIZES: len(pictures)})
    assert (plan["missing"], plan["calls"]) == (["sizes"], 300)
    await run(tmp_path / "full", sandbox, Job(source=SOURCE))
    full = lines_of(tmp_path / "full")
    assert all(line["sizes"] == full[i]["sizes"] for i, line in lines_of(tmp_path).items())
    assert verify_archive(tmp_path) == []
    with pytest.raises(UsageError, match="sizes"):  # which is less than what is there
        await run(tmp_path, sandbox, LISTED)


async def test_an_archive_of_infos_gets_the_sizes_of_its_own_rows_for_no_call(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, Job(source=SOURCE, detail="info"))
    calls = Calls(sandbox)
    summary = await run(tmp_path, sandbox, LISTED)
    lines = lines_of(tmp_path).values()
    assert calls() == {GET_SIZES: sum(map(is_video, lines))}
    assert (summary.status, summary.new) == ("complete", 300)
    assert all(line["sizes"]["size"] for line in lines)
    calls = Calls(sandbox)
    assert (await run(tmp_path, sandbox, LISTED)).status == "complete"
    assert calls() == {}


@pytest.mark.slow
async def test_sizes_that_flickr_refuses_leave_those_of_the_listing(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(refused=0.1) as sandbox:
        await run(tmp_path, sandbox, LISTED)
        before = lines_of(tmp_path)
        await run(tmp_path, sandbox, Job(source=SOURCE))
        refused = {i: line for i, line in lines_of(tmp_path).items() if "errors" in line and not is_video(line)}
        assert refused
        for photo_id, line in refused.items():
            assert line["errors"] == {"sizes": {"code": 2, "message": "Permission denied"}}
            assert line["sizes"] == before[photo_id]["sizes"]
        calls = Calls(sandbox)
        await run(tmp_path, sandbox, Job(source=SOURCE, extras="contexts"))
        assert calls() == {"flickr.photos.getAllContexts": 300}
        assert verify_archive(tmp_path) == []


async def test_what_is_new_or_changed_has_the_sizes_of_its_new_row(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, LISTED)
        ids = list(lines_of(tmp_path))
        sandbox.api.control({"change": ids[:20], "add": 10})
        calls = Calls(sandbox)
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert (summary.status, summary.photos) == ("complete", 310)
        assert calls()[GET_INFO] == 30
        assert calls().get(GET_SIZES, 0) < 5
        lines = lines_of(tmp_path).values()
        assert all((line["sizes"].get("from") == "listing") != is_video(line) for line in lines)
        assert verify_archive(tmp_path) == []


async def test_repair_takes_such_lines_for_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    await run(tmp_path, sandbox, LISTED)
    before = (tmp_path / "photos.ndjson").read_bytes()
    (tmp_path / "state.sqlite").unlink()
    repair_archive(tmp_path)
    calls = Calls(sandbox)
    summary = await resume_archive(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.photos) == ("complete", 300)
    assert GET_INFO not in calls()
    assert GET_SIZES not in calls()
    assert sorted((tmp_path / "photos.ndjson").read_bytes().splitlines()) == sorted(before.splitlines())
    assert verify_archive(tmp_path) == []
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path, copy, ignore=shutil.ignore_patterns("copy"))
    assert (await run(copy, sandbox, Job(source=SOURCE))).status == "complete"


async def test_a_plan_reckons_with_it(sandbox: Sandbox) -> None:
    plan = await estimate_job(LISTED, settings_for(sandbox))
    usual = await estimate_job(Job(source=SOURCE), settings_for(sandbox))
    costs = {each["detail"]: each["calls"] for each in plan["costs"]}
    assert costs["full"] == costs["info"] + plan["videos"]
    assert 0 < plan["videos"] < 30
    assert "videos" not in usual
    assert [each["calls"] for each in usual["costs"]][2] - costs["full"] == 300 - plan["videos"]


def test_where_there_is_no_listing_it_is_refused() -> None:
    with pytest.raises(UsageError, match="photos given by id"):
        Job(source=Photos(ids=("1",)), sizes="listing")
    with pytest.raises(UsageError, match="detail info has no sizes"):
        Job(source=SOURCE, detail="info", sizes="listing")
    with pytest.raises(UsageError, match="listing"):
        Job(source=SOURCE, sizes="row")  # type: ignore[arg-type]
