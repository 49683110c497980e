"""Runs of the program, each a process, in which a call of the system is refused, or is the last one."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from support.project import ROOT

HERE = Path(__file__).parent
NEVER = -1
HOW = {"rest": 0, "kill": 1, "fail": 2, "full": 3, "short": 4}
"""`kill`: the process ends just before call `at`. `fail`: that call alone fails. `full`: it and all behind it fail.
`short`: it writes half, and all behind it fail."""


@dataclass(frozen=True)
class Ran:
    """What became of a run. `code` is None where it was killed."""

    code: int | None
    calls: int
    said: str


@cache
def build_shim() -> Path:
    """The shim, compiled; the test is skipped where that is impossible."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("a C compiler and Linux are needed, to stand between the program and the system")
    library = Path(mkdtemp(prefix="shim-")) / "shim.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(HERE / "shim.c"), "-ldl", "-pthread"]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"the C compiler makes no shim here: {made.stderr[-300:]}")
    return library


class Zygote:
    """Forks a run of the program in no time. What the run says is kept in the folder `place`."""

    def __init__(self, process: subprocess.Popen[bytes], place: Path) -> None:
        self._process = process
        self._said = place / "said"

    async def run(
        self,
        *arguments: str,
        env: Mapping[str, str],
        folder: Path,
        at: int = NEVER,
        how: str = "rest",
        error: int = errno.EIO,
        refuse: Mapping[str, int] | None = None,
        log: Path | None = None,
    ) -> Ran:
        """Run a command. What is done below `folder` is counted, and logged where a `log` is given."""
        order: dict[str, Any] = {"arguments": arguments, "env": dict(env), "folder": str(folder), "at": at}
        order |= {"how": HOW[how], "error": error, "refuse": dict(refuse or {}), "log": str(log or "")}
        return await asyncio.to_thread(self._fork, {**order, "said": str(self._said)})

    def _fork(self, order: dict[str, Any]) -> Ran:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        code, calls = json.loads(self._process.stdout.readline()) or (None, order["at"])
        return Ran(code, calls, self._said.read_text())


@contextmanager
def open_zygote(place: Path) -> Iterator[Zygote]:
    """One of them."""
    env = {**os.environ, "LD_PRELOAD": str(build_shim()), "PYTHONPATH": str(ROOT)}
    command = (sys.executable, str(HERE / "zygote.py"))
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield Zygote(process, place)
