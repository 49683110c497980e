"""What Flickr claims of a search, beside what it shows in the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.config.settings import Settings
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.jobs.model import Account, Job, Search
from harvester.sandbox.search import Listing, Searcher
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from support.accounts import owner
from support.archives import read_lines
from support.harvest import Opener, harvest_into, settings_for
from support.hidden import keep_back

JOB = Job(source=Search(tags=("sandbox",)), detail="list")


async def told_by(folder: Path, settings: Settings) -> tuple[str, Any, Any]:
    """The state and the sentence of `status`, and what the manifest says."""
    status = await asyncio.to_thread(read_status, folder, settings)
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    return status["state"], status["difference"], manifest.get("difference")


async def test_a_small_difference_is_told_in_summary_manifest_and_status_of_a_complete_harvest(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_back(monkeypatch, lambda n: n in (5, 100))
    async with sandbox_of(photos=253) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, JOB)
        sentence = "Flickr claimed 253, 251 are there: what its totals point at was read again, and no new photo came."
        assert (summary.status, summary.photos) == ("complete", 251)
        assert sentence in summary.notes
        told = ("complete", sentence, {"claimed": 253, "there": 251})
        assert await told_by(tmp_path, settings_for(sandbox)) == told
        assert sentence in (await run_resume(tmp_path, settings_for(sandbox))).notes
        assert await asyncio.to_thread(verify_archive, tmp_path) == []
        assert sentence in (await run_update(tmp_path, settings_for(sandbox))).notes
        assert await told_by(tmp_path, settings_for(sandbox)) == told


@pytest.mark.slow
async def test_a_difference_of_more_than_a_fifth_is_incomplete_until_a_resume_finds_what_is_missing(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=253) as sandbox:
        with monkeypatch.context() as hiding:
            keep_back(hiding, lambda n: n % 2 == 0)
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
            state, sentence, difference = await told_by(tmp_path, settings_for(sandbox))
            assert state == "incomplete"
            assert sentence.startswith("Flickr claimed 253, 126 are there: ")
            assert difference == {"claimed": 253, "there": 126}
            assert (await asyncio.to_thread(verify_archive, tmp_path))[-1] == sentence
            assert (await run_resume(tmp_path, settings_for(sandbox))).status == "incomplete"
        assert (await run_resume(tmp_path, settings_for(sandbox))).photos == 253
        assert await told_by(tmp_path, settings_for(sandbox)) == ("complete", None, None)


async def test_a_first_claim_that_flickr_takes_back_is_no_difference(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=253) as sandbox:
        claim_more_at_first(monkeypatch, sandbox)
        summary = await harvest_into(tmp_path, sandbox, JOB)
        assert (summary.status, summary.expected) == ("complete", 253)
        assert await told_by(tmp_path, settings_for(sandbox)) == ("complete", None, None)


def claim_more_at_first(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    show = Searcher.show

    def show_more(self: Searcher, query: Any, **more: Any) -> Listing:
        listing = show(self, query, **more)
        is_first = sandbox.stats.methods["flickr.photos.search"] <= 1
        return replace(listing, total=int(listing.total or 0) + 40) if is_first else listing

    monkeypatch.setattr(Searcher, "show", show_more)


@pytest.mark.parametrize("left", [0, 10])
async def test_a_search_that_shrinks_while_it_is_read_is_incomplete_until_it_shows_what_it_claimed_at_first(
    left: int, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=700) as sandbox:
        with monkeypatch.context() as shrinking:
            shrink_after_first(shrinking, sandbox, left=left)
            summary = await harvest_into(tmp_path, sandbox, JOB)
            assert summary.status == "incomplete"
            assert 500 <= summary.photos < 560
            state, sentence, difference = await told_by(tmp_path, settings_for(sandbox))
            assert (state, difference) == ("incomplete", {"claimed": 700, "there": summary.photos})
            assert sentence.startswith(f"Flickr claimed 700, {summary.photos} are there: ")
            assert (await run_resume(tmp_path, settings_for(sandbox))).status == "incomplete"
        summary = await run_resume(tmp_path, settings_for(sandbox))
        assert (summary.status, summary.photos) == ("complete", 700)


@pytest.mark.parametrize("left", [0, 10])
async def test_an_account_that_shrinks_while_it_is_read_is_incomplete_until_it_shows_its_photos_again(
    left: int, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=700, owners=1) as sandbox:
        account = Job(source=Account(user=owner(sandbox), only="photos"), detail="list")
        with monkeypatch.context() as shrinking:
            shrink_stream_after_first(shrinking, sandbox, left=left)
            summary = await harvest_into(tmp_path, sandbox, account)
            assert summary.status == "incomplete"
            assert 500 <= summary.photos < 560
            assert summary.calls < 40
            (stretch,) = orjson.loads((tmp_path / "manifest.json").read_bytes())["incomplete_stretches"]
            assert f"{left} photos are shown where " in stretch["note"]
            assert (await run_resume(tmp_path, settings_for(sandbox))).status == "incomplete"
        summary = await run_resume(tmp_path, settings_for(sandbox))
        assert (summary.status, summary.photos) == ("complete", 700)
        assert summary.calls < 5


async def test_an_update_settles_what_a_resume_cannot_since_the_photos_are_gone(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=700, owners=1) as sandbox:
        settings = settings_for(sandbox)
        with monkeypatch.context() as shrinking:
            shrink_stream_after_first(shrinking, sandbox, left=0)
            account = Job(source=Account(user=owner(sandbox), only="photos"), detail="list")
            await harvest_into(tmp_path, sandbox, account)
        sandbox.api.control({"delete": [line["id"] for line in read_lines(tmp_path / "photos.ndjson")[:450]]})
        assert (await run_resume(tmp_path, settings)).status == "incomplete"
        summary = await run_update(tmp_path, settings)
        assert (summary.status, summary.photos) == ("complete", 250)
        assert await asyncio.to_thread(verify_archive, tmp_path) == []


def shrink_stream_after_first(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, *, left: int) -> None:
    find = Searcher.find

    def find_few(self: Searcher, query: Any) -> list[int]:
        found = find(self, query)
        return found if sandbox.stats.methods["flickr.people.getPhotos"] <= 1 else found[:left]

    monkeypatch.setattr(Searcher, "find", find_few)


def shrink_after_first(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, *, left: int) -> None:
    show = Searcher.show

    def show_few(self: Searcher, query: Any, **more: Any) -> Listing:
        listing = show(self, query, **more)
        is_first = sandbox.stats.methods["flickr.photos.search"] <= 1
        return listing if is_first else replace(listing, numbers=listing.numbers[:left], total=left, pages=1)

    monkeypatch.setattr(Searcher, "show", show_few)


async def test_an_update_keeps_photos_that_are_claimed_and_not_shown(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=253) as sandbox:
        assert (await harvest_into(tmp_path, sandbox, JOB)).status == "complete"
        keep_back(monkeypatch, lambda n: n in (5, 100))
        summary = await run_update(tmp_path, settings_for(sandbox))
        assert (summary.status, summary.photos) == ("complete", 253)
