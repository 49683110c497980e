"""The display of a command that makes no calls and may take long: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from harvester.cli.console import Console
from harvester.progress.meter import BarMeter, LineMeter, Tell, ignore


@contextmanager
def open_meter(console: Console, *, noun: str, has_lines: bool) -> Iterator[Tell]:
    """What is to be told how far it is. `has_lines` says so in lines where there is no terminal to draw on."""
    if console.quiet or not (has_lines or is_drawable()):
        yield ignore
        return
    meter: BarMeter | LineMeter = LineMeter(console.note, noun=noun)
    if console.log_format == "text" and is_drawable():
        meter = BarMeter(sys.stderr, width=lambda: shutil.get_terminal_size().columns, noun=noun)
    try:
        yield meter
    finally:
        meter.close()


def is_drawable() -> bool:
    """Whether standard error is a terminal that draws in place."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
