"""The sandbox's answers have the members and types of recorded ones; the table beside this file names them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from harvester.sandbox.catalogue import Catalogue, CatalogueOptions
from harvester.sandbox.methods import Api
from harvester.sandbox.search import CALLER
from support.project import SHARED
from support.recorded import ROWS, Types, derive, load, place, walk_json

FOLDERS = [SHARED / name for name in ("flickr-recordings", "flickr-commons")]
OF_PHOTOS = frozenset(
    f"flickr.photos.{name}"
    for name in (
        *("getInfo", "getSizes", "getExif", "getAllContexts", "getFavorites"),
        *("comments.getList", "people.getList"),
    )
)
UNRECORDED = frozenset({"flickr.auth.oauth.checkToken", "flickr.test.echo"})
"""No answer of the first is on record; the second answers with whatever is asked."""
TYPES_OF_XML = {"text": ("str", "int", "null", "bool"), "element": ("object", "array")}
EXTRAS = (
    "description,license,date_upload,date_taken,owner_name,icon_server,original_format,last_update,geo,tags,"
    "machine_tags,o_dims,views,media,path_alias,url_sq,url_q,url_t,url_s,url_n,url_m,url_z,url_c,url_l,url_o,"
    "realname,count_comments,count_faves,count_views,url_h,url_k,url_3k,url_4k,safety_level"
)
"""The documented ones, and those on record. Of the others nobody has shown an answer."""
MORE: dict[tuple[str, str], set[str]] = {
    # Latitude and longitude were texts in 2022, counts are texts as `views` is (openverse-catalog).
    (ROWS, "latitude"): {"str"},
    (ROWS, "longitude"): {"str"},
    (ROWS, "count_faves"): {"str"},
    # Sides of 3072 are texts in a getSizes of 2019.
    (ROWS, "height_3k"): {"str"},
    (ROWS, "width_3k"): {"str"},
    # The sides of videos may be null or empty (gallery-dl).
    ("flickr.photos.getInfo", "photo.video.width"): {"null"},
    ("flickr.photos.getInfo", "photo.video.height"): {"null"},
    # Flickr's documentation: a signed call learns how the caller and the person stand.
    **{
        ("flickr.people.getInfo", f"person.{name}"): {"int"}
        for name in ("ignored", "contact", "friend", "family", "revcontact", "revfriend", "revfamily")
    },
    # The total of each list is a text or a number.
    ("flickr.favorites.getList", "photos.total"): {"str"},
    ("flickr.contacts.getList", "contacts.total"): {"str"},
    ("flickr.contacts.getList", "contacts.pages"): {"str"},
    ("flickr.contacts.getList", "contacts.perpage"): {"int"},
    ("flickr.contacts.getList", "contacts.per_page"): {"int"},
    ("flickr.galleries.getPhotos", "photos.perpage"): {"int"},
    ("flickr.galleries.getPhotos", "photos.total"): {"str"},
    ("flickr.groups.pools.getPhotos", "photos.total"): {"str"},
    ("flickr.people.getPublicPhotos", "photos.total"): {"int"},
    ("flickr.photos.recentlyUpdated", "photos.total"): {"int"},
    # The size of a page is a text where it was asked for.
    ("flickr.contacts.getPublicList", "contacts.perpage"): {"str"},
    ("flickr.contacts.getPublicList", "contacts.per_page"): {"str"},
    # The galleries on record have no description.
    ("flickr.galleries.getInfo", "gallery.description._content"): {"str"},
    ("flickr.galleries.getPhotos", "gallery.description._content"): {"str"},
}
"""What is known from elsewhere than a recording."""
NOT_SERVED = {
    ("flickr.photos.getInfo", "photo.notes.note[].pro_badge"),  # with two notes of 66
}
"""Recorded members that the sandbox leaves out, on purpose."""


@cache
def api() -> Api:
    return Api(Catalogue(CatalogueOptions(photos=1_500, owners=10, private=0.1)), seed=7)


def ask(method: str, **arguments: str) -> dict[str, Any]:
    query = {"method": method, "api_key": "0" * 32, "format": "json", "nojsoncallback": "1", **arguments}
    answer: dict[str, Any] = json.loads(api().answer(query))
    return answer


def ids_of(listing: str, container: str, member: str) -> Iterator[str]:
    for person in api().catalogue.people:
        for row in ask(listing, user_id=person.nsid)[container][member]:
            yield row["id"]


def queries(method: str) -> Iterator[dict[str, str]]:
    """Calls that show all there is to a method."""
    catalogue = api().catalogue
    extras = {"extras": EXTRAS, "primary_photo_extras": EXTRAS}
    if method in OF_PHOTOS:
        for n in range(0, len(catalogue), 4):
            photo = {"photo_id": str(catalogue.id_of(n))}
            yield from (photo, {**photo, CALLER: catalogue.people[catalogue.owners[n]].nsid})
    elif method == "flickr.photos.search":
        yield from ({"tags": "sandbox", "per_page": "200", **extras}, {"text": "monkey"}, {"tags": "xyzzy"})
    elif method.startswith("flickr.photosets.get") and method != "flickr.photosets.getList":
        for found in ids_of("flickr.photosets.getList", "photosets", "photoset"):
            yield from ({"photoset_id": found, **extras}, {"photoset_id": found, "per_page": "9"})
    elif method in ("flickr.galleries.getInfo", "flickr.galleries.getPhotos"):
        yield from (
            {"gallery_id": found, **extras} for found in ids_of("flickr.galleries.getList", "galleries", "gallery")
        )
    else:
        yield from queries_of_people(extras)


def queries_of_people(extras: dict[str, str]) -> Iterator[dict[str, str]]:
    """For each person, as a stranger and as the caller."""
    about = {"group_id": api().catalogue.group_id, "min_date": "1", "per_page": "25", **extras}
    for number, person in enumerate(api().catalogue.people):
        kind = "groups/monkeys" if number else f"photos/{person.nsid}"
        given = {**about, "user_id": person.nsid, "username": person.username}
        yield {**given, "url": f"https://www.flickr.com/photos/{person.nsid}/"}
        yield {**given, "url": f"https://www.flickr.com/{kind}/", CALLER: person.nsid}
        yield {"user_id": person.nsid, CALLER: api().catalogue.people[0].nsid}


@cache
def served() -> Types:
    """What the sandbox answers, as a table."""
    table: Types = defaultdict(lambda: defaultdict(set))
    for method in api()._methods:
        for query in queries(method) if method not in UNRECORDED else ():
            answer = ask(method, **query)
            if answer.pop("stat") == "ok":
                for path, kind in walk_json(answer):
                    where, name = place(method, path)
                    table[where][name].add(kind)
    return table


def allowed(method: str, path: str, kinds: set[str]) -> set[str]:
    """The types that a member may have. XML tells no types, so any will do where no JSON is on record.

    Since 2020 all sides of pictures are numbers, and since 2019 there are sizes of 3072 and more (gallery-dl).
    """
    found = {kind.removeprefix("~") for kind in kinds}
    if found <= {"text", "element"}:
        found = {kind for name in found for kind in TYPES_OF_XML[name]}
    of_size = re.match(r"(height|width|url)_", path)
    return found | ({"str" if of_size[1] == "url" else "int"} if of_size else set()) | MORE.get((method, path), set())


@pytest.mark.slow
@pytest.mark.parametrize("method", [ROWS, *sorted(api()._methods.keys() - UNRECORDED)])
def test_each_member_is_on_record_with_that_type(method: str) -> None:
    recorded = load()[method]
    for path, kinds in served()[method].items():
        wrong = kinds - allowed(method, path, recorded.get(path, set()))
        assert not wrong, f"{path} is {wrong}, recorded is {recorded.get(path)}"


@pytest.mark.slow
@pytest.mark.parametrize("method", [ROWS, *sorted(api()._methods.keys() - UNRECORDED)])
def test_each_recorded_member_is_served(method: str) -> None:
    """But for those from edited copies of answers alone."""
    for path, kinds in load()[method].items():
        genuine = {kind for kind in kinds if kind[0] != "~"}
        if genuine and (method, path) not in NOT_SERVED:
            missing = genuine - served()[method].get(path, set()) - {"text", "element"}
            assert path in served()[method], f"{path} is missing"
            assert not missing, f"{path} is never {missing}"


@pytest.mark.slow
@pytest.mark.skipif(not all(folder.is_dir() for folder in FOLDERS), reason="no recordings are there")
def test_the_table_is_what_the_recordings_say() -> None:
    found = derive(FOLDERS)
    for method, members in load().items():
        for path, kinds in members.items():
            assert kinds <= found[method][path], f"{method} {path}"
