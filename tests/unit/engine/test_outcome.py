"""How a run ended is decided by one function: all that may be known of it is put to it here."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import pytest

from harvester.engine.outcome import Ending, RunFacts, decide, list_sentences
from harvester.jobs.model import Account, Album, Photos, Search, Source

WHOLE = Ending(
    is_stop_asked=False,
    is_whole=True,
    is_read=True,
    is_through=True,
    is_limit_reached=False,
    has_failures=False,
    has_incomplete=False,
    is_update=False,
)
SILENT = RunFacts(
    source=Search(text="x"),
    is_update=False,
    is_signed=False,
    errors=None,
    written=1,
    failed=0,
    bad_input=0,
    unfetched=0,
    notes=(),
    incomplete=(),
    is_unread=False,
    difference="",
    login="",
)
EVERY = [
    Ending(**dict(zip((field.name for field in fields(Ending)), values, strict=True)))
    for values in product((False, True), repeat=len(fields(Ending)))
]


def test_of_all_endings_complete_is_said_only_where_nothing_is_missing() -> None:
    assert len(EVERY) == 256
    for ending in EVERY:
        is_there = (ending.is_whole or ending.is_limit_reached) and ending.is_through
        is_sound = not ending.has_failures and not ending.has_incomplete
        is_in_time = not ending.is_stop_asked or ending.is_limit_reached or (ending.is_whole and ending.is_read)
        assert (decide(ending).status == "complete") == (is_there and is_sound and is_in_time), ending


def test_of_all_endings_stopped_is_said_only_where_somebody_asked_and_something_is_left() -> None:
    for ending in EVERY:
        is_left = not ending.is_limit_reached and not (ending.is_whole and ending.is_read)
        assert (decide(ending).status == "stopped") == (ending.is_stop_asked and is_left), ending


def test_of_all_endings_only_a_complete_one_that_leaves_nothing_is_finished() -> None:
    for ending in EVERY:
        outcome = decide(ending)
        assert outcome.is_finished == (outcome.status == "complete" and ending.is_whole), ending
        is_broken_off = outcome.status == "stopped" or not ending.is_through
        assert outcome.is_cut_short == (ending.is_update and is_broken_off), ending


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, "complete"),
        ({"is_stop_asked": True}, "complete"),  # too late to stop anything
        ({"is_stop_asked": True, "is_read": False}, "stopped"),
        ({"is_stop_asked": True, "is_whole": False}, "stopped"),
        ({"is_stop_asked": True, "is_whole": False, "has_failures": True}, "stopped"),
        ({"is_whole": False}, "incomplete"),
        ({"is_whole": False, "is_limit_reached": True}, "complete"),
        ({"is_stop_asked": True, "is_whole": False, "is_limit_reached": True}, "complete"),
        ({"is_through": False}, "incomplete"),
        ({"has_failures": True}, "incomplete"),
        ({"has_incomplete": True}, "incomplete"),
    ],
)
def test_what_a_run_comes_to(changed: dict[str, bool], status: str) -> None:
    assert decide(replace(WHOLE, **changed)).status == status


def test_all_that_is_to_be_told_is_told_in_its_order() -> None:
    told = replace(
        SILENT,
        errors=Path("errors.ndjson"),
        failed=2,
        bad_input=1,
        unfetched=3,
        notes=tuple("abcdefg"),
        incomplete=("A stretch.",),
        is_unread=True,
        difference="A difference.",
        login="A login.",
    )
    assert list_sentences(decide(WHOLE), told, claims=("A claim.",)) == (
        "2 could not be had for now; see errors.ndjson. Run the same again to try again.",
        "What the last update could not get: 3; `harvester update` tries again.",
        "Lines of input that name no photo, as errors.ndjson says: 1; correct these lines.",
        *("a.", "b.", "c.", "d.", "e."),
        "A stretch.",
        "Not all ids were read: the rest comes only with the command that names them. Run it again.",
        "A difference.",
        "A claim.",
        "A login.",
    )
    assert list_sentences(decide(WHOLE), SILENT) == ()


@pytest.mark.parametrize(
    ("source", "is_signed", "sentence"),
    [
        (Photos(ids=["1"]), False, "No photo was named."),
        (Search(text="x"), True, "No photo matches. Check spelling and dates."),
        (
            Search(text="x"),
            False,
            "No photo matches. Without a login only public and safe photos are found; check spelling and dates.",
        ),
        (Account(user="x", only="contacts"), False, "A login."),
        (Album(album="1"), True, "There is no photo."),
        (Account(user="x"), False, "There is no photo. Without a login only public and safe photos are found."),
    ],
)
def test_where_no_photo_came_that_is_told_in_place_of_the_login(source: Source, is_signed: bool, sentence: str) -> None:
    told = replace(SILENT, source=source, is_signed=is_signed, written=0, login="A login.")
    assert list_sentences(decide(WHOLE), told) == (sentence,)
    assert list_sentences(decide(replace(WHOLE, is_through=False)), told) == ("A login.",)
    assert list_sentences(decide(WHOLE), replace(told, is_update=True)) == ("A login.",)
