"""Ends the process at once with the signal's exit code, where no run is under way that could end cleanly."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from types import FrameType

EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 143}
STOPPED = "Stopped. To go on, run the same command again."
DRAINS_WITHIN = 0.5
"""Seconds in which a terminal shows what was written to it: behind a line that is slow, more than that is held back."""
DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


def leave(number: int, frame: FrameType | None = None) -> None:  # noqa: ARG001 - Python's signature
    """End the process at once, where nothing is under way that could be ended better."""
    if number == signal.SIGINT:
        write_now(f"{STOPPED}\n")
    os._exit(EXIT_CODES[signal.Signals(number).name])


def write_now(text: str) -> None:
    """Write on standard error without its buffer, which a signal may have interrupted; not where that would hang."""
    with contextlib.suppress(OSError, ValueError):
        if select.select([], [2], [], DRAINS_WITHIN)[1]:
            os.write(2, text.encode(getattr(sys.stderr, "encoding", None) or "utf-8", "backslashreplace"))


def is_free(number: int) -> bool:
    """Whether a signal does what it does by default, or what `run` has it do."""
    return signal.getsignal(number) in (*DEFAULTS, leave)
