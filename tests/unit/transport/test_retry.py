"""The circuit breaker: isolated failures cost nobody else anything, an outage makes all wait and one probe."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import TryLater
from harvester.transport.circuit_breaker import SHARED, CircuitBreaker
from harvester.transport.retry import OWN, read_retry_after


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def breaker_and_clock(drawn: float = 1.0) -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    return CircuitBreaker(clock=clock, rng=lambda: drawn), clock


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_backoff_is_capped_and_jittered_down_to_nothing(failures: int, drawn: float) -> None:
    for backoff in (OWN, SHARED):
        assert 0 <= backoff.seconds(failures, lambda: drawn) <= backoff.cap


def test_one_failure_among_successes_makes_nobody_else_wait() -> None:
    breaker, clock = breaker_and_clock()
    for _ in range(100):
        assert breaker.failed(TryLater("reset"), began=clock.now) == 0
        assert breaker.wait() == 0
        breaker.succeeded()


def test_a_refusal_makes_all_rest_and_then_lets_one_probe_go() -> None:
    breaker, clock = breaker_and_clock()
    assert breaker.failed(TryLater("429", refusal=True), began=clock.now) > 0
    assert breaker.wait() > 0
    clock.now = breaker.until
    assert [breaker.wait() > 0 for _ in range(5)] == [False, True, True, True, True]
    breaker.succeeded()
    assert [breaker.wait() for _ in range(5)] == [0.0] * 5


def test_retry_after_is_obeyed() -> None:
    breaker, clock = breaker_and_clock()
    breaker.failed(TryLater("429", refusal=True, retry_after=1800), began=clock.now)
    clock.now += 1799
    assert breaker.wait() == 1


def test_an_outage_lengthens_the_rest_up_to_the_cap_and_never_ends_it() -> None:
    breaker, clock = breaker_and_clock()
    rests = []
    for _ in range(12):
        rests.append(breaker.failed(TryLater("reset"), began=clock.now))
        clock.now = max(clock.now, breaker.until)
        breaker.wait()
    assert rests[:2] == [0, 0]
    assert rests[2:] == sorted(rests[2:])
    assert rests[-1] == SHARED.cap


def test_failures_that_went_out_before_the_rest_do_not_lengthen_it() -> None:
    breaker, clock = breaker_and_clock()
    began = clock.now
    clock.now += 1
    breaker.failed(TryLater("503", refusal=True), began=began)
    until = breaker.until
    for _ in range(16):
        breaker.failed(TryLater("503", refusal=True), began=began)
    assert breaker.until == until
    assert breaker.failures == 1


def test_a_probe_that_was_cancelled_lets_another_go() -> None:
    breaker, clock = breaker_and_clock()
    breaker.failed(TryLater("503", refusal=True), began=clock.now)
    clock.now = breaker.until
    assert breaker.wait() == 0
    assert breaker.wait() > 0
    breaker.release()
    assert breaker.wait() == 0


NOON = 1_600_000_000.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        (" 17 ", 17.0),
        ("31536000", 3600.0),
        ("9" * 5000, 3600.0),
        (formatdate(NOON + 90, usegmt=True), 90.0),
        (formatdate(NOON + 90_000, usegmt=True), 3600.0),
        (formatdate(NOON - 90, usegmt=True), None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("Mon, 99 Foo 2020 99:99:99 GMT", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_the_rest_that_a_server_asks_for_is_read_in_every_form_and_capped(
    header: str | None, seconds: float | None
) -> None:
    assert read_retry_after(header, now=NOON) == seconds
