"""What Flickr really answered is read without loss. The recordings lie beside the project; without them: skipped."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

import orjson
import pytest

from harvester.errors import HarvestError, KeyRefused, Refused, TryLater
from harvester.flickr.listings import LISTINGS, Itself
from harvester.flickr.methods import PARTS, PERSON_PHOTOS, SEARCH
from harvester.flickr.responses import PartReader, read_list, read_page, read_part
from support.project import SHARED

RECORDINGS = SHARED / "flickr-recordings"
INDEX = RECORDINGS / "index.ndjson"
REPLAY = SHARED / "replay" / "replay.py"
PAGES = (SEARCH, PERSON_PHOTOS, "flickr.people.getPublicPhotos", "flickr.photos.recentlyUpdated")

pytestmark = pytest.mark.skipif(not (INDEX.is_file() and REPLAY.is_file()), reason="no recordings are there")


@cache
def replay() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replay", REPLAY)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recordings(*methods: str) -> Iterator[tuple[str, str, bytes, dict[str, Any]]]:
    """File, method, body and what is in it. XML is turned to JSON; JSON comes as it was recorded, JSONP too."""
    for line in INDEX.read_text("utf-8").splitlines():
        row = json.loads(line)
        found = replay().body_of(row) if row["method"] in methods and row["fidelity"] != "derived" else None
        if found is None:
            continue
        body, parsed = found
        is_json = row["file"].endswith((".json", ".js"))
        yield row["file"], row["method"], (RECORDINGS / row["file"]).read_bytes() if is_json else body, parsed


def plain(value: Any) -> str:
    """JSON as text: 1, 1.0, "1" and true are told apart."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("listing", LISTINGS)
def test_each_row_of_a_recorded_list_is_kept_as_it_was_sent(listing: str) -> None:
    shape = LISTINGS[listing]
    for file, method, body, parsed in recordings(shape.method):
        container = parsed.get(shape.container, {})
        # Turned from XML, rows that the replay server does not know for rows are one object, whatever their number.
        name = None if isinstance(shape.rows, Itself) else shape.rows.name
        if parsed["stat"] != "ok" or (name and isinstance(container.get(name), dict)):
            continue
        listed = read_list(body, replace(shape, method=method))
        wanted = container.get(name, []) if name else [container]
        assert [plain(orjson.loads(raw)) for _, raw in listed.rows] == [plain(row) for row in wanted], file
        assert all(row_id for row_id, _ in listed.rows), file
        if name and "total" in container:
            assert listed.total == int(container["total"]), file


@pytest.mark.parametrize("method", PAGES)
def test_each_row_of_a_recorded_page_of_photos_is_kept_as_it_was_sent(method: str) -> None:
    for file, _, body, parsed in recordings(method):
        if parsed["stat"] != "ok":
            continue
        rows = read_page(body, method=method).rows
        wanted = parsed["photos"].get("photo", [])
        assert [plain(orjson.loads(row.raw)) for row in rows] == [plain(row) for row in wanted], file


@pytest.mark.parametrize("name", PARTS)
def test_each_recorded_part_of_a_photo_is_kept_as_it_was_sent(name: str) -> None:
    part = PARTS[name]
    for file, _, body, parsed in recordings(part.method):
        wanted = parsed.get(part.member) if part.member else {n: v for n, v in parsed.items() if n != "stat"}
        if parsed["stat"] != "ok" or not wanted:
            continue
        photo_id = str(wanted.get("id")) if part.member == "photo" else None
        kept = read_part(body, part, photo_id=photo_id)
        assert plain(orjson.loads(kept)) == plain(wanted), file


@pytest.mark.parametrize("name", PARTS)
def test_each_recorded_part_is_read_as_its_own_photos_and_where_it_names_it_as_no_others(name: str) -> None:
    reader = PartReader(PARTS[name])
    for row in map(json.loads, INDEX.read_text("utf-8").splitlines()):
        photo_id = (row["params"] or {}).get("photo_id") if row["method"] == PARTS[name].method else None
        found = replay().body_of(row) if row["fidelity"] == "recorded" else None
        if photo_id is None or found is None or len(found[1]) < 2 or found[1]["stat"] != "ok":
            continue
        reader(found[0], photo_id)
        if PARTS[name].named:
            assert reader.mark(photo_id) in found[0], row["file"]
            with pytest.raises(TryLater):
                reader(found[0], "999")


def test_each_recorded_failure_is_told_as_one() -> None:
    methods = {shape.method for shape in LISTINGS.values()} | {part.method for part in PARTS.values()} | set(PAGES)
    found: set[type[HarvestError]] = set()
    for file, method, body, parsed in recordings(*methods):
        if parsed["stat"] == "ok":
            continue
        with pytest.raises(HarvestError) as caught:
            read_list(body, replace(LISTINGS["photosets"], method=method))
        assert isinstance(caught.value, Refused | KeyRefused | TryLater), file
        found.add(caught.type)
    assert found == {Refused, KeyRefused, TryLater}
