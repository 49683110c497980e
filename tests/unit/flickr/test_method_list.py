"""The list of Flickr's methods, and what names find in it."""

from __future__ import annotations

import re

import pytest

from harvester.errors import KeyRefused, UsageError
from harvester.flickr.failures import check_failure
from harvester.flickr.listings import LISTINGS
from harvester.flickr.method_list import METHODS, find_method


def test_all_of_flickrs_methods_are_there_but_those_that_hand_out_logins() -> None:
    assert len(METHODS) == 218  # of 224 in flickr.reflection.getMethods, May 2026
    assert not [name for name in METHODS if name.startswith("flickr.auth.")]
    assert all(re.fullmatch(r"flickr(\.[a-z]+)+\.[a-zA-Z]+", name) for name in METHODS)
    assert {shape.method for shape in LISTINGS.values()} - {""} <= METHODS.keys()


def test_a_method_that_sounds_like_writing_writes_and_no_other_does() -> None:
    verbs = (
        "add approve batchCorrect correct create delete edit join leave order post reject remove reorder rotate set "
    )
    writing = re.compile("|".join(f"{verbs} subscribe suggest unsubscribe".split()))
    for name, method in METHODS.items():
        assert method.writes == bool(writing.match(name.rpartition(".")[2])), name
        assert not method.writes or method.perms != "none", name
        assert not method.writes or not method.page, name


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("flickr.photos.serach", "did you mean flickr.photos.search?"),
        ("flickr.photos.getinfo", "did you mean flickr.photos.getInfo?"),
        ("photos.search", "did you mean flickr.photos.search?"),
        (" flickr.photos.search", "did you mean flickr.photos.search?"),
        ("flickr.photos.geo.getLocations", "did you mean flickr.photos.geo.getLocation?"),
        ("xyzzy", "see https://www.flickr.com/services/api/."),
        ("", "see https://www.flickr.com/services/api/."),
        ("flickr.auth.getFrob", "is about logins"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_nearest(name: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_method(name)
    assert advice in str(caught.value)


@pytest.mark.parametrize(("name", "writes"), [("flickr.photos.getThing", False), ("flickr.photos.polish", True)])
def test_an_unlisted_method_is_taken_to_write_unless_its_name_says_that_it_reads(name: str, *, writes: bool) -> None:
    method = find_method(name, unlisted=True)
    assert (method.name, method.writes, method.perms) == (name, writes, "write" if writes else "none")


@pytest.mark.parametrize(
    "name", ["photos.getThing", "flickr.", "flickr..a", "flickr.a b", "flickr.photos.getÄ", "flickr"]
)
def test_what_can_be_no_method_is_refused_even_where_unlisted(name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a method"):
        find_method(name, unlisted=True)


def test_logins_are_not_handed_out_even_where_unlisted() -> None:
    with pytest.raises(UsageError, match="is about logins"):
        find_method("flickr.auth.oauth.getAccessToken", unlisted=True)


@pytest.mark.parametrize(
    ("method", "login"),
    [
        ("flickr.people.getLimits", "`harvester auth login`"),
        ("flickr.favorites.add", "`harvester auth login --perms write`"),
        ("flickr.photos.delete", "`harvester auth login --perms delete`"),
        ("flickr.new.thing", "`harvester auth login`"),
    ],
)
def test_a_login_that_is_not_allowed_enough_is_told_with_the_one_that_is(method: str, login: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        check_failure({"stat": "fail", "code": 99, "message": "Insufficient permissions."}, method=method)
    assert login in str(caught.value)
