"""What a listing tells without a call a photo: each extra that is known to work, and those that a user adds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harvester.cli import main
from harvester.config.settings import load_config
from harvester.errors import UsageError
from harvester.flickr.methods import LISTING_EXTRAS, join_listing_extras
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Job, Search, Source
from harvester.python.api import Flickr
from harvester.sandbox.server import Sandbox
from support.accounts import owner
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into

WITHOUT_DOCUMENTATION = (
    "safety_level rotation visibility usage content_type ispro isfavorite contact can_comment can_addmeta can_download "
    "can_share publiceditability needs_interstitial count_views count_faves count_comments realname"
).split()
SETTINGS = ("--quota", "none", "--pace", "none", "--no-progress")


def watch(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The queries that the sandbox answers from now on."""
    asked: list[dict[str, str]] = []
    answer = sandbox.api.answer

    def note(query: Any) -> bytes:
        asked.append(dict(query))
        return answer(query)

    monkeypatch.setattr(sandbox.api, "answer", note)
    return asked


def extras_of(query: dict[str, str]) -> list[str]:
    return query["extras"].split(",")


def test_every_extra_of_the_documentation_and_those_of_flickrs_own_pages_are_asked_for() -> None:
    names = LISTING_EXTRAS.split(",")
    assert len(names) == len(set(names))
    assert set(WITHOUT_DOCUMENTATION) < set(names)
    assert {f"url_{size}" for size in "sq t s q m n w z c l h k 3k 4k 5k 6k f o".split()} < set(names)
    assert "url_b" not in names, "the size of 1024 is url_l"


async def source_of(kind: str, sandbox: Sandbox) -> Source:
    nsid = owner(sandbox, 2)
    match kind:
        case "search":
            return Search(tags="sandbox")
        case "account":
            return Account(user=nsid, only="photos")
        case "group":
            return Group(group=sandbox.catalogue.group_id)
        case "favorites":
            return Favorites(user=nsid)
    method, container, row = {
        "album": ("photosets.getList", "photosets", "photoset"),
        "gallery": ("galleries.getList", "galleries", "gallery"),
    }[kind]
    common = {"api_key": KEY, "format": "json", "nojsoncallback": "1", "user_id": nsid}
    listed = json.loads(sandbox.api.answer({**common, "method": f"flickr.{method}"}))[container][row]
    first = str(listed[0]["id"])
    return Album(album=first) if kind == "album" else Gallery(gallery=first)


@pytest.mark.parametrize("kind", ["search", "account", "album", "gallery", "group", "favorites"])
async def test_every_listing_brings_the_safety_level_without_a_call_a_photo(
    sandbox_of: Opener, tmp_path: Path, kind: str
) -> None:
    async with sandbox_of(photos=1_000, owners=4) as sandbox:
        source = await source_of(kind, sandbox)
        await harvest_into(tmp_path, sandbox, Job(source=source, detail="list"))
        assert sandbox.stats.methods["flickr.photos.getInfo"] == 0
    rows = [line["search"] for line in read_lines(tmp_path / "photos.ndjson")]
    assert rows
    for row in rows:
        assert row["safety_level"] == "0"
        assert set(WITHOUT_DOCUMENTATION) - {"realname"} < set(row)


async def test_the_row_agrees_with_getinfo(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=100, private=0.3) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="info"))
    for line in read_lines(tmp_path / "photos.ndjson"):
        row, info = line["search"], line["info"]
        for name in ("safety_level", "rotation", "isfavorite", "visibility", "usage", "publiceditability"):
            assert row[name] == info[name], name


# -- extras of the user's own


async def test_an_extra_of_ones_own_is_asked_for_besides(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch(sandbox, monkeypatch)
    search = Search(tags="sandbox", params={"extras": "brand_new, safety_level"})
    await harvest_into(tmp_path, sandbox, Job(source=search, detail="list"))
    assert extras_of(asked[0]) == [*LISTING_EXTRAS.split(","), "brand_new"]
    assert "safety_level" in read_lines(tmp_path / "photos.ndjson")[0]["search"]


async def test_python_takes_an_extra_too(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watch(sandbox, monkeypatch)
    async with Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr:
        search = Search(tags="sandbox", params={"extras": "brand_new"})
        assert [photo async for photo in flickr.harvest(search, detail="list", limit=1)]
    assert extras_of(asked[0])[-1] == "brand_new"


def test_the_command_line_takes_several_extras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    seen: list[Job] = []

    def take(job: Job, *_: Any, **__: Any) -> int:
        seen.append(job)
        return 0

    monkeypatch.setattr("harvester.cli.search.run_harvest", take)
    arguments = ("--param", "extras=one,two", "--param", "extras=three", "--param", "is_commons=1")
    result = CliRunner().invoke(main, ["search", "--tags", "a", *arguments, *SETTINGS])
    assert result.exit_code == 0, result.output
    assert isinstance(seen[0].source, Search)
    assert seen[0].source.arguments["extras"] == "one,two,three"
    assert seen[0].source.arguments["is_commons"] == "1"


def test_a_config_file_takes_an_extra(tmp_path: Path) -> None:
    file = tmp_path / "harvester.toml"
    file.write_text('[jobs.x]\nsource = "search"\ntags = "a"\nparams = { extras = "one,two" }\n')
    config = load_config({}, config_path=file, environ={}, cwd=tmp_path)
    source = config.jobs["x"].job.source
    assert isinstance(source, Search)
    assert source.arguments["extras"] == "one,two"
    assert source.warnings == ()


def test_extras_alone_are_no_search() -> None:
    with pytest.raises(UsageError, match="at least one filter"):
        Search(params={"extras": "safety_level"})


def test_an_empty_extra_is_none() -> None:
    assert "extras" not in Search(tags="a", params={"extras": " , "}).arguments
    assert join_listing_extras("") == LISTING_EXTRAS
    assert join_listing_extras("a,a,views") == f"{LISTING_EXTRAS},a"
