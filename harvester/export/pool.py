"""Tasks done in order, here or by several processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from itertools import cycle, islice
from typing import Any, BinaryIO, Generic, Protocol, Self, TypeVar, cast

from harvester.errors import HarvestError, StopRun

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_Task_contra = TypeVar("_Task_contra", contravariant=True)
_Result_co = TypeVar("_Result_co", covariant=True)
_AHEAD = 2
"""Tasks that each process has at hand, so that it need not wait for the next one."""


class Worker(Protocol[_Task_contra, _Result_co]):
    """Does tasks one after the other."""

    def do(self, task: _Task_contra, /) -> _Result_co:
        """What comes of a task; StopRun where it cannot be done."""


class Setup(Protocol[_Task_contra, _Result_co]):
    """What is the same for all tasks. It, tasks and results can be pickled."""

    def begin(self) -> Worker[_Task_contra, _Result_co]:
        """A worker, in the process that is to do the tasks."""


class WorkerLost(HarvestError):
    """One of several processes has ended before its time."""


def do_all(tasks: Iterable[_Task], setup: Setup[_Task, _Result], *, workers: int) -> Iterator[_Result]:
    """The results of the tasks, in their order. What an error of a task is, is raised at its turn."""
    if workers == 1:
        yield from map(setup.begin().do, tasks)
        return
    with ExitStack() as stack:
        yield from _share(iter(tasks), [stack.enter_context(_Process(setup)) for _ in range(workers)])


class _Process(Generic[_Task, _Result]):
    """One process. It ends when its input is closed, as when this process is killed."""

    def __init__(self, setup: Setup[_Task, _Result]) -> None:
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

    def receive(self) -> _Result:
        """The next result."""
        try:
            found: Any = pickle.load(self._output)  # noqa: S301 - from the process that was started above
        except (EOFError, pickle.UnpicklingError):
            raise self._lost() from None
        if isinstance(found, StopRun):
            raise found
        result: _Result = found
        return result

    def _lost(self) -> WorkerLost:
        code = self._process.wait()
        return WorkerLost(f"One of its processes has ended with {code}: run it again, with --workers 1.")


def _share(tasks: Iterator[_Task], processes: list[_Process[_Task, _Result]]) -> Iterator[_Result]:
    turns = cycle(processes)
    waiting: deque[_Process[_Task, _Result]] = deque()

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
