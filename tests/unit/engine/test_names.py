"""Whom a name stands for: told by every run, and not chosen where it may be two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harvester.engine.estimate import estimate_job
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import UsageError
from harvester.events import Event, Noticed
from harvester.jobs.model import Account, Favorites, Group, Job, Search
from harvester.jobs.urls import is_address, read_named
from harvester.sandbox.server import Sandbox
from support.accounts import call_them
from support.harvest import harvest_into, settings_for

ONLY = Account(user="x", only=["photos"])


def told(events: list[Event]) -> list[str]:
    return [event.sentence for event in events if isinstance(event, Noticed)]


@pytest.mark.parametrize("name", ["AC/DC fan", "j@ne", "★☆洪爺の銀鹽專賣★☆", "two words", "https", "100%", "a&b=c"])
async def test_a_user_name_may_have_any_characters(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    first = call_them(sandbox, (name, None))[0]
    events: list[Event] = []
    source = replace(ONLY, user=read_named(name, "account"))
    await harvest_into(tmp_path / "a", sandbox, Job(source=source, detail="list", limit=1), events=events)
    assert told(events) == [f"The user {name!r} is {name!r} ({first.nsid})."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AC/DC fan", False),
        ("photos/x", False),
        ("flickr.com", False),
        ("https://www.flickr.com/photos/x", True),
        ("flickr.com/people/x", True),
        ("WWW.Flickr.com/photos/x", True),
        ("//flickr.com/photos/x", True),
        ("flic.kr/ps/ZVcni", True),
        ("http://example.com/x", True),
    ],
)
def test_what_is_an_address(text: str, expected: bool) -> None:
    assert is_address(text) is expected


def test_an_album_with_a_slash_is_an_address_or_nothing() -> None:
    with pytest.raises(UsageError, match="is no address that can be harvested"):
        read_named("AC/DC", "album")


async def test_a_name_that_is_two_people_is_refused_with_both(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second, *_ = call_them(sandbox, ("the reagent", "reagent"), ("Reagent", "someone"))
    sources = (replace(ONLY, user="reagent"), Favorites(user="reagent"), Search(user="reagent"))
    for source in sources:
        with pytest.raises(UsageError) as caught:
            await harvest_into(tmp_path / "a", sandbox, Job(source=source, detail="list"))
        assert str(caught.value) == (
            f"'reagent' is the user name of 'Reagent' ({second.nsid}) and stands in the address of 'the reagent' "
            f"({first.nsid}): give the NSID of the one that you mean."
        )
        with pytest.raises(UsageError, match="give the NSID"):
            await estimate_job(Job(source=source), settings_for(sandbox))


async def test_the_address_of_one_of_them_is_that_one(sandbox: Sandbox, tmp_path: Path) -> None:
    first, *_ = call_them(sandbox, ("the reagent", "reagent"), ("reagent", "someone"))
    events: list[Event] = []
    page = "https://www.flickr.com/photos/reagent/"
    job = Job(source=replace(ONLY, user=page), detail="list", limit=1)
    await harvest_into(tmp_path / "a", sandbox, job, events=events)
    assert told(events) == [f"The user {page!r} is 'the reagent' ({first.nsid})."]


async def test_a_user_name_that_is_ones_own_alias_is_one_person(sandbox: Sandbox, tmp_path: Path) -> None:
    first, *_ = call_them(sandbox, ("reagent", "reagent"))
    events: list[Event] = []
    job = Job(source=replace(ONLY, user="reagent"), detail="list", limit=1)
    await harvest_into(tmp_path / "a", sandbox, job, events=events)
    assert told(events) == [f"The user 'reagent' is 'reagent' ({first.nsid})."]


async def test_every_run_of_an_archive_says_whom_the_name_stands_for(sandbox: Sandbox, tmp_path: Path) -> None:
    first, *_ = call_them(sandbox, ("the reagent", "reagent"))
    sentence = f"The user 'reagent' is 'the reagent' ({first.nsid})."
    job, folder = Job(source=replace(ONLY, user="reagent"), detail="list"), tmp_path / "a"
    for run in ("first", "again", "resume", "update"):
        events: list[Event] = []
        if run == "resume":
            await run_resume(folder, settings_for(sandbox), observer=events.append)
        elif run == "update":
            await run_update(folder, settings_for(sandbox), observer=events.append)
        else:
            await harvest_into(folder, sandbox, job, events=events)
        assert told(events) == [sentence], run


async def test_an_nsid_needs_no_word(sandbox: Sandbox, tmp_path: Path) -> None:
    events: list[Event] = []
    job = Job(source=replace(ONLY, user=sandbox.catalogue.people[0].nsid.lower()), detail="list", limit=1)
    await harvest_into(tmp_path / "a", sandbox, job, events=events)
    assert told(events) == []


async def test_a_plan_says_whom_and_which_group(sandbox: Sandbox) -> None:
    first, *_ = call_them(sandbox, ("the reagent", "reagent"))
    found = await estimate_job(Job(source=replace(ONLY, user="reagent")), settings_for(sandbox))
    assert found["resolved"] == {"user": f"'the reagent' ({first.nsid})"}
    found = await estimate_job(Job(source=Group(group="monkeys")), settings_for(sandbox))
    assert found["resolved"] == {"group": f"'Monkeys & friends' ({sandbox.catalogue.group_id})"}
    assert "resolved" not in await estimate_job(Job(source=Search(tags="a")), settings_for(sandbox))
