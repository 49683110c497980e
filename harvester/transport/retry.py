"""How long to wait before a call is tried again. Pure: random numbers and the time come in by argument.

What is retryable is said by the error: TryLater. How many failures are an outage, `circuit_breaker` decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from harvester import timers


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Capped exponential backoff with full jitter: between nothing and `base * factor ** n` seconds."""

    base: float
    factor: float
    cap: float

    def seconds(self, failures: int, rng: Callable[[], float]) -> float:
        """The wait after so many failures in a row, from 1; `rng` gives numbers from 0 to 1."""
        exponent = min(failures - 1, 60)
        return rng() * min(self.cap, self.base * self.factor**exponent)


OWN = Backoff(base=0.2, factor=2, cap=30)
TRIES = 8
"""Tries of one call whose failures are its own."""


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
