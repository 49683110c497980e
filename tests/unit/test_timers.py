"""Times that are nested in each other are in order."""

from __future__ import annotations

import pytest

from harvester import timers


def test_a_call_is_nested() -> None:
    assert timers.FIRST_END_SECONDS < timers.END_SECONDS < timers.CONNECT_SECONDS
    assert timers.CONNECT_SECONDS < timers.SILENCE_SECONDS < timers.ANSWER_SECONDS
    assert timers.WINDOW_SECONDS <= timers.SILENCE_SECONDS
    assert timers.ANSWER_SECONDS < timers.LONGEST_REST


def test_the_end_of_a_run_is_nested() -> None:
    assert timers.LAST_CALLS_SECONDS + 1 < timers.LAST_SECONDS < 10


def test_whoever_waits_at_a_terminal_sees_one_connection_fail() -> None:
    assert timers.CONNECT_SECONDS < timers.PERSON_SECONDS < timers.SILENCE_SECONDS


@pytest.mark.parametrize(("give_up_after", "silence"), [(None, 60), (7200, 60), (30, 30), (1, 15)])
def test_a_call_is_not_silent_for_longer_than_the_run_is_to_wait(give_up_after: float | None, silence: float) -> None:
    assert timers.find_silence(give_up_after) == silence
