"""Whose a part is, as its answer tells."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from harvester.errors import Refused, TryLater
from harvester.flickr.methods import PARTS, PERSON_PHOTOS
from harvester.flickr.ownership import find_owner
from harvester.flickr.responses import PartReader, read_page
from support.strays import build_part


def read(name: str, photo_id: str, answer: dict[str, Any]) -> Any:
    return orjson.loads(PartReader(PARTS[name])(orjson.dumps(answer), photo_id))


def wrap(name: str, value: dict[str, Any]) -> dict[str, Any]:
    member = PARTS[name].member
    return {**(value if member is None else {member: value}), "stat": "ok"}


NAMED = ("info", "sizes", "exif", "comments", "favorites")


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_photo_that_was_asked_for_is_read(name: str) -> None:
    own = build_part(name, "101")
    assert own
    assert read(name, "101", wrap(name, own)) == own


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("other", ["10", "1010", "102"])
def test_a_part_that_names_another_photo_is_asked_for_again(name: str, other: str) -> None:
    own = build_part(name, "101")
    assert own
    with pytest.raises(TryLater, match="an answer to something else than was asked") as caught:
        read(name, other, wrap(name, own))
    assert caught.value.astray


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("other", PARTS)
def test_the_answer_to_another_question_about_the_same_photo_is_asked_for_again(name: str, other: str) -> None:
    value = build_part(other, "101")
    assert value
    if name == other:
        return
    with pytest.raises(TryLater) as caught:
        read(name, "101", wrap(other, value))
    assert caught.value.astray


@pytest.mark.parametrize("name", sorted({*NAMED} - {"sizes"}))
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_part_that_should_name_its_photo_and_names_none_is_asked_for_again(name: str, is_empty: bool) -> None:
    own = build_part(name, "101")
    assert own
    nameless = {} if is_empty else {member: value for member, value in own.items() if value != "101"}
    with pytest.raises(TryLater) as caught:
        read(name, "101", wrap(name, nameless))
    assert caught.value.astray


ADDRESSES = [
    {"source": "http://static.flickr.com/82/101_ab12cd34ef_s.jpg"},
    {"source": "https://farm1.static.flickr.com/82/101_ab12cd34ef.jpg"},
    {"source": "https://live.staticflickr.com/65535/101_ab12cd34ef_3k.png"},
    {"source": "https://www.flickr.com/photos/who/101/play/720p/ab12cd34ef/", "media": "video"},
    {"source": "https://www.flickr.com/apps/video/stewart.swf?v=71377&photo_id=101&photo_secret=ab"},
    {"source": "https://s.example/photo_unavailable.gif", "url": "https://www.flickr.com/photos/who/101/sizes/sq/"},
    {"source": "https://s.example/images/2020_banner.gif", "url": "https://www.flickr.com/photos/8_9.x/101/"},
    {"source": None, "url": ""},
    {},
]


@pytest.mark.parametrize("row", ADDRESSES)
def test_no_form_of_a_pictures_address_is_taken_for_another_photos(row: dict[str, Any]) -> None:
    assert read("sizes", "101", {"sizes": {"size": [row]}, "stat": "ok"}) == {"size": [row]}


@pytest.mark.parametrize("row", ADDRESSES[:4])
def test_each_form_of_a_pictures_address_tells_another_photos(row: dict[str, Any]) -> None:
    with pytest.raises(TryLater):
        read("sizes", "202", {"sizes": {"size": [row]}, "stat": "ok"})


@pytest.mark.parametrize("size", [[], None, "odd", [7, None]])
def test_sizes_without_addresses_are_kept_as_they_are(size: Any) -> None:
    assert read("sizes", "101", {"sizes": {"size": size}, "stat": "ok"}) == {"size": size}


def test_a_refusal_that_names_another_photo_is_asked_for_again() -> None:
    fail = {"stat": "fail", "code": 1, "message": 'Photo "101" not found (invalid ID)'}
    with pytest.raises(Refused):
        read("info", "101", fail)
    with pytest.raises(TryLater) as caught:
        read("info", "102", fail)
    assert caught.value.astray


ANN, BOB = "1@N01", "12@N01"


@pytest.mark.parametrize("space", [b"", b"\n"])
@pytest.mark.parametrize(
    ("owners", "is_hers"),
    [
        ([ANN], True),
        ([ANN, BOB], True),
        ([None], True),
        ([], True),
        ([BOB], False),
        ([BOB, None], False),
        ([{}, 5], False),
    ],
)
def test_a_page_of_other_peoples_photos_is_asked_for_again(owners: list[object], is_hers: bool, space: bytes) -> None:
    rows = [{"id": str(n), "owner": owner} for n, owner in enumerate(owners, 1)]
    body = orjson.dumps({"photos": {"photo": rows}, "stat": "ok"}) + space
    assert len(read_page(body, method=PERSON_PHOTOS).rows) == len(rows)
    if is_hers:
        assert len(read_page(body, method=PERSON_PHOTOS, owner=ANN).rows) == len(rows)
        return
    with pytest.raises(TryLater, match="photos of somebody else than was asked") as caught:
        read_page(body, method=PERSON_PHOTOS, owner=ANN)
    assert caught.value.astray


@pytest.mark.parametrize(
    ("arguments", "owner"),
    [
        ({"user_id": ANN, "tags": "a"}, ANN),
        ({"user_id": "me"}, None),
        ({"user_id": ANN, "contacts": "all"}, None),
        ({"user_id": ANN, "faves": "1"}, None),
        ({"tags": "a"}, None),
    ],
)
def test_a_listing_of_one_persons_photos_has_an_owner(arguments: dict[str, str], owner: str | None) -> None:
    assert find_owner(arguments) == owner
