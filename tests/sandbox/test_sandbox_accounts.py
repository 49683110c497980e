"""People, sets, collections, galleries, groups, favourites, contacts: shapes and pages as recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import Sandbox, SandboxOptions, open_sandbox
from support.harvest import KEY


class Asker:
    """Asks a sandbox over HTTP."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self._session = session

    async def ask(self, method: str, **arguments: object) -> dict[str, Any]:
        query = {"method": f"flickr.{method}", "api_key": KEY, "format": "json", "nojsoncallback": "1"}
        query |= {name: str(value) for name, value in arguments.items()}
        async with self._session.get(self.sandbox.url, params=query) as response:
            assert response.status == 200
            answer: dict[str, Any] = await response.json()
        return answer

    def nsid(self, owner: int) -> str:
        return self.sandbox.catalogue.people[owner].nsid


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    """A thousand photos of six owners, a tenth of them private."""
    options = SandboxOptions(catalogue=CatalogueOptions(photos=1000, owners=6, private=0.1))
    async with open_sandbox(options) as sandbox, aiohttp.ClientSession() as session:
        yield Asker(sandbox, session)


async def test_a_photostream_has_no_cap_and_ends_with_an_empty_page() -> None:
    options = SandboxOptions(catalogue=CatalogueOptions(photos=4600, owners=1))
    async with open_sandbox(options) as sandbox, aiohttp.ClientSession() as session:
        asker, seen = Asker(sandbox, session), []
        for page in range(1, 11):
            answer = await asker.ask("people.getPublicPhotos", user_id=asker.nsid(0), per_page=500, page=page)
            seen += [row["id"] for row in answer["photos"]["photo"]]
        assert len(set(seen)) == len(seen) == 4600
        assert seen == sorted(seen, key=int, reverse=True)
        past = await asker.ask("people.getPhotos", user_id=asker.nsid(0), per_page=500, page=11)
        assert (past["photos"]["page"], past["photos"]["photo"]) == (11, [])


async def test_pages_past_ten_thousand_answer_as_the_ten_thousandth(asker: Asker) -> None:
    answer = await asker.ask("people.getPhotos", user_id=asker.nsid(0), page=123_456)
    assert answer["photos"]["page"] == 10_000


async def test_every_set_is_listed_with_members_that_stay_in_order(asker: Asker) -> None:
    listed = await asker.ask("photosets.getList", user_id=asker.nsid(0), primary_photo_extras="url_sq")
    sets = listed["photosets"]["photoset"]
    assert len(sets) == listed["photosets"]["total"] > 3
    for row in sets:
        assert isinstance(row["id"], str)
        pages = [
            (await asker.ask("photosets.getPhotos", photoset_id=row["id"], per_page=7, page=page))["photoset"]
            for page in range(1, 15)
        ]
        members = [photo["id"] for page in pages for photo in page["photo"]]
        whole = (await asker.ask("photosets.getPhotos", photoset_id=row["id"]))["photoset"]
        assert members == [photo["id"] for photo in whole["photo"]]
        assert len(set(members)) == len(members) == int(row["photos"]) + int(row["videos"]) == int(whole["total"])
        assert whole["per_page"] == whole["perpage"] == 500
        assert all("owner" not in photo for photo in whole["photo"]), "the owner is on the set"
        assert [photo["isprimary"] for photo in whole["photo"]].count("1") == bool(members)
        assert set(row["primary_photo_extras"]) == {"url_sq", "height_sq", "width_sq"}


async def test_the_list_of_sets_has_pages_of_500_at_most() -> None:
    options = SandboxOptions(catalogue=CatalogueOptions(photos=21_000, owners=1))
    async with open_sandbox(options) as sandbox, aiohttp.ClientSession() as session:
        asker = Asker(sandbox, session)
        answers = [await asker.ask("photosets.getList", user_id=asker.nsid(0), page=page) for page in (1, 2, 3)]
        assert [len(answer["photosets"]["photoset"]) for answer in answers] == [500, 20, 0]


async def test_a_set_tells_the_same_of_itself_wherever_asked(asker: Asker) -> None:
    listed = (await asker.ask("photosets.getList", user_id=asker.nsid(1)))["photosets"]["photoset"][0]
    told = (await asker.ask("photosets.getInfo", photoset_id=listed["id"]))["photoset"]
    assert all(told[name] == listed[name] for name in ("title", "photos", "primary", "date_update", "owner"))


@pytest.mark.parametrize("photoset_id", ["", "1", "72157609999999999", "x", "-5", "9" * 40])
async def test_an_unknown_set_is_refused_with_code_1(asker: Asker, photoset_id: str) -> None:
    answer = await asker.ask("photosets.getPhotos", photoset_id=photoset_id)
    assert (answer["stat"], answer["code"]) == ("fail", 1)


async def test_collections_nest_three_levels_and_name_each_set_once(asker: Asker) -> None:
    tree = (await asker.ask("collections.getTree", user_id=asker.nsid(0)))["collections"]["collection"]
    assert "set" in tree[0]["collection"][0]["collection"][0]

    def walk(branches: list[dict[str, Any]]) -> list[str]:
        return [
            set_id
            for branch in branches
            for set_id in [s["id"] for s in branch.get("set", [])] + walk(branch.get("collection", []))
        ]

    sets = (await asker.ask("photosets.getList", user_id=asker.nsid(0)))["photosets"]["photoset"]
    assert sorted(walk(tree)) == sorted(row["id"] for row in sets)
    inner = tree[0]["collection"][0]["collection"][0]["id"]
    part = await asker.ask("collections.getTree", user_id=asker.nsid(0), collection_id=inner)
    assert [branch["id"] for branch in part["collections"]["collection"]] == [inner]


async def test_an_owner_without_collections_has_no_member_for_them(asker: Asker) -> None:
    assert (await asker.ask("collections.getTree", user_id=asker.nsid(3)))["collections"] == {}


async def test_galleries_hold_photos_of_others(asker: Asker) -> None:
    galleries = (await asker.ask("galleries.getList", user_id=asker.nsid(2)))["galleries"]
    assert galleries["total"] == len(galleries["gallery"]) == 2
    for gallery in galleries["gallery"]:
        photos = (await asker.ask("galleries.getPhotos", gallery_id=gallery["id"]))["photos"]["photo"]
        assert photos
        assert all(photo["owner"] != asker.nsid(2) for photo in photos)
        assert [photo["is_primary"] for photo in photos].count(1) == 1
        assert gallery["count_photos"] + gallery["count_videos"] == len(photos)
        told = (await asker.ask("galleries.getInfo", gallery_id=gallery["gallery_id"]))["gallery"]
        assert told["current_state"]
    assert (await asker.ask("galleries.getPhotos", gallery_id="1-2"))["code"] == 1


async def test_favourites_come_latest_first_and_some_people_have_none(asker: Asker) -> None:
    found = (await asker.ask("favorites.getPublicList", user_id=asker.nsid(0), per_page=500))["photos"]
    dates = [int(photo["date_faved"]) for photo in found["photo"]]
    assert dates
    assert dates == sorted(dates, reverse=True)
    none = (await asker.ask("favorites.getPublicList", user_id=asker.nsid(3)))["photos"]
    assert (none["pages"], none["photo"]) == (0, [])


async def test_a_group_tells_its_pool(asker: Asker) -> None:
    group_id = asker.sandbox.catalogue.group_id
    pool = (await asker.ask("groups.pools.getPhotos", group_id=group_id, per_page=500))["photos"]
    told = (await asker.ask("groups.getInfo", group_id=group_id))["group"]
    assert told["pool_count"]["_content"] == str(pool["total"])
    assert all(row["dateadded"] and row["ownername"] for row in pool["photo"])
    assert (await asker.ask("groups.pools.getPhotos", group_id="1@N00"))["code"] == 1
    member = await asker.ask("people.getPublicGroups", user_id=asker.nsid(0))
    stranger = await asker.ask("people.getPublicGroups", user_id=asker.nsid(1))
    assert (len(member["groups"]["group"]), stranger["groups"]["group"]) == (1, [])


async def test_contacts_are_everybody_else(asker: Asker) -> None:
    found = (await asker.ask("contacts.getPublicList", user_id=asker.nsid(0)))["contacts"]
    assert {row["nsid"] for row in found["contact"]} == {asker.nsid(n) for n in range(1, 6)}


@pytest.mark.parametrize("method", ["people.getPhotos", "photosets.getList", "favorites.getPublicList"])
async def test_an_unknown_person_is_refused(asker: Asker, method: str) -> None:
    answer = await asker.ask(method, user_id="1@N99")
    assert (answer["stat"], answer["code"]) == ("fail", 2 if method == "people.getPhotos" else 1)


@pytest.mark.parametrize("method", ["test.login", "contacts.getList", "photos.recentlyUpdated"])
async def test_what_needs_a_login_is_refused_without_one(asker: Asker, method: str) -> None:
    assert (await asker.ask(method))["code"] == 99


async def test_no_list_shows_a_private_photo_to_a_stranger(asker: Asker) -> None:
    catalogue = asker.sandbox.catalogue
    private = {str(catalogue.id_of(n)) for n in range(len(catalogue)) if catalogue.is_private(n)}
    assert private
    stream = await asker.ask("people.getPhotos", user_id=asker.nsid(0), per_page=500)
    favorites = await asker.ask("favorites.getPublicList", user_id=asker.nsid(0), per_page=500)
    pool = await asker.ask("groups.pools.getPhotos", group_id=catalogue.group_id, per_page=500)
    shown = {row["id"] for answer in (stream, favorites, pool) for row in answer["photos"]["photo"]}
    assert not shown & private
    assert (
        not {str(catalogue.id_of(n)) for n in range(len(catalogue))}
        - private
        - shown
        - {
            row["id"]
            for owner in range(6)
            for row in (await asker.ask("people.getPhotos", user_id=asker.nsid(owner), per_page=500))["photos"]["photo"]
        }
    )
