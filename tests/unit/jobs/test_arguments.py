"""What is asked and would do nothing is told: arguments that Flickr does not know, and such as have an option."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harvester import Flickr
from harvester.archive.checkpoint.state import State
from harvester.archive.remembered import restore_job
from harvester.cli import main
from harvester.config.settings import load_config
from harvester.errors import UsageError
from harvester.events import Event, Noticed
from harvester.jobs.arguments import KNOWN, OPTIONS, name_option
from harvester.jobs.model import Job, Photos, Search
from harvester.jobs.urls import read_url
from harvester.sandbox.server import Sandbox
from support.harvest import KEY, harvest_into


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("userid", "did you mean user_id (--user)?"),
        ("UserID", "did you mean user_id (--user)?"),
        ("tag", "did you mean tags (--tags)?"),
        ("is_common", "did you mean is_commons?"),
        ("woeid", "did you mean woe_id?"),
        ("privacy", "did you mean privacy_filter?"),
        ("xyzzy", "see https://www.flickr.com/services/api/flickr.photos.search.html."),
    ],
)
def test_an_argument_that_flickr_does_not_know_is_told_with_the_nearest_one(name: str, advice: str) -> None:
    (told,) = Search(tags="a", params={name: "1"}).warnings
    assert told == f"flickr.photos.search does not know {name!r}, so Flickr passes over it without a word: {advice}"


@pytest.mark.parametrize(
    "name", ["is_commons", "privacy_filter", "woe_id", "radius_units", "machine_tag_mode", "jump_to"]
)
def test_an_argument_that_flickr_knows_is_not_told(name: str) -> None:
    assert Search(tags="a", params={name: "1"}).warnings == ()


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("tags", "--tags"),
        ("user_id", "--user"),
        ("user", "--user"),
        ("group_id", "--group"),
        ("content_type", "--content-types"),
        ("min_upload_date", "--min-upload-date"),
        ("max_taken_date", "--max-taken-date"),
        ("sort", "--sort"),
        ("Safe-Search", "--safe-search"),
    ],
)
def test_an_argument_with_an_option_of_its_own_is_refused_with_the_options_name(name: str, option: str) -> None:
    with pytest.raises(UsageError, match=rf"^params: '{name}' has an option of its own: use {option}, "):
        Search(text="a", params={name: "1"})


def test_every_field_of_a_search_is_an_option_that_cannot_be_given_by_another_name() -> None:
    assert {field.name for field in fields(Search)} - {"params"} == set(OPTIONS.values())
    assert all(name in KNOWN or name in OPTIONS.values() for name in OPTIONS)
    help_text = CliRunner().invoke(main, ["search", "--help"]).output
    for name in OPTIONS:
        assert f"{name_option(name)}" in help_text.replace("--has-geo/--no-geo", "--has-geo")


def test_the_command_line_names_the_option_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    result = CliRunner().invoke(main, ["search", "--tags", "a", "--param", "tags=b"])
    assert (result.exit_code, "--param: 'tags' has an option of its own: use --tags" in result.output) == (2, True)
    result = CliRunner().invoke(main, ["search", "--tags", "a", "--param", "lat=1", "--param", "lat=2"])
    assert (result.exit_code, "--param: 'lat' is given twice" in result.output) == (2, True)


def test_config_files_and_addresses_are_held_to_the_same(tmp_path: Path) -> None:
    path = tmp_path / "harvester.toml"
    path.write_text('[jobs.x]\nsource = "search"\ntext = "a"\nparams = { userid = "1" }')
    (warning,) = load_config({}, environ={}, cwd=tmp_path).jobs["x"].job.warnings
    assert "'userid'" in warning
    path.write_text('[jobs.x]\nsource = "search"\ntext = "a"\nparams = { user_id = "1" }')
    with pytest.raises(UsageError, match=r"jobs\.x\.params: 'user_id' has an option of its own: use --user, "):
        load_config({}, environ={}, cwd=tmp_path).jobs["x"]
    source = read_url("https://www.flickr.com/search/?text=x&is_commons=1&machine_tag_mode=all&lat=1&lon=2&woe_id=3")
    assert isinstance(source, Search)
    assert source.warnings == ()


async def test_a_run_says_it_and_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    events: list[Event] = []
    job = Job(source=Search(tags="sandbox", params={"userid": "1"}), detail="list", limit=5)
    assert (await harvest_into(tmp_path / "a", sandbox, job, events=events)).photos == 5
    assert [e.sentence for e in events if isinstance(e, Noticed)] == list(job.warnings)


def test_a_plan_says_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    arguments = ["plan", "search", "--tags", "a", "--param", "userid=1", "--api-url", "http://127.0.0.1:9/"]
    assert "does not know 'userid'" in CliRunner().invoke(main, arguments).output


async def take_one(sandbox: Sandbox, source: Search | Photos) -> None:
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        async for _ in flickr.harvest(source, limit=1):
            pass


async def test_from_python_it_is_a_warning(sandbox: Sandbox) -> None:
    with pytest.warns(UserWarning, match="does not know 'userid'") as caught:
        await take_one(sandbox, Search(tags="sandbox", params={"userid": "1"}))
    assert caught[0].filename == __file__
    await take_one(sandbox, Photos(ids=["1"]))  # here a warning would be an error


async def test_an_archive_of_an_older_version_with_such_arguments_is_read_as_it_was_meant(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    job = Job(source=Search(text="a", content_types="7", has_geo=False), detail="list")
    await harvest_into(tmp_path / "a", sandbox, job)
    with State(tmp_path / "a" / "state.sqlite") as state, state.changing():
        asked = state.facts.asked or {}
        older = {"text": "a", "params": {"content_type": "7", "has_geo": "0", "is_commons": "1"}}
        state.note(replace(state.facts, asked={**asked, "search": older}))
        source = restore_job(state, where=tmp_path / "a").source
    assert source == Search(text="a", content_types="7", has_geo=False, params={"is_commons": "1"})
