"""The numbers of a process's runs, one after the other: counters go on where a run has ended."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from harvester.about import __version__
from harvester.events import DURATIONS, Ended, Event, Paused, Resumed, Retrying, Started, Tally, Waiting
from harvester.progress.forms import Mute
from harvester.progress.gauge import Snapshot
from harvester.progress.metrics.numbers import Numbers
from harvester.quota.rate import Rate

EVERY = 5.0
"""Seconds between two looks at the run."""
HUNG = 60.0
"""Seconds without a look after which a run that is under way has hung."""
WAITS = ("quota", "outage", "pause")


# Many attributes: one for each number that Prometheus reads.
class Record(Mute):
    """A form of progress that keeps the numbers. `clock` is monotonic, `wall` is Unix time."""

    def __init__(
        self,
        *,
        quota: Rate | None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.interval = EVERY
        self.lock = threading.Lock()
        """Held while counts of a run become those of the process, and while they are read."""
        self.quota = quota
        self.info: dict[str, str] | None = None
        self.snapshot: Snapshot | None = None
        self.last_commit: float | None = None
        self.retries: Counter[str] = Counter()
        self._clock = clock
        self._wall = wall
        self._tally: Tally | None = None
        self._written = 0
        self._calls: Counter[tuple[str, str]] = Counter()
        self._within = [0] * (len(DURATIONS) + 1)
        self._seconds = 0.0
        self._waited: Counter[str] = Counter()
        self._wait: tuple[str, float, float] | None = None
        self._seen_at: float | None = None
        self._last_written = 0

    def tell(self, event: Event) -> None:
        """A run begins or ends, waits or goes on, or makes a call again."""
        match event:
            case Started():
                self._begin(event)
            case Waiting():
                self._end_wait()
                self._wait = (event.reason, self._clock(), event.seconds)
            case Paused():
                self._end_wait()
                self._wait = ("pause", self._clock(), math.inf)
            case Resumed():
                self._end_wait()
            case Retrying():
                self.retries[event.kind] += 1
            case Ended():
                self._look()
                self._end()

    def show(self, snapshot: Snapshot) -> None:
        """How far it is."""
        self.snapshot = snapshot
        self._seen_at = self._clock()
        self._look()

    def close(self) -> None:
        """The run is over, by an error too."""
        self._look()
        self._end()

    @property
    def written(self) -> int:
        """Photos that were written."""
        return self._written + (self._tally.new if self._tally else 0)

    @property
    def calls(self) -> dict[tuple[str, str], int]:
        """Calls by method and outcome."""
        calls = self._calls.copy()
        calls.update(dict(self._tally.attempts.outcomes) if self._tally else {})
        return {(method.removeprefix("method="), outcome): count for (method, outcome), count in calls.items()}

    @property
    def durations(self) -> tuple[list[int], float]:
        """Calls that took no longer than each of DURATIONS, and all; and the seconds of all together."""
        attempts = self._tally.attempts if self._tally else None
        within = [sum(pair) for pair in zip(self._within, attempts.within, strict=True)] if attempts else self._within
        return list(accumulate(within)), self._seconds + (attempts.seconds if attempts else 0.0)

    @property
    def waited(self) -> dict[str, float]:
        """Seconds waited, by reason; the wait that is on counts so far."""
        waited: dict[str, float] = {reason: float(self._waited[reason]) for reason in WAITS}
        if self._wait is not None:
            reason, began, seconds = self._wait
            waited[reason] += min(self._clock() - began, seconds)
        return waited

    @property
    def is_alive(self) -> bool:
        """Whether the run that is under way is still looked at: its loop turns."""
        return self._tally is None or self._seen_at is None or self._clock() - self._seen_at < HUNG

    def read(self) -> Numbers:
        """All numbers of this moment."""
        with self.lock:
            within, seconds = self.durations
            snapshot, quota = self.snapshot, self.quota
            left = snapshot.calls_left if snapshot else None
            return Numbers(
                calls=[(method, outcome, count) for (method, outcome), count in self.calls.items()],
                within=within,
                seconds=seconds,
                written=self.written,
                expected=snapshot.expected if snapshot else None,
                quota_used=None if quota is None or left is None else quota.calls - left,
                quota_limit=quota.calls if quota else None,
                waited=self.waited,
                retries=dict(self.retries),
                last_commit=self.last_commit,
                info=self.info,
            )

    def _begin(self, event: Started) -> None:
        self._end()
        self._tally, self.snapshot, self._seen_at = event.tally, None, self._clock()
        self._last_written = event.tally.new
        job: dict[str, Any] = event.job
        known = {"source": str(job.get("source", "")), "detail": str(job.get("detail", ""))}
        self.info = {"version": __version__, **known}

    def _end(self) -> None:
        self._end_wait()
        tally = self._tally
        if tally is None:
            return
        with self.lock:
            self._tally = None
            self._written += tally.new
            self._calls.update(tally.attempts.outcomes)
            self._within = [sum(pair) for pair in zip(self._within, tally.attempts.within, strict=True)]
            self._seconds += tally.attempts.seconds

    def _end_wait(self) -> None:
        self._waited = Counter(self.waited)
        self._wait = None

    def _look(self) -> None:
        if self._tally is not None and self._tally.new != self._last_written:
            self._last_written = self._tally.new
            self.last_commit = self._wall()
