"""Tasks done in order, here or by several processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import cycle, islice
from typing import Any, BinaryIO, Generic, Protocol, Self, TypeVar, cast

from harvester.errors import HarvestError, StopRun

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_Task_contra = TypeVar("_Task_contra", contravariant=True)
_Result_co = TypeVar("_Result_co", covariant=True)
_AHEAD = 4
"""Tasks that each process has at hand, and results that wait here for their turn, so that none stands still while a row
group of Parquet is packed."""


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
    """One process. It ends when its input is closed, as when this process is killed.

    A thread takes in its results: a pipe holds but a part of one, and the process would wait until somebody reads.
    """

    def __init__(self, setup: Setup[_Task, _Result]) -> None:
        command = [sys.executable, "-m", "harvester.export"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._input = cast("BinaryIO", self._process.stdin)
        self._output = cast("BinaryIO", self._process.stdout)
        self._reader = ThreadPoolExecutor(1)
        self._send(setup)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._input.close()
        self._reader.shutdown(cancel_futures=True)
        self._output.close()
        self._process.wait()

    def do(self, task: _Task) -> Future[_Result]:
        """Hand over a task. What comes of it is there later."""
        self._send(task)
        return self._reader.submit(self._receive)

    def _send(self, value: object) -> None:
        try:
            pickle.dump(value, self._input, protocol=5)
            self._input.flush()
        except OSError:
            raise self._lost() from None

    def _receive(self) -> _Result:
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
    waiting: deque[Future[_Result]] = deque()

    def hand_out(count: int) -> None:
        for task in islice(tasks, count):
            waiting.append(next(turns).do(task))

    hand_out(_AHEAD * len(processes))
    while waiting:
        result = waiting.popleft().result()
        hand_out(1)
        yield result
