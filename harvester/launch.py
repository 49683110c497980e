"""Where the program begins and ends: a signal is an exit code from the first import to the last moment."""

from __future__ import annotations

import os
import signal
import sys

from harvester.signals import DEFAULTS, EXIT_CODES, leave

UNSUPPORTED = (
    "harvester runs on Linux, on macOS and in WSL, and not on Windows itself: install WSL (wsl --install), then "
    "install harvester in there."
)


def run(system: str = os.name) -> None:
    """The console script `harvester`."""
    if system == "nt":  # what the rest imports is not there
        sys.stderr.write(f"Error: {UNSUPPORTED}\n")
        sys.exit(2)
    numbers = [getattr(signal, name) for name in EXIT_CODES]
    for number in numbers:
        if signal.getsignal(number) in DEFAULTS:
            signal.signal(number, leave)
    try:
        from harvester.cli import main  # noqa: PLC0415

        main(prog_name="harvester")
    finally:
        for number in numbers:  # the exit code is known: nothing can change it any more
            signal.signal(number, signal.SIG_IGN)
