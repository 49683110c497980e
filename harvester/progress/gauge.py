"""From the running counts to what a person wants to know: how fast, how much is left, how long. No output."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harvester.events import Paused, Tally, Waiting
from harvester.flickr.geo import find_page_size
from harvester.flickr.methods import DETAILS, count_asked, list_parts
from harvester.quota.rate import Rate

WINDOW = 60.0
"""Rates are those of so many seconds of work; time spent waiting does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing goes out until `until` (Unix time), in `seconds` from now; None of both in a pause."""

    why: str
    until: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a display shows, at one moment."""

    photos: int
    expected: int | None
    calls: int
    calls_left: int | None
    retries: int
    refused: int
    failed: int
    seconds: float
    photos_per_second: float | None
    seconds_left: float | None
    wait: Wait | None
    doing: str = ""

    @property
    def share(self) -> float | None:
        """How much of the expected is done, 0 to 1."""
        return min(self.photos / self.expected, 1.0) if self.expected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What limits a run's speed and size."""

    quota: Rate | None = None
    pace: Rate | None = None
    limit: int | None = None
    expected: int | None = None
    """Photos to come where nothing else tells, as when ids are given as arguments."""


def count_calls(job: dict[str, Any]) -> float:
    """Calls for each photo of a described job, its share of the listing included."""
    listing = 0.0 if job.get("source") == "photos" else 1 / find_page_size(job)
    parts = list_parts(job.get("detail", DETAILS[-1]), job.get("with", ()), sizes=job.get("sizes", "call"))
    return count_asked(parts) + listing


def estimate_seconds(
    calls: float, *, per_second: float | None, quota: Rate | None, left: int | None, wait: float = 0.0
) -> float | None:
    """How long so many calls take: at this speed, and no faster than the quota gives them back."""
    if calls <= 0:
        return 0.0
    if not per_second:
        return None
    at_speed = wait + calls / per_second
    if quota is None:
        return at_speed
    beyond = calls - (quota.calls if left is None else left)
    return max(at_speed, beyond / quota.per_second)


def _find_length(waiting: Waiting | Paused) -> float:
    return waiting.seconds if isinstance(waiting, Waiting) else math.inf


def _ask_left(tally: Tally) -> int | None:
    ask = tally.quota_left
    return ask() if ask is not None else None


# Many attributes: speeds are measured over samples, without the waits between them.
class Gauge:
    """Reads a tally again and again. `clock` is the tally's, `wall` is Unix time."""

    def __init__(self, tally: Tally, *, job: dict[str, Any], limits: Limits, wall: Callable[[], float]) -> None:
        self.tally = tally
        self._per_photo = count_calls(job)
        self._page_size = find_page_size(job)
        self._limits = limits
        self._wall = wall
        self._waiting: Waiting | Paused | None = None
        self._wait_began = 0.0
        self._waited = 0.0
        self._samples: deque[tuple[float, int, int]] = deque([(0.0, tally.done, tally.calls)])

    def wait(self, waiting: Waiting | Paused) -> None:
        """A wait or a pause begins, or the one that is on becomes longer."""
        self.resume()
        self._waiting, self._wait_began = waiting, self.tally.seconds

    def resume(self) -> None:
        """The wait is over."""
        self._waited = self._waited_until_now()
        self._waiting = None

    def _waited_until_now(self) -> float:
        if self._waiting is None:
            return self._waited
        return self._waited + min(self.tally.seconds - self._wait_began, _find_length(self._waiting))

    def _read_wait(self) -> Wait | None:
        if self._waiting is None:
            return None
        if isinstance(self._waiting, Paused):
            return Wait(why=self._waiting.why, until=None, seconds=None)
        left = self._waiting.seconds - (self.tally.seconds - self._wait_began)
        if left <= 0:  # not every wait is told to be over
            self.resume()
            return None
        return Wait(why=self._waiting.why, until=self._wall() + left, seconds=left)

    def _measure(self) -> tuple[float | None, float | None]:
        """Photos and calls a second, over the last minute of work."""
        tally = self.tally
        now = (tally.seconds - self._waited_until_now(), tally.done, tally.calls)
        if now[0] - self._samples[-1][0] >= 1:
            self._samples.append(now)
        while len(self._samples) > 2 and now[0] - self._samples[1][0] >= WINDOW:
            self._samples.popleft()
        seconds = now[0] - self._samples[0][0]
        if seconds < 0.5:
            return None, None
        return (now[1] - self._samples[0][1]) / seconds, (now[2] - self._samples[0][2]) / seconds

    def _expect(self) -> int | None:
        limits, said = self._limits, self.tally.expected
        expected = limits.expected if said is None else said
        if limits.limit is not None:
            expected = limits.limit if expected is None else min(expected, limits.limit)
        return expected

    def _count_calls(self) -> float:
        """Calls for each photo; photos that are as they were cost their share of the listing."""
        tally = self.tally
        if not tally.unchanged:
            return self._per_photo
        return 1 / self._page_size + self._per_photo * tally.new / (tally.new + tally.unchanged)

    def read(self) -> Snapshot:
        """The state of this moment."""
        tally, limits = self.tally, self._limits
        wait = self._read_wait()
        photos_per_second, calls_per_second = self._measure()
        expected = self._expect()
        left = _ask_left(tally)
        seconds_left = None
        if expected is not None:
            speed = calls_per_second or (limits.pace.per_second if limits.pace else None)
            seconds_left = estimate_seconds(
                max(expected - tally.done, 0) * self._count_calls(),
                per_second=speed,
                quota=limits.quota,
                left=left,
                wait=(wait.seconds or 0.0) if wait else 0.0,
            )
        return Snapshot(
            photos=tally.done,
            expected=expected,
            calls=tally.calls,
            calls_left=left,
            retries=tally.retries,
            refused=tally.refused,
            failed=tally.failed,
            seconds=tally.seconds,
            photos_per_second=photos_per_second,
            seconds_left=seconds_left,
            wait=wait,
            doing=tally.doing,
        )
