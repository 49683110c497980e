"""Tasks done in order, here or by several processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import cycle, islice
from typing import Any, BinaryIO, Self, cast

from harvester.errors import HarvestError, StopRun
from harvester.export.work import Result, Setup, Task, Worker

_AHEAD = 2
"""Tasks that each process has at hand, so that it need not wait for the next one."""


class WorkerLost(HarvestError):
    """A process of an export has ended before its time."""


def do_all(tasks: Iterable[Task], setup: Setup, *, workers: int) -> Iterator[Result]:
    """The results of the tasks, in their order. What an error of a task is, is raised at its turn."""
    if workers == 1:
        yield from map(Worker(setup).do, tasks)
        return
    with ExitStack() as stack:
        setup = replace(setup, in_pieces=True)
        yield from _share(iter(tasks), [stack.enter_context(_Process(setup)) for _ in range(workers)])


class _Process:
    """One process. It ends when its input is closed, as when this process is killed."""

    def __init__(self, setup: Setup) -> None:
        command = [sys.executable, "-m", "harvester.export"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._input = cast("BinaryIO", self._process.stdin)
        self._output = cast("BinaryIO", self._process.stdout)
        self.send(setup)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._input.close()
        self._output.close()
        self._process.wait()

    def send(self, value: object) -> None:
        """Hand over a task."""
        try:
            pickle.dump(value, self._input, protocol=5)
            self._input.flush()
        except OSError:
            raise self._lost() from None

    def receive(self) -> Result:
        """The next result."""
        try:
            found: Any = pickle.load(self._output)  # noqa: S301 - from the process that was started above
        except (EOFError, pickle.UnpicklingError):
            raise self._lost() from None
        if isinstance(found, StopRun):
            raise found
        result: Result = found
        return result

    def _lost(self) -> WorkerLost:
        code = self._process.wait()
        return WorkerLost(f"A process of the export has ended with {code}: run it again, with --workers 1.")


def _share(tasks: Iterator[Task], processes: list[_Process]) -> Iterator[Result]:
    turns = cycle(processes)
    waiting: deque[_Process] = deque()

    def hand_out(count: int) -> None:
        for task in islice(tasks, count):
            process = next(turns)
            process.send(task)
            waiting.append(process)

    hand_out(_AHEAD * len(processes))
    while waiting:
        result = waiting.popleft().receive()
        hand_out(1)
        yield result
