"""A whole account over real HTTP: each of its files equals what the server holds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.engine.identity import NOT_LOGGED_IN
from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.update import run_update
from harvester.errors import UsageError
from harvester.events import Event, Noticed
from harvester.flickr.methods import PERSON_PHOTOS, SEARCH
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Job
from harvester.progress.lines import describe_job
from harvester.sandbox.faults import Faults
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.accounts import ask_all, check_account, owner
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for
from support.processes import start, until_calls


@pytest.mark.slow
async def test_an_account_is_all_there_for_the_fewest_calls(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=4_000, owners=4) as sandbox:
        nsid = owner(sandbox, 2)
        summary = await harvest_into(tmp_path, sandbox, Job(source=Account(user=nsid), detail="list"))
        assert summary.status == "complete"
        check_account(tmp_path, sandbox, nsid)
        assert verify_archive(tmp_path) == []
        sets, galleries = (len(read_lines(tmp_path / f"{name}.ndjson")) for name in ("photosets", "galleries"))
        pages = -(-summary.photos // 500) + 1
        favorites = -(-len(read_lines(tmp_path / "favorites.ndjson")) // 500)
        # person, sets, collections, galleries, groups, contacts; then one call a set, a gallery, a page
        assert summary.calls <= 6 + sets + galleries + favorites + pages
        manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
        assert manifest["counts"]["photosets"] == sets
        assert set(manifest["files"]) == {f"{name}.ndjson" for name in FILES}


@pytest.mark.slow
async def test_a_page_of_somebody_elses_photos_is_asked_for_again(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=1_000, owners=3) as sandbox:
        honest, hers, others = sandbox.api.answer, owner(sandbox), [owner(sandbox, 1)] * 2

        def answer(query: dict[str, str]) -> bytes:
            is_stray = query.get("method") in (PERSON_PHOTOS, SEARCH) and query.get("user_id") == hers and others
            return honest({**query, "user_id": others.pop()} if is_stray else query)

        monkeypatch.setattr(sandbox.api, "answer", answer)
        summary = await harvest_into(tmp_path, sandbox, Job(source=Account(user=hers), detail="list"))
        assert (summary.status, others, summary.retries) == ("complete", [], 2)
        check_account(tmp_path, sandbox, hers)


@pytest.mark.slow
async def test_what_flickr_claims_beyond_what_is_there_is_told(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        found = json.loads(honest(query))
        if query.get("method") == "flickr.photosets.getList":
            found["photosets"]["photoset"][0]["count_photos"] = "1000"
        if query.get("method") == "flickr.people.getInfo":
            found["person"]["photos"]["count"]["_content"] = "1234"
        return orjson.dumps(found)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    summary = await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
    why = "the others may be private, not safe, or deleted."
    assert summary.notes == (
        f"Flickr claimed 1,234, {summary.photos} are there: {why}",
        f"1 set shows fewer photos than Flickr claims: {why}",
        NOT_LOGGED_IN,
    )
    monkeypatch.undo()
    updated = await run_update(tmp_path, settings_for(sandbox))
    assert [note for note in updated.notes if "claim" in note] == []


FILES = ("photos", "people", "photosets", "collections", "galleries", "groups", "favorites", "contacts")


@pytest.mark.parametrize("given", [{"only": "photosets,collections"}, {"skip": "photos,favorites,contacts"}])
async def test_only_the_chosen_kinds_cost_calls(given: dict[str, Any], sandbox: Sandbox, tmp_path: Path) -> None:
    account = Account(user=owner(sandbox), **given)
    summary = await harvest_into(tmp_path, sandbox, Job(source=account))
    assert summary.status == "complete"
    assert summary.photos == 0
    made = {path.stem for path in tmp_path.glob("*.ndjson")} - {"photos"}
    assert made == {"people" if kind == "person" else kind for kind in account.kinds}


async def test_an_nsid_may_be_written_in_small_letters(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox).lower(), only="person")))
    assert [line["id"] for line in read_lines(tmp_path / "people.ndjson")] == [owner(sandbox)]
    assert sandbox.stats.calls == 1


async def test_an_account_of_which_no_photo_was_asked_for_is_not_told_to_have_none(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    account = Account(user=owner(sandbox), only="photosets,groups")
    summary = await harvest_into(tmp_path, sandbox, Job(source=account))
    assert summary.notes == (NOT_LOGGED_IN,)
    assert summary.lists == {"photosets": len(read_lines(tmp_path / "photosets.ndjson")), "groups": 1}
    assert "kinds=photosets,groups," in describe_job(Job(source=account).describe())


@pytest.mark.slow
async def test_favourites_are_harvested_where_asked_for(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=900, owners=3) as sandbox:
        nsid = owner(sandbox)
        source = Account(user=nsid, only="photos,favorites", hydrate="favorites")
        await harvest_into(tmp_path, sandbox, Job(source=source, detail="info"))
        own = ask_all(sandbox, "people.getPhotos", "photos", "photo", user_id=nsid)
        faved = ask_all(sandbox, "favorites.getPublicList", "photos", "photo", user_id=nsid)
        assert faved
    lines = {line["id"]: line for line in read_lines(tmp_path / "photos.ndjson")}
    assert set(lines) == {row["id"] for row in own + faved}
    assert all(lines[row["id"]]["info"]["id"] == row["id"] for row in faved)


@pytest.mark.slow
async def test_album_gallery_group_and_favorites_bring_their_photos(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=3_000, owners=3) as sandbox:
        nsid = owner(sandbox, 2)
        album = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=nsid)[0]["id"]
        gallery = ask_all(sandbox, "galleries.getList", "galleries", "gallery", user_id=nsid)[0]["id"]
        cases: list[tuple[Any, list[dict[str, Any]]]] = [
            (Album(album=album), ask_all(sandbox, "photosets.getPhotos", "photoset", "photo", photoset_id=album)),
            (Gallery(gallery=gallery), ask_all(sandbox, "galleries.getPhotos", "photos", "photo", gallery_id=gallery)),
            (
                Group(group="monkeys"),
                ask_all(sandbox, "groups.pools.getPhotos", "photos", "photo", group_id=sandbox.catalogue.group_id),
            ),
            (Favorites(user=nsid), ask_all(sandbox, "favorites.getPublicList", "photos", "photo", user_id=nsid)),
        ]
        for source, rows in cases:
            folder = tmp_path / source.name
            summary = await harvest_into(folder, sandbox, Job(source=source, detail="list"))
            lines = read_lines(folder / "photos.ndjson")
            assert summary.status == "complete"
            assert sorted(line["id"] for line in lines) == sorted(row["id"] for row in rows)
            assert verify_archive(folder) == []
        assert all("date_faved" in line["search"] for line in lines)
        (line,) = read_lines(tmp_path / "album" / "photosets.ndjson")
        assert line["photo_ids"] == [row["id"] for row in cases[0][1]]


async def test_a_limit_is_kept_and_can_be_lifted(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=2_000, owners=2) as sandbox:
        source = Favorites(user=owner(sandbox))
        faved = ask_all(sandbox, "favorites.getPublicList", "photos", "photo", user_id=owner(sandbox))
        assert len(faved) > 40
        summary = await harvest_into(tmp_path, sandbox, Job(source=source, detail="list", limit=40))
        assert (summary.status, summary.photos) == ("complete", 40)
        summary = await harvest_into(tmp_path, sandbox, Job(source=source, detail="list"))
        assert (summary.status, summary.photos) == ("complete", len(faved))


@pytest.mark.slow
async def test_a_limit_of_photos_leaves_the_lists_whole_and_is_not_taken_for_missing_photos(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=2_000, owners=2) as sandbox:
        sets = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=owner(sandbox))
        for hydrate in ((), ("favorites",)):
            source = Account(user=owner(sandbox), hydrate=hydrate)
            folder = tmp_path / f"{len(hydrate)}"
            summary = await harvest_into(folder, sandbox, Job(source=source, detail="list", limit=10))
            assert len(read_lines(folder / "photosets.ndjson")) == len(sets)
            assert (summary.photos, summary.notes) == (10, (NOT_LOGGED_IN,))


@pytest.mark.parametrize(
    "source",
    [Album(album="72157600000999999"), Gallery(gallery="1-72157700000999999"), Account(user="99999999@N99")],
)
async def test_what_is_not_there_is_told_in_one_sentence(source: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^Flickr refuses [a-z]+ [\d@N-]+: .* \(code 1\)\. It may be gone, or private"
    ):
        await harvest_into(tmp_path, sandbox, Job(source=source))


async def test_what_was_asked_in_vain_leaves_room_for_another_question(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        if query.get("method") in ("flickr.groups.pools.getPhotos", "flickr.people.getInfo"):
            return b'{"stat":"fail","code":5,"message":"no"}'
        return honest(query)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    events: list[Event] = []
    for source in (Group(group="monkeys"), Account(user=owner(sandbox))):
        with pytest.raises(UsageError, match=r"^Flickr refuses (pool|user) [\d@N]+: no \(code 5\)\.$"):
            await harvest_into(tmp_path, sandbox, Job(source=source), events=events)
    told = [event.sentence for event in events if isinstance(event, Noticed)]
    assert told == ["The group 'monkeys' is 'Monkeys & friends' (663100@N21)."]
    assert not (tmp_path / "groups.ndjson").exists()
    monkeypatch.undo()
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
    check_account(tmp_path, sandbox, owner(sandbox))


async def test_a_kind_that_is_refused_is_told_and_the_rest_is_there(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        if query.get("method") == "flickr.contacts.getPublicList":
            return b'{"stat":"fail","code":1,"message":"User not found"}'
        if query.get("method") == "flickr.photosets.getPhotos":
            return b'{"stat":"fail","code":1,"message":"Photoset not found"}'
        return honest(query)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    events: list[Event] = []
    job = Job(source=Account(user=owner(sandbox)), detail="list")
    summary = await harvest_into(tmp_path, sandbox, job, events=events)
    assert summary.status == "complete"
    assert any(isinstance(event, Noticed) and "contacts" in event.sentence for event in events)
    refusals = orjson.loads((tmp_path / "manifest.json").read_bytes())["refusals"]
    assert refusals == [{"list": "contacts", "code": 1, "message": "User not found"}]
    lines = read_lines(tmp_path / "photosets.ndjson")
    assert lines
    assert all(line["photo_ids"] is None for line in lines)
    assert lines[0]["errors"] == {"photos": {"code": 1, "message": "Photoset not found"}}
    assert [note for note in summary.notes if "Flickr" in note] == [
        "Flickr refuses the contacts: User not found (code 1).",
        f"Flickr refuses the photos of {len(lines)} sets: Photoset not found (code 1).",
    ]


@pytest.mark.parametrize("code", [1, 2])
@pytest.mark.parametrize("method", ["getInfo", "getPhotos"])
async def test_a_refused_gallery_ends_the_run_with_flickrs_own_words_with_an_archive_and_without(
    method: str, code: int, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer
    (gallery, *_) = ask_all(sandbox, "galleries.getList", "galleries", "gallery", user_id=owner(sandbox, 1))

    def answer(query: dict[str, str]) -> bytes:
        if query.get("method") == f"flickr.galleries.{method}":
            return orjson.dumps({"stat": "fail", "code": code, "message": "Not for you"})
        return honest(query)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    job = Job(source=Gallery(gallery=gallery["id"]), detail="list")
    refused = pytest.raises(UsageError, match=rf"Flickr refuses gallery {gallery['id']}: Not for you \(code {code}\)\.")
    with refused:
        await harvest_into(tmp_path / "a", sandbox, job)
    if method == "getPhotos":
        with refused:
            await run_job(job, settings_for(sandbox), output=Output())
    assert not (tmp_path / "a" / "galleries.ndjson").exists()
    monkeypatch.undo()
    assert (await harvest_into(tmp_path / "a", sandbox, job)).status == "complete"


@pytest.mark.slow
async def test_a_photo_that_only_a_set_shows_is_there_too(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer
    nsid = owner(sandbox)
    member = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=nsid)[0]["primary"]

    def answer(query: dict[str, str]) -> bytes:
        body = honest(query)
        if query.get("method") in ("flickr.people.getPhotos", "flickr.photos.search"):
            found = json.loads(body)
            found["photos"]["photo"] = [row for row in found["photos"]["photo"] if row["id"] != member]
            return orjson.dumps(found)
        return body

    monkeypatch.setattr(sandbox.api, "answer", answer)
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=nsid), detail="info"))
    (line,) = [line for line in read_lines(tmp_path / "photos.ndjson") if line["id"] == member]
    assert line["info"]["id"] == member


@pytest.mark.slow
async def test_a_list_that_moves_while_it_is_read_is_read_again(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=3_000, owners=1) as sandbox:
        honest = sandbox.api.answer
        removed: list[str] = []

        def answer(query: dict[str, str]) -> bytes:
            body = honest(query)
            if query.get("method") == "flickr.groups.pools.getPhotos" and query.get("page") == "1" and not removed:
                removed.extend(row["id"] for row in json.loads(body)["photos"]["photo"][:30])
                sandbox.api.control({"delete": removed})
            return body

        monkeypatch.setattr(sandbox.api, "answer", answer)
        await harvest_into(tmp_path, sandbox, Job(source=Group(group="monkeys"), detail="list"))
        assert removed
        pool = ask_all(sandbox, "groups.pools.getPhotos", "photos", "photo", group_id=sandbox.catalogue.group_id)
    ids = [line["id"] for line in read_lines(tmp_path / "photos.ndjson")]
    assert len(ids) == len(set(ids))
    assert {row["id"] for row in pool} <= set(ids)


async def test_an_account_that_is_begun_anew_with_a_login_has_all_its_sets(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sandbox.api.answer

    def answer(query: dict[str, str]) -> bytes:
        if query.get("method") == "flickr.photosets.getPhotos":
            return b"<html>"
        return honest(query)

    monkeypatch.setattr(sandbox.api, "answer", answer)
    job = Job(source=Account(user=owner(sandbox), only="photosets"))
    run = asyncio.create_task(harvest_into(tmp_path, sandbox, job))
    while "flickr.photosets.getPhotos" not in sandbox.stats.methods:
        await asyncio.sleep(0.01)
    run.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await run
    monkeypatch.undo()
    token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
    login: dict[str, Any] = {"api_secret": secret_of(KEY), "oauth_token": token, "oauth_token_secret": secret}
    await harvest_into(tmp_path, sandbox, job, **login)
    assert len(read_lines(tmp_path / "photosets.ndjson")) == len(
        ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=owner(sandbox))
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_killed_again_and_again_an_account_is_all_there(sandbox_of: Opener, tmp_path: Path) -> None:
    rng = random.Random(11)
    async with sandbox_of(photos=3_000, owners=3, faults=Faults(any=0.03)) as sandbox:
        nsid = owner(sandbox, 2)
        account = ("account", nsid, "--detail", "info", "-o", str(tmp_path / "archive"))
        for _ in range(10):
            process = await start(sandbox, *account)
            await until_calls(sandbox, sandbox.stats.calls + rng.randrange(1, 130), process)
            await asyncio.sleep(rng.random() * 0.02)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()
        process = await start(sandbox, *account)
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        check_account(tmp_path / "archive", sandbox, nsid)
    assert verify_archive(tmp_path / "archive") == []
    counts = json.loads((tmp_path / "archive" / "manifest.json").read_bytes())["counts"]
    assert counts["reported"] == counts["photos"], "what Flickr claims outlives a kill"
