"""flickr.photos.search of the sandbox, held to what getInfo says of each photo."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.sandbox.catalogue import Catalogue, CatalogueOptions
from harvester.sandbox.faults import Faults
from harvester.sandbox.info import build_info
from harvester.sandbox.methods import Api
from harvester.sandbox.search import Failure, Searcher
from harvester.sandbox.texts import normalise_tag

COMMON = {"api_key": "0123456789abcdef0123456789abcdef", "format": "json", "nojsoncallback": "1"}


@cache
def catalogue() -> Catalogue:
    """Six hundred photos of four owners, one of them edited and one gone."""
    made = Catalogue(CatalogueOptions(photos=600, owners=4, even=True))
    made.change(5)
    made.remove(6)
    return made


@cache
def photos() -> tuple[Mapping[str, Any], ...]:
    """What getInfo shows of each photo that is there."""
    made = catalogue()
    return tuple(build_info(made, n)["photo"] for n in range(len(made)) if n not in made.removed)


def words_of(photo: Mapping[str, Any]) -> str:
    raw = [tag["raw"] for tag in photo["tags"]["tag"]]
    text = " ".join([photo["title"]["_content"], photo["description"]["_content"], *raw])
    return " ".join(["", *re.findall(r"\w+", text.casefold()), ""])


def fits(photo: Mapping[str, Any], query: Mapping[str, str]) -> bool:  # noqa: C901, PLR0911
    """The documentation of the method, read plainly."""
    names = {tag["_content"] for tag in photo["tags"]["tag"]}
    given_tags = [tag for tag in query.get("tags", "").split(",") if tag]
    wanted = [normalise_tag(tag) in names for tag in given_tags if not tag.startswith("-")]
    if wanted and not (all if query.get("tag_mode") == "all" else any)(wanted):
        return False
    if any(normalise_tag(tag[1:]) in names for tag in given_tags if tag.startswith("-")):
        return False
    for term in query.get("text", "").split():
        if (f" {term.lstrip('-')} " in words_of(photo)) == term.startswith("-"):
            return False
    if "license" in query and photo["license"] not in query["license"].split(","):
        return False
    if query.get("media") in ("photos", "videos") and photo["media"] + "s" != query["media"]:
        return False
    if "user_id" in query and photo["owner"]["nsid"] != query["user_id"]:
        return False
    if "has_geo" in query and ("location" in photo) != (query["has_geo"] == "1"):
        return False
    if "bbox" in query:
        west, south, east, north = map(float, query["bbox"].split(","))
        where = photo.get("location")
        if not where or not (west <= float(where["longitude"]) <= east and south <= float(where["latitude"]) <= north):
            return False
    machine = [tag["_content"] for tag in photo["tags"]["tag"] if tag["machine_tag"]]
    if "machine_tags" in query and not any(tag.startswith(query["machine_tags"]) for tag in machine):
        return False
    posted = int(photo["dates"]["posted"])
    return int(query.get("min_upload_date", 0)) <= posted <= int(query.get("max_upload_date", 1 << 40))


TAGS = ["monkey", "Snow Monkey", "sandbox", "-animal", "black and white", "猿", "Tyne & Wear", "no such tag", "-2009"]
WORDS = ["monkey", "a", "the", "-night", "img_0001", "café", "москва", "2009", "edited", "-edited", "zoo"]
FILTERS = {
    "tags": st.lists(st.sampled_from(TAGS), min_size=1, max_size=3).map(",".join),
    "tag_mode": st.sampled_from(["any", "all"]),
    "text": st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join),
    "license": st.sampled_from(["0", "4,5", "16", "99"]),
    "media": st.sampled_from(["all", "photos", "videos"]),
    "user_id": st.integers(0, 3).map(lambda n: catalogue().people[n].nsid),
    "has_geo": st.sampled_from(["0", "1"]),
    "bbox": st.sampled_from(["-180,-90,180,90", "0,0,60,80", "130,30,140,40"]),
    "machine_tags": st.sampled_from(["taxonomy:", "geo:lat=", "taxonomy:genus=macaca"]),
    "min_upload_date": st.integers(1_100_000_000, 1_770_000_000).map(str),
    "max_upload_date": st.integers(1_100_000_000, 1_770_000_000).map(str),
}


@pytest.mark.slow
@settings(max_examples=150)
@given(st.fixed_dictionaries({}, optional=FILTERS).map(lambda query: {"min_upload_date": "1", **query}))
def test_a_search_finds_just_the_photos_that_fit(query: dict[str, str]) -> None:
    found = {str(catalogue().id_of(n)) for n in Searcher(catalogue()).find(query)}
    assert found == {photo["id"] for photo in photos() if fits(photo, query)}


@pytest.mark.parametrize("text", [f"img_{n:04d}" for n in (0, 1)] + ['"a monkey in the snow"', "edited"])
def test_titles_of_their_own_and_phrases_are_found(text: str) -> None:
    found = {str(catalogue().id_of(n)) for n in Searcher(catalogue()).find({"text": text})}
    phrase = f" {text.strip(chr(34))} "
    assert found == {photo["id"] for photo in photos() if phrase in words_of(photo)}


@pytest.mark.parametrize("window", ["2015-06-01 12:00:00", "2015-06-01", "1433160000", "1433160000.0"])
def test_dates_are_taken_as_unix_time_and_as_mysql_datetime(window: str) -> None:
    found = Searcher(catalogue()).find({"min_upload_date": window})
    whole = 1_433_160_000 - (43_200 if window == "2015-06-01" else 0)
    assert found == [n for n in range(600) if catalogue().uploads[n] >= whole and n not in catalogue().removed]


def test_both_ends_of_a_window_belong_to_it() -> None:
    second = str(catalogue().uploads[100])
    assert 100 in Searcher(catalogue()).find({"min_upload_date": second, "max_upload_date": second})


def test_a_window_of_taken_dates_goes_by_the_taken_date() -> None:
    query = {"min_taken_date": "2010-01-01", "max_taken_date": "2012-12-31 23:59:59"}
    found = {str(catalogue().id_of(n)) for n in Searcher(catalogue()).find(query)}
    assert found == {p["id"] for p in photos() if "2010-01-01" <= p["dates"]["taken"] <= "2012-12-31 23:59:59"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, 3),
        ({"tag_mode": "all"}, 3),
        ({"user_id": "1@N00"}, 2),
        ({"user_id": "me"}, 2),
        ({"tags": ",".join("abcdefghijklmnopqrstu"), "tag_mode": "all"}, 1),
        ({"group_id": "1@N00"}, 4),
        ({"bbox": "1,2"}, 18),
    ],
)
def test_failures_have_the_codes_of_the_documentation(query: dict[str, str], code: int) -> None:
    with pytest.raises(Failure) as caught:
        Searcher(catalogue()).find(query)
    assert caught.value.code == code


@cache
def large() -> Api:
    return Api(Catalogue(CatalogueOptions(photos=5200, owners=3)), seed=7)


def show(faults: Faults | None = None, **query: str) -> Any:
    api = large()
    return api.searcher.show({"tags": "sandbox", **query}, faults=faults or Faults(), rng=Random(1))


@pytest.mark.parametrize("sort", ["date-posted-desc", "date-posted-asc", "date-taken-asc", "date-taken-desc"])
def test_pages_to_the_cap_are_in_order_and_share_nothing(sort: str) -> None:
    pages = [show(sort=sort, per_page="500", page=str(page)).numbers for page in range(1, 9)]
    numbers = [n for page in pages for n in page]
    key = large().catalogue.taken if "taken" in sort else large().catalogue.uploads.__getitem__
    moments = [key(n) for n in numbers]
    assert len(set(numbers)) == 4000
    assert moments == sorted(moments, reverse=sort.endswith("desc"))


def test_past_the_cap_earlier_results_come_again_with_the_page_echoed() -> None:
    before = {n for page in range(1, 9) for n in show(per_page="500", page=str(page)).numbers}
    past = show(per_page="500", page="9")
    assert (past.page, past.pages, int(past.total)) == (9, 11, 5200)
    assert set(past.numbers) <= before


def test_past_the_cap_code_20_comes_where_that_is_asked_for() -> None:
    with pytest.raises(Failure, match="offset"):
        show(Faults(cap_error=True), per_page="500", page="9")


def test_a_page_has_500_rows_at_most_and_250_of_a_geographic_search() -> None:
    assert show(per_page="1000").per_page == 500
    assert show(per_page="500", has_geo="1").per_page == 250
    assert show().per_page == 100


def test_pages_past_the_end_are_empty() -> None:
    listing = show(per_page="100", page="9", license="16")
    assert list(listing.numbers) == []


def test_the_extras_asked_for_come_and_no_others() -> None:
    api, extras = large(), "date_upload,geo,url_sq,url_o,url_b,owner_name"
    rows = api.searcher.show({"tags": "sandbox"}, faults=Faults(), rng=Random(1)).numbers
    answer = json.loads(api.answer({**COMMON, "method": "flickr.photos.search", "tags": "sandbox", "extras": extras}))
    standard = {"id", "owner", "secret", "server", "farm", "title", "ispublic", "isfriend", "isfamily"}
    for n, row in zip(rows, answer["photos"]["photo"], strict=True):
        assert row["id"] == str(api.catalogue.id_of(n))
        where = {"latitude", "longitude", "accuracy", "context"}
        if api.catalogue.place(n):
            where |= {"place_id", "woeid", "geo_is_public", "geo_is_contact", "geo_is_friend", "geo_is_family"}
        original = {"url_o", "height_o", "width_o"} & set(row)
        sized = {"url_sq", "height_sq", "width_sq"} | original
        assert set(row) == standard | {"dateupload", "ownername"} | where | sized
        assert len(original) in (0, 3)


def test_the_same_seed_gives_the_same_answers_and_another_one_others() -> None:
    def ask(seed: int) -> bytes:
        api = Api(Catalogue(CatalogueOptions(photos=50, owners=2, seed=seed)), seed=seed)
        return api.answer({**COMMON, "method": "flickr.photos.search", "tags": "sandbox", "extras": "description"})

    assert ask(3) == ask(3)
    assert ask(3) != ask(4)
