"""How often a call is made again because its answer did not say whose it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harvester.transport.unnamed_answers import ONE_IN, UnnamedAnswers

QUERY = "method=flickr.photos.getExif&photo_id=1"


def count_second_calls(unnamed: list[bool]) -> int:
    """Calls made again where these calls' answers are unnamed."""
    doubts, again = UnnamedAnswers(), 0
    for is_unnamed in unnamed:
        alone = doubts.prefer_alone(QUERY)
        if is_unnamed:
            doubts.note(QUERY)
            again += not alone
    return again


@given(st.lists(st.booleans(), max_size=400))
def test_of_calls_that_follow_one_another_at_most_one_in_twenty_and_one_more_is_made_twice(unnamed: list[bool]) -> None:
    assert count_second_calls(unnamed) <= len(unnamed) / ONE_IN + 1


def test_a_method_that_always_refuses_is_asked_twice_once() -> None:
    assert count_second_calls([True] * 1000) == 1


def test_a_method_is_asked_alone_for_its_own_answers_only() -> None:
    doubts = UnnamedAnswers()
    doubts.note(QUERY)
    assert doubts.prefer_alone(QUERY)
    assert not doubts.prefer_alone("method=flickr.photos.getInfo&photo_id=1")
