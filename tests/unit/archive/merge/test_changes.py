"""What an update tells as a change, and what moves by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.archive.merge.changes import describe_change, find_differing, without_counters
from harvester.jobs.model import Account, Job
from harvester.sandbox.server import Sandbox
from support.accounts import owner
from support.answers import Patch, build_patch
from support.archives import read_lines
from support.harvest import harvest_into
from support.updates import update

HEAD = {"id": "1", "harvested_at": "2026-11-23T22:30:05Z"}


def line(**members: Any) -> bytes:
    return orjson.dumps({**HEAD, **members})


@pytest.mark.parametrize("name", ["views", "count_views", "members", "pool_count", "topic_count", "count_comments"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (9612, 9613),
        ("9612", "9,613"),
        ({"_content": "9,612"}, {"_content": "9,613"}),
        ({"_content": 1}, {"_content": "2"}),
        ("", "1"),
        (None, 0),
    ],
)
def test_a_counter_is_no_change_however_it_is_written(name: str, before: Any, after: Any) -> None:
    one, other = ({"title": "x", name: count, "photos": {name: count}} for count in (before, after))
    assert without_counters(line(group=one)) == without_counters(line(group=other))
    assert find_differing(line(info=one), line(info=other)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"count_photos": 3}, {"count_photos": 4}),
        ({"members": {"_content": "many"}}, {"members": {"_content": "few"}}),
        ({"title": {"_content": "1"}}, {"title": {"_content": "2"}}),
        ({"comments": [{"id": "1"}]}, {"comments": []}),
        ({"photos": {"count": {"_content": 1}}}, {"photos": {"count": {"_content": 2}}}),
        ({"views": "1"}, {"views": "1", "title": ""}),
    ],
)
def test_everything_else_is_one(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert without_counters(line(group=before)) != without_counters(line(group=after))
    assert find_differing(line(info=before), line(info=after)) != []


def test_a_line_that_is_no_json_differs_from_all_others() -> None:
    assert without_counters(b"{half\n") != without_counters(b"{other\n")


async def test_counters_of_people_and_groups_move_without_a_word(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 9_612
    patch: Patch = build_patch(sandbox, monkeypatch)

    def person(answer: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
        answer["person"]["photos"]["views"] = {"_content": f"{count:,}"}
        return answer

    def groups(answer: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
        for group in answer["groups"]["group"]:
            group |= {"members": {"_content": f"{count:,}"}, "pool_count": str(count), "topic_count": count}
        return answer

    patch("people.getInfo", person)
    patch("people.getPublicGroups", groups)
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
    count += 1
    summary = await update(tmp_path, sandbox)
    assert summary.notes[0] == "Since the last time: nothing has changed."
    (kept,) = read_lines(tmp_path / "people.ndjson")
    assert kept["person"]["photos"]["views"] == {"_content": "9,613"}


@pytest.mark.parametrize(
    "photos",
    [{"count": 1}, {"count": "1"}, {"count": {"_content": ""}}, {"count": None}, {"count": []}, None, [], "", 7, ...],
)
async def test_a_person_whose_count_of_photos_has_any_shape_is_harvested(
    photos: Any, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        found = json.loads(honest(query))
        if "person" in found:
            found["person"].pop("photos")
            found["person"] |= {} if photos is ... else {"photos": photos}
        return orjson.dumps(found)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    job = Job(source=Account(user=owner(sandbox), only="photos"), detail="list")
    summary = await harvest_into(tmp_path, sandbox, job)
    assert summary.status == "complete"
    assert summary.photos == len(read_lines(tmp_path / "photos.ndjson")) > 1


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"info": {"license": "4"}}, {"info": {"license": "0"}}, ("cc-by-2.0", "all-rights-reserved")),
        ({"search": {"license": 9}}, {"search": {"license": "10"}}, ("cc0", "public-domain")),
        ({"search": {"license": "4"}}, {"search": {"license": "99"}}, ("cc-by-2.0", "99")),
        ({"search": {"license": "odd"}}, {"search": {}}, ("odd", None)),
        ({"info": {"license": "4"}}, {"info": {"license": 4}}, None),
        ({"info": {"license": "4", "title": "x"}}, {"info": {"license": "4", "title": "y"}}, None),
        (
            {"search": {"license": "4"}, "info": {"license": "0"}},
            {"search": {"license": 0}, "info": {"license": 0}},
            None,
        ),
    ],
)
def test_a_changed_licence_is_told_by_its_name(before: Any, after: Any, told: tuple[str, str | None] | None) -> None:
    change = describe_change(line(**before), line(**after))
    assert change["members"] == find_differing(line(**before), line(**after))
    assert change.get("license") == (told and {"before": told[0], "after": told[1]})


async def test_an_update_names_the_licence_that_has_changed(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox), only="photos"), detail="info"))
    changed = read_lines(tmp_path / "photos.ndjson")[3]
    number = next(n for n in range(300) if str(sandbox.catalogue.id_of(n)) == changed["id"])
    sandbox.catalogue.change(number)
    honest = sandbox.catalogue.license
    monkeypatch.setattr(sandbox.catalogue, "license", lambda n: 9 if n == number else honest(n))
    await update(tmp_path, sandbox)
    (told,) = read_lines(tmp_path / "changes.ndjson")
    assert told["license"]["after"] == "cc0"
    assert {"search.license", "info.license"} <= set(told["members"])
