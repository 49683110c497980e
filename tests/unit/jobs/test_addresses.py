"""Addresses that people paste from old pages, mails and archives of the web."""

from __future__ import annotations

from typing import Any

import pytest

from harvester.errors import UsageError
from harvester.jobs.model import Account, Album, Favorites, Group, Photos, Search, Source
from harvester.jobs.urls import parse_photo, read_named, read_url
from support.addresses import ALIAS, NSID, PHOTO, STREAM, same


@pytest.mark.parametrize(
    "address",
    [
        "https://www.flickr.com/photo_edit.gne?id=32812033543",
        "https://www.flickr.com/video_download.gne?id=32812033543",
        "https://www.flickr.com/photo_exif.gne?id=32812033543",
        "https://www.flickr.com/photo_zoom.gne?id=32812033543&size=o&context=photostream",
        "https://www.flickr.com/video_edit.gne?id=32812033543",
        "https://embedr.flickr.com/photos/32812033543",
        "https://embedr.flickr.com/photos/32812033543?width=1024&height=768",
        "<https://www.flickr.com/photos/coast_guard/32812033543>",
        "https://www.flickr.com/photos/coast_guard/32812033543,",
        "http://web.archive.org/web/2013/http://www.flickr.com/photos/coast_guard/32812033543/",
        "https://web.archive.org/web/20130512010203/https://flickr.com/photos/coast_guard/32812033543",
        "web.archive.org/web/20130512010203im_/http://farm5.staticflickr.com/4586/32812033543_bb4ecff5f4_o.png",
        "https://touch.flickr.com/photos/coast_guard/32812033543",
    ],
)
def test_every_address_of_a_photo_is_that_photo(address: str) -> None:
    assert same(read_url(address), PHOTO)
    assert parse_photo(address) == "32812033543"


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("www.flickr.com/photos/coast_guard/collections/72157600001/", Account(user=ALIAS, only=("collections",))),
        ("flickr.com/photos/coast_guard/collections/124834485-721576/", Account(user=ALIAS, only=("collections",))),
        ("www.flickr.com/photos/coast_guard/collections/", Account(user=ALIAS, only=("collections",))),
        ("www.flickr.com/people/coast_guard/page2/", Account(user=ALIAS)),
        (f"https://www.flickr.com/people/{NSID}/page12", Account(user=NSID)),
        ("https://commons.flickr.org/members/coast_guard/", Account(user=ALIAS)),
        (f"commons.flickr.org/members/{NSID}", Account(user=NSID)),
        ("www.flickr.com/photos/coast_guard/popular-interesting/", STREAM),
        ("www.flickr.com/photos/coast_guard/popular-views/page2/", STREAM),
        ("www.flickr.com/photos/tags/monkey/interesting/", Search(tags=["monkey"], sort="interestingness-desc")),
        ("www.flickr.com/groups/slovenia/members/", Group(group="slovenia")),
        ("www.flickr.com/slideShow/index.gne?set_id=72157600001&user_id=x", Album(album="72157600001")),
        (f"www.flickr.com/slideShow/index.gne?user_id={NSID}", Account(user=NSID, only=("photos",))),
        ("www.flickr.com/slideShow/index.gne?group_id=34427469792@N01", Group(group="34427469792@N01")),
        (f"www.flickr.com/slideShow/index.gne?tags=a,b&user_id={NSID}", Search(tags="a,b", user=NSID)),
        (f"api.flickr.com/services/feeds/photos_public.gne?id={NSID}&lang=en-us", Account(user=NSID, only=("photos",))),
        ("api.flickr.com/services/feeds/photos_public.gne?tags=a,b", Search(tags="a,b", tag_mode="all")),
        ("www.flickr.com/services/feeds/photos_public.gne?tags=a,b&tagmode=any", Search(tags="a,b")),
        (f"api.flickr.com/services/feeds/photos_faves.gne?nsid={NSID}", Favorites(user=NSID)),
        (f"api.flickr.com/services/feeds/photoset.gne?set=72157600001&nsid={NSID}", Album(album="72157600001")),
        ("api.flickr.com/services/feeds/groups_pool.gne?id=663100@N21", Group(group="663100@N21")),
    ],
)
def test_other_pages_are_the_source_that_they_show(address: str, source: Source) -> None:
    assert same(read_url(address), source)


# -- searches


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("q=monkey&w=all&ss=2&ct=6&mt=all&adv=1", {"text": "monkey", "content_types": 7, "safe_search": "safe"}),
        (f"w={NSID}&q=monkey&m=text", {"user": NSID, "text": "monkey"}),
        (f"w={NSID.replace('@', '%40')}&q=monkey", {"user": NSID, "text": "monkey"}),
        ("w=coast_guard&q=monkey", {"user": ALIAS, "text": "monkey"}),
        (f"w={NSID}", {"user": NSID}),
        ("q=monkey+chimp&m=tags", {"tags": ["monkey", "chimp"], "tag_mode": "all"}),
        ("m=tags&q=%22new+york%22,night", {"tags": ["new york", "night"], "tag_mode": "all"}),
        ("q=x&w=contacts", {"text": "x", "params": {"contacts": "all"}}),
        ("q=x&w=commons", {"text": "x", "params": {"is_commons": "1"}}),
        ("q=x&s=int&z=t&page=4", {"text": "x", "sort": "interestingness-desc"}),
        ("q=x&s=rec", {"text": "x"}),
        ("q=x&s=rel", {"text": "x", "sort": "relevance"}),
        ("q=x&ss=0&ct=0&mt=videos", {"text": "x", "safe_search": 3, "content_types": 1, "media": "videos"}),
        ("q=x&l=commderiv", {"text": "x", "license": "cc-by,cc-by-sa,cc0"}),
        (
            "q=x&d=taken-20130101-20131231",
            {"text": "x", "min_taken_date": "2013-01-01", "max_taken_date": "2013-12-31"},
        ),
        ("q=x&d=posted-20130101-", {"text": "x", "min_upload_date": "2013-01-01"}),
        (
            "text=x&color_codes=0%2C3&styles=blackandwhite",
            {"text": "x", "params": {"color_codes": "0,3", "styles": "blackandwhite"}},
        ),
        ("text=x&fbclid=IwAR0&view_all=1", {"text": "x"}),
    ],
)
def test_an_old_search_is_that_of_the_api(query: str, fields: dict[str, Any]) -> None:
    source = read_url(f"https://www.flickr.com/search/?{query}")
    assert same(source, Search(**fields))
    assert isinstance(source, Search)
    assert source.warnings == ()


def test_old_forms_of_the_page_of_searches_are_known() -> None:
    for page in ("search/advanced/", "search/show/", "search"):
        assert same(read_url(f"http://www.flickr.com/{page}?q=snow"), Search(text="snow"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("q=x&w=faves", "w=faves: Flickr's API cannot search favourites; use harvester favorites USER."),
        ("q=x&m=names", "m='names': what that means is not known; take it out of the address."),
        ("q=x&d=2013", "d='2013': what that means is not known"),
        ("q=x&ct=9", "ct='9': what that means is not known"),
        ("q=x&s=foo", "s='foo': what that means is not known"),
        ("q=x&cm=nikon/d80", "cm: Flickr's API cannot search by that"),
        ("text=x&orientation=square", "orientation: Flickr's API cannot search by that"),
        ("m=tags&w=all", "A search needs at least one filter"),
    ],
)
def test_what_an_old_search_means_is_never_guessed(query: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_url(f"flickr.com/search/?{query}")
    assert sentence in str(caught.value)


# -- refused


@pytest.mark.parametrize(
    "address",
    [
        "https://flic.kr/p/" + "Z" * 12,
        "https://flic.kr/s/" + "a" * 20,
        "https://flic.kr/y/" + "1" * 15,
        "https://flic.kr/ps/" + "Z" * 9,
        "https://flic.kr/g/" + "Z" * 9,
        "https://www.flickr.com/photo.gne?short=" + "Z" * 12,
        "https://commons.flickr.org/about/",
        "https://commons.flickr.org/members/",
        "https://web.archive.org/web/2013/https://example.com/photos/a/1",
        "https://web.archive.org/web/2013/",
        "https://www.flickr.com/slideShow/index.gne",
        "https://api.flickr.com/services/feeds/photos_public.gne",
        "https://api.flickr.com/services/feeds/activity.gne?id=1",
        "https://www.flickr.com/photos/tags/",
        "https://www.flickr.com/photos/coast_guard/collections/x",
    ],
)
def test_what_is_too_long_or_unknown_is_refused_with_the_kinds(address: str) -> None:
    with pytest.raises(UsageError, match="is no address that can be harvested"):
        read_url(address)


def test_an_address_without_a_photos_id_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a photo id"):
        read_url("https://www.flickr.com/photo_edit.gne?size=m")


@pytest.mark.parametrize(
    "address",
    [
        "https://www.flickr.com/gp/coast_guard/M195SLkj98",
        f"https://www.flickr.com/gp/{NSID}/M195SLkj98/",
        "https://www.flickr.com/photos/coast_guard/shares/M195SL",
    ],
)
def test_a_guest_pass_is_named_as_what_it_is(address: str) -> None:
    with pytest.raises(UsageError, match=r"is a guest pass, .*harvester auth login"):
        read_url(address)


def test_commands_take_these_addresses_too() -> None:
    assert read_named("https://commons.flickr.org/members/coast_guard/", "account") == ALIAS
    assert read_named("https://www.flickr.com/slideShow/index.gne?set_id=72157600001", "album") == "72157600001"
    assert same(read_url(" 32812033543, "), Photos(ids=("32812033543",)))
