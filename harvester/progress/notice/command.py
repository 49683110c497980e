"""Runs the user's command at the end of a run. Its failure does not change the run's outcome."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from harvester.errors import Summary

LONGEST = 60.0
"""Seconds that a command may take."""
_SLICE = 1.0


def write_report(*, summary: Summary | None, archive: Path | None, exit_code: int, sentence: str) -> str:
    """How a run ended, as one JSON object in a line. `summary` holds what the event `ended` does."""
    told: dict[str, Any] = {
        "summary": None if summary is None else dataclasses.asdict(summary),
        "archive": None if archive is None else str(archive.absolute()),
        "exit_code": int(exit_code),
        "sentence": sentence,
    }
    return json.dumps(told, default=str) + "\n"


def run_command(
    command: str, report: str, *, out: int | IO[Any], longest: float = LONGEST, meanwhile: Callable[[], object]
) -> str | None:
    """Have the shell run a command that gets the report on its standard input, and wait for it.

    It has the environment of this process, and what it writes goes to `out`. `meanwhile` is called every second.
    Returns what went wrong, as a clause, or None. A command that takes longer than `longest` seconds is killed, and
    so is all that it has started.
    """
    try:
        process = subprocess.Popen(  # noqa: S602 - the user's own command
            command, shell=True, stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True
        )
    except (OSError, ValueError) as error:
        return f"could not be started ({getattr(error, 'strerror', None) or error})"
    try:
        is_over = _wait(process, report.encode("utf-8", "backslashreplace"), longest=longest, meanwhile=meanwhile)
    finally:
        if process.poll() is None:
            _kill(process)
    return _tell_end(process.returncode) if is_over else f"was ended after {longest:.0f} s"


def _wait(process: subprocess.Popen[bytes], report: bytes, *, longest: float, meanwhile: Callable[[], object]) -> bool:
    """Whether the command has ended within so many seconds."""
    given: bytes | None = report
    while longest > 0:
        try:
            process.communicate(given, timeout=min(_SLICE, longest))
        except subprocess.TimeoutExpired:
            given = None
            longest -= _SLICE
            meanwhile()
        else:
            return True
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it has started."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tell_end(code: int) -> str | None:
    if code < 0:
        return f"was ended by signal {-code}"
    return f"ended with exit code {code}" if code else None
