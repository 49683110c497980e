"""From the bytes of an answer to data or an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import HarvestError, KeyRefused, Refused, TryLater, UsageError
from harvester.flickr import responses as answers
from harvester.flickr.failures import check_status
from harvester.flickr.lenient_json import read_members
from harvester.flickr.listings import LISTINGS
from harvester.flickr.methods import PARTS
from harvester.flickr.responses import Listed, PartReader, Row, read_list, read_page, read_part
from harvester.flickr.whole_json import parse_whole

INFO = "flickr.photos.getInfo"

ODD_BUT_TAKEN = [
    # (why, body, the photo's JSON on the line)
    ("as Flickr sends it", rb'{"photo":{"id":"1","u":"a\/b"},"stat":"ok"}', rb'{"id":"1","u":"a\/b"}'),
    ("stat first", b'{"stat":"ok","photo":{"id":"1"}}', b'{"id":"1"}'),
    ("blanks", b'{ "photo" : {"id": "1"} , "stat": "ok" }', b'{"id": "1"}'),
    ("raw line breaks", b'{"photo":\n{"id":"1",\r\n"t":1},"stat":"ok"}', b'{"id":"1","t":1}'),
    ("jsonFlickrApi", b'jsonFlickrApi({"photo":{"id":"1"},"stat":"ok"})', b'{"id":"1"}'),
    ("a lone surrogate", rb'{"photo":{"id":"1","t":"\ud83d!"},"stat":"ok"}', '{"id":"1","t":"�!"}'.encode()),
    ("a whole pair", rb'{"photo":{"id":"1","t":"\ud83d\ude00"},"stat":"ok"}', rb'{"id":"1","t":"\ud83d\ude00"}'),
    ("bytes that are not UTF-8", b'{"photo":{"id":"1","t":"caf\xe9"},"stat":"ok"}', '{"id":"1","t":"caf�"}'.encode()),
    ("feeds' quote escapes", rb'{"photo":{"id":"1","t":"it\'s"},"stat":"ok"}', b'{"id":"1","t":"it\'s"}'),
    ("raw control characters", b'{"photo":{"id":"1","t":"a\tb"},"stat":"ok"}', rb'{"id":"1","t":"a\tb"}'),
    ("a byte order mark", b'\xef\xbb\xbf{"photo":{"id":"1"},"stat":"ok"}', b'{"id":"1"}'),
    (
        "a number past 64 bits",
        b'{"photo":{"id":"1","n":' + b"7" * 30 + b'},"stat":"ok"}',
        b'{"id":"1","n":' + b"7" * 30 + b"}",
    ),
    ("a float as written", b'{"photo":{"id":"1","x":1.50},"stat":"ok"}', b'{"id":"1","x":1.50}'),
    ("an id as a number", b'{"photo":{"id":1},"stat":"ok"}', b'{"id":1}'),
    ("a member twice", b'{"photo":{"id":"2"},"photo":{"id":"1"},"stat":"ok"}', b'{"id":"1"}'),
]


@pytest.mark.parametrize(("body", "kept"), [row[1:] for row in ODD_BUT_TAKEN], ids=[row[0] for row in ODD_BUT_TAKEN])
def test_an_odd_answer_is_taken_and_stays_on_one_line(body: bytes, kept: bytes) -> None:
    part = read_part(body, PARTS["info"], photo_id="1")
    assert part == kept
    assert json.loads(part) is not None
    assert b"\n" not in part


DAMAGED = [
    b"",
    b"<html><body>Bad, bad panda!</body></html>",
    b'<?xml version="1.0"?><rsp stat="ok"/>',
    b'{"photo":{"id":"1"},"stat":"ok"',
    b'{"photo":{"id":"1"}}',
    b'{"photo":{"id":"2"},"stat":"ok"}',
    b'{"photo":[],"stat":"ok"}',
    b'{"sizes":{},"stat":"ok"}',
    b'{"photo":{"id":"1","x":NaN},"stat":"ok"}',
    b'{"photo":{"id":"1","x":1e999},"stat":"ok"}',
    b'["stat","ok"]',
    b'{"stat":"fail"}',
    b'{"stat":"fail","code":105,"message":"Service currently unavailable"}',
    b'{"stat":"fail","code":0,"message":"Sorry, the Flickr API service is not currently available."}',
    b'{"stat":"fail","code":201,"message":"Sorry, the Flickr API service is not currently available."}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_answer_is_worth_another_try(body: bytes) -> None:
    with pytest.raises(TryLater):
        read_part(body, PARTS["info"], photo_id="1")


@given(st.binary(max_size=60), st.integers(0, 60))
def test_no_damage_gets_onto_a_line(junk: bytes, at: int) -> None:
    """Bytes changed anywhere: it is refused, or one line of good JSON in good UTF-8."""
    good = '{"photo":{"id":"1","title":{"_content":"é \\u00e9"}},"stat":"ok"}'.encode()
    body = good[:at] + junk + good[at + len(junk) :]
    try:
        part = read_part(body, PARTS["info"], photo_id="1")
    except HarvestError:
        return
    assert b"\n" not in part
    assert isinstance(orjson.loads(part), dict)


def as_read(read: Callable[[], bytes]) -> bytes | str:
    """What it gives, or the error's kind and words."""
    try:
        return read()
    except HarvestError as error:
        return repr(error)


def assert_read_alike(body: bytes, *, member: str | None = "photo") -> None:
    """Whether simdjson checks it, where it is installed, or orjson."""
    part = replace(PARTS["info"], member=member)
    careful = as_read(lambda: read_part(body, part, photo_id="1"))
    for check in {parse_whole, orjson.loads}:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(answers, "parse_whole", check)
            assert as_read(lambda: PartReader(part)(body, "1")) == careful


PIECES = [
    b'{"photo":', b'{"sizes":', b',"stat":"ok"}', b',"stat":"fail","code":1}', b'{"id":"1"', b'{"id":"2"', b'{"id":1',
    b"{", b"}", b"[", b"]", b",", b":", b'"', b'"a"', b'"\xc3\xa9"', b'"\xff"', rb'"\u00e9"', rb'"\ud83d"',
    rb'"\/"', rb"\'",
    b"1", b"-0", b"1.50", b"1e5", b"1e999", b"9" * 400, b"01", b"NaN", b"true", b"null",
    b" ", b"\n", b"\r", b"\t", b"\0", b'{"":{',
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.sampled_from(["photo", "sizes", None]))
def test_a_part_is_read_alike_the_swift_way_and_the_careful_one(middle: bytes, member: str | None) -> None:
    for head in (b"", b'{"photo":', b'{"photo":{"id":"1"', b'{"photo":{"id":"1","x":', b'{"sizes":{"size":'):
        for tail in (b"", b',"stat":"ok"}', b'},"stat":"ok"}'):
            assert_read_alike(head + middle + tail, member=member)


@given(st.binary(max_size=8), st.integers(0, 80), st.integers(0, 8))
def test_damage_is_read_alike_the_swift_way_and_the_careful_one(junk: bytes, at: int, taken: int) -> None:
    good = b'{"photo":{"id":"1","n":[0,-1.5],"title":{"_content":"\\u00e9 \\ud83d\\ude00"}},"stat":"ok"}'
    assert_read_alike(good[:at] + junk + good[at + taken :])


@pytest.mark.parametrize("body", [*(row[1] for row in ODD_BUT_TAKEN), *DAMAGED])
def test_known_oddities_are_read_alike_the_swift_way_and_the_careful_one(body: bytes) -> None:
    assert_read_alike(body)
    assert_read_alike(body.replace(b"photo", b"sizes"), member="sizes")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, Refused),
        (2, Refused),
        (95, UsageError),
        (99, KeyRefused),
        (100, KeyRefused),
        (98, KeyRefused),
        (112, UsageError),
        (105, TryLater),
    ],
)
def test_a_failure_says_what_the_caller_can_do(code: int, kind: type[HarvestError]) -> None:
    with pytest.raises(kind):
        read_part(b'{"stat":"fail","code":%d,"message":"no"}' % code, PARTS["info"])


def test_code_10_is_passing_for_a_search_alone() -> None:
    body = b'{"stat":"fail","code":10,"message":"down"}'
    with pytest.raises(TryLater):
        read_page(body, method="flickr.photos.search")
    with pytest.raises(Refused):
        read_page(body, method="flickr.photos.getExif")


def test_all_members_but_stat_are_kept_where_all_are_wanted() -> None:
    assert (
        read_part(b'{"set":[{"id":"1"}],"pool":[],"stat":"ok"}', PARTS["contexts"]) == b'{"set":[{"id":"1"}],"pool":[]}'
    )
    assert read_part(b'{"stat":"ok"}', PARTS["contexts"]) == b"{}"


@pytest.mark.parametrize(("total", "read"), [("30", 30), (30, 30), ("", None), (None, None), ("many", None), (-1, -1)])
def test_totals_come_in_every_type(total: object, read: int | None) -> None:
    body = orjson.dumps({"photos": {"total": total, "perpage": "500", "photo": []}, "stat": "ok"})
    page = read_page(body, method="flickr.photos.search")
    assert (page.total, page.per_page, page.rows) == (read, 500, ())


def test_rows_are_kept_byte_for_byte_and_those_without_an_id_passed_over() -> None:
    body = rb'{"photos":{"perpage":2,"photo":[{"id":"7","url":"a\/b","dateupload":"99"},{"id":""},17]},"stat":"ok"}'
    (row,) = read_page(body, method="flickr.photos.search").rows
    assert (row.id, row.uploaded, row.raw) == ("7", 99, rb'{"id":"7","url":"a\/b","dateupload":"99"}')


@pytest.mark.parametrize("container", [b"{}", b"[]", b'""', b'{"collection":[]}'])
def test_a_list_of_nothing_comes_in_every_form(container: bytes) -> None:
    body = b'{"collections":%s,"stat":"ok"}' % container
    assert read_list(body, LISTINGS["collections"]) == Listed(rows=())


def test_http_statuses_are_translated() -> None:
    check_status(200, b"")
    with pytest.raises(TryLater) as caught:
        check_status(429, b"<html>", retry_after=17.0)
    assert (caught.value.retry_after, caught.value.refusal) == (17.0, True)
    with pytest.raises(TryLater):
        check_status(502, b"")
    with pytest.raises(TryLater) as caught:
        check_status(404, b"")
    assert caught.value.foreign


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (403, "403 Forbidden"),
        (404, "404 Not Found"),
        (407, "407 Proxy Authentication Required"),
        (451, "451 Unavailable For Legal Reasons"),
        (499, "499"),
        (302, "302 Found"),
    ],
)
def test_a_status_that_flickr_never_gives_is_told_by_its_name(status: int, told: str) -> None:
    with pytest.raises(TryLater) as caught:
        check_status(status, b"<html>")
    assert str(caught.value) == f"the server answers {told}"
    assert caught.value.foreign
    assert not caught.value.unreached


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><title>Login to WiFi</title>",
        b"\xef\xbb\xbf\n<html lang=en>",
        b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
        b"<!-- {a} --><HTML>",
    ],
)
def test_a_web_page_in_place_of_an_answer_is_told(body: bytes) -> None:
    with pytest.raises(TryLater, match="a web page came") as caught:
        read_members(body)
    assert caught.value.foreign


@pytest.mark.parametrize("body", [b'{"photo":{"description":"<html>', b'<?xml version="1.0"?><rsp stat="ok">', b"[]"])
def test_what_is_no_web_page_is_not_called_one(body: bytes) -> None:
    with pytest.raises(TryLater) as caught:
        read_members(body)
    assert not caught.value.foreign


def test_a_refused_login_does_not_show_the_base_string() -> None:
    with pytest.raises(KeyRefused) as caught:
        check_status(401, b"oauth_problem=signature_invalid&debug_sbs=GET&https%3A%2F%2Fsecretkey")
    assert "signature_invalid" in str(caught.value)
    assert "secretkey" not in str(caught.value)


def test_members_of_an_answer_are_parsed_and_raw() -> None:
    answer, raw = read_members(b'{"a":{"b":1},"stat":"ok"}')
    assert answer["a"] == {"b": 1}
    assert raw["a"] == b'{"b":1}'


def page_as_read(read: Callable[[], object]) -> object:
    try:
        return read()
    except HarvestError as error:
        return type(error)


ROWS = [
    b'{"id":"1","dateupload":"5","lastupdate":"6","datetaken":"2011-01-01 00:00:00","tags":"a b"}',
    b'{"id":2,"dateupload":7,"title":"\xc3\xa9"}', rb'{"id":"3","title":"\ud83d\ude00","dateupload":""}',
    b'{"id":"x"}', b'{"ID":"4"}', b'{"id":null}', b'{"id":["5"]}', b'{ "id" : "6" }', b"{}", b"[]", b"null",
    b'"7"', b"8", rb'{"id":"9","title":"\ud83d"}', b'{"id":"10","title":"\xff"}', b'{"id":"11","n":1e999}',
    b'{"id":"12","id":"13"}',
]  # fmt: skip
CLAIMS = [b'"total":"30"', b'"total":30', b'"total":""', b'"perpage":250', b'"per_page":"500"', b'"pages":1', b'"x":{}']


@given(
    st.lists(st.sampled_from(ROWS), max_size=5),
    st.lists(st.sampled_from(CLAIMS), max_size=3),
    st.sampled_from(
        [b'{"photos":%s,"stat":"ok"}', b'{"stat":"ok","photoset":%s}', b'{"photos":%s}', b'{"a":1,"b":%s}']
    ),
    st.sampled_from([b"", b"]", b"\n", b",", b'{"photo":[]}']),
)
def test_a_page_is_read_alike_the_swift_way_and_the_careful_one(
    rows: list[bytes], claims: list[bytes], frame: bytes, junk: bytes
) -> None:
    body = frame % (b"{%s}" % b",".join([*claims, b'"photo":[%s]' % b",".join(rows)]))
    for sent in (body, body + junk, body.replace(b'"photo"', b'"photo":1,"photo"'), body[:-1]):
        careful = page_as_read(partial(answers._read_page_carefully, sent, None, method=INFO))
        for check in {parse_whole, orjson.loads}:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(answers, "parse_whole", check)
                assert page_as_read(partial(read_page, sent, method=INFO)) == careful


def test_an_ordinary_page_is_read_the_swift_way() -> None:
    body = b'{"photos":{"page":1,"total":"1","photo":[' + ROWS[0] + b']},"stat":"ok"}'
    page = answers._read_page_swiftly(body, None)
    assert page is not None
    assert page.rows == (Row("1", 5, "2011-01-01 00:00:00", ROWS[0], 6),)
