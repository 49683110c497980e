"""Where the program begins and ends: a signal is an exit code from the first import to the last moment."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from types import FrameType

EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 143}
STOPPED = "Stopped. To go on, run the same command again."
UNSUPPORTED = (
    "harvester runs on Linux, on macOS and in WSL, and not on Windows itself: install WSL (wsl --install), then "
    "install harvester in there."
)
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


def run(system: str = os.name) -> None:
    """The console script `harvester`."""
    if system == "nt":  # what the rest imports is not there
        sys.stderr.write(f"Error: {UNSUPPORTED}\n")
        sys.exit(2)
    numbers = [getattr(signal, name) for name in EXIT_CODES]
    for number in numbers:
        if signal.getsignal(number) in _DEFAULTS:
            signal.signal(number, leave)
    try:
        from harvester.cli import main  # noqa: PLC0415

        main(prog_name="harvester")
    finally:
        for number in numbers:  # the exit code is known: nothing can change it any more
            signal.signal(number, signal.SIG_IGN)


def leave(number: int, frame: FrameType | None = None) -> None:  # noqa: ARG001 - Python's signature
    """End the process at once, where nothing is under way that could be ended better."""
    if number == signal.SIGINT:
        write_now(f"{STOPPED}\n")
    os._exit(EXIT_CODES[signal.Signals(number).name])


def write_now(text: str) -> None:
    """Write on standard error without its buffer, which a signal may have interrupted; not where that would block."""
    with contextlib.suppress(OSError, ValueError):
        if select.select([], [2], [], 0)[1]:
            os.write(2, text.encode(getattr(sys.stderr, "encoding", None) or "utf-8", "backslashreplace"))


def is_free(number: int) -> bool:
    """Whether a signal does what it does by default, or what `run` has it do."""
    return signal.getsignal(number) in (*_DEFAULTS, leave)
