"""Archives loaded by dlt: the same table however often, only what is newer is read, and no call is made for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harvester import Flickr, Incomplete, Photos, Search, UsageError
from harvester.export.columns import NAMES
from harvester.sandbox.server import Sandbox
from support.accounts import owner
from support.archives import read_lines
from support.harvest import KEY, Opener

dlt = pytest.importorskip("dlt")
from harvester.dlt import flickr_account, flickr_archive, flickr_search  # noqa: E402

pytestmark = pytest.mark.usefixtures("time_limit")
EVERYTHING = Search(tags="sandbox")
Row = tuple[Any, ...]


class Bench:
    """A pipeline beside archives."""

    def __init__(self, place: Path, destination: Any) -> None:
        self.place = place
        self.pipeline = dlt.pipeline("p", pipelines_dir=str(place / "w"), destination=destination, dataset_name="d")

    def load(self, source: Any, **given: Any) -> dict[str, int]:
        """Load; how many rows of each table were loaded."""
        self.pipeline.run(source, **given)
        counts = self.pipeline.last_trace.last_normalize_info.row_counts
        return {name: number for name, number in counts.items() if number and not name.startswith("_dlt")}

    def ask(self, query: str) -> list[Row]:
        with duckdb.connect(str(self.place / "x.duckdb")) as db:
            return list(db.execute(query).fetchall())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, dlt.destinations.duckdb(str(tmp_path / "x.duckdb")))


@pytest.fixture
def files(tmp_path: Path) -> Bench:
    return Bench(tmp_path, dlt.destinations.filesystem((tmp_path / "files").as_uri()))


def read_files(bench: Bench) -> list[Row]:
    path = bench.place / "files" / "d" / "photos" / "*.parquet"
    with duckdb.connect() as db:
        return list(db.read_parquet(str(path)).order("id").fetchall())


class Clock:
    """The sandbox's, which can be put on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def options_for(sandbox: Sandbox) -> dict[str, Any]:
    return {"api_key": KEY, "api_url": sandbox.url, "quota": "none", "pace": "none"}


async def load_search(bench: Bench, sandbox: Sandbox, **given: Any) -> dict[str, int]:
    def load() -> dict[str, int]:
        search = given.pop("search", EVERYTHING)
        given.setdefault("archive", bench.place / "a")
        return bench.load(flickr_search(search, **options_for(sandbox), **given))

    return await asyncio.to_thread(load)


PHOTOS = "SELECT * FROM d.photos ORDER BY id"


@pytest.mark.slow
async def test_a_search_is_harvested_and_loaded_and_a_second_load_changes_nothing(
    sandbox: Sandbox, bench: Bench
) -> None:
    assert await load_search(bench, sandbox) == {"photos": 300}
    rows = bench.ask(PHOTOS)
    truth = {line["id"]: line["info"]["title"]["_content"] for line in read_lines(bench.place / "a" / "photos.ndjson")}
    assert dict(bench.ask("SELECT id, title FROM d.photos")) == truth
    calls = sandbox.stats.calls
    assert bench.load(flickr_archive(bench.place / "a")) == {}
    assert (bench.ask(PHOTOS), sandbox.stats.calls) == (rows, calls)
    assert bench.ask("SELECT count(*) FROM d.errors") == [(0,)]


@pytest.mark.slow
async def test_types_and_columns_are_those_of_an_export(sandbox: Sandbox, bench: Bench) -> None:
    await load_search(bench, sandbox)
    types = {name: kind for name, kind, *_ in bench.ask("DESCRIBE d.photos")}
    assert tuple(types) == NAMES
    wanted = {
        "date_posted": "TIMESTAMP WITH TIME ZONE",
        "date_taken": "TIMESTAMP",
        "count_views": "BIGINT",
        "license_id": "SMALLINT",
        "latitude": "DOUBLE",
        "tags": "JSON",
    }
    assert {name: types[name] for name in wanted} == wanted
    posted = {line["id"]: int(line["info"]["dates"]["posted"]) for line in read_lines(bench.place / "a/photos.ndjson")}
    assert dict(bench.ask("SELECT id, CAST(epoch(date_posted) AS BIGINT) FROM d.photos")) == posted


@pytest.mark.slow
async def test_parquet_files_have_the_same_rows_after_a_second_load_and_after_replacing(
    sandbox: Sandbox, files: Bench
) -> None:
    await load_search(files, sandbox)
    rows = read_files(files)
    assert len(rows) == 300
    archive = files.place / "a"
    assert files.load(flickr_archive(archive)) == {}
    assert read_files(files) == rows
    assert files.load(flickr_archive(archive), write_disposition="replace") == {"photos": 300}
    assert read_files(files) == rows


@pytest.mark.slow
async def test_of_an_update_only_what_is_newer_is_read(sandbox_of: Opener, bench: Bench) -> None:
    clock = Clock()
    async with sandbox_of(photos=60, owners=1, clock=clock) as sandbox:
        search = {"user": owner(sandbox)}
        assert await load_search(bench, sandbox, search=search) == {"photos": 60}
        ids = [photo_id for (photo_id,) in bench.ask("SELECT id FROM d.photos")]
        clock.ahead = 3600
        sandbox.api.control({"change": ids[:5], "add": 2})
        assert await load_search(bench, sandbox, search=search, update=False) == {}
        assert await load_search(bench, sandbox, search=search) == {"photos": 7}
    lines = {line["id"]: line["info"]["title"]["_content"] for line in read_lines(bench.place / "a" / "photos.ndjson")}
    assert dict(bench.ask("SELECT id, title FROM d.photos")) == lines
    assert len(lines) == 62


async def fill(sandbox: Sandbox, folder: Path, source: Photos | Search, **given: Any) -> None:
    async with Flickr(**options_for(sandbox)) as flickr:
        _ = [photo async for photo in flickr.harvest(source, archive=folder, **given)]


@pytest.mark.slow
async def test_another_archive_is_loaded_though_its_photos_are_older(sandbox_of: Opener, bench: Bench) -> None:
    clock, older, newer = Clock(), bench.place / "older", bench.place / "newer"
    async with sandbox_of(photos=60, clock=clock) as sandbox:
        ids = [sandbox.catalogue.id_of(n) for n in range(60)]
        await fill(sandbox, older, Photos(ids=ids[:20]))
        clock.ahead = 3600
        await fill(sandbox, newer, Photos(ids=ids[20:]))
    assert bench.load(flickr_archive(newer)) == {"photos": 40}
    assert bench.load(flickr_archive(older)) == {"photos": 20}
    assert bench.load(flickr_archive(older, newer)) == {}
    assert bench.ask("SELECT count(*) FROM d.photos") == [(60,)]


@pytest.mark.slow
async def test_a_photo_of_two_archives_is_taken_from_the_newer(sandbox_of: Opener, bench: Bench) -> None:
    clock = Clock()
    async with sandbox_of(photos=60, clock=clock) as sandbox:
        await fill(sandbox, bench.place / "a", EVERYTHING)
        clock.ahead = 3600
        await fill(sandbox, bench.place / "b", EVERYTHING, detail="list")
    assert bench.load(flickr_archive(bench.place / "b", bench.place / "a")) == {"photos": 60}
    hours = "SELECT count(*), max(harvested_at) - min(harvested_at) < INTERVAL 30 MINUTE FROM d.photos"
    assert bench.ask(hours) == [(60, True)]
    newest = max(line["harvested_at"] for line in read_lines(bench.place / "b" / "photos.ndjson"))
    assert bench.ask(f"SELECT max(harvested_at) = TIMESTAMPTZ '{newest}' FROM d.photos") == [(True,)]  # noqa: S608


@pytest.mark.slow
async def test_an_account_has_its_lists_as_tables(sandbox: Sandbox, bench: Bench) -> None:
    nsid = owner(sandbox)
    load = lambda: bench.load(flickr_account(nsid, archive=bench.place / "a", **options_for(sandbox)))  # noqa: E731
    loaded = await asyncio.to_thread(load)
    sets = read_lines(bench.place / "a" / "photosets.ndjson")
    assert loaded["albums"] == len(sets) > 0
    assert {"photos", "albums", "collections", "people", "contacts"} <= loaded.keys()
    found = bench.ask("SELECT id, photo_ids, title, owner_id, gone FROM d.albums ORDER BY id")
    assert [each[0] for each in found] == sorted(line["id"] for line in sets)
    owners = {line["id"]: line["photoset"].get("owner") for line in sets}
    assert [(each[2] is None, each[3], each[4]) for each in found] == [(False, owners[e[0]], False) for e in found]
    members = sum(len(line["photo_ids"]) for line in sets)
    assert bench.ask("SELECT sum(json_array_length(photo_ids)) FROM d.albums") == [(members,)]
    assert bench.ask("SELECT sum(json_array_length(albums)) FROM d.photos") == [(members,)]
    assert bench.load(flickr_archive(bench.place / "a")) == {}


@pytest.mark.slow
async def test_an_incomplete_harvest_raises_and_loads_where_that_is_allowed(
    sandbox: Sandbox, bench: Bench, failing: Callable[..., Any]
) -> None:
    lost = str(sandbox.catalogue.id_of(7))
    with failing(sandbox, lambda query: query.get("photo_id") == lost):
        with pytest.raises(Incomplete, match="allow_incomplete=True"):
            await load_search(bench, sandbox)
        assert await load_search(bench, sandbox, allow_incomplete=True) == {"photos": 299, "errors": 1}
    assert [each[0] for each in bench.ask("SELECT id FROM d.errors")] == [lost]
    assert (lost,) not in bench.ask("SELECT id FROM d.photos")
    assert (await load_search(bench, sandbox))["photos"] == 1
    assert bench.ask("SELECT * FROM d.errors") == []
    assert bench.ask("SELECT count(*), count(DISTINCT id) FROM d.photos") == [(300, 300)]


@pytest.mark.slow
async def test_photos_are_loaded_while_a_harvest_is_under_way(sandbox: Sandbox, bench: Bench) -> None:
    async with Flickr(**options_for(sandbox)) as flickr:
        async with flickr.harvest(EVERYTHING, archive=bench.place / "a") as photos:
            for _ in range(40):
                await anext(photos)
            first = await asyncio.to_thread(lambda: bench.load(flickr_archive(bench.place / "a"))["photos"])
            assert first >= 40
            _ = [photo async for photo in photos]
        assert (await asyncio.to_thread(lambda: bench.load(flickr_archive(bench.place / "a"))))["photos"] == 300 - first
    assert bench.ask("SELECT count(*), count(DISTINCT id) FROM d.photos") == [(300, 300)]


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folders: name the folder of an archive"):
        flickr_archive()
    with pytest.raises(UsageError, match="none"):
        flickr_archive(tmp_path / "none")
    with pytest.raises(UsageError, match=r"a search has no field 'tagz'"):
        flickr_search({"tagz": "monkey"}, archive=tmp_path / "a")


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dlt", "pyarrow"])
def test_without_the_extra_a_sentence_says_how_to_get_it(name: str) -> None:
    done = run(f"import sys; sys.modules[{name!r}] = None\nfrom harvester.dlt import flickr_archive")
    sentence = f'ImportError: harvester.dlt needs {name}, which is not there: pip install "flickr-harvester[dlt]".'
    assert done.stderr.splitlines()[-1] == sentence
    assert "During handling" not in done.stderr


def test_nothing_else_imports_dlt() -> None:
    code = "import sys, harvester.cli, harvester.python.blocking, harvester.launch\nassert 'dlt' not in sys.modules"
    assert run(code).stderr == ""
