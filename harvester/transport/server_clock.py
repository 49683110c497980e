"""Flickr's time: this machine's clock, corrected by the `Date` header of Flickr's answers.

A machine's clock may be wrong by minutes or years: a dead battery, a suspended virtual machine, WSL, a container.
Photos are dated by Flickr's clock, so what a harvest covers must be measured by that clock too. Every recorded answer
of the API carries `Date`; answers come through CloudFront, which adds `Age` where it answers from a cache (RFC 9111).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

FLICKR_BEGAN = 1_076_371_200
"""2004-02-10 as Unix time, when Flickr opened. A `Date` before it comes from a server without a clock."""
_NEVER = 4_102_444_800
"""2100 as Unix time: a `Date` behind it is none either."""
WORTH_TELLING = 60.0
"""Seconds of difference that a person is told of."""
_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))
_RESOLUTION = 2.0
"""Seconds that the two clocks may seem to differ without doing so: `Date` has whole seconds, and answers take time."""


class ServerClock:
    """The server's time, as far as it is known.

    `wall` gives this machine's Unix time in seconds. `on_skew` is called with the seconds by which this machine's
    clock is ahead (negative: behind) when that difference is first seen to be more than a minute, and whenever it
    changes by that much.
    """

    def __init__(
        self, *, wall: Callable[[], float] = time.time, on_skew: Callable[[float], None] = lambda _: None
    ) -> None:
        self._wall = wall
        self._on_skew = on_skew
        self._told = 0.0
        self.is_known = False
        """Whether an answer has told the server's time."""
        self.offset = 0.0
        """Seconds to be added to this machine's clock."""

    def __repr__(self) -> str:
        known = f"{self.offset:+.0f} s" if self.is_known else "not known"
        return f"<ServerClock {known}>"

    def now(self) -> float:
        """Unix time by the server's clock; by this machine's, until an answer has told."""
        return self._wall() + self.offset

    def hear(self, headers: Mapping[str, str]) -> None:
        """Learn the server's time from an answer's headers; headers that tell no time change nothing."""
        told = read_date(headers)
        if told is None:
            return
        self.is_known = True
        offset = told + 0.5 - self._wall()
        self.offset = 0.0 if abs(offset) <= _RESOLUTION else offset
        if abs(self.offset - self._told) > WORTH_TELLING:
            self._told = self.offset
            self._on_skew(-self.offset)


def tell_skew(seconds: float) -> str:
    """The sentence for a clock of this machine that is so many seconds ahead (negative: behind)."""
    size, unit = next(
        ((abs(seconds) / length, name) for length, name in _UNITS if abs(seconds) >= 2 * length),
        (abs(seconds), "seconds"),
    )
    side = "ahead of" if seconds > 0 else "behind"
    return f"This machine's clock is {size:,.0f} {unit} {side} Flickr's: Flickr's time is used; set the clock."


def read_date(headers: Mapping[str, str]) -> float | None:
    """The Unix time at which an answer was sent, by its `Date` and `Age`; None where they tell none."""
    text = headers.get("Date")
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    age = headers.get("Age", "")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    told = moment.timestamp() + (int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0)
    return told if FLICKR_BEGAN <= told < _NEVER else None
