"""Lines become rows: every type is what the column says, whatever Flickr has sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import UsageError
from harvester.export.columns import COLUMNS, NAMES, choose_columns
from harvester.export.licenses import LICENSES
from harvester.export.memberships import ListMemberships
from harvester.export.reading import BrokenLine
from harvester.export.row import NoMemberships, Reject, RowMaker
from harvester.export.table import Row
from harvester.export.texts import join_texts, split_texts, write_csv
from harvester.flickr.codes import LICENSES as LICENSE_NAMES

AT = "2026-11-23T22:30:05Z"
OWNER = {"nsid": "1@N01", "username": "ann", "realname": "Ann B", "path_alias": "ann"}


def make(line: dict[str, Any], *, id: str = "7") -> tuple[Row, list[Reject]]:  # noqa: A002
    rejects: list[Reject] = []
    row = RowMaker(NoMemberships(), rejects.append).make_row(
        json.dumps({"id": id, "harvested_at": AT, **line}).encode()
    )
    assert msgspec.convert(msgspec.to_builtins(row), Row) is not None  # it is what its types say
    return row, rejects


def make_info(**info: Any) -> tuple[Row, list[Reject]]:
    return make({"search": None, "info": {"owner": OWNER, **info}, "sizes": {"size": []}})


def make_listed(**search: Any) -> tuple[Row, list[Reject]]:
    return make({"search": {"owner": "1@N01", **search}})


def test_a_line_with_info_and_sizes() -> None:
    size = {
        "label": "Medium",
        "width": "500",
        "height": 375,
        "source": "https://m",
        "url": "https://p",
        "media": "photo",
    }
    row, rejects = make(
        {
            "search": {"count_faves": "12", "title": "another"},
            "info": {
                "owner": OWNER,
                "title": {"_content": "A & B"},
                "description": {"_content": ""},
                "license": "4",
                "dates": {
                    "posted": "1261037020", "lastupdate": 1300000000,
                    "taken": "2009-12-17 08:03:40", "takengranularity": "0", "takenunknown": 0,
                },
                "views": "42",
                "comments": {"_content": "3"},
                "tags": {"tag": [
                    {"raw": "New York", "_content": "newyork", "machine_tag": 0},
                    {"raw": "geo:lat=5.1", "_content": "geo:lat=51", "machine_tag": "1"},
                ]},
                "location": {"latitude": "53.5", "longitude": -2, "accuracy": "16", "locality": {"_content": "Leigh"}},
                "urls": {"url": [{"type": "photopage", "_content": "https://www.flickr.com/photos/ann/7/"}]},
                "visibility": {"ispublic": "1", "isfriend": 0, "isfamily": False},
                "media": "photo",
                "rotation": 90,
                "safety_level": "0",
            },
            "sizes": {"size": [size]},
        }
    )  # fmt: skip
    assert rejects == []
    assert (row.id, row.owner_id, row.owner_realname, row.title, row.description) == (
        "7",
        "1@N01",
        "Ann B",
        "A & B",
        "",
    )
    assert (row.count_faves, row.count_views, row.count_comments) == (12, 42, 3)
    assert row.date_posted == datetime(2009, 12, 17, 8, 3, 40, tzinfo=UTC)
    assert row.harvested_at == datetime(2026, 11, 23, 22, 30, 5, tzinfo=UTC)
    assert row.date_taken == datetime(2009, 12, 17, 8, 3, 40)  # noqa: DTZ001 - it has no zone
    assert (row.date_taken_granularity, row.date_taken_unknown) == (0, False)
    assert (row.latitude, row.longitude, row.geo_accuracy, row.locality, row.county) == (53.5, -2.0, 16, "Leigh", None)
    assert (row.tags, row.tags_raw) == (["newyork", "geo:lat=51"], ["New York", "geo:lat=5.1"])
    assert row.machine_tags == ["geo:lat=5.1"]
    assert (row.is_public, row.is_friend, row.is_family) == (True, False, False)
    assert (row.url, row.width, row.height, row.rotation, row.safety_level) == ("https://m", 500, 375, 90, 0)
    assert (row.license_id, row.license_name) == (4, "CC BY 2.0")
    assert row.attribution == (
        '"A & B" by Ann B (https://www.flickr.com/photos/ann/7/), CC BY 2.0 (https://creativecommons.org/licenses/by/2.0/)'
    )
    assert (row.albums, row.collections, row.missing) == (None, None, None)


def test_a_listings_row_alone() -> None:
    row, rejects = make_listed(
        title="x", description={"_content": "d"}, ownername="ann", realname="", pathalias=None, dateupload="1261037020",
        datetaken="2009-12-17 08:03:40", datetakengranularity=4, datetakenunknown="1", tags="a b", machine_tags="",
        latitude=0, longitude=0, accuracy=0, views="5", count_comments="2", count_faves=1, license="0", media="photo",
        url_sq="https://sq", width_sq=75, height_sq="75", url_o="https://o", width_o="400", height_o=300, ispublic=1,
    )  # fmt: skip
    assert rejects == []
    assert (row.owner_id, row.owner_username, row.owner_realname, row.owner_path_alias) == ("1@N01", "ann", None, None)
    assert (row.tags, row.tags_raw, row.machine_tags) == (["a", "b"], None, [])
    assert (row.latitude, row.longitude, row.geo_accuracy) == (None, None, None)
    assert (row.count_views, row.count_comments, row.count_faves) == (5, 2, 1)
    assert row.sizes is not None
    assert [(size.label, size.width, size.height) for size in row.sizes] == [("Square", 75, 75), ("Original", 400, 300)]
    assert (row.url, row.width, row.height) == ("https://o", 400, 300)
    assert (row.page_url, row.date_taken_unknown) == ("https://www.flickr.com/photos/1@N01/7/", True)
    assert row.attribution == '"x" by ann (https://www.flickr.com/photos/1@N01/7/), All Rights Reserved'


def test_info_without_sizes_takes_the_addresses_of_the_listing() -> None:
    search = {"owner": "1@N01", "title": "old", "url_m": "https://m", "width_m": 500, "height_m": 400, "count_faves": 3}
    row, rejects = make({"search": search, "info": {"owner": OWNER, "title": {"_content": "new"}}})
    assert rejects == []
    assert (row.title, row.url, row.count_faves, row.owner_username) == ("new", "https://m", 3, "ann")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("1950-00-01 00:00:00", None),
        ("1950-01-00 00:00:00", None),
        ("0000-00-00 00:00:00", None),
        ("1839-08-19 00:00:00", datetime(1839, 8, 19)),  # noqa: DTZ001
        ("1969-12-31 23:59:59", datetime(1969, 12, 31, 23, 59, 59)),  # noqa: DTZ001
        ("", None),
    ],
)
def test_dates_taken(text: str, taken: datetime | None) -> None:
    for row, rejects in (
        make_info(dates={"taken": text, "takengranularity": "8"}),
        make_listed(datetaken=text, datetakengranularity="8"),
    ):
        assert rejects == []
        assert (row.date_taken, row.date_taken_text, row.date_taken_granularity) == (taken, text or None, 8)


def test_what_does_not_fit_is_null_and_told() -> None:
    row, rejects = make_info(
        views="many", license=99999, rotation=[], dates={"posted": "-1", "taken": "yesterday", "takenunknown": 7},
        location={"latitude": "95", "longitude": "x", "accuracy": "3"}, title={"_content": ["t"]}, comments=None,
    )  # fmt: skip
    assert (row.count_views, row.license_id, row.rotation, row.date_posted, row.date_taken) == (None,) * 5
    assert (row.latitude, row.longitude, row.geo_accuracy, row.title) == (None,) * 4
    assert row.date_taken_text == "yesterday"
    assert {reject.column: reject.reason for reject in rejects} == {
        "title": "is no text",
        "license_id": "is out of range",
        "date_posted": "is out of range",
        "date_taken": "is no date",
        "date_taken_unknown": "is neither true nor false",
        "latitude": "is out of range",
        "longitude": "is no number",
        "count_views": "is no whole number",
        "rotation": "is no whole number",
    }
    assert rejects[0].id == "7"


def test_empty_texts_are_null_where_a_number_is_due() -> None:
    row, rejects = make_info(views="", license="", rotation=" ", visibility={"ispublic": ""}, location={"latitude": ""})
    assert rejects == []
    assert (row.count_views, row.license_id, row.rotation, row.is_public, row.latitude) == (None,) * 5


def test_members_of_another_shape() -> None:
    row, rejects = make_info(title="bare", tags={"tag": {"raw": "One", "_content": "one"}}, description=5, owner="ann")
    assert (row.title, row.description, row.tags, row.tags_raw) == ("bare", "5", ["one"], ["One"])
    assert (row.owner_id, row.attribution) == (None, None)
    told = [(reject.column, reject.reason) for reject in rejects]
    assert told[0] == ("owner_id", "is no object")
    assert {reason for _, reason in told} == {"is no object"}


def test_a_video_keeps_its_streams_and_shows_its_still() -> None:
    sizes = [
        {"label": "Large", "width": 1024, "height": 768, "source": "https://l", "media": "photo"},
        {"label": "Site MP4", "width": "", "height": None, "source": "https://v", "media": "video"},
        {"label": "Video Original", "width": "4000", "height": "3000", "source": "https://w", "media": "video"},
    ]
    row, rejects = make({"search": None, "info": {"owner": OWNER, "media": "video"}, "sizes": {"size": sizes}})
    assert rejects == []
    assert row.sizes is not None
    assert [size.width for size in row.sizes] == [1024, None, 4000]
    assert (row.media, row.url) == ("video", "https://l")


def test_the_largest_where_there_is_no_original() -> None:
    sizes = [
        {"label": label, "width": side, "height": side, "source": label} for label, side in (("Large", 9), ("Small", 2))
    ]
    row, _ = make({"search": None, "info": {"owner": OWNER}, "sizes": {"size": sizes}})
    assert (row.url, row.width) == ("Large", 9)


def test_accuracy_zero_is_no_place() -> None:
    row, _ = make_info(location={"latitude": "10.5", "longitude": "3", "accuracy": "0"})
    assert (row.latitude, row.longitude, row.geo_accuracy) == (None, None, None)
    row, _ = make_info(location={"latitude": "0", "longitude": "3", "accuracy": "6"})
    assert (row.latitude, row.longitude, row.geo_accuracy) == (0.0, 3.0, 6)


def test_what_is_refused_for_good_is_told() -> None:
    errors = {"info": {"code": 1, "message": "Photo not found"}, "sizes": {"code": 1, "message": "Photo not found"}}
    row, rejects = make({"search": None, "info": None, "sizes": None, "errors": errors})
    assert rejects == []
    assert row.missing == "info: Photo not found (code 1); sizes: Photo not found (code 1)"
    assert (row.owner_id, row.tags, row.sizes) == (None, None, None)


def test_every_licence_of_flickr_has_name_and_address() -> None:
    assert set(LICENSES) == set(LICENSE_NAMES.values()) == set(range(17))
    row, _ = make_info(license="42", urls={})
    assert (row.license_id, row.license_name, row.license_url) == (42, None, None)
    assert row.attribution == "Untitled, by Ann B (https://www.flickr.com/photos/ann/7/), Flickr's licence 42"


@pytest.mark.parametrize("line", [b"{", b"[]", b"", b'{"id":"7"}', b'{"id":7,"harvested_at":"x"}', b"\xff", b'"x"'])
def test_what_is_no_line_is_broken(line: bytes) -> None:
    with pytest.raises(BrokenLine):
        RowMaker(NoMemberships(), lambda _: None).make_row(line)


numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("_content", "tag")), inner),
    max_leaves=5,
)
INFO = "owner title license rotation dates visibility views comments tags location urls media".split()
SEARCH = (
    "owner title description license dateupload datetaken latitude longitude accuracy tags url_o width_o views".split()
)


@pytest.mark.slow
@given(
    info=st.none() | st.dictionaries(st.sampled_from(INFO), json_values),
    search=st.none() | st.dictionaries(st.sampled_from(SEARCH), json_values),
    sizes=json_values,
    errors=json_values,
)
def test_whatever_was_sent_there_is_a_row_of_the_right_types(**line: Any) -> None:
    make(line)


def test_sets_and_collections() -> None:
    sets = [{"id": "s1", "photo_ids": ["7", "8"]}, {"id": "s2", "photo_ids": ["7"]}, {"id": "s3", "photo_ids": None}]
    tree = {"id": "c1", "collection": [{"id": "c2", "set": [{"id": "s2"}]}], "set": [{"id": "s1"}]}
    memberships = ListMemberships(sets, [{"id": "c1", "collection": tree}])
    assert memberships.find_albums("7") == ["s1", "s2"]
    assert memberships.find_albums("9") == []
    assert memberships.find_collections(["s2"]) == ["c1", "c2"]
    assert memberships.find_collections(["s1", "s2"]) == ["c1", "c2"]
    assert ListMemberships(None, None).find_albums("7") is None
    assert ListMemberships(None, None).find_collections(["s1"]) is None


def test_the_columns_are_those_that_were_promised() -> None:
    promised = (
        "id owner_id owner_username owner_realname owner_path_alias title description tags tags_raw machine_tags "
        "license_id license_name license_url attribution date_posted date_updated harvested_at date_taken "
        "date_taken_text date_taken_granularity date_taken_unknown latitude longitude geo_accuracy locality county "
        "region country count_views count_faves count_comments media original_format page_url url width height sizes "
        "rotation is_public is_friend is_family safety_level albums collections missing"
    )
    assert tuple(promised.split()) == NAMES
    assert all(column.meaning.endswith(".") and (column.info or column.made) for column in COLUMNS)


def test_columns_are_chosen_by_name() -> None:
    assert [column.name for column in choose_columns("title, id")] == ["title", "id"]
    for wrong, told in (("tilte", "Did you mean title?"), ("id,id", "named twice"), (",", "no column")):
        with pytest.raises(UsageError, match=told.replace("?", r"\?")):
            choose_columns(wrong)


@given(st.lists(st.text(alphabet="ab|\\ ", min_size=1)))
def test_a_list_in_a_cell_can_be_split_again(texts: list[str]) -> None:
    assert split_texts(join_texts(texts)) == texts


def test_excel_gets_no_formula() -> None:
    columns = choose_columns("id,title,longitude,tags")
    line = write_csv(columns, [["1"], ["=cmd()"], [-2.5], [["@x", "y"]]], excel=True)
    assert line == b"1,'=cmd(),-2.5,'@x|y\r\n"
