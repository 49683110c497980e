"""Stretches of upload time of which Flickr keeps photos back: what is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import Opener, harvest_into, settings_for

from harvester.events import Event, Started
from harvester.incomplete.stretches import tell_dates
from harvester.inspect import read_status
from harvester.model import Job, Search
from harvester.sandbox.search import Listing, Searcher
from harvester.sandbox.server import Sandbox
from harvester.update import run_resume
from harvester.verify import verify_archive

JOB = Job(source=Search(tags=("sandbox",)), detail="list")


@pytest.fixture
def _keeping_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sandbox counts every second photo and does not show it."""
    show = Searcher.show

    def show_some(self: Searcher, query: Any, **more: Any) -> Listing:
        listing = show(self, query, **more)
        return replace(listing, numbers=[n for n in listing.numbers if n % 2])

    with monkeypatch.context() as context:
        context.setattr(Searcher, "show", show_some)
        yield


@pytest.mark.usefixtures("_keeping_back")
async def test_manifest_status_and_verify_tell_the_same_of_an_incomplete_stretch(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=30) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, JOB)
        status = await asyncio.to_thread(read_status, tmp_path, settings_for(sandbox))
    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
    (told,) = manifest["incomplete_stretches"]
    assert (summary.status, manifest["status"]) == ("incomplete", "incomplete")
    assert told.keys() == {"after", "before", "claimed", "found", "note"}
    assert (told["after"], told["before"]) == ("1970-01-01T00:00:00Z", manifest["horizon"])
    assert (told["claimed"], told["found"]) == (30, 15)
    assert told["note"] in summary.notes
    assert told["note"] in await asyncio.to_thread(verify_archive, tmp_path)
    assert (status["state"], status["incomplete_stretches"]) == ("incomplete", [told])


async def test_a_complete_archive_has_no_incomplete_stretches(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=30) as sandbox:
        assert (await harvest_into(tmp_path, sandbox, JOB)).status == "complete"
    assert "incomplete_stretches" not in orjson.loads((tmp_path / "manifest.json").read_bytes())


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (1_393_675_200, 1_393_675_500, "from 2014-03-01 12:00 to 12:05"),
        (1_393_675_201, 1_393_675_500, "from 2014-03-01 12:00:01 to 12:05:00"),
        (1_393_675_200, 1_393_761_600, "from 2014-03-01 12:00 to 2014-03-02 12:00"),
        (1_393_675_205, 1_393_675_205, "at 2014-03-01 12:00:05"),
        (0, 1_393_675_500, "until 2014-03-01 12:05"),
    ],
)
def test_a_stretch_is_named_as_dates(since: int, until: int, words: str) -> None:
    assert tell_dates(since, until) == words


@contextmanager
def one_kind(sandbox: Sandbox) -> Iterator[None]:
    """Photos that no filter tells apart."""
    wide = max(set(sandbox.catalogue.uploads), key=list(sandbox.catalogue.uploads).count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox.catalogue, "taken", lambda _: wide)
        patch.setattr(sandbox.catalogue, "license", lambda _: 0)
        patch.setattr(sandbox.catalogue, "is_video", lambda _: False)
        yield


async def test_a_resume_reads_incomplete_stretches_alone_and_completes_the_archive(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=9_300, wide_second=4_100) as sandbox:
        settings = settings_for(sandbox)
        with one_kind(sandbox):
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
            (told,) = orjson.loads((tmp_path / "manifest.json").read_bytes())["incomplete_stretches"]
            assert told["after"] == told["before"]
            summary = await run_resume(tmp_path, settings)
            assert (summary.status, summary.new, told["note"] in summary.notes) == ("incomplete", 0, True)
            assert summary.calls <= 18  # the 8 pages of that second; and once more by media, which was not tried
        summary = await harvest_into(tmp_path, sandbox, JOB)
        assert (summary.status, summary.photos, summary.notes) == ("complete", 9_300, ())
        assert summary.calls < 9_300 // 500
    assert "incomplete_stretches" not in orjson.loads((tmp_path / "manifest.json").read_bytes())
    assert await asyncio.to_thread(verify_archive, tmp_path) == []


async def test_an_archive_that_is_killed_while_it_reads_stretches_again_goes_on_there(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=4_300, wide_second=4_100) as sandbox:
        with one_kind(sandbox):
            assert (await harvest_into(tmp_path, sandbox, JOB)).status == "incomplete"
        stop = asyncio.Event()

        def stop_soon(event: Event) -> None:
            if isinstance(event, Started):
                stop.set()

        summary = await run_resume(tmp_path, settings_for(sandbox), observer=stop_soon, stop=stop)
        assert summary.status == "stopped"
        assert (await run_resume(tmp_path, settings_for(sandbox))).photos == 4_300
    assert await asyncio.to_thread(verify_archive, tmp_path) == []
