"""Any method by its name: arguments, the list in an answer, the way through its pages. Pure parts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import HarvestError, KeyRefused, Refused, TryLater, UsageError
from harvester.flickr.method_list import METHODS, Method
from harvester.transport.calls.answer import read_answer, read_listing, tidy
from harvester.transport.calls.arguments import check_allowed, read_pairs, write_values
from harvester.transport.calls.paging import Paging

SEARCH, PHOTOS = METHODS["flickr.photos.search"], METHODS["flickr.people.getPublicPhotos"]


def test_a_value_may_hold_anything() -> None:
    given = ["tags=a=b", "text=", "extras=url_o,tags", "name=\u043c \n"]
    assert read_pairs(given) == {"tags": "a=b", "text": "", "extras": "url_o,tags", "name": "\u043c \n"}


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["monkey"], "'monkey' is no argument: write NAME=VALUE"),
        (["=monkey"], "'=monkey' is no argument"),
        ([""], "'' is no argument"),
        (["tags=a", "tags=b"], "'tags' is given twice"),
        (["api_key=a"], "'api_key' is no argument to give"),
        (["method=flickr.photos.delete"], "'method' is no argument"),
        (["format=rest"], "'format' is no argument"),
        (["nojsoncallback=0"], "'nojsoncallback' is no argument"),
        (["auth_token=a"], "'auth_token' is no argument"),
        (["oauth_token=a"], "'oauth_token' is no argument"),
        (["OAuth_nonce=a"], "'OAuth_nonce' is no argument"),
        (["text=\udcff"], "The argument 'text' is no text in UTF-8."),
    ],
)
def test_what_is_no_argument_is_refused(texts: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_pairs(texts)
    assert sentence in str(caught.value)


def test_values_from_python_become_texts() -> None:
    given = write_values({"a": 1, "b": True, "c": False, "d": None, "e": ["x", 2], "f": (), "g": 0.5, "h": "t"})
    assert given == {"a": "1", "b": "1", "c": "0", "e": "x,2", "f": "", "g": "0.5", "h": "t"}
    with pytest.raises(UsageError):
        write_values({"api_key": "x"})


@pytest.mark.parametrize(
    ("method", "write", "signs", "perms", "sentence"),
    [
        ("flickr.photos.search", False, False, None, None),
        ("flickr.photos.search", True, False, None, None),
        ("flickr.favorites.add", False, True, "write", "flickr.favorites.add changes what is at Flickr: say --write"),
        (
            "flickr.favorites.add",
            True,
            False,
            None,
            "flickr.favorites.add needs a login: run `harvester auth",
        ),
        ("flickr.favorites.add", True, True, "read", "needs a login that may write, and this one may read: run `h"),
        ("flickr.favorites.add", True, True, "write", None),
        ("flickr.favorites.add", True, True, "delete", None),
        ("flickr.favorites.add", True, True, None, None),
        ("flickr.photos.delete", True, True, "write", "that may delete, and this one may write"),
        ("flickr.push.subscribe", False, True, "read", "changes what is at Flickr"),
        ("flickr.push.subscribe", True, True, "read", None),
        ("flickr.people.getLimits", False, False, None, "needs a login: run `harvester auth login`."),
        ("flickr.people.getLimits", False, True, "read", None),
    ],
)
def test_what_flickr_would_refuse_is_refused_before_it_costs_a_call(
    method: str, *, write: bool, signs: bool, perms: str | None, sentence: str | None
) -> None:
    allowed = nullcontext() if sentence is None else pytest.raises((UsageError, KeyRefused), match=re.escape(sentence))
    with allowed:
        check_allowed(METHODS[method], write=write, signs=signs, perms=perms)


def body(**members: Any) -> bytes:
    return orjson.dumps({**members, "stat": "ok"})


ROWS = [{"id": "1"}, {"id": "2"}]
LISTS: Mapping[str, tuple[dict[str, Any], int]] = {
    "flickr.photos.search": ({"photos": {"page": 1, "pages": 1, "perpage": 100, "total": "2", "photo": ROWS}}, 2),
    "flickr.photosets.getPhotos": ({"photoset": {"id": "7", "owner": "x", "page": 1, "pages": 1, "photo": ROWS}}, 2),
    "flickr.photos.getFavorites": ({"photo": {"person": ROWS, "id": "1", "page": 1, "pages": 1, "total": 2}}, 2),
    "flickr.people.getPublicGroups": ({"groups": {"group": ROWS}}, 2),
    "flickr.tags.getListPhoto": ({"photo": {"id": "1", "tags": {"tag": ROWS}}}, 2),
    "flickr.stats.getCSVFiles": ({"stats": {"csvfiles": {"csv": ROWS}}}, 2),
    "flickr.interestingness.getList": ({"photos": {"page": 1, "total": 2, "photo": ROWS}, "extra": {"days": [{}]}}, 2),
    "flickr.photos.getAllContexts": ({"set": ROWS}, 2),
    "flickr.photosets.getList": ({"photosets": {"page": 1, "photoset": [{"id": "1", "a": {"list": [{}]}}]}}, 1),
    "flickr.photos.comments.getList": ({"comments": {"photo_id": "224682902"}}, 0),
    "flickr.collections.getTree": ({"collections": {}}, 0),
    "flickr.galleries.getList": ({"galleries": ""}, 0),
    "flickr.photos.people.getList": ({"people": {"total": 0, "photo_width": "500"}}, 0),
    "flickr.people.getPhotos": ({"photos": {"page": 1, "pages": 0, "total": "0", "photo": []}}, 0),
    "flickr.contacts.getList": ({"contacts": {"page": 1, "pages": 1, "perpage": 1000, "total": 0, "contact": []}}, 0),
}


@pytest.mark.parametrize("method", LISTS)
def test_the_list_of_an_answer_is_found_wherever_it_is(method: str) -> None:
    members, count = LISTS[method]
    listing = read_listing(body(**members), method)
    assert len(listing.rows) == len(listing.raws) == count
    assert [orjson.loads(raw) for raw in listing.raws] == list(listing.rows)


@pytest.mark.parametrize(
    "members",
    [
        {"person": {"id": "x", "username": {"_content": "x"}}},
        {"user": {"nsid": "x", "url": "https://x"}},
        {"photo": {"id": "1", "notes": {"note": []}, "tags": {"tag": []}, "urls": {"url": [{}]}}},
        {"set": ROWS, "pool": ROWS},
        {"a": {"names": ["x", "y"]}},
    ],
)
def test_what_is_no_list_is_told(members: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"flickr\.x\.getInfo answers no list"):
        read_listing(body(**members), "flickr.x.getInfo")


def test_an_answer_keeps_every_digit_and_every_letter() -> None:
    sent = (
        rb'{"photo":{"id":12345678901234567890123,"lat":53.56018200000000000001,"url":"https:\/\/x\\\/",'
        rb'"title":"\u041c\ud83d\ude00\u001b\"","title":2},"stat":"ok"}'
    )
    answer = read_answer(sent, "flickr.photos.getInfo")
    assert answer.body == sent
    assert answer.write().decode() == (
        r'{"photo":{"id":12345678901234567890123,"lat":53.56018200000000000001,"url":"https://x\\/",'
        r'"title":"М😀\u001b\"","title":2},"stat":"ok"}'
    )
    assert answer.write(indent=2).startswith(b'{\n  "photo": {\n    "id": 12345678901234567890123,\n')


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b'{\n "a": [1,\n 2],\n"stat":"ok"\n}', '{"a":[1,2],"stat":"ok"}'),
        (b'jsonFlickrApi({"a":1,"stat":"ok"})', '{"a":1,"stat":"ok"}'),
        (rb'{"a":"\ud83d","stat":"ok"}', '{"a":"\ufffd","stat":"ok"}'),
        (b'{"a":"\xff","stat":"ok"}', '{"a":"\ufffd","stat":"ok"}'),
        (b'{"stat":"ok"}', '{"stat":"ok"}'),
    ],
)
def test_odd_answers_are_shown_as_one_line_of_json(sent: bytes, shown: str) -> None:
    assert read_answer(sent, "flickr.test.null").write().decode() == shown


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", TryLater),
        (b"<html>", TryLater),
        (b"[]", TryLater),
        (b'{"a":' + b"[" * 1_000 + b"]" * 1_000 + b"}", TryLater),
        (b'{"a":1}', TryLater),
        (b'{"stat":"fail","code":105,"message":"no"}', TryLater),
        (b'{"stat":"fail","code":1,"message":"Photo not found"}', Refused),
        (b'{"stat":"fail","code":100,"message":"Invalid API Key"}', KeyRefused),
        (b'{"stat":"fail","code":112,"message":"Method not found"}', UsageError),
    ],
)
def test_failures_are_told_as_errors(sent: bytes, error: type[HarvestError]) -> None:
    for read in (read_answer, read_listing):
        with pytest.raises(error):
            read(sent, "flickr.photos.getInfo")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(["photos", "photo", "total", "page", "pages", "per_page", "has_next_page", "id", "x"])
ROWS_OF_ANY = st.lists(st.dictionaries(NAMES, JSON, max_size=3), max_size=3)
HOLDERS = st.dictionaries(NAMES, JSON | ROWS_OF_ANY, max_size=5)


@pytest.mark.slow
@given(st.dictionaries(NAMES, HOLDERS | JSON | ROWS_OF_ANY, max_size=3), st.booleans())
def test_whatever_comes_is_shown_as_it_is_or_told(members: dict[str, Any], escaped: bool) -> None:
    sent = json.dumps({**members, "stat": "ok"}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    shown = json.loads(sent.decode("utf-8", "replace"))
    answer = read_answer(sent, "flickr.test.echo")
    for indent in (-1, 2):
        text = answer.write(indent=indent).decode()
        assert indent > 0 or "\n" not in text
        assert json.loads(text) == (shown if is_whole(shown) else answer.members)
    try:
        listing = read_listing(sent, "flickr.test.echo")
    except (UsageError, TryLater):
        return
    assert [json.loads(tidy(raw)) for raw in listing.raws] == list(listing.rows)
    paging = Paging(PHOTOS, {})
    assert len(paging.take(listing)) == len(listing.rows)
    assert repr(paging.shortage)


def is_whole(value: object) -> bool:
    """Whether there are no lone surrogates and no numbers beyond 64 bits in it, which are read in another way."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def test_rows_are_tidied() -> None:
    assert tidy(b'{ "a" : "\\/ \\\\/ \\u00e9" }') == '{"a":"/ \\\\/ é"}'.encode()


class Server:
    """Answers a list's pages as one of Flickr's might, and counts them."""

    def __init__(self, total: int, *, size: int = 500, claim: Callable[[int], dict[str, Any]] | None = None) -> None:
        self.total = total
        self.size = size
        self.claim = claim or (lambda _: {})
        self.calls: list[Mapping[str, str]] = []

    def answer(self, ask: Mapping[str, str]) -> bytes:
        self.calls.append(ask)
        page, size = int(ask.get("page", "1")), min(self.size, int(ask.get("per_page", "100")))
        ids = range((page - 1) * size, min(page * size, self.total))
        told = {"page": page, "pages": -(-self.total // size), "perpage": size, "total": str(self.total)}
        told |= self.claim(page)
        rows = told.pop("photo", [{"id": str(n)} for n in ids])
        return body(photos={name: value for name, value in told.items() if value is not None} | {"photo": rows})

    def run(self, method: Method = PHOTOS, **arguments: str) -> tuple[Paging, list[str]]:
        """The way to its end, and the ids."""
        paging = Paging(method, arguments)
        found: list[str] = []
        while paging.ask is not None:
            assert len(self.calls) < 10_001
            listing = read_listing(self.answer(paging.ask), method.name)
            found += [listing.rows[place]["id"] for place in paging.take(listing)]
        return paging, found


def ids(count: int) -> list[str]:
    return [str(n) for n in range(count)]


@pytest.mark.parametrize(("total", "calls"), [(0, 1), (3, 1), (500, 2), (501, 2), (1_700, 4)])
def test_all_rows_come_at_the_largest_page(total: int, calls: int) -> None:
    """A full last page might not be the last: one call more tells."""
    server = Server(total)
    paging, found = server.run(user_id="x")
    assert found == ids(total)
    assert len(server.calls) == calls
    assert server.calls[0] == {"per_page": "500", "user_id": "x"}
    assert (paging.shortage, paging.is_complete) == ("", True)


def test_a_page_size_that_is_given_is_kept() -> None:
    server = Server(7)
    _, found = server.run(per_page="3")
    assert found == ids(7)
    assert [call["per_page"] for call in server.calls] == ["3", "3", "3"]


def test_a_page_that_is_given_is_refused() -> None:
    with pytest.raises(UsageError, match="leave the argument `page` out"):
        Paging(PHOTOS, {"page": "2"})


@pytest.mark.parametrize(
    "lie",
    [
        {"total": "3", "pages": 1},  # too low
        {"total": "", "pages": 4},
        {"total": None, "pages": 4},
        {"pages": None},
        {"pages": None, "total": None, "has_next_page": 1},
        {"perpage": None, "per_page": 500},
        {"perpage": "500", "pages": "4"},
    ],
)
def test_all_rows_come_whatever_is_claimed(lie: dict[str, Any]) -> None:
    paging, found = Server(1_700, claim=lambda _: lie).run()
    assert found == ids(1_700)
    assert paging.is_complete


def test_a_next_page_that_is_told_to_be_none_is_not_asked_for() -> None:
    server = Server(1_700, claim=lambda page: {"pages": None, "total": None, "has_next_page": page < 4})
    assert server.run()[1] == ids(1_700)
    assert len(server.calls) == 4


def test_a_list_without_pages_is_one_page() -> None:
    server = Server(120, claim=lambda _: dict.fromkeys(("page", "pages", "perpage", "total")))
    _, found = server.run(METHODS["flickr.people.getPublicGroups"])
    assert found == ids(100)  # all that the one answer held
    assert server.calls == [{}]


@pytest.mark.parametrize("claimed", [{}, {"pages": 10**6}, {"pages": 10**6, "total": "500000000"}])
def test_rows_that_come_again_end_it(claimed: dict[str, Any]) -> None:
    again = [{"id": str(n)} for n in range(500)]
    server = Server(2_000, claim=lambda _: {"photo": again, **claimed})
    paging, found = server.run()
    assert found == ids(500)
    assert len(server.calls) == 3
    assert not paging.is_complete
    assert "brought 500 rows of" in paging.shortage


def test_pages_that_grow_end_somewhere() -> None:
    server = Server(10**9, size=2, claim=lambda page: {"pages": page + 1, "total": None})
    paging, found = server.run()
    assert len(server.calls) == 10_000
    assert len(found) == 20_000
    assert not paging.is_complete
    assert paging.shortage == (
        "flickr.people.getPublicPhotos ended after page 10,000 with 20,000 rows: Flickr has no pages behind 10,000."
    )


def test_a_claim_that_is_less_than_what_came_ends_nothing() -> None:
    """Not even where the page is short, since some of its rows are hidden."""
    short = [{"id": str(n)} for n in range(480)]
    lie = {"total": "3", "pages": 1}
    _paging, found = Server(1_700, claim=lambda page: lie | ({"photo": short} if page == 1 else {})).run()
    assert found == ids(480) + [str(n) for n in range(500, 1_700)]


def test_one_empty_page_on_the_way_ends_nothing() -> None:
    paging, found = Server(1_700, claim=lambda page: {"photo": []} if page == 2 else {}).run()
    assert found == ids(500) + [str(n) for n in range(1_000, 1_700)]
    assert not paging.is_complete  # 500 of 1,700 are missing
    assert paging.shortage.endswith("1,200 rows of 1,700 that Flickr claims: that is more than is usual.")


def test_a_total_that_is_off_as_usual_is_told_and_no_failure() -> None:
    paging, _ = Server(900, claim=lambda _: {"total": "1000"}).run()
    assert paging.is_complete
    assert paging.shortage == (
        "flickr.people.getPublicPhotos brought 900 rows of 1,000 that Flickr claims: the others are hidden, or its "
        "total is wrong."
    )


def test_rows_that_moved_to_the_next_page_come_once() -> None:
    moved = [{"id": str(n)} for n in range(499, 700)]
    paging, found = Server(700, claim=lambda page: {"photo": moved} if page == 2 else {}).run()
    assert found == ids(700)
    assert paging.is_complete


def test_rows_without_an_id_are_told_apart_by_all_that_they_say() -> None:
    rows = [{"_content": "a"}, {"_content": "b"}, {"_content": "a"}]
    server = Server(0, claim=lambda page: {"photo": rows if page < 3 else [], "pages": 9, "total": None})
    paging = Paging(PHOTOS, {})
    counts = []
    while paging.ask is not None:
        counts.append(len(paging.take(read_listing(server.answer(paging.ask), PHOTOS.name))))
    assert counts == [3, 0, 0]


@pytest.mark.parametrize(("size", "calls"), [(500, 8), (250, 16)])
def test_a_search_ends_at_what_flickr_serves_and_is_not_complete(size: int, calls: int) -> None:
    server = Server(4_300, size=size)
    paging, found = server.run(SEARCH)
    assert found == ids(4_000)
    assert len(server.calls) == calls
    assert not paging.is_complete
    assert paging.shortage.endswith(
        "with 4,000 rows of 4,300 that Flickr claims: it shows at most 4,000 results of a search. `harvester search` "
        "finds all."
    )


def test_a_search_of_just_so_many_is_complete() -> None:
    paging, found = Server(4_000).run(SEARCH)
    assert len(found) == 4_000
    assert (paging.is_complete, paging.shortage) == (True, "")


def test_a_search_that_fills_its_last_page_without_a_total_is_not_called_complete() -> None:
    paging, _ = Server(9_000, claim=lambda _: {"total": ""}).run(SEARCH)
    assert not paging.is_complete


def test_a_refused_page_behind_the_last_is_the_end_and_another_is_not() -> None:
    paging = Paging(PHOTOS, {"per_page": "2"})
    paging.take(read_listing(Server(2).answer({"per_page": "2"}), PHOTOS.name))
    assert paging.ask is not None
    paging.refuse("Flickr refused it.")
    assert (paging.is_complete, paging.shortage) == (True, "")
    paging = Paging(PHOTOS, {"per_page": "2"})
    paging.take(read_listing(Server(9).answer({"per_page": "2"}), PHOTOS.name))
    paging.refuse("Flickr refused it.")
    assert not paging.is_complete
    assert paging.shortage.endswith("with 2 rows of 9 that Flickr claims: Flickr refused it.")
