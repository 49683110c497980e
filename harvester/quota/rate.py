"""Rates, as users write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harvester.errors import UsageError, show

_RATE = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*/\s*(\d{1,9}(?:\.\d{1,6})?)?\s*([smhd])\s*", re.ASCII)
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of calls in a number of seconds."""

    calls: float
    period: float

    @classmethod
    def parse(cls, text: str) -> Rate | None:
        """Reads `3600/h`, `200/10s`, `1.5/s`; None for `none`."""
        if text.strip().lower() == "none":
            return None
        found = _RATE.fullmatch(text.lower())
        if not found:
            raise UsageError(f"{show(text)} is no rate: write CALLS/PERIOD, such as 3600/h, 200/10s or 5/s, or none.")
        calls, period = float(found[1]), float(found[2] or 1) * _UNITS[found[3]]
        if not calls:
            raise UsageError(f"{show(text)} allows no call at all: write none to lift the limit.")
        if calls > 1e9 or not 0.1 <= period <= 366 * 86400:
            raise UsageError(f"{show(text)} is out of range: at most 1000000000 calls, a period from 0.1s to 366d.")
        return cls(int(calls) if calls.is_integer() else calls, period)

    @property
    def per_second(self) -> float:
        """Calls a second."""
        return self.calls / self.period

    def __str__(self) -> str:
        unit = next((unit for unit, length in _UNITS.items() if self.period % length == 0), "s")
        count = self.period / _UNITS[unit]
        return f"{self.calls:.12g}/{'' if count == 1 else f'{count:.12g}'}{unit}"
