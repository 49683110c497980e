"""Which harvest of a fleet gets the next thread."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harvester.dask.shares import Share, choose_next


def deal(threads: int, mosts: list[int], seconds: list[float] | None = None) -> list[int]:
    """How many threads each harvest gets of so many."""
    worked = seconds or [0.0] * len(mosts)
    dealt = [0] * len(mosts)
    for _ in range(threads):
        shares = [
            Share(at_work=have, most=most, seconds=spent)
            for have, most, spent in zip(dealt, mosts, worked, strict=True)
        ]
        if (place := choose_next(shares)) is None:
            break
        dealt[place] += 1
    return dealt


def test_threads_are_shared_evenly_and_what_one_cannot_use_goes_to_the_others() -> None:
    assert deal(6, [10, 10, 10]) == [2, 2, 2]
    assert deal(6, [1, 10, 10]) == [1, 3, 2]
    assert deal(6, [0, 10, 1]) == [0, 5, 1]
    assert deal(6, [1, 1, 1]) == [1, 1, 1]
    assert deal(3, []) == []


def test_with_fewer_threads_than_harvests_the_one_comes_first_that_had_least() -> None:
    assert deal(1, [5, 5, 5], [30.0, 10.0, 20.0]) == [0, 1, 0]
    assert deal(2, [5, 5, 5], [30.0, 10.0, 20.0]) == [0, 1, 1]


@given(st.integers(0, 40), st.lists(st.integers(0, 15), max_size=8))
def test_no_thread_is_idle_that_could_work_and_nobody_has_two_more_than_one_who_wants_more(
    threads: int, mosts: list[int]
) -> None:
    dealt = deal(threads, mosts)
    assert sum(dealt) == min(threads, sum(mosts))
    wanting = [have for have, most in zip(dealt, mosts, strict=True) if have < most]
    assert all(max(dealt) - have <= 1 for have in wanting)
