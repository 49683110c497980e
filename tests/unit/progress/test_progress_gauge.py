"""The gauge tells how fast, how much is left and how long, from counts alone."""

from __future__ import annotations

from typing import Any

import pytest

from harvester.events import Paused, Tally, Waiting
from harvester.progress.gauge import Gauge, Limits, Wait, count_calls, estimate_seconds
from harvester.progress.lines import say_wait
from harvester.quota.rate import Rate

HOUR = Rate(3600, 3600)
SEARCH = {"source": "search", "detail": "full"}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Run:
    """A run whose clock and counts the test sets."""

    def __init__(self, *, job: dict[str, Any] | None = None, **given: Any) -> None:
        limits = {name: given.pop(name) for name in ("quota", "pace", "limit") if name in given}
        self.clock = Clock()
        self.tally = Tally(clock=self.clock, **given)
        self.gauge = Gauge(self.tally, job=job or SEARCH, limits=Limits(**limits), wall=lambda: 1000 + self.clock.now)

    def go(self, seconds: float, *, photos: int = 0) -> None:
        """Time passes, photos come, at two calls each; read every second as a display does."""
        for _ in range(round(seconds)):
            self.clock.now += 1
            self.tally.written += round(photos / seconds)
            self.tally.calls += 2 * round(photos / seconds)
            self.gauge.read()


def test_the_rate_is_that_of_the_last_minute() -> None:
    run = Run()
    run.go(600, photos=600)
    run.go(70, photos=700)
    assert run.gauge.read().photos_per_second == pytest.approx(10, rel=0.01)


def test_a_resumed_run_does_not_count_the_photos_of_before() -> None:
    run = Run(written=5000, written_before=5000)
    run.go(10, photos=20)
    assert run.gauge.read().photos_per_second == pytest.approx(2)


def test_there_is_no_rate_before_anything_can_be_measured() -> None:
    run = Run(expected=10)
    snapshot = run.gauge.read()
    assert (snapshot.photos_per_second, snapshot.seconds_left) == (None, None)


def test_waiting_counts_down_and_does_not_lower_the_rate() -> None:
    run = Run(expected=10_000)
    run.go(20, photos=40)
    run.gauge.wait(Waiting(why="the quota is spent", seconds=100))
    run.go(40)
    snapshot = run.gauge.read()
    assert snapshot.wait is not None
    assert snapshot.wait.seconds == pytest.approx(60)
    assert snapshot.wait.until == pytest.approx(1120)
    assert snapshot.photos_per_second == pytest.approx(2)
    run.gauge.resume()
    assert run.gauge.read().wait is None
    run.go(10, photos=20)
    assert run.gauge.read().photos_per_second == pytest.approx(2)


def test_a_wait_that_nobody_ends_is_over_when_its_time_is() -> None:
    run = Run()
    run.go(10, photos=20)
    run.gauge.wait(Waiting(why="x", seconds=5))
    run.go(6)
    assert run.gauge.read().wait is None
    assert run.gauge.read().photos_per_second == pytest.approx(20 / 11, rel=0.01)


@pytest.mark.slow
def test_a_pause_lasts_until_it_is_over_and_does_not_lower_the_rate() -> None:
    run = Run(expected=10_000)
    run.go(20, photos=40)
    run.gauge.wait(Paused(why="by a person"))
    run.go(100_000)
    snapshot = run.gauge.read()
    assert snapshot.wait == Wait(why="by a person", until=None, seconds=None)
    assert snapshot.photos_per_second == pytest.approx(2)
    assert say_wait(snapshot.wait, now=0.0) == "paused: by a person"
    run.gauge.resume()
    assert run.gauge.read().wait is None
    run.go(10, photos=20)
    assert run.gauge.read().photos_per_second == pytest.approx(2)


def test_a_longer_wait_takes_the_place_of_the_one_before() -> None:
    run = Run()
    run.gauge.wait(Waiting(why="x", seconds=5))
    run.go(3)
    run.gauge.wait(Waiting(why="y", seconds=50))
    snapshot = run.gauge.read()
    assert snapshot.wait is not None
    assert (snapshot.wait.why, snapshot.wait.seconds) == ("y", 50)


def test_the_time_left_follows_from_calls_and_observed_rate() -> None:
    run = Run(expected=1100)
    run.go(50, photos=100)
    # 1,000 photos at 2 calls and their share of the listing, 4 calls a second.
    assert run.gauge.read().seconds_left == pytest.approx(1000 * 2.002 / 4)


def test_a_limit_ends_the_expected_and_a_surplus_makes_no_negative_rest() -> None:
    run = Run(expected=1000, limit=50)
    run.go(10, photos=60)
    snapshot = run.gauge.read()
    assert (snapshot.expected, snapshot.share, snapshot.seconds_left) == (50, 1.0, 0.0)


def test_without_an_expectation_there_is_no_share() -> None:
    assert Run().gauge.read().share is None
    assert Run(expected=0).gauge.read().share is None


def test_calls_left_are_asked_for() -> None:
    run = Run()
    run.tally.quota_left = lambda: 42
    assert run.gauge.read().calls_left == 42


@pytest.mark.parametrize(
    ("job", "calls"),
    [
        ({"source": "search", "detail": "list"}, 0.002),
        ({"source": "search", "detail": "info", "with": ["exif", "comments"]}, 3.002),
        ({"source": "photos", "detail": "full"}, 2),
    ],
)
def test_calls_for_a_photo(job: dict[str, Any], calls: float) -> None:
    assert count_calls(job) == pytest.approx(calls)


@pytest.mark.parametrize(
    ("calls", "left", "wait", "seconds"),
    [
        (0, 100, 0.0, 0),  # nothing to do
        (1800, 3600, 0.0, 360),  # within what is left: at the pace
        (1800, 0, 0.0, 1800),  # nothing left: as the hour gives them back
        (36_000, None, 0.0, 32_400),  # long: an hour's calls at once, the others as they come back
        (100, 3600, 50.0, 70),  # a wait comes first
    ],
)
def test_time_under_a_quota(calls: float, left: int | None, wait: float, seconds: float) -> None:
    assert estimate_seconds(calls, per_second=5, quota=HOUR, left=left, wait=wait) == pytest.approx(seconds)


def test_time_without_a_quota_or_a_speed() -> None:
    assert estimate_seconds(100, per_second=5, quota=None, left=None) == 20
    assert estimate_seconds(100, per_second=None, quota=None, left=None) is None
