"""The last words of a run that is stopped, where standard error is slow or full."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

LAST_WORDS = """
import sys
from harvester import signals
signals.DRAINS_WITHIN = float(sys.argv[1])
print(flush=True)
signals.write_now("Stopped.\\n")
"""


def fill() -> tuple[int, int, bytes]:
    """The ends of a pipe that takes no byte more, and what it holds."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    held = 0
    with suppress(BlockingIOError):
        while True:
            held += os.write(write, b"x")
    return read, write, b"x" * held


def speak(error: int, *, drains_within: float) -> subprocess.Popen[bytes]:
    """A process that says its last words as soon as it has written a line to standard output."""
    command = [sys.executable, "-c", LAST_WORDS, str(drains_within)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=error)


def test_they_are_said_once_what_was_said_before_is_read() -> None:
    read, write, held = fill()
    with speak(write, drains_within=60) as process, os.fdopen(read, "rb") as said:
        os.close(write)
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        assert said.read() == held + b"Stopped.\n"


def test_a_pipe_that_nobody_reads_holds_up_no_end() -> None:
    read, write, held = fill()
    with speak(write, drains_within=0) as process, os.fdopen(read, "rb") as said:
        os.close(write)
        assert process.wait(60) == 0
        assert said.read() == held
