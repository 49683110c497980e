"""When to try again, and when to let the server rest. Pure but for the clock and the dice, which come in.

What is retryable is said by the error: TryLater. There are two kinds of trouble, told apart by what the other
calls do meanwhile:

- **a call's own failure**: others succeed between its tries. It waits alone, and is given up after so many tries.
- **an outage**: nothing succeeds. All wait, one probe at a time goes out, and no try counts: outages of hours and
  of a weekend are on record (masci/flickr#10), and a harvest of weeks must live through them.

A refusal (429, 503, code 105) concerns every worker at once, so the first one makes all of them rest, if briefly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from harvester import timers
from harvester.errors import TryLater


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Capped exponential backoff with full jitter: between nothing and `base * factor ** n` seconds."""

    base: float
    factor: float
    cap: float

    def seconds(self, failures: int, dice: Callable[[], float]) -> float:
        """The wait after so many failures in a row, from 1; `dice` gives numbers from 0 to 1."""
        exponent = min(failures - 1, 60)
        return dice() * min(self.cap, self.base * self.factor**exponent)


OWN = Backoff(base=0.2, factor=2, cap=30)
SHARED = Backoff(base=0.05, factor=3, cap=60)
TRIES = 8
"""Tries of one call whose failures are its own."""
NOISE = 2
"""Failures in a row that are still chance: with 3 of 100 answers bad and 16 workers, a third comes by outage."""


def read_retry_after(header: str | None, *, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date; None where it asks for no rest.

    `now` is the server's time. A rest longer than an hour counts as an hour.
    """
    text = (header or "").strip()
    if re.fullmatch(r"\d+", text, re.ASCII):
        seconds = float(text[:99])
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError, IndexError, TypeError):
            return None
    return min(seconds, timers.LONGEST_REST) if seconds > 0 else None


class Gate:
    """Whether calls may go out: one for all workers.

    Open, it lets all go. Resting, it lets none go until `until`, and then one, the probe; its success opens the
    gate, its failure lengthens the rest. Each method decides at once and never waits.
    """

    def __init__(self, *, clock: Callable[[], float], dice: Callable[[], float]) -> None:
        self._clock = clock
        self._dice = dice
        self.resting = False
        self.until = 0.0
        self.strikes = 0
        self.successes = 0
        self.down_since: float | None = None
        self._changed = 0.0
        self._probing = False

    def __repr__(self) -> str:
        return f"<Gate {'resting' if self.resting else 'open'}, {self.strikes} strikes, {self.successes} successes>"

    def wait(self) -> float:
        """Seconds until it is worth asking again; 0 lets the caller go, as the probe where the gate rests."""
        if not self.resting:
            return 0.0
        left = self.until - self._clock()
        if left > 0:
            return left
        if self._probing:
            return 0.05  # somebody's answer will tell
        self._probing = True
        return 0.0

    def release(self) -> None:
        """A call that was let go never went out, or was cancelled: if it was the probe, another may be."""
        self._probing = False

    def succeeded(self) -> None:
        """An answer came: the service works."""
        self.successes += 1
        if self.strikes or self.resting:
            self.strikes = 0
            self.down_since = None
            self.resting = self._probing = False
            self._changed = self._clock()

    def failed(self, error: TryLater, *, began: float) -> float:
        """Take note of a failure of a call that went out at `began`; returns seconds that all now rest, or 0."""
        if self._probing:
            self._probing = False
        elif began < self._changed:
            return 0.0  # it went out before the rest that its like brought about
        now = self._clock()
        self.strikes += 1
        self.down_since = now if self.down_since is None else self.down_since
        if error.retry_after is None and not error.refusal and not self.resting and self.strikes <= NOISE:
            return 0.0
        rest = error.retry_after if error.retry_after is not None else SHARED.seconds(self.strikes, self._dice)
        self.resting, self.until, self._changed = True, max(self.until, now + rest), now
        return rest
