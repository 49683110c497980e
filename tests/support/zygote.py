"""A process that has everything imported, with the shim before the C library: for each order it forks a run."""

from __future__ import annotations

import ctypes
import json
import os
import ssl
import sys
import traceback
from typing import Any

import harvester.export.run  # noqa: F401 - imported before the first run
from harvester.cli import main

SHIM = ctypes.CDLL(None)
# No run speaks TLS, and reading the system's certificates would take it most of its time.
ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]


def run(order: dict[str, Any], report: int) -> None:
    """The forked process: one command, then how many calls it has made."""
    os.environ.update(order["env"])
    said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    for call, number in order["refuse"].items():
        SHIM.shim_refuse(call.encode(), number)
    SHIM.shim_arm(order["folder"].encode(), order["log"].encode(), order["at"], order["how"], order["error"])
    code = 1
    try:
        main(order["arguments"], prog_name="harvester")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(report, json.dumps([code, SHIM.shim_count()]).encode())
    os._exit(0)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def attend() -> None:
    """Fork for each order; the answer is an exit code and a count of calls, null where the process was killed."""
    say("ready")
    for line in sys.stdin:
        reading, writing = os.pipe()
        if not (child := os.fork()):
            os.close(reading)
            run(json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as report:
            answer = report.read()
        os.waitpid(child, 0)
        say(answer.decode() or "null")


if __name__ == "__main__":
    attend()
