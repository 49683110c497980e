"""Whatever the account, each list of its archive equals the catalogue, with faults and with a login as without."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from harvester.jobs.model import Account, Job
from harvester.sandbox.faults import Faults
from harvester.sandbox.search import CALLER
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.accounts import ask, ask_all, check_account, owner
from support.archives import read_lines
from support.harvest import Opener, harvest_into


def log_in(sandbox: Sandbox, number: int) -> dict[str, Any]:
    """The settings of a run that is signed by an owner."""
    token, secret = sandbox.authority.grant(sandbox.catalogue.people[number])
    return {"api_secret": "0123456789abcdef", "oauth_token": token, "oauth_token_secret": secret}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_each_list_of_any_account_equals_the_catalogue(seed: int, sandbox_of: Opener, tmp_path: Path) -> None:
    rng = Random(f"accounts {seed}")
    photos, owners = rng.choice((0, 1, 7, 120, 1_100)), rng.randint(1, 9)
    private, faults = rng.choice((0, 0.3)), Faults(any=rng.choice((0, 0.1)))
    async with sandbox_of(seed=seed, photos=photos, owners=owners, private=private, faults=faults) as sandbox:
        for number in rng.sample(range(owners), min(2, owners)):
            nsid = owner(sandbox, number)
            for signed in (False, True):
                folder = tmp_path / f"{number}-{signed}"
                login = log_in(sandbox, number) if signed else {}
                job = Job(source=Account(user=nsid), detail="list")
                summary = await harvest_into(folder, sandbox, job, **login)
                assert (summary.status, verify_archive(folder)) == ("complete", [])
                check_account(folder, sandbox, nsid, login=nsid if signed else None)


async def test_lists_of_several_pages_are_whole(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=9_000, owners=1_100) as sandbox:
        nsid = owner(sandbox, 2)
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=nsid), detail="list"))
        check_account(tmp_path, sandbox, nsid)
        assert len(read_lines(tmp_path / "contacts.ndjson")) == 1_099
        assert sandbox.stats.methods["flickr.contacts.getPublicList"] == 2


@pytest.mark.slow
async def test_more_sets_than_a_page_holds_have_their_members_in_order(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=1_500, owners=1) as sandbox:
        albums = sandbox.api.albums
        vars(albums)["_counts"] = [510]  # many small sets, which cost less than 21,000 photos do
        nsid = owner(sandbox)
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=nsid, only="photosets"), detail="list"))
        lines = {line["id"]: line for line in read_lines(tmp_path / "photosets.ndjson")}
        assert set(lines) == {album.id for album in albums.albums_of(0)}
        assert len(lines) == 510
        for album in albums.albums_of(0):
            members = [str(sandbox.catalogue.id_of(n)) for n in albums.members(album, {})]
            assert lines[album.id]["photo_ids"] == members


async def test_what_a_photo_says_of_its_sets_is_what_the_sets_say(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=400, owners=3, private=0.2) as sandbox:
        nsid = owner(sandbox, 1)
        caller = {CALLER: nsid}
        told: dict[str, list[str]] = {}
        for row in ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=nsid, **caller):
            members = ask_all(sandbox, "photosets.getPhotos", "photoset", "photo", photoset_id=row["id"], **caller)
            for member in members:
                told.setdefault(member["id"], []).append(row["id"])
        for photo in ask_all(sandbox, "people.getPhotos", "photos", "photo", user_id=nsid, **caller):
            contexts = ask(sandbox, "photos.getAllContexts", photo_id=photo["id"], **caller)
            assert [found["id"] for found in contexts.get("set", [])] == told.get(photo["id"], [])
