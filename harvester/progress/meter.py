"""How far something is that makes no calls, as an export or a proof: a bar drawn in place, or a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO, TypeAlias

from harvester.text.bars import can_draw, draw_bar
from harvester.text.streams import CleanStream
from harvester.text.words import flow, name_bytes, name_count, name_duration, name_rate

Tell: TypeAlias = Callable[[int, int], object]
"""Takes how much is done, and of how much."""
EVERY = 10.0
"""Seconds between two lines."""
REDRAWN = 0.2
_WIDEST = 100
_ERASE = "\r\x1b[K"


def ignore(done: int, expected: int) -> None:
    """Nobody is told."""


def say_done(done: int, expected: int, *, seconds: float, noun: str) -> list[str]:
    """`100 of 400 photos (25%)`, `10.0 photos/s`, `about 30 s to go`; of bytes `345 MB of 786 MB (43%)`."""
    rate = done / seconds if seconds > 0 else 0.0
    if noun == "byte":
        said = [f"{name_bytes(done)} of {name_bytes(expected)} ({done / expected:.0%})", f"{name_bytes(rate)}/s"]
    else:
        said = [f"{name_count(done)} of {name_count(expected, noun)} ({done / expected:.0%})", name_rate(rate, noun)]
    return [*said, f"about {name_duration((expected - done) / rate)} to go"] if rate else said


class LineMeter:
    """Says how far it is every ten seconds, until the end."""

    def __init__(self, say: Callable[[str], object], *, noun: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._noun = noun
        self._clock = clock
        self._began = self._last = clock()

    def __call__(self, done: int, expected: int) -> None:
        """Takes how much is done."""
        now = self._clock()
        if now - self._last >= EVERY and done < expected:
            self._last = now
            self._say(" · ".join(say_done(done, expected, seconds=now - self._began, noun=self._noun)))

    def close(self) -> None:
        """Nothing is left to be done."""


class BarMeter:
    """Draws a bar in one row of a terminal, five times a second at most, and takes it away at the end."""

    def __init__(
        self, out: TextIO, *, width: Callable[[], int], noun: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out.for_drawing() if isinstance(out, CleanStream) else out
        self._is_plain = not can_draw(getattr(out, "encoding", None))
        self._width = width
        self._noun = noun
        self._clock = clock
        self._began = clock()
        self._drawn: float | None = None

    def __call__(self, done: int, expected: int) -> None:
        """Takes how much is done."""
        now = self._clock()
        if expected <= 0 or now - (self._began if self._drawn is None else self._drawn) < REDRAWN:
            return
        self._drawn = now
        mark = " - " if self._is_plain else " · "
        said = say_done(min(done, expected), expected, seconds=now - self._began, noun=self._noun)
        width = min(self._width() - 1, _WIDEST)
        room = flow(said, width=max(width - 12, 10), mark=mark)[0]
        bar = draw_bar(done / expected, width=max(width - len(room) - 3, 5), is_plain=self._is_plain)
        self._out.write(f"{_ERASE}[{bar}] {room}"[: len(_ERASE) + width])
        self._out.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._drawn is not None:
            self._out.write(_ERASE)
            self._out.flush()
