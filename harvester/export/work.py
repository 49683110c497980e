"""Turns a stretch of photos.ndjson into rows of a format, in this process or in one of several."""

from __future__ import annotations

import gc
import io
import os
import pickle
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeAlias

from harvester.errors import StopRun
from harvester.export.columns import Column
from harvester.export.lines import STRETCH, LineReader
from harvester.export.reading import BrokenLine
from harvester.export.row import Memberships, Reject, RowMaker
from harvester.export.source import File, open_file, tell_damaged
from harvester.export.tables import Rows, build_comments, build_rows
from harvester.export.texts import write_csv, write_ndjson

Format: TypeAlias = Literal["parquet", "csv", "sqlite", "ndjson"]
AT_ONCE = 128
"""Rows made at once: more of them do not fit into a core's cache, and take a third longer."""
ARROW_STRETCH = 4 * STRETCH
"""Bytes of lines that become one batch of Arrow: each of its arrays takes its time, however short it is."""
PREFIX = re.compile(rb'\{"id":"(\d{1,18})","harvested_at":"([^"\\]*)"')
_COMMENTED = b'"comment":['
"""In a line with comments: only such a line is looked through for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is the same for all tasks. `wanted` are ids whose lines are to be told of."""

    format: Format
    columns: Sequence[Column]
    places: Sequence[int]
    """Of these columns among all."""
    excel: bool
    since: str
    """Lines harvested before this are left out, as ISO time; "" for none."""
    memberships: Sequence[Memberships]
    wanted: frozenset[str]
    in_pieces: bool
    """Batches of Arrow are to be sent to another process."""

    def begin(self) -> Worker:
        """A worker for such tasks."""
        return Worker(self)


@dataclass(frozen=True, slots=True)
class Task:
    """The lines of a file that begin in a stretch of it, but those that begin at one of the places `without`."""

    source: int
    file: File
    start: int
    end: int
    without: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """Rows as the format has them: bytes of text, batches of Arrow, or those as bytes."""

    rows: int
    pieces: list[Any]
    rejects: list[Reject]
    found: list[str] = field(default_factory=list)
    """Of the wanted ids."""


class Worker:
    """Does tasks."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._rejects: list[Reject] = []
        self._makers = [RowMaker(each, self._rejects.append) for each in setup.memberships]
        self._reader = LineReader()
        self._write = _choose_writer(setup)

    def do(self, task: Task) -> Result:
        """The rows of a task; UsageError where a line is damaged."""
        gc.disable()  # no cycles are made here, and looking for them takes a tenth of the time
        try:
            return self._do(task)
        finally:
            gc.enable()

    def _do(self, task: Task) -> Result:
        lines = self._choose(task)
        found = (
            [photo_id for line in lines if (photo_id := _find_id(line)) in self._setup.wanted]
            if self._setup.wanted
            else []
        )
        pieces = [*self._list_pieces(task, lines)]
        rejects, self._rejects[:] = self._rejects[:], []
        return Result(len(lines), pieces, rejects, found)

    def _list_pieces(self, task: Task, lines: Sequence[memoryview]) -> Iterator[Any]:
        some = [lines[n : n + AT_ONCE] for n in range(0, len(lines), AT_ONCE)]
        made = (self._make(task, each) for each in some)
        match self._setup.format:
            case "parquet" if some:
                yield self._write([[*chain.from_iterable(column)] for column in zip(*made, strict=True)])
            case "sqlite":
                yield from map(_add_comments, map(self._write, made), some)
            case _:
                yield from map(self._write, made)

    def _make(self, task: Task, lines: Sequence[memoryview]) -> list[Sequence[Any]]:
        try:
            values = self._makers[task.source].make_columns(lines)
        except BrokenLine as broken:
            raise tell_damaged(task.file, _find_number(task.file, broken.line)) from None
        return [values[n] for n in self._setup.places]

    def _choose(self, task: Task) -> list[memoryview]:
        lines = self._reader.read(task.file, task.start, task.end, without=task.without)
        if since := self._setup.since.encode():
            lines = [line for line in lines if (found := PREFIX.match(line)) is None or found[2] >= since]
        return lines


def _add_comments(piece: Rows, lines: Sequence[memoryview]) -> Rows:
    if not (commented := [line for line in lines if _COMMENTED in bytes(line)]):
        return piece
    found = build_comments(commented)
    return {**piece, **found, "people": piece["people"] + found["people"]}


def _find_id(line: memoryview) -> str:
    found = PREFIX.match(line)
    return found[1].decode() if found else ""


def _choose_writer(setup: Setup) -> Callable[[list[Sequence[Any]]], Any]:
    columns = setup.columns
    if setup.format == "csv":
        return lambda values: write_csv(columns, values, excel=setup.excel)
    if setup.format == "sqlite":
        return build_rows
    if setup.format == "ndjson":
        return lambda values: write_ndjson(columns, values)
    from harvester.export.arrow import build_batch, build_schema, forgo_pandas  # noqa: PLC0415 - an extra

    schema = build_schema(columns)
    if setup.in_pieces:
        forgo_pandas()  # this process belongs to the export
        return lambda values: build_batch(schema, columns, values).serialize().to_pybytes()
    return lambda values: build_batch(schema, columns, values)


def _find_number(file: File, line: bytes) -> int:
    """The number of a line, found by reading once more: nobody counts lines while all is well."""
    with io.BufferedReader(open_file(file), 1 << 20) as lines:
        return next((number for number, each in enumerate(lines, 1) if each.rstrip(b"\n") == line), 0)


def _receive() -> Iterator[Any]:
    with suppress(EOFError):
        while True:
            yield pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that has started this one


def _send(value: object) -> None:
    pickle.dump(value, sys.stdout.buffer, protocol=5)
    sys.stdout.buffer.flush()


def main() -> None:
    """Do the tasks that come from standard input, until it ends. An error is the result of its task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process hears it, too, and closes the pipe
    received = _receive()
    worker = next(received).begin()
    for task in received:
        try:
            result: object = worker.do(task)
        except StopRun as error:
            result = error
        try:
            _send(result)
        except BrokenPipeError:
            os._exit(1)
