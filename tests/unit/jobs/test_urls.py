"""Every address of flickr.com and flic.kr means one source; what is not known is refused, never guessed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harvester.errors import UsageError
from harvester.jobs.model import SOURCES, Account, Album, Favorites, Gallery, Group, Photos, Search, Source
from harvester.jobs.urls import LONGEST, parse_photo, read_named, read_url
from support.addresses import ALIAS, NSID, PHOTO, STREAM, same


@pytest.mark.parametrize(
    "address",
    [
        "flickr.com/photos/coast_guard/32812033543",
        "https://www.flickr.com/photos/coast_guard/32812033543/",
        "http://flickr.com/photos/coast_guard//32812033543",
        "//www.flickr.com/photos/coast_guard/32812033543",
        "WWW.Flickr.COM/photos/coast_guard/32812033543",
        "HTTPS://WWW.FLICKR.COM:443/photos/coast_guard/32812033543",
        "https://flickr.com./photos/coast_guard/32812033543",
        "  https://www.flickr.com/photos/coast_guard/32812033543\n",
        "https://m.flickr.com/photos/coast_guard/32812033543",
        "https://m.flickr.com/#/photos/coast_guard/32812033543/?x=y",
        "https://secure.flickr.com/photos/coast_guard/32812033543",
        "https://www.flickr.com/photos/me/32812033543",
        "https://www.flickr.com/photos/11588490%40N02/32812033543/",
        "https://www.flickr.com/photos/coast_guard/32812033543/in/photolist-RZufqg-ebEcP7",
        "https://www.flickr.com/photos/coast_guard/32812033543/in/album-72157644007437024/",
        "https://www.flickr.com/photos/coast_guard/32812033543/sizes/o/in/set-72157602201101937",
        "https://www.flickr.com/photos/coast_guard/32812033543/#comment72157",
        "https://www.flickr.com/photos/coast_guard/32812033543?rb=1",
        "https://www.flickr.com/photo/11588490@N02/32812033543",
        "https://www.flickr.com/photo.gne?id=32812033543",
        "https://www.flickr.com/photo_zoom.gne?id=32812033543&size=m",
        "https://www.flickr.com/photo.gne?short=RZufqg",
        "https://flic.kr/p/RZufqg",
        "flic.kr/p/RZufqg/",
        "https://live.staticflickr.com/65535/32812033543_63d765ee92_s.jpg",
        "live.staticflickr.com/2903/32812033543_c1b3784192_w_d.jpg",
        "https://live.staticflickr.com/video/32812033543/346a41e5a9/1080p.mp4?s=x",
        "http://static.flickr.com/63/32812033543_0125559b4e.jpg",
        "https://farm5.staticflickr.com/4586/32812033543_bb4ecff5f4_o.png",
        "http://farm1.static.flickr.com/82/32812033543_dd0847d5c7_o.jpg",
        "https://c8.staticflickr.com/6/5159/32812033543_7cf094b085_z.jpg?zz=1",
        "photos12.flickr.com/32812033543_3a6615a565_b.jpg",
    ],
)
def test_a_photo_in_every_form(address: str) -> None:
    assert same(read_url(address), PHOTO)
    assert parse_photo(address.strip()) == "32812033543"


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("flickr.com/photos/coast_guard", STREAM),
        ("flickr.com/photos/coast_guard/page3", STREAM),
        ("flickr.com/photos/coast_guard/with/32812033543/", STREAM),
        ("flickr.com/photos/coast_guard/archives/", STREAM),
        ("flickr.com/photos/coast_guard/archives/date-taken/detail/", STREAM),
        ("flickr.com/photos/me/", Account(user="me", only=("photos",))),
        ("flickr.com/photos/11588490@n02/", Account(user=NSID, only=("photos",))),
        ("flickr.com/photos/11588490%40N02/?saved=1", Account(user=NSID, only=("photos",))),
        (
            "flickr.com/photos/caf%C3%A9/",
            Account(user="https://www.flickr.com/photos/caf%C3%A9/", only=("photos",)),
        ),
        ("flickr.com/people/coast_guard/", Account(user=ALIAS)),
        ("flickr.com/people/11588490@N02/contacts/", Account(user=NSID, only=("contacts",))),
        ("flickr.com/people/11588490@N02/groups", Account(user=NSID, only=("groups",))),
        ("flickr.com/photos/coast_guard/albums", Account(user=ALIAS, only=("photosets",))),
        ("flickr.com/photos/coast_guard/sets/page2", Account(user=ALIAS, only=("photosets",))),
        ("flickr.com/photos/coast_guard/galleries/", Account(user=ALIAS, only=("galleries",))),
        ("flickr.com/photos/coast_guard/collections/", Account(user=ALIAS, only=("collections",))),
        ("flickr.com/photos/cat_tac/albums/72157666833379009", Album(album="72157666833379009")),
        ("flickr.com/photos/cat_tac/sets/72157666833379009/detail/", Album(album="72157666833379009")),
        ("flickr.com/photos/cat_tac/albums/72157666833379009/with/123/", Album(album="72157666833379009")),
        ("flickr.com/photos/flickr/galleries/72157722096057728/", Gallery(gallery="72157722096057728")),
        ("flickr.com/photos/flickr/gallery/72157722096057728/page2", Gallery(gallery="72157722096057728")),
        ("flickr.com/photos/coast_guard/favorites", Favorites(user=ALIAS)),
        ("flickr.com/photos/coast_guard/favorites/page2", Favorites(user=ALIAS)),
        ("flickr.com/photos/11588490@N02/faves/", Favorites(user=NSID)),
        ("flickr.com/groups/slovenia/", Group(group="slovenia")),
        ("flickr.com/groups/slovenia/pool/page30", Group(group="slovenia")),
        ("flickr.com/groups/34427469792@n01/pool", Group(group="34427469792@N01")),
        ("flickr.com/groups/slovenia/about/", Group(group="slovenia")),
        ("flickr.com/groups/slovenia/pool/11588490@N02/", Search(group="slovenia", user=NSID)),
        ("flickr.com/groups/slovenia/pool/tags/lake/", Search(group="slovenia", tags=["lake"])),
        ("flickr.com/photos/tags/fluorspar/page5", Search(tags=["fluorspar"])),
        ("flickr.com/photos/tags/rom%C3%A2nia/", Search(tags=["românia"])),
        ("flickr.com/photos/tags/32812033543/", Search(tags=["32812033543"])),
        ("flickr.com/photos/coast_guard/tags/boat/", Search(user=ALIAS, tags=["boat"])),
        (
            "flickr.com/photos/coast_guard/archives/date-taken/2012/02/",
            Search(user=ALIAS, min_taken_date="2012-02-01", max_taken_date="2012-02-29T23:59:59"),
        ),
        (
            "flickr.com/photos/coast_guard/archives/date-taken/2012/02/07/detail/",
            Search(user=ALIAS, min_taken_date="2012-02-07", max_taken_date="2012-02-07T23:59:59"),
        ),
        (
            "flickr.com/photos/coast_guard/archives/date-posted/2012/",
            Search(user=ALIAS, min_upload_date="2012-01-01", max_upload_date="2012-12-31T23:59:59"),
        ),
        # What these lead to was recorded by others: flickr-url-parser, and pages that name both forms.
        ("https://flic.kr/s/aHsjybZ5ZD", Album(album="72157628959784871")),
        ("https://flic.kr/y/2Xry4Jt", Gallery(gallery="72157690638331410")),
        ("https://flic.kr/y/2sfUimC", Gallery(gallery="72157671483451751")),
        ("https://flic.kr/ps/ZVcni", Account(user="65541944@N07", only=("photos",))),
        ("https://flic.kr/ps/vubFe", Account(user="33367743@N05", only=("photos",))),
        ("http://www.flic.kr/g/stemc", Group(group="2995418@N23")),
    ],
)
def test_every_kind_of_page_is_its_source(address: str, source: Source) -> None:
    for text in (address, address.rstrip("/"), f"http://{address}" if "://" not in address else address):
        assert same(read_url(text), source), text


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("text=golden+gate%20bridge", {"text": "golden gate bridge"}),
        ("q=monkey&page=3&view_all=1&advanced=1&utm_source=x", {"text": "monkey"}),
        ("tags=a,b&tag_mode=all&text=", {"tags": "a,b", "tag_mode": "all"}),
        ("license=4%2C5%2C9&text=x", {"license": "4,5,9", "text": "x"}),
        ("user_id=11588490%40N02&sort=interestingness-desc", {"user": NSID, "sort": "interestingness-desc"}),
        ("user_id=me&text=x", {"user": "me", "text": "x"}),
        ("user_id=coast_guard", {"user": ALIAS}),
        ("group_id=34427469792@N01&text=x", {"group": "34427469792@N01", "text": "x"}),
        ("text=x&min_upload_date=1262304000", {"text": "x", "min_upload_date": 1262304000}),
        (
            "text=x&min_taken_date=1262304000&max_taken_date=2010-12-31+10%3A00%3A00",
            {"text": "x", "min_taken_date": 1262304000, "max_taken_date": "2010-12-31 10:00:00"},
        ),
        (
            "text=x&media=videos&safe_search=2&has_geo=1",
            {"text": "x", "media": "videos", "safe_search": 2, "has_geo": 1},
        ),
        ("text=x&content_type=7", {"text": "x", "content_types": 7}),
        ("text=x&content_types=0,2", {"text": "x", "content_types": "photos,other"}),
        ("bbox=-1,50,1,52&is_commons=1&text=x", {"bbox": "-1,50,1,52", "text": "x", "params": {"is_commons": "1"}}),
        ("text=x&max_upload_date=20140513", {"text": "x", "max_upload_date": "2014-05-13T23:59:59Z"}),
        ("text=x&max_taken_date=2014-05", {"text": "x", "max_taken_date": "2014-05-31 23:59:59"}),
        ("text=x&min_taken_date=946684800", {"text": "x", "min_taken_date": "2000-01-01 00:00:00"}),
        ("lat=1&lon=2&radius=3", {"params": {"lat": "1", "lon": "2", "radius": "3"}}),
    ],
)
def test_a_search_of_the_web_is_that_of_the_api(query: str, fields: dict[str, Any]) -> None:
    assert same(read_url(f"https://www.flickr.com/search/?{query}"), Search(**fields))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "text=x&orientation=landscape&height=1024&color_codes=0",
            "height, orientation: Flickr's API cannot search by that; take it out of the address.",
        ),
        ("text=x&sort=foo", "sort: 'foo' is not known; use date-posted-desc"),
        ("text=x&min_upload_date=foo", "min_upload_date: 'foo' is not a date"),
        ("license=commderiv", "license: 'commderiv' is not known"),
        ("text=", "A search needs at least one filter"),
        ("", "A search needs at least one filter"),
    ],
)
def test_what_a_search_cannot_keep_is_told_and_not_dropped(query: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_url(f"flickr.com/search/?{query}")
    assert sentence in str(caught.value)
    assert caught.value.field is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "monkey",
        "1.2.3.4",
        "https://http://",
        "https://[flickr.com/photos/x",
        "https://evil-flickr.com/photos/coast_guard/32812033543",
        "https://flickr.com.evil.com/photos/coast_guard/32812033543",
        "https://flickr.com@evil.com/photos/coast_guard/32812033543",
        "https://notflic.kr/p/RZufqg",
        "https://example.com/?u=https://flickr.com/photos/coast_guard/32812033543",
        "https://evilstaticflickr.com/65535/32812033543_63d765ee92_s.jpg",
        "https://api.flickr.com/services/rest/",
        "ftp://flickr.com/photos/coast_guard/32812033543",
        "https://www.flickr.com/",
        "https://www.flickr.com/account/email",
        "https://www.flickr.com/photos/",
        "https://www.flickr.com/photos/friends/",
        "https://www.flickr.com/photos/upload/",
        "https://www.flickr.com/photos/coast_guard/stats",
        "https://www.flickr.com/photos/coast_guard/tags/",
        "https://www.flickr.com/photos/coast_guard/½⅓¼",
        "https://www.flickr.com/photos/coast_guard/sets/①②③",
        "https://www.flickr.com/photos/coast_guard/%ff%fe/",
        "https://www.flickr.com/photos/coast_guard/archives/date-taken/2012/13/",
        "https://www.flickr.com/photos/coast_guard/archives/date-taken/2012/02/30/",
        "https://www.flickr.com/photos/coast_guard/archives/date-taken/2012/0/",
        "https://www.flickr.com/groups/",
        "https://www.flickr.com/groups/slovenia/discuss/",
        "https://www.flickr.com/search/groups/?q=x",
        "https://flic.kr/",
        "https://flic.kr/p/",
        "https://flic.kr/p/0OIl",
        "https://flic.kr/s/---",
        "https://flic.kr/x/RZufqg",
        "https://live.staticflickr.com/7372/help.jpg",
        "photos12.flickr.com/robots.txt",
        "https://farm1.staticflickr.com/2/buddyicons/12037949754@N01.jpg",
        "flickr.com/photos/" + "x" * LONGEST,
    ],
)
def test_what_is_not_known_is_one_sentence_with_the_kinds(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_url(address)
    said = str(caught.value)
    assert "/photos/USER/albums/ID" in said
    assert "flic.kr" in said
    assert "\n" not in said
    assert len(said) < 500


@pytest.mark.parametrize("photo", ["0", "1" * 19])
def test_a_number_that_is_no_photo_id_is_refused(photo: str) -> None:
    with pytest.raises(UsageError, match="is not a photo id"):
        read_url(f"flickr.com/photos/x/{photo}")


@given(st.integers(1, 10**18 - 1))
def test_a_photo_by_number_and_in_base_58_is_the_same(number: int) -> None:
    letters, rest = "", number
    while rest:
        rest, digit = divmod(rest, 58)
        letters = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"[digit] + letters
    assert parse_photo(f"https://flic.kr/p/{letters}") == parse_photo(str(number)) == str(number)


_WORDS = "photos people groups search tags albums sets galleries favorites pool archives date-taken p s y ps g 1 x @N01"


@pytest.mark.slow
@given(
    st.sampled_from(["", "https://", "//"]),
    st.sampled_from(["flickr.com", "www.flickr.com", "flic.kr", "live.staticflickr.com", "example.com"]),
    st.lists(st.sampled_from(_WORDS.split()) | st.text(max_size=9), max_size=6),
    st.text(max_size=20),
)
@example("https://", "flickr.com", ["photos", " "], "")
@example("https://", "flickr.com", ["photos", "x", "1"], "\x00")
@example("https://", "flic.kr", ["ps", "2"], "")
def test_any_address_is_a_source_or_a_sentence(scheme: str, host: str, words: list[str], rest: str) -> None:
    text = f"{scheme}{host}/{'/'.join(words)}{rest}"
    try:
        source = read_url(text)
    except UsageError:
        return
    assert type(source) in SOURCES.values()
    assert host != "example.com"


@pytest.mark.slow
@given(
    st.text(min_size=1, max_size=30).filter(
        lambda text: text.strip() and text.encode("utf-8", "ignore").decode() == text
    )
)
def test_a_percent_encoded_tag_is_that_tag(tag: str) -> None:
    source = read_url(f"https://www.flickr.com/photos/tags/{quote(tag, safe='')}/")
    assert same(source, Search(tags=[tag]))


@pytest.mark.parametrize("text", ["flickr.com/photos/x/", "flic.kr/s/aHsjybZ5ZD", "x/y", "example.com/1"])
def test_a_photo_is_wanted_where_photos_are(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"{text!r} is not the address of a photo, such as")):
        parse_photo(text)


@pytest.mark.parametrize(
    ("kind", "text", "named"),
    [
        ("album", " 72157666833379009 ", "72157666833379009"),
        ("album", "https://flic.kr/s/aHsjybZ5ZD", "72157628959784871"),
        ("gallery", "124834485-72157644749801090", "124834485-72157644749801090"),
        ("gallery", "flickr.com/photos/flickr/galleries/72157722096057728", "72157722096057728"),
        ("group", "slovenia", "slovenia"),
        ("group", "https://www.flickr.com/groups/slovenia/pool/", "slovenia"),
        ("account", "The British Library", "The British Library"),
        ("account", "https://www.flickr.com/photos/coast_guard/", ALIAS),
        ("account", "https://flic.kr/ps/ZVcni", "65541944@N07"),
        ("favorites", "https://www.flickr.com/people/coast_guard/", ALIAS),
        ("favorites", "https://www.flickr.com/photos/coast_guard/favorites/", ALIAS),
    ],
)
def test_a_source_is_named_by_id_or_address(kind: str, text: str, named: str) -> None:
    assert read_named(text, kind) == named


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (
            "album",
            "flickr.com/photos/x/galleries/1",
            "address of a gallery: use harvester gallery or harvester get.",
        ),
        (
            "gallery",
            "flickr.com/photos/x/albums/1",
            "address of an album: use harvester album or harvester get.",
        ),
        ("group", "flickr.com/photos/x/1", "is the address of a photo: use harvester photos or harvester get."),
        ("account", "flickr.com/photos/x/faves", "of somebody's favourites: use harvester favorites or harvester get."),
        ("favorites", "flickr.com/groups/x", "is the address of a group: use harvester group or harvester get."),
        ("account", "flickr.com/photos/tags/x", "is the address of a search: use harvester get."),
        ("album", "example.com/1", "is no address that can be harvested"),
    ],
)
def test_an_address_of_another_kind_says_which_command_takes_it(kind: str, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_named(text, kind)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://www.flickr.com/explore", "is Explore, a choice of Flickr's for each day"),
        ("flickr.com/explore/2014/05/14/", "--min-upload-date 2014-05-14 --max-upload-date 2014-05-14"),
        ("flickr.com/explore/2014/05", "is Explore, a choice of Flickr's for each day"),
        ("https://www.flickr.com/commons", "harvester search --param is_commons=true"),
        ("https://flickr.com/commons/institutions/", "is the Flickr Commons"),
        ("https://www.flickr.com/photos/tags/apple/clusters/", "is a cluster"),
        ("https://www.flickr.com/photos/tags/a%20b/clusters/nyc-fruit/", "harvester search --tags 'a b'."),
        ("https://www.flickr.com/map/?fLat=1", "is a map; to have the photos of a place"),
        ("https://www.flickr.com/cameras/canon/", "is a list of cameras"),
    ],
)
def test_a_page_that_is_no_list_of_the_apis_is_told_as_what_it_is(url: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_url(url)
    assert told in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_bare_number_is_a_photo() -> None:
    assert read_url(" 4195976808 ") == Photos(ids=("4195976808",))
    with pytest.raises(UsageError, match="is not a photo id"):
        read_url("0")
