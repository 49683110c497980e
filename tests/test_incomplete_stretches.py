"""Stretches of upload time of which Flickr keeps photos back: what is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import Opener, harvest_into, settings_for

from harvester.incomplete.stretches import tell_dates
from harvester.inspect import read_status
from harvester.model import Job, Search
from harvester.sandbox.search import Listing, Searcher
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
