"""Accounts, albums, galleries, groups, favourites and addresses on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harvester.config.settings import Settings
from harvester.engine import run as engine
from harvester.engine.run import Output
from harvester.errors import Exit
from harvester.events import Status, Summary
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Job, Photos, Search, Source
from harvester.sandbox.albums import FIRST_SET
from harvester.sandbox.catalogue import Catalogue, CatalogueOptions
from harvester.sandbox.galleries import FIRST_GALLERY
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.commands import call
from support.harvest import KEY

OPTIONS = CatalogueOptions(photos=600, owners=4)
ALIAS = "https://www.flickr.com/photos/x/"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)


class FakeEngine:
    """Notes the jobs that it is given, and ends them as it is told."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.ids: list[list[str]] = []
        self.outputs: list[Output] = []
        self.ends: list[Status] = []

    async def run_job(self, job: Job, _settings: Settings, *, output: Output, **_: Any) -> Summary:
        self.jobs.append(job)
        self.ids.append(list(cast("Iterable[str]", job.source.ids)) if isinstance(job.source, Photos) else [])
        self.outputs.append(replace(output, redo_update=False, deepens=False))
        end: Status = self.ends.pop(0) if self.ends else "complete"
        return Summary(
            status=end,
            photos=0,
            new=0,
            calls=0,
            retries=0,
            refused=0,
            failed=0,
            seconds=1.0,
            expected=0,
            output=output.folder,
        )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(engine, "run_job", fake.run_job)
    return fake


@pytest.mark.parametrize(
    ("arguments", "source"),
    [
        ("account x -o out", Account(user="x")),
        ("account me -o out --only photos,photosets", Account(user="me", only="photos,photosets")),
        (
            "account x -o out --skip contacts --hydrate favorites",
            Account(user="x", skip="contacts", hydrate="favorites"),
        ),
        ("account flickr.com/photos/x/ -o out", Account(user=ALIAS)),
        ("account x --only photos", Account(user="x", only="photos")),
        ("album 72157628959784871", Album(album="72157628959784871")),
        ("album https://flic.kr/s/aHsjybZ5ZD -o out", Album(album="72157628959784871")),
        ("gallery flickr.com/photos/x/galleries/72157690638331410", Gallery(gallery="72157690638331410")),
        ("group 34427469792@N01", Group(group="34427469792@N01")),
        ("group flickr.com/groups/slovenia/pool", Group(group="slovenia")),
        ("favorites flickr.com/photos/x/favorites", Favorites(user=ALIAS)),
        ("get flickr.com/photos/x/ --detail full", Account(user=ALIAS, only="photos")),
        ("get flickr.com/people/x/ -o out", Account(user=ALIAS)),
        ("get flickr.com/photos/x/albums/1", Album(album="1")),
        ("get flickr.com/search/?tags=a&sort=relevance", Search(tags="a", sort="relevance")),
    ],
)
def test_every_command_harvests_its_source(arguments: str, source: Source, fake: FakeEngine) -> None:
    result = call(*arguments.split())
    assert result.exit_code == 0, result.output
    assert [job.describe() for job in fake.jobs] == [Job(source=source).describe()]
    assert fake.outputs == [Output(folder=Path("out") if " -o " in arguments else None)]


def test_options_of_the_job_go_with_every_source(fake: FakeEngine) -> None:
    for command in ("account x", "album 1", "gallery 1", "group x", "favorites x", "get flickr.com/groups/x"):
        result = call(*command.split(), "-o", "out", "--detail", "list", "--with", "people,exif", "--limit", "7")
        assert result.exit_code == 0, result.output
        assert (fake.jobs[-1].parts, fake.jobs[-1].limit) == (("exif", "people"), 7)


def test_photos_of_several_addresses_are_one_harvest(fake: FakeEngine) -> None:
    addresses = ["flic.kr/p/7oMtHJ", "flickr.com/photos/x/1", "https://live.staticflickr.com/1/2_ab.jpg"]
    assert call("get", *addresses, "flickr.com/photos/y/1", "-o", "out").exit_code == 0
    assert fake.ids == [["4195976808", "1", "2"]]


def test_several_sources_go_to_standard_output_one_after_the_other(fake: FakeEngine) -> None:
    fake.ends = ["complete", "incomplete", "complete"]
    sources = ["flickr.com/photos/x/1", "flickr.com/groups/a", "flickr.com/photos/x/2", "flickr.com/photos/x/sets/3"]
    result = call("get", *sources, "flickr.com/groups/a")
    assert result.exit_code == Exit.INCOMPLETE
    assert [job.source.name for job in fake.jobs] == ["photos", "group", "album"]
    assert fake.ids[0] == ["1", "2"]
    assert [line for line in result.stderr.splitlines() if line.endswith(":")] == [
        "flickr.com/photos/x/1:",
        "flickr.com/groups/a:",
        "flickr.com/photos/x/sets/3:",
    ]


NEEDS_ARCHIVE = "Error: --output: an account is more than photos, so it needs an archive: name a folder with -o."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("account", "Error: Missing argument 'USER'."),
        ("account x", NEEDS_ARCHIVE),
        ("account x --state s", NEEDS_ARCHIVE),
        ("account x --only photos,person", NEEDS_ARCHIVE),
        ("get flickr.com/people/x", NEEDS_ARCHIVE),
        ("get flickr.com/photos/x/albums", NEEDS_ARCHIVE),
        ("account x -o out --only foo", "Error: --only: 'foo' is not known; use person, photos"),
        ("account x -o out --only photos --skip photos", "Error: --skip: nothing is left of the account"),
        ("account x -o out --hydrate photos", "Error: --hydrate: 'photos' is not known; use favorites, galleries."),
        (
            "account x -o out --skip favorites --hydrate favorites",
            "Error: --hydrate: favorites are not among the kinds",
        ),
        (
            "account flickr.com/groups/x -o out",
            "Error: 'flickr.com/groups/x' is the address of a group: use harvester group",
        ),
        ("album x", "Error: album: 'x' is not the id of an album"),
        (
            "album flickr.com/photos/x/1",
            "Error: 'flickr.com/photos/x/1' is the address of a photo: use harvester photos",
        ),
        ("gallery x", "Error: gallery: 'x' is not the id of a gallery"),
        ("album example.com/1", "Error: 'example.com/1' is no address that can be harvested; those of flickr.com are"),
        ("get", "Error: Missing argument 'URL...'."),
        ("get monkey", "Error: 'monkey' is no address that can be harvested"),
        (
            "get flickr.com/search/?foo=1",
            "Error: in 'flickr.com/search/?foo=1', foo: Flickr's API cannot search by that",
        ),
        ("get flickr.com/groups/a flickr.com/groups/b -o out", "Error: --output: these addresses are 2 sources, and"),
        ("get flickr.com/groups/a flickr.com/groups/b --state s", "Error: --state: these addresses are 2 sources, and"),
        ("get flickr.com/photos/x/1 --detail list", "Error: --detail: photos given by id have no listing"),
        (
            "plan get flickr.com/groups/a flickr.com/groups/b",
            "Error: these addresses are 2 sources: plan one at a time.",
        ),
        ("plan get flickr.com/photos/x/1", "Error: photos given by id need no plan"),
        ("plan album x", "Error: album: 'x' is not the id of an album"),
        ("ids nope", "Error: nope is no archive"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    arguments: str, sentence: str, fake: FakeEngine, tmp_path: Path
) -> None:
    result = call(*arguments.split())
    assert result.stderr.startswith(sentence), result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert (result.exit_code, result.stdout) == (Exit.USAGE, "")
    assert (fake.jobs, list(tmp_path.iterdir())) == ([], [])


def test_an_account_of_a_config_file_needs_an_archive_too(fake: FakeEngine, tmp_path: Path) -> None:
    table = '[jobs.x]\nsource = "account"\nuser = "x"\n'
    (tmp_path / "harvester.toml").write_text(table)
    assert call("run").stderr.startswith(NEEDS_ARCHIVE)
    (tmp_path / "harvester.toml").write_text(table + 'output = "out"\n')
    assert call("run").exit_code == 0
    assert [job.source for job in fake.jobs] == [Account(user="x")]


@pytest.mark.parametrize("name", ["account", "album", "gallery", "group", "favorites", "get", "search"])
def test_every_plan_has_help_with_an_example(name: str) -> None:
    result = call("plan", name, "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"  harvester plan {name}" in result.stdout


# -- against a sandbox


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_sandbox(SandboxOptions(catalogue=OPTIONS)) as url:
        yield url


@pytest.fixture(scope="module")
def nsids() -> list[str]:
    return [person.nsid for person in Catalogue(OPTIONS).people]


@pytest.fixture
def sandbox(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLICKR_API_URL", address)


FAST = ("--pace", "none", "--quota", "none")


def harvest_and_plan(*arguments: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the plan of a command says, and what the manifest says that came of it."""
    planned = call("plan", *arguments, *FAST, "--json", "-o", "out")
    assert planned.exit_code == 0, planned.output
    result = call(*arguments, *FAST, "-o", "out")
    assert result.exit_code == 0, result.output
    return json.loads(planned.stdout), json.loads(Path("out/manifest.json").read_bytes())


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("detail", ["list", "full"])
@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("account {0}", None),
        ("account {2} --only person", 0),
        ("account {1} --hydrate favorites --only galleries,favorites", None),
        (f"album {FIRST_SET + 10_000}", None),
        (f"gallery {FIRST_GALLERY + 200}", None),
        ("group monkeys", 200),
        ("favorites {0}", None),
        ("get flickr.com/photos/{1}/", None),
    ],
)
def test_a_plan_says_what_the_harvest_then_costs(
    command: str, found: int | None, detail: str, nsids: list[str]
) -> None:
    plan, manifest = harvest_and_plan(*command.format(*nsids).split(), "--detail", detail)
    assert plan["photos"] == manifest["counts"]["photos"]
    assert plan["photos"] == found if found is not None else plan["photos"] > 0
    (cost,) = [cost for cost in plan["costs"] if cost["detail"] == detail]
    assert cost["calls"] == manifest["last_run"]["calls"]
    assert plan["calls_spent"] <= 6
    (listing,) = [cost for cost in plan["costs"] if cost["detail"] == "list"]
    assert sum(row["calls"] for row in plan["lists"]) == listing["calls"]


@pytest.mark.usefixtures("sandbox")
def test_a_plan_shows_the_cost_of_each_kind(nsids: list[str]) -> None:
    rows = [row.split() for row in call("plan", "account", nsids[2], *FAST).stdout.splitlines()]
    heads = rows.index(["list", "found", "calls"])
    kinds = ["photos", "person", "photosets", "collections", "galleries", "groups", "favorites", "contacts"]
    assert [row[0] for row in rows[heads + 1 : heads + 9]] == kinds
    assert ["contacts", "3", "1"] in rows
    assert ["person", "-", "1"] in rows
    assert ["detail", "calls", "time"] in rows


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("plan account nobody", "Flickr knows no user 'nobody'"),
        ("plan album 1", "Flickr refuses album 1: Photoset not found (code 1). It may be gone, or private"),
        ("plan group flickr.com/groups/nope", "Flickr knows no group 'nope'"),
        ("plan account 1@N01", "Flickr refuses the photos of the account: Unknown user (code 2)."),
    ],
)
def test_a_plan_of_what_is_not_there_is_one_sentence(command: str, sentence: str) -> None:
    result = call(*command.split(), *FAST)
    assert (result.exit_code, result.stdout) == (Exit.USAGE, "")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("sandbox")
def test_ids_are_those_of_the_lines_and_hydrate_again(nsids: list[str], tmp_path: Path) -> None:
    assert call("get", f"flickr.com/photos/{nsids[0]}/", *FAST, "--detail", "list", "-o", "out").exit_code == 0
    lines = (tmp_path / "out" / "photos.ndjson").read_bytes().splitlines()
    result = call("ids", "out")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [json.loads(line)["id"] for line in lines]
    (tmp_path / "ids.txt").write_text(result.stdout)
    assert call("photos", "--from", "ids.txt", *FAST, "--detail", "info", "-o", "again").exit_code == 0
    assert sorted(call("ids", "again").stdout.splitlines()) == sorted(result.stdout.splitlines())


@pytest.mark.usefixtures("sandbox")
def test_ids_stop_where_the_checkpoint_does(nsids: list[str], tmp_path: Path) -> None:
    assert call("favorites", nsids[0], *FAST, "--detail", "list", "-o", "out").exit_code == 0
    told = call("ids", "out").stdout
    path = tmp_path / "out" / "photos.ndjson"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id":"1","harvested_at"')
    assert call("ids", "out").stdout == told
    for damaged, sentence in ((whole[: len(whole) // 2], "is shorter than"), (b"x" + whole[1:], "line 1 is damaged")):
        path.write_bytes(damaged)
        result = call("ids", "out")
        assert (result.exit_code, sentence in result.stderr) == (Exit.USAGE, True), result.stderr
        assert "harvester repair out sets it right" in result.stderr


@pytest.mark.usefixtures("sandbox")
def test_what_only_keeps_track_has_no_ids() -> None:
    assert call("group", "monkeys", *FAST, "--detail", "list", "--limit", "1", "--state", "s").exit_code == 0
    result = call("ids", "s")
    assert (result.exit_code, "records sent to standard output" in result.stderr) == (Exit.USAGE, True)


@pytest.mark.usefixtures("sandbox")
def test_whoever_reads_ids_may_go() -> None:
    assert call("group", "monkeys", *FAST, "--detail", "list", "-o", "out").exit_code == 0
    with subprocess.Popen(
        [sys.executable, "-m", "harvester", "ids", "out"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=20)) == (b"", 0)
