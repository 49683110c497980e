"""When to let a server rest that fails for everybody. Pure: the clock and random numbers come in by argument.

There are two kinds of trouble, told apart by what the other calls do meanwhile:

- **a call's own failure**: others succeed between its tries. It waits alone, and is given up after so many tries.
- **an outage**: nothing succeeds. All wait, one probe at a time goes out, and no try counts: outages of hours and
  of a weekend are on record (masci/flickr#10), and a harvest of weeks must live through them.

A refusal (429, 503, code 105) concerns every worker at once, so the first one makes all of them rest, if briefly.
"""

from __future__ import annotations

from collections.abc import Callable

from harvester.errors import TryLater
from harvester.transport.retry import Backoff

SHARED = Backoff(base=0.05, factor=3, cap=60)
NOISE = 2
"""Failures in a row that are still chance: with 3 of 100 answers bad and 16 workers, a third comes by outage."""


# Many attributes: the state of an outage is one; each method changes several of them at once.
class CircuitBreaker:
    """Decides whether calls may go out; all workers share one.

    Closed, the breaker lets all calls go. Open, it lets none go until `until`, and then one, the probe: its success
    closes the breaker, its failure lengthens the rest. Each method decides at once and never waits.
    """

    def __init__(self, *, clock: Callable[[], float], rng: Callable[[], float]) -> None:
        self._clock = clock
        self._rng = rng
        self.is_open = False
        self.until = 0.0
        self.failures = 0
        self.successes = 0
        self.down_since: float | None = None
        self._changed = 0.0
        self._probing = False

    def __repr__(self) -> str:
        state = "open" if self.is_open else "closed"
        return f"<CircuitBreaker {state}, {self.failures} failures, {self.successes} successes>"

    def wait(self) -> float:
        """Seconds until it is worth asking again; 0 lets the caller go, as the probe where the breaker is open."""
        if not self.is_open:
            return 0.0
        left = self.until - self._clock()
        if left > 0:
            return left
        if self._probing:
            return 0.05  # somebody's answer will tell
        self._probing = True
        return 0.0

    def seconds_down(self) -> float | None:
        """How long nothing has succeeded since the first failure; None where the last call succeeded."""
        return None if self.down_since is None else self._clock() - self.down_since

    def release(self) -> None:
        """A call that was let go never went out, or was cancelled: if it was the probe, another may be."""
        self._probing = False

    def succeeded(self) -> None:
        """An answer came: the service works."""
        self.successes += 1
        if self.failures or self.is_open:
            self.failures = 0
            self.down_since = None
            self.is_open = self._probing = False
            self._changed = self._clock()

    def failed(self, error: TryLater, *, began: float) -> float:
        """Take note of a failure of a call that went out at `began`; returns seconds that all now rest, or 0."""
        if self._probing:
            self._probing = False
        elif began < self._changed:
            return 0.0  # it went out before the rest that its like brought about
        now = self._clock()
        self.failures += 1
        self.down_since = now if self.down_since is None else self.down_since
        if error.retry_after is None and not error.refusal and not self.is_open and self.failures <= NOISE:
            return 0.0
        rest = error.retry_after if error.retry_after is not None else SHARED.seconds(self.failures, self._rng)
        self.is_open, self.until, self._changed = True, max(self.until, now + rest), now
        return rest
