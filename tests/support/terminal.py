"""A terminal that shows what a real one would."""

from __future__ import annotations

import io
import re

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
