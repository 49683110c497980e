"""The same job told otherwise is the same job; another one is told by the fields that differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harvester.archive.checkpoint.state import State
from harvester.engine.run import Output, run_job
from harvester.errors import CannotWrite, UsageError
from harvester.jobs.model import Account, Album, Favorites, Group, Job, Search
from harvester.jobs.sameness import list_differences
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from support.accounts import call_them
from support.archives import read_lines
from support.harvest import KEY, harvest_into, settings_for

Given = dict[str, Any]


def told_otherwise(one: Given, other: Given) -> list[str]:
    return [str(each) for each in list_differences(describe(one), describe(other))]


def describe(given: Given) -> Given:
    job = {name: given[name] for name in ("detail", "extras") if name in given}
    return Job(source=Search(**{k: v for k, v in given.items() if k not in job}), **job).describe()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"tags": "a,b"}, {"tags": ["b", "A", "b"]}),
        ({"tags": "a", "tag_mode": "all"}, {"tags": "a"}),
        ({"machine_tags": "x:y=1,x:z=2"}, {"machine_tags": ["x:z=2", "x:y=1"]}),
        ({"text": "a", "license": "cc-by,cc0"}, {"text": "a", "license": [9, 11, 4]}),
        ({"text": "a", "bbox": "-1,50,1,52"}, {"text": "a", "bbox": [-1.0, 50.0, 1, 52.0]}),
        ({"text": "a", "content_types": "photos,other"}, {"text": "a", "content_types": ["other", "photos"]}),
        ({"text": "a", "sort": "date-posted-desc"}, {"text": "a"}),
        ({"text": "a", "max_upload_date": "2014"}, {"text": "a", "max_upload_date": "2014-12-31T23:59:59"}),
        ({"user": " 1@n01 "}, {"user": "1@N01"}),
        ({"text": "a", "extras": "exif,comments"}, {"text": "a", "extras": ["comments", "exif"]}),
    ],
)
def test_the_same_search_told_otherwise_is_the_same(one: Given, other: Given) -> None:
    assert told_otherwise(one, other) == []


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({"tags": "a,b"}, {"tags": "a"}, ["tags ('a,b' there, 'a' here)"]),
        ({"tags": "a,b"}, {"tags": "a,b", "tag_mode": "all"}, ["tag mode ('any' there, 'all' here)"]),
        ({"text": "A"}, {"text": "a"}, ["text ('A' there, 'a' here)"]),
        ({"text": "a"}, {"text": "a", "user": "x"}, ["user (none there, 'x' here)"]),
        (
            {"text": "a", "max_upload_date": "2014"},
            {"text": "a"},
            ["max upload date ('2014-12-31T23:59:59Z' there, none here)"],
        ),
        ({"text": "a"}, {"text": "a", "detail": "list"}, ["detail ('full' there, 'list' here)"]),
        ({"text": "a", "extras": "exif"}, {"text": "a"}, ["with ('exif' there, none here)"]),
        ({"text": "a", "content_types": 1}, {"text": "a"}, ["content types ('1' there, none here)"]),
    ],
)
def test_a_difference_is_told_by_its_field_with_both_values(one: Given, other: Given, told: list[str]) -> None:
    assert told_otherwise(one, other) == told


async def test_another_job_is_refused_with_all_that_differs(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path / "a", sandbox, Job(source=Search(tags="sandbox"), detail="list", limit=1))
    with pytest.raises(UsageError) as caught:
        await harvest_into(tmp_path / "a", sandbox, Job(source=Search(tags="monkey"), detail="info"))
    assert str(caught.value) == (
        f"{tmp_path / 'a'} was begun with another query, which differs in tags ('sandbox' there, 'monkey' here) and "
        "detail ('list' there, 'info' here): choose another folder, or use the first query."
    )
    with pytest.raises(
        UsageError, match=r"differs in source \('search' there, 'album' here\), tags .* and album \(none"
    ):
        await harvest_into(tmp_path / "a", sandbox, Job(source=Album(album="1"), detail="list"))


async def test_tags_in_another_order_go_on(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    await harvest_into(folder, sandbox, Job(source=Search(tags="sandbox,monkey"), detail="list", limit=5))
    await harvest_into(folder, sandbox, Job(source=Search(tags="monkey,sandbox"), detail="list"))
    assert len(read_lines(folder / "photos.ndjson")) == 300


@pytest.mark.slow
async def test_one_person_by_any_name_is_the_same_person(sandbox: Sandbox, tmp_path: Path) -> None:
    person = call_them(sandbox, ("One", "number_one"))[0]
    names = [person.nsid, person.username, person.alias or "", f"https://www.flickr.com/photos/{person.alias}/"]
    for kind in (Account(user="x", only=["photos"]), Favorites(user="x"), Search(user="x")):
        for number, first in enumerate(names):
            folder = tmp_path / f"{kind.name}{number}"
            for name in (first, *names):
                job = Job(source=replace(kind, user=name), detail="list")
                assert (await harvest_into(folder, sandbox, job)).status == "complete"


async def test_another_person_is_another_job_whatever_name_is_used(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second, *_ = sandbox.catalogue.people
    kind, folder = Account(user="x", only=["photos"]), tmp_path / "a"
    await harvest_into(folder, sandbox, Job(source=replace(kind, user=first.username), detail="list", limit=1))
    for name in (second.nsid, second.username):
        with pytest.raises(UsageError) as caught:
            await harvest_into(folder, sandbox, Job(source=replace(kind, user=name), detail="list"))
        assert f"differs in user ({first.username!r} there, {name!r} here): choose" in str(caught.value)
    with State(folder / "state.sqlite") as state:
        assert state.facts.limit == 1  # of the refused job nothing was kept


async def test_me_and_ones_own_nsid_are_the_same(sandbox: Sandbox, tmp_path: Path) -> None:
    person, other = sandbox.catalogue.people[:2]
    token, secret = sandbox.authority.grant(person)
    settings = settings_for(sandbox, api_secret=secret_of(KEY), oauth_token=token, oauth_token_secret=secret)
    kind = Account(user="x", only=["photos"])
    for number, names in enumerate((("me", person.nsid, person.username), (person.nsid, "me"))):
        output = Output(folder=tmp_path / str(number))
        for name in names:
            job = Job(source=replace(kind, user=name), detail="list")
            assert (await run_job(job, settings, output=output)).status == "complete"
        with pytest.raises(UsageError, match="differs in user"):
            await run_job(Job(source=replace(kind, user=other.nsid), detail="list"), settings, output=output)


async def test_a_group_by_its_alias_is_the_group_by_its_id(sandbox: Sandbox, tmp_path: Path) -> None:
    for name in ("monkeys", sandbox.catalogue.group_id, "https://www.flickr.com/groups/monkeys/"):
        job = Job(source=Group(group=name), detail="list")
        assert (await harvest_into(tmp_path / "a", sandbox, job)).status == "complete"


async def test_names_that_were_never_looked_up_are_compared_all_the_same(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second, *_ = sandbox.catalogue.people
    kind, folder = Account(user="x", only=["photos"]), tmp_path / "a"
    await harvest_into(folder, sandbox, Job(source=replace(kind, user=first.username), detail="list", limit=1))
    with State(folder / "state.sqlite") as state, state.changing():
        state.note(replace(state.facts, arguments=None))  # as where the first run was killed at once
    with pytest.raises(UsageError, match="differs in user"):
        await harvest_into(folder, sandbox, Job(source=replace(kind, user=second.username), detail="list"))
    job = Job(source=replace(kind, user=first.nsid), detail="list")
    assert (await harvest_into(folder, sandbox, job)).status == "complete"


async def test_a_checkpoint_whose_job_is_damaged_is_told_as_such(sandbox: Sandbox, tmp_path: Path) -> None:
    person = call_them(sandbox, ("One", "number_one"))[0]
    kind, folder = Account(user="x", only=["photos"]), tmp_path / "a"
    await harvest_into(folder, sandbox, Job(source=replace(kind, user="One"), detail="list", limit=1))
    with State(folder / "state.sqlite") as state, state.changing():
        asked = {"source": "account", "account": {"nobody": 1}}
        state.note(replace(state.facts, arguments=None, asked=asked))
    with pytest.raises(CannotWrite, match="remembers a job that none can be"):
        await harvest_into(folder, sandbox, Job(source=replace(kind, user=person.nsid), detail="list"))
