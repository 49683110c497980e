"""How far a long command is: a bar on a terminal, a line every ten seconds elsewhere, nothing that is not true."""

from __future__ import annotations

import pytest

from harvester.progress.meter import BarMeter, LineMeter
from support.terminal import Terminal


class Clock:
    """A clock that shows these moments, one after the other."""

    def __init__(self, *moments: float) -> None:
        self._moments = iter(moments)

    def __call__(self) -> float:
        return next(self._moments)


class Encoded(Terminal):
    """A terminal with an encoding."""

    encoding = "utf-8"


class Ascii(Terminal):
    """One that has no more than ASCII."""

    encoding = "ascii"


def test_lines_come_every_ten_seconds_and_not_at_the_end() -> None:
    said: list[str] = []
    meter = LineMeter(said.append, noun="photo", clock=Clock(0.0, 5.0, 10.0, 12.0, 20.0))
    for rows in (50, 100, 120, 400):
        meter(rows, 400)
    meter.close()
    assert said == ["100 of 400 photos (25%) · 10.0 photos/s · about 30 s to go"]


def test_bytes_are_told_in_their_units() -> None:
    said: list[str] = []
    meter = LineMeter(said.append, noun="byte", clock=Clock(0.0, 10.0))
    meter(345_000_000, 786_000_000)
    assert said == ["345 MB of 786 MB (44%) · 34.5 MB/s · about 13 s to go"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_bar_fits_and_goes(width: int) -> None:
    terminal = Encoded(width)
    meter = BarMeter(terminal, width=lambda: width, noun="byte", clock=Clock(0.0, 1.0, 1.1, 2.0))
    meter(250_000_000, 1_000_000_000)
    first = terminal.rows[0]
    meter(300_000_000, 1_000_000_000)
    assert terminal.rows[0] == first, "it is not drawn anew within a fifth of a second"
    meter(500_000_000, 1_000_000_000)
    assert len(terminal.rows) == 1
    assert len(terminal.rows[0]) < width
    assert "500 MB of 1.0 GB (50%)" in terminal.rows[0]
    bar = terminal.rows[0][1 : terminal.rows[0].index("]")]
    assert 0.4 <= bar.count("█") / len(bar) <= 0.5
    meter.close()
    assert terminal.rows[0] == ""


def test_where_there_is_no_unicode_the_bar_is_ascii() -> None:
    terminal = Ascii(80)
    meter = BarMeter(terminal, width=lambda: 80, noun="photo", clock=Clock(0.0, 1.0))
    meter(50, 100)
    assert terminal.rows[0].isascii()
    assert "##" in terminal.rows[0]


def test_nothing_to_do_is_nothing_to_say() -> None:
    terminal = Encoded(80)
    meter = BarMeter(terminal, width=lambda: 80, noun="photo", clock=Clock(0.0, 1.0, 2.0))
    meter(0, 0)
    meter.close()
    assert terminal.rows == [""]
