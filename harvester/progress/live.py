"""The live display: a few lines at the bottom of the terminal, drawn anew four times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live as RichLive
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.segment import ControlType
from rich.table import Table
from rich.text import Text

from harvester.errors import Summary
from harvester.events import Ended, Event, Started
from harvester.progress.forms import Notices
from harvester.progress.gauge import Snapshot
from harvester.progress.lines import list_facts, say_calls, say_end, say_next, say_share, say_speed, say_wait
from harvester.quota.rate import Rate
from harvester.text.bars import can_draw, draw_bar
from harvester.text.escapes import escape_line
from harvester.text.streams import CleanStream
from harvester.text.words import flow

WIDEST = 100
_COLOURS = {"complete": "green", "incomplete": "yellow", "stopped": "yellow"}
_ROW_UP = (ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
_ERASE_ROW, _UP, _SHOW_CURSOR = "\r\x1b[2K", "\x1b[1A", "\x1b[?25h"
_MARKS = {"complete": "✓", "incomplete": "!", "stopped": "■"}
_PLAIN_MARKS = {"complete": "*", "incomplete": "!", "stopped": "-"}


class _Console(Console):
    """rich's own ends the process when whoever read it has gone, and takes standard output along."""

    def on_broken_pipe(self) -> None:
        """Tell the caller instead."""
        raise BrokenPipeError


def open_console(out: TextIO, *, width: int | None = None) -> Console:
    """A console that shows texts as they are: no markup, no emoji codes, no colouring of numbers."""
    if isinstance(out, CleanStream):
        out = out.for_drawing()
    return _Console(file=out, width=width, markup=False, emoji=False, highlight=False)


def _write(line: str, *, style: str = "") -> Text:
    """A line of text; what is in it of Flickr's or of the input moves no cursor."""
    return Text(escape_line(line), style=style)


def draw_snapshot(
    snapshot: Snapshot, *, quota: Rate | None, now: float, width: int, is_plain: bool = False
) -> RenderableType:
    """Bar, counts, calls, and what is waited for, each in as many lines as the width needs."""
    width, mark = min(width, WIDEST), ", " if is_plain else " · "
    lines: list[RenderableType] = (
        [_draw_bar(snapshot, width=width, is_plain=is_plain)] if snapshot.share is not None else []
    )
    first = flow([say_share(snapshot), *say_speed(snapshot)], width=width, mark=mark)
    lines += [_write(line) for line in first]
    lines += [_write(line, style="dim") for line in flow(say_calls(snapshot, quota), width=width, mark=mark)]
    if snapshot.wait:
        sentence = say_wait(snapshot.wait, now=now)
        lines.append(_write(sentence[0].upper() + sentence[1:], style="yellow"))
    return Group(*lines)


def _draw_bar(snapshot: Snapshot, *, width: int, is_plain: bool) -> RenderableType:
    share = snapshot.share or 0.0
    if is_plain:
        return Text(f"[{draw_bar(share, width=max(width - 8, 4), is_plain=True)}]{int(share * 100):>4} %", style="cyan")
    row = Table.grid(padding=(0, 1))
    row.add_row(
        ProgressBar(total=1.0, completed=share, width=max(width - 6, 4), complete_style="cyan", finished_style="green"),
        Text(f"{int(share * 100):>3} %"),
    )
    return row


def draw_summary(summary: Summary, *, again: str | None, is_plain: bool = False) -> RenderableType:
    """The end: how it went in a line, the facts in a table, what a person should know, how to go on."""
    colour, marks = _COLOURS[summary.status], _PLAIN_MARKS if is_plain else _MARKS
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in list_facts(summary):
        facts.add_row(name, _write(value))
    lines: list[RenderableType] = [
        _write(f"{marks[summary.status]} {say_end(summary)}", style=f"bold {colour}"),
        Padding(facts, (0, 0, 0, 2)),
    ]
    lines += [_write(f"  {note}", style="yellow") for note in summary.notes]
    if advice := say_next(summary, again=again):
        lines.append(_write(f"  {advice}"))
    return Group(*lines)


class Live:
    """Draws readings in place, and events above them."""

    interval: float | None = 0.25

    def __init__(
        self,
        console: Console,
        *,
        notices: Notices,
        quota: Rate | None,
        again: str | None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._console = console
        self._notices = notices
        self._quota = quota
        self._again = again
        self._wall = wall
        self._shape: list[int] = []
        """Widths of the lines that are drawn now."""
        self._width = 0
        # Drawn by whoever calls show(): no thread, and nobody's stdout or stderr is put aside.
        self._live = RichLive(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )

    @property
    def _is_plain(self) -> bool:
        """Whether the terminal has no more than ASCII."""
        return not can_draw(self._console.encoding)

    def tell(self, event: Event) -> None:
        """The end as a table; other events that are worth it in a line above the display."""
        self._settle()
        if isinstance(event, Ended):
            self._live.stop()
            self._console.print(draw_summary(event.summary, again=self._again, is_plain=self._is_plain))
            return
        if sentence := self._notices.word(event):
            self._console.print(_write(sentence, style="bold" if isinstance(event, Started) else "yellow"))

    def show(self, snapshot: Snapshot) -> None:
        """Draw the reading in the place of the one before."""
        self._settle()
        if not self._live.is_started:
            self._live.start()
        self._width = self._console.width
        drawing = draw_snapshot(
            snapshot, quota=self._quota, now=self._wall(), width=self._width - 1, is_plain=self._is_plain
        )
        lines = self._console.render_lines(drawing, pad=False)
        self._shape = [sum(segment.cell_length for segment in line) for line in lines]
        self._live.update(drawing, refresh=True)

    def say(self, sentence: str) -> None:
        """A line above the display."""
        self._settle()
        self._console.print(_write(sentence, style="yellow"))

    def close(self) -> None:
        """Take the display away and show the cursor."""
        self._settle()
        self._live.stop()

    def part(self, sentence: str | None) -> str:
        """Take the rows of the display away, show the cursor, and say the sentence."""
        width = self._console.width
        rows = sum(max(-(-line // width), 1) for line in self._shape) if self._live.is_started else 1
        away = _ERASE_ROW + (_UP + _ERASE_ROW) * (rows - 1) + _SHOW_CURSOR
        return away + (f"{escape_line(sentence)}\n" if sentence else "")

    def _settle(self) -> None:
        """Take away the rows that a narrower terminal has made of the lines that were drawn.

        Most terminals wrap anew when they are resized (VTE, iTerm2, kitty, Windows Terminal, tmux), so the display is
        more rows high than was drawn. rich goes up by the lines that it drew.
        """
        width = self._console.width
        if not self._live.is_started or width >= self._width:
            return
        extra = sum(max(-(-line // width), 1) - 1 for line in self._shape)
        self._width = width
        self._console.control(Control(*(step for _ in range(extra) for step in _ROW_UP)))
