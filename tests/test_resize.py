"""A terminal that becomes narrower, and wraps anew what is on it, keeps no line of the live display."""

from __future__ import annotations

import io
import re

import pytest

from harvester.events import Noticed
from harvester.progress.forms import Notices
from harvester.progress.gauge import Reading
from harvester.progress.live import Live, open_console

NOW = 1_764_000_000.0
_STEP = re.compile(r"\x1b\[(\??\d*(?:;\d+)*)([A-Za-z])|([\r\n])|([^\x1b\r\n])")


class Terminal(io.StringIO):
    """Shows rows of text as VTE does: lines that are longer than the width go on in the next row, also afterwards."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.rows = [""]
        self.row = self.column = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for number, letter, move, character in _STEP.findall(text):
            self._step(number, letter, move, character)
        return len(text)

    def _step(self, number: str, letter: str, move: str, character: str) -> None:
        if character:
            self._put(character)
        elif move == "\n":
            self._go_down()
        if move:
            self.column = 0
        if letter == "A":
            self.row -= int(number or 1)
        elif letter == "K":
            self.rows[self.row] = ""

    def _put(self, character: str) -> None:
        if self.column == self.width:
            self._go_down()
            self.column = 0
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
        self.column += 1

    def _go_down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    def resize(self, width: int) -> None:
        self.width = width
        wrapped = [[row[n : n + width] for n in range(0, max(len(row), 1), width)] for row in self.rows]
        self.row = sum(map(len, wrapped[: self.row + 1])) - 1
        self.column %= width
        self.rows = [row for rows in wrapped for row in rows]

    @property
    def shown(self) -> list[str]:
        return [row.rstrip() for row in self.rows if row.strip()]


def read(photos: int) -> Reading:
    return Reading(
        photos=photos, expected=27_400, calls=2 * photos, calls_left=None, retries=3, refused=2, failed=0, seconds=5.0,
        photos_per_second=2.44, seconds_left=6240.0, wait=None, doing="reading lists, 37 to go",
    )  # fmt: skip


@pytest.mark.parametrize("widths", [(100, 40), (100, 60, 30), (40, 100, 33), (80, 79), (30, 100)])
def test_a_resize_leaves_no_stale_line(widths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(widths[0])
    console = open_console(terminal)
    monkeypatch.setattr(type(console), "width", property(lambda _: terminal.width))
    notices = Notices(verbose=False, wall=lambda: NOW)
    live = Live(console, notices=notices, quota=None, again=None, wall=lambda: NOW)
    live.tell(Noticed(sentence="First."))
    for number, width in enumerate(widths):
        if number:
            terminal.resize(width)
        live.show(read(1000 + number))
        assert "".join(terminal.shown).count("of about") == 1
        assert f"1,00{number} of about" in "".join(terminal.shown)
    terminal.resize(25)
    live.say("Last.")
    live.close()
    assert terminal.shown == ["First.", "Last."]
