"""One harvest out of shards is the harvest that one machine would have made."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.config.settings import Settings
from harvester.engine.upkeep.deepening import resume_archive, update_archive
from harvester.errors import KeyRefused, StoreFault, UsageError
from harvester.events import Event, Noticed, Started
from harvester.jobs.model import Account, Album, Job, Photos, Search
from harvester.jobs.values import stamp
from harvester.objects import open_store
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from harvester.shards.merging import merge_shards
from harvester.shards.planning import plan_shards
from harvester.shards.standing import read_standing
from harvester.status.inspect import read_status
from harvester.verify.archive import prove_archive
from support.archives import read_archive, read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for
from support.hidden import keep_back
from support.shard_runs import Clock, at_once, open_folder, plan, read_by_id, run

JOB = Job(source=Search(tags="sandbox"))
PHOTOS = 120
SECRET = secret_of(KEY)


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    """A sandbox of 120 photos that does nothing wrong."""
    async with sandbox_of(photos=PHOTOS) as running:
        yield running


async def make(store: Path, sandbox: Sandbox, job: Job, target: Path, *, photos: int = 60) -> None:
    await plan(open_folder(store), sandbox, job, photos=photos)
    assert (await run(open_folder(store), sandbox, store.with_name("work"))).exit_code == 0
    merged = await merge_shards(open_folder(store), target)
    assert merged.missing == ()
    assert merged.summary is not None
    assert merged.summary.status == "complete"


@pytest.mark.slow
async def test_the_archive_is_that_of_a_single_harvest(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path / "single", sandbox, JOB)
    before = Counter(sandbox.stats.methods)
    await make(tmp_path / "store", sandbox, JOB, tmp_path / "merged")
    spent = Counter(sandbox.stats.methods) - before
    assert read_by_id(tmp_path / "merged/photos.ndjson") == read_by_id(tmp_path / "single/photos.ndjson")
    assert spent["flickr.photos.getInfo"] == spent["flickr.photos.getSizes"] == PHOTOS
    uploads = [int(line["search"]["dateupload"]) for line in read_lines(tmp_path / "merged/photos.ndjson")]
    assert uploads == sorted(uploads, reverse=True)
    manifest = orjson.loads((tmp_path / "merged/manifest.json").read_bytes())
    assert manifest["status"] == "complete"
    assert manifest["shards"]["tile_without_gap"] is True
    assert len(manifest["shards"]["merged"]) > 4
    assert sum(each["photos"] for each in manifest["shards"]["merged"]) == PHOTOS
    assert max(each["photos"] for each in manifest["shards"]["merged"]) < PHOTOS
    assert prove_archive(tmp_path / "merged").findings == ()


@pytest.mark.slow
async def test_a_merged_archive_is_an_ordinary_one(sandbox: Sandbox, tmp_path: Path) -> None:
    await make(tmp_path / "store", sandbox, JOB, tmp_path / "merged")
    folder, settings = tmp_path / "merged", settings_for(sandbox)
    told = read_status(folder, settings)
    assert told["photos"] == PHOTOS
    calls = sandbox.stats.calls
    assert (await resume_archive(folder, settings)).status == "complete"
    assert sandbox.stats.calls == calls
    updated = await update_archive(folder, settings)
    assert (updated.status, updated.new) == ("complete", 0)
    assert prove_archive(folder).findings == ()


@pytest.mark.slow
async def test_merged_twice_it_is_the_same_byte_for_byte(sandbox: Sandbox, tmp_path: Path) -> None:
    await make(tmp_path / "store", sandbox, JOB, tmp_path / "one")
    await merge_shards(open_folder(tmp_path / "store"), tmp_path / "two")
    assert read_archive(tmp_path / "one") == read_archive(tmp_path / "two")
    for name in ("state.sqlite", "manifest.json", "photos.ndjson"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.slow
async def test_an_account_has_its_lists_and_all_photos(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=120, owners=3) as sandbox:
        job = Job(source=Account(user=sandbox.catalogue.people[1].nsid), detail="info")
        single = await harvest_into(tmp_path / "single", sandbox, job)
        await make(tmp_path / "store", sandbox, job, tmp_path / "merged", photos=20)
    files = {path.name for path in (tmp_path / "single").glob("*.ndjson")}
    assert {path.name for path in (tmp_path / "merged").glob("*.ndjson")} == files
    for name in files:
        assert read_by_id(tmp_path / "merged" / name) == read_by_id(tmp_path / "single" / name), name
    manifests = [orjson.loads((tmp_path / each / "manifest.json").read_bytes()) for each in ("single", "merged")]
    assert manifests[0]["counts"] == manifests[1]["counts"]
    assert manifests[1]["counts"]["photos"] == single.photos
    assert prove_archive(tmp_path / "merged").findings == ()


async def test_given_ids_are_cut_into_ranges(sandbox: Sandbox, tmp_path: Path) -> None:
    ids = [line["id"] for line in await _list(sandbox, tmp_path)][:50]
    job = Job(source=Photos(ids=[*ids, ids[0]]))
    await make(tmp_path / "store", sandbox, job, tmp_path / "merged", photos=15)
    assert list(read_by_id(tmp_path / "merged/photos.ndjson").keys() - set(ids)) == []
    manifest = orjson.loads((tmp_path / "merged/manifest.json").read_bytes())
    assert [each["photos"] for each in manifest["shards"]["merged"]] == [15, 15, 15, 6]
    assert manifest["counts"]["photos"] == 50


async def _list(sandbox: Sandbox, tmp_path: Path) -> list[dict[str, Any]]:
    await harvest_into(tmp_path / "listed", sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    return read_lines(tmp_path / "listed/photos.ndjson")


async def test_a_line_that_names_no_photo_keeps_the_archive_incomplete(sandbox: Sandbox, tmp_path: Path) -> None:
    store = open_folder(tmp_path / "store")
    ids = [line["id"] for line in await _list(sandbox, tmp_path)][:3]
    await plan(store, sandbox, Job(source=Photos(ids=[*ids, "no photo"])))
    assert (await run(store, sandbox, tmp_path / "work")).exit_code == 3
    merged = await merge_shards(store, tmp_path / "merged")
    assert merged.summary is not None
    assert (merged.summary.status, merged.summary.photos) == ("incomplete", 3)
    assert [line["input"] for line in read_lines(tmp_path / "merged/errors.ndjson")] == ["no photo"]


async def test_what_cannot_be_cut_is_one_shard(sandbox: Sandbox, tmp_path: Path) -> None:
    own = Account(user=sandbox.catalogue.people[0].nsid, only="photosets")
    await harvest_into(tmp_path / "own", sandbox, Job(source=own))
    album = next(line for line in read_lines(tmp_path / "own/photosets.ndjson") if line["photo_ids"])
    job = Job(source=Album(album=album["id"]), detail="info")
    await make(tmp_path / "store", sandbox, job, tmp_path / "merged", photos=2)
    assert sorted(read_by_id(tmp_path / "merged/photos.ndjson")) == sorted(album["photo_ids"])
    assert len(read_lines(tmp_path / "merged/photosets.ndjson")) == 1
    assert prove_archive(tmp_path / "merged").findings == ()


async def hurry(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.05))


@pytest.mark.slow
async def test_several_workers_commit_each_shard_once(sandbox: Sandbox, tmp_path: Path) -> None:
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, JOB, photos=60)
    clock = Clock()
    done = await asyncio.gather(
        *(
            run(store, sandbox, tmp_path / "work", terms=at_once(name, clock=clock, sleep=hurry))
            for name in ("one", "two", "three")
        )
    )
    ran = Counter(shard for each in done for shard in each.ended)
    assert set(ran.values()) == {1}
    assert sandbox.stats.methods["flickr.photos.getInfo"] == PHOTOS
    await merge_shards(store, tmp_path / "merged")
    assert len(read_by_id(tmp_path / "merged/photos.ndjson")) == PHOTOS


@pytest.mark.slow
async def test_an_incomplete_set_makes_no_archive_and_names_what_is_missing(sandbox: Sandbox, tmp_path: Path) -> None:
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, JOB)
    await run(store, sandbox, tmp_path / "work")
    gone = sorted((tmp_path / "store/commits").iterdir())[:2]
    for path in gone:
        path.unlink()
    merged = await merge_shards(store, tmp_path / "merged")
    assert merged.summary is None
    assert sorted(merged.missing) == [path.name for path in gone]
    assert not (tmp_path / "merged").exists()
    standing = await read_standing(store, clock=lambda: 4e9)
    assert (standing["is_committed"], standing["lost"]) == (False, 2)


@pytest.mark.slow
async def test_a_partial_archive_is_incomplete_and_resume_fetches_the_rest(sandbox: Sandbox, tmp_path: Path) -> None:
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, JOB)
    await run(store, sandbox, tmp_path / "work")
    commits = {path: orjson.loads(path.read_bytes())["photos"] for path in (tmp_path / "store/commits").iterdir()}
    path, missing = max(commits.items(), key=lambda each: each[1])
    path.unlink()
    merged = await merge_shards(store, tmp_path / "merged", is_partial=True)
    assert merged.summary is not None
    assert (merged.summary.status, merged.summary.photos) == ("incomplete", PHOTOS - missing)
    manifest = orjson.loads((tmp_path / "merged/manifest.json").read_bytes())
    assert (manifest["shards"]["tile_without_gap"], manifest["shards"]["missing"]) == (False, [path.name])
    assert manifest["counts"]["reported"] == PHOTOS, "what is claimed of the missing shards counts too"
    calls = sandbox.stats.methods["flickr.photos.getInfo"]
    summary = await resume_archive(tmp_path / "merged", settings_for(sandbox))
    assert (summary.status, summary.photos, summary.new) == ("complete", PHOTOS, missing)
    assert sandbox.stats.methods["flickr.photos.getInfo"] == calls + missing
    assert prove_archive(tmp_path / "merged").findings == ()


@pytest.mark.slow
async def test_what_could_not_be_had_in_a_shard_is_missing_in_the_archive_and_resume_tries_it(
    sandbox: Sandbox, tmp_path: Path, failing: Any
) -> None:
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, JOB)
    photo = str(sandbox.catalogue.id_of(7))
    with failing(sandbox, lambda query: query.get("photo_id") == photo):
        assert (await run(store, sandbox, tmp_path / "work")).exit_code == 3
    merged = await merge_shards(store, tmp_path / "merged")
    assert merged.summary is not None
    assert (merged.summary.status, merged.summary.photos, merged.summary.failed) == ("incomplete", PHOTOS - 1, 1)
    assert [line["id"] for line in read_lines(tmp_path / "merged/errors.ndjson")] == [photo]
    assert orjson.loads((tmp_path / "merged/manifest.json").read_bytes())["status"] == "incomplete"
    summary = await resume_archive(tmp_path / "merged", settings_for(sandbox))
    assert (summary.status, summary.photos, summary.new) == ("complete", PHOTOS, 1)
    assert read_by_id(tmp_path / "merged/photos.ndjson")[photo]["search"]["id"] == photo


async def test_another_job_is_refused_a_store_and_the_same_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    store = open_folder(tmp_path / "store")
    settings = settings_for(sandbox)
    first, is_new = await plan_shards(store, JOB, settings)
    assert is_new
    assert await plan_shards(store, JOB, settings, photos=7) == (first, False)
    with pytest.raises(UsageError, match="another job"):
        await plan_shards(store, Job(source=Search(tags="other")), settings)
    with pytest.raises(UsageError, match="another job"):
        await plan_shards(store, Job(source=Photos(ids=["1"])), settings)


async def test_the_days_of_a_plan_stay_those_of_the_first_day(sandbox: Sandbox, tmp_path: Path) -> None:
    store, settings = open_folder(tmp_path / "store"), settings_for(sandbox)
    job = Job(source=Search(tags="sandbox", max_upload_date="yesterday"))
    first, _ = await plan_shards(store, job, settings, clock=lambda: 1_795_000_000)
    assert await plan_shards(store, job, settings, clock=lambda: 1_795_200_000) == (first, False)
    assert first.horizon == 1_794_959_999


async def test_a_folder_that_lost_what_it_had_published_begins_with_that(sandbox: Sandbox, tmp_path: Path) -> None:
    store, stop = open_folder(tmp_path / "store"), asyncio.Event()
    await plan(store, sandbox, JOB, photos=1000)
    stopping = asyncio.create_task(_stop_at(sandbox, stop, 60))
    await run(store, sandbox, tmp_path / "work", terms=at_once("one"), stop=stop, workers=4)
    await stopping
    (photos,) = (tmp_path / "work").rglob("photos.ndjson")
    (state,) = (tmp_path / "work").rglob("state.sqlite")
    state.unlink()
    photos.write_bytes(photos.read_bytes()[:2000])
    assert (await run(store, sandbox, tmp_path / "work")).exit_code == 0
    assert sandbox.stats.methods["flickr.photos.getInfo"] <= PHOTOS + 4
    await merge_shards(store, tmp_path / "merged")
    assert len(read_by_id(tmp_path / "merged/photos.ndjson")) == PHOTOS


async def _stop_at(sandbox: Sandbox, stop: asyncio.Event, photos: int) -> None:
    while sandbox.stats.methods["flickr.photos.getSizes"] < photos:
        await asyncio.sleep(0.01)
    stop.set()


@pytest.mark.parametrize(
    ("job", "field"),
    [
        (Job(source=Search(tags="a"), limit=5), "limit"),
        (Job(source=Search(tags="a", sort="relevance")), "sort"),
        (Job(source=Photos(ids=[])), "ids"),
    ],
)
async def test_what_shards_cannot_do_is_refused_before_a_call(job: Job, field: str, tmp_path: Path) -> None:
    settings = Settings(api_key="k" * 32, api_url="http://127.0.0.1:9/")
    with pytest.raises(UsageError) as caught:
        await plan_shards(open_folder(tmp_path), job, settings)
    assert caught.value.field == field


async def test_a_part_that_was_changed_or_lost_ends_the_merge(sandbox: Sandbox, tmp_path: Path) -> None:
    store = open_folder(tmp_path / "store")
    await plan(store, sandbox, JOB, photos=1000)
    await run(store, sandbox, tmp_path / "work")
    part = next((tmp_path / "store/parts").rglob("*.ndjson.zst"))
    part.write_bytes(part.read_bytes()[:-9] + b"123456789")
    with pytest.raises(StoreFault, match="not what was put there"):
        await merge_shards(store, tmp_path / "merged")
    part.unlink()
    with pytest.raises(StoreFault, match="is missing"):
        await merge_shards(store, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


async def test_an_archive_that_is_there_is_not_written_over(sandbox: Sandbox, tmp_path: Path) -> None:
    await make(tmp_path / "store", sandbox, JOB, tmp_path / "merged", photos=1000)
    before = read_archive(tmp_path / "merged")
    with pytest.raises(UsageError, match="is there already"):
        await merge_shards(open_folder(tmp_path / "store"), tmp_path / "merged")
    assert read_archive(tmp_path / "merged") == before


async def test_who_is_stopped_leaves_the_next_one_what_it_had(sandbox: Sandbox, tmp_path: Path) -> None:
    store, stop = open_folder(tmp_path / "store"), asyncio.Event()
    await plan(store, sandbox, JOB, photos=1000)

    stopping = asyncio.create_task(_stop_at(sandbox, stop, 60))
    first = await run(store, sandbox, tmp_path / "one", terms=at_once("one"), stop=stop, workers=4)
    await stopping
    assert list(first.ended.values()) == ["stopped"]
    events: list[Event] = []
    assert (await run(store, sandbox, tmp_path / "two", observer=events.append)).exit_code == 0
    assert list((tmp_path / "one").rglob("state.sqlite"))
    assert (await run(store, sandbox, tmp_path / "one")).exit_code == 0
    assert list((tmp_path / "one").iterdir()) == [], "what the other has committed is cleared away"
    assert any("are taken over" in each.sentence for each in events if isinstance(each, Noticed))
    assert next(each for each in events if isinstance(each, Started)).resumed >= 50
    assert sandbox.stats.methods["flickr.photos.getInfo"] <= PHOTOS + 4
    merged = await merge_shards(store, tmp_path / "merged")
    assert merged.summary is not None
    assert merged.summary.status == "complete"
    assert len(read_by_id(tmp_path / "merged/photos.ndjson")) == PHOTOS


@pytest.mark.slow
async def test_stretches_of_which_flickr_keeps_photos_back_are_told_by_the_merged_archive(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_back(monkeypatch, lambda n: n % 2 == 0)
    store = open_folder(tmp_path / "store")
    job = Job(source=JOB.source, detail="list")
    planned, _ = await plan_shards(store, job, settings_for(sandbox), photos=60)
    assert (await run(store, sandbox, tmp_path / "work")).exit_code == 3
    merged = await merge_shards(store, tmp_path / "merged")
    assert merged.summary is not None
    assert (merged.summary.status, merged.summary.photos) == ("incomplete", PHOTOS // 2)
    manifest = orjson.loads((tmp_path / "merged/manifest.json").read_bytes())
    assert manifest["status"] == "incomplete"
    told = manifest["incomplete_stretches"]
    assert sum(each["claimed"] for each in told) == PHOTOS
    assert manifest["horizon"] == stamp(planned.horizon or 0) >= told[-1]["before"]
    assert any("keeps photos back" in note for note in merged.summary.notes)


async def test_a_plan_made_logged_in_is_run_by_that_login_alone_and_keeps_private_photos_private(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=60, private=0.3, even=True) as sandbox:
        person, other = sandbox.catalogue.people[0], sandbox.catalogue.people[1]
        token, secret = sandbox.authority.grant(person)
        login: dict[str, Any] = {"api_secret": SECRET, "oauth_token": token, "oauth_token_secret": secret}
        foreign: dict[str, Any] = dict(
            zip(("oauth_token", "oauth_token_secret"), sandbox.authority.grant(other), strict=True)
        )
        store = open_store(tmp_path / "store", is_private=True)
        await store.check(make=True)
        job = Job(source=Account(user="me", only="photos"), detail="info")
        await plan_shards(store, job, settings_for(sandbox, **login), photos=20)
        with pytest.raises(KeyRefused, match="run `harvester auth login`"):
            await run(store, sandbox, tmp_path / "work")
        with pytest.raises(KeyRefused, match="this login is"):
            await run(store, sandbox, tmp_path / "other", **{**login, **foreign})
        terms = at_once("one", clock=lambda: 4_000_000_000.0)
        assert (await run(store, sandbox, tmp_path / "work", terms=terms, **login)).exit_code == 0
        await merge_shards(store, tmp_path / "merged")
        own = [n for n in range(60) if sandbox.catalogue.owners[n] == 0]
        ids = sorted(str(sandbox.catalogue.id_of(n)) for n in own)
        assert any(sandbox.catalogue.is_private(n) for n in own)
    assert sorted(read_by_id(tmp_path / "merged/photos.ndjson")) == ids
    for path in [*(tmp_path / "store").rglob("*"), *(tmp_path / "merged").iterdir()]:
        assert path.stat().st_mode & 0o077 == 0, path
    plain = [path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.suffix != ".zst"]
    written = b"".join(path.read_bytes() for path in plain)
    assert not any(value.encode() in written for value in (*login.values(), KEY))
