"""What a source brings besides photos is given, with an archive and without."""

from __future__ import annotations

import gc
from pathlib import Path

import orjson
import pytest

from harvester import Account, Album, Entry, Flickr, Group, Harvest, Search
from harvester.python import lists
from harvester.sandbox.server import Sandbox
from support.accounts import owner
from support.archives import read_lines
from support.harvest import KEY, Opener

pytestmark = pytest.mark.usefixtures("time_limit")


def client_of(sandbox: Sandbox) -> Flickr:
    return Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none")


def name_all(photos: Harvest) -> list[tuple[str, str]]:
    return sorted((entry.kind, entry.id) for entry in photos.entries)


async def test_an_account_gives_the_same_with_an_archive_and_without(sandbox: Sandbox, tmp_path: Path) -> None:
    async with client_of(sandbox) as flickr:
        account = Account(user=owner(sandbox))
        kept = flickr.harvest(account, detail="list", archive=tmp_path / "a")
        assert [photo async for photo in kept]
        passing = flickr.harvest(account, detail="list")
        assert [photo async for photo in passing]
    assert name_all(passing) == name_all(kept)
    in_files = [(path.stem, line["id"]) for path in (tmp_path / "a").glob("*.ndjson") for line in read_lines(path)]
    assert name_all(passing) == sorted(pair for pair in in_files if pair[0] != "photos")
    kinds = {kind for kind, _ in name_all(passing)}
    assert {"people", "photosets", "collections", "contacts"} <= kinds
    assert passing.summary
    assert kept.summary
    assert passing.summary.lists == kept.summary.lists
    assert sum(passing.summary.lists.values()) == len(name_all(passing))


async def test_the_entries_are_there_before_the_photos(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr, flickr.harvest(Account(user=owner(sandbox)), detail="list") as photos:
        assert (await anext(photos)).id
        found = name_all(photos)
    assert found == name_all(photos)
    assert ("people", owner(sandbox)) in found


async def test_an_album_gives_its_set_with_the_photos_in_order(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        account = flickr.harvest(Account(user=owner(sandbox), only=["photosets"]))
        assert [photo async for photo in account] == []
        album = next(entry for entry in account.entries if entry.record["photo_ids"])
        photos = flickr.harvest(Album(album=album.id), detail="list")
        ids = [photo.id async for photo in photos]
    (entry,) = photos.entries
    assert (entry.kind, entry.id) == ("photosets", album.id)
    assert sorted(entry.record["photo_ids"]) == sorted(ids)
    assert entry.record["photoset"]["id"] == album.id


async def test_a_group_gives_itself(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        photos = flickr.harvest(Group(group=sandbox.catalogue.group_id), detail="list", limit=1)
        assert [photo async for photo in photos]
    assert name_all(photos) == [("groups", sandbox.catalogue.group_id)]


async def test_a_search_brings_photos_alone(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        photos = flickr.harvest(Search(tags="sandbox"), detail="list", limit=1)
        assert [photo async for photo in photos]
    assert list(photos.entries) == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")
async def test_many_entries_go_to_a_file_that_goes_with_the_harvest(
    sandbox_of: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "IN_MEMORY", 100)

    def count_spools() -> int:
        return sum("(deleted)" in str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())

    async with sandbox_of() as sandbox, client_of(sandbox) as flickr:
        before = count_spools()
        photos = flickr.harvest(Account(user=owner(sandbox), skip=["photos"]))
        assert [photo async for photo in photos] == []
        assert len(name_all(photos)) > 3
        assert count_spools() == before + 1
        del photos
        gc.collect()
        assert count_spools() == before


def test_an_entry_is_its_line_parsed_when_asked() -> None:
    entry = Entry("contacts", b'{"id":"1@N00","contact":{"nsid":"1@N00"}}\n')
    assert entry.record == orjson.loads(entry.line)
    assert repr(entry) == "<Entry contacts 1@N00>"
