"""An export: from archives to one table in a file, a folder, or standard output."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Protocol, get_args

import orjson

from harvester.archive.disk.modes import find_mode
from harvester.errors import UsageError, show
from harvester.export.columns import COLUMNS, Column
from harvester.export.lines import STRETCH
from harvester.export.memberships import read_memberships
from harvester.export.older import find_older
from harvester.export.pool import do_all
from harvester.export.row import Memberships, Reject
from harvester.export.source import Source, open_source
from harvester.export.tables import build_rows
from harvester.export.target import StandardOutput, check_target, is_special, open_folder, open_path, open_target
from harvester.export.texts import build_header, write_csv, write_ndjson
from harvester.export.work import ARROW_STRETCH, Format, Result, Setup, Task
from harvester.jobs.dates import read_upload, settle
from harvester.jobs.values import stamp

GROUP_ROWS = 20_000
"""Of Parquet: more of them take more memory."""
_MISSING_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be exported, and how. `output` None is standard output; `since` ISO time, "" for all."""

    folders: Sequence[Path]
    format: Format
    output: Path | None
    columns: Sequence[Column] = COLUMNS
    since: str = ""
    rejects: Path | None = None
    by_year: bool = False
    excel: bool = False
    search: bool = True
    """SQLite: an index of words of titles, descriptions and tags."""
    group_rows: int | None = None
    """Of Parquet; None for the usual."""
    workers: int = 1


@dataclass(slots=True)
class Exported:
    """What came of it. `expected` is a count of lines, before those that `since` leaves out."""

    expected: int
    incomplete: tuple[Path, ...]
    rows: int = 0
    missing: int = 0
    """Rows of photos that could not be had for now."""
    rejects: dict[str, int] = field(default_factory=dict)
    """Values that did not fit, by column."""

    def take(self, result: Result, reject: Callable[[Reject], object]) -> None:
        """Count what came of a task, and hand on what did not fit."""
        self.rows += result.rows
        for each in result.rejects:
            self.rejects[each.column] = self.rejects.get(each.column, 0) + 1
            reject(each)


class Sink(Protocol):
    """What takes the rows of a format."""

    def write(self, piece: Any) -> object:
        """Add rows."""


def read_since(text: str | None) -> str:
    """A date or time as people write it, as an Order has it; UsageError where it is none."""
    seconds = read_upload(settle(text, now=time.time(), field="since"), field="since")
    return "" if seconds is None else stamp(seconds)


def export(order: Order, on_progress: Callable[[Exported], None] = lambda _: None) -> Exported:
    """Export archives. Nothing is left of an export that fails or is stopped."""
    check_order(order)
    sources = [*map(open_source, order.folders)]
    exported = Exported(
        expected=sum(source.lines for source in sources),
        incomplete=tuple(source.folder for source in sources if not source.is_complete),
    )
    failures = dict(chain.from_iterable(source.failures.items() for source in sources))
    setup = _build_setup(order, sources, frozenset(failures))
    stretch = ARROW_STRETCH if order.format == "parquet" else None
    with ExitStack() as stack:
        reject = _open_rejects(order, sources, stack)
        sink = _open_sink(order, sources, stack)
        for result in do_all(list_tasks(sources, stretch=stretch), setup, workers=order.workers):
            _write_all(result.pieces, sink)
            for photo_id in result.found:
                failures.pop(photo_id, None)
            exported.take(result, reject)
            on_progress(exported)
        if not order.since:
            _write_all(_write_missing(failures, setup), sink)
            exported.missing = len(failures)
            exported.rows += len(failures)
    return exported


def _write_all(pieces: Iterable[Any], sink: Sink) -> None:
    for piece in pieces:
        sink.write(piece)


def check_order(order: Order) -> None:
    """UsageError where an order cannot be carried out."""
    if order.format not in get_args(Format):
        raise UsageError(f"{show(order.format)} is none of {', '.join(get_args(Format))}.", field="format")
    if order.format == "parquet":
        _require_arrow()
    if order.format in ("parquet", "sqlite") and order.output is None:
        raise UsageError(f"{order.format} is written here and there in its file: name one with -o.", field="output")
    _check_options(order)
    _check_places(order)


def _check_places(order: Order) -> None:
    output, rejects = order.output, order.rejects
    if output and rejects and output.resolve() == rejects.resolve():
        raise UsageError(f"{rejects} is where the table goes: name another file.", field="rejects")
    if order.format in ("parquet", "sqlite") and output and is_special(output):
        raise UsageError(f"{output} is no file, and {order.format} needs one.", field="output")
    for path, is_folder, name in ((output, order.by_year, "output"), (rejects, False, "rejects")):
        if path is not None:
            check_target(path, order.folders, is_folder=is_folder, field=name)


def _check_options(order: Order) -> None:
    for given, name, wanted in (
        (order.by_year, "partition", "parquet"),
        (order.group_rows is not None, "row_group_size", "parquet"),
        (order.excel, "excel", "csv"),
        (not order.search, "search", "sqlite"),
    ):
        if given and order.format != wanted:
            raise UsageError(f"it is for --format {wanted} only.", field=name)
    if order.format == "sqlite" and tuple(order.columns) != COLUMNS:
        raise UsageError("a database always has all of them.", field="columns")
    if order.by_year and all(column.name != "date_posted" for column in order.columns):
        raise UsageError("parts by year need the column date_posted.", field="partition")


def _require_arrow() -> None:
    try:
        import pyarrow as pa  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise UsageError(
            'Parquet needs pyarrow, which is not there: pip install "flickr-harvester[parquet]".', field="format"
        ) from None


def _build_setup(order: Order, sources: Sequence[Source], wanted: frozenset[str]) -> Setup:
    names = [column.name for column in COLUMNS]
    memberships: list[Memberships] = [read_memberships(source.lists) for source in sources]
    return Setup(
        format=order.format,
        columns=order.columns,
        places=[names.index(column.name) for column in order.columns],
        excel=order.excel,
        since=order.since,
        memberships=memberships,
        wanted=wanted,
        in_pieces=order.workers > 1,
    )


def _open_sink(order: Order, sources: Sequence[Source], stack: ExitStack) -> Sink:
    mode = max((find_mode(source.folder) for source in sources), key=lambda mode: mode & 0o077 == 0)
    if order.output is None:
        return _begin(order, StandardOutput())
    if order.by_year:
        from harvester.export.parquet import PartitionedSink  # noqa: PLC0415 - an extra

        folder = stack.enter_context(open_folder(order.output, mode=mode))
        rows = order.group_rows or GROUP_ROWS
        return stack.enter_context(PartitionedSink(folder, order.columns, group_rows=rows, mode=mode))
    if order.format == "sqlite":
        from harvester.export.sqlite import open_database  # noqa: PLC0415

        part = stack.enter_context(open_path(order.output, mode=mode))
        return stack.enter_context(open_database(part, sources, shown=order.output, search=order.search))
    file = stack.enter_context(open_target(order.output, mode=mode))
    if order.format == "parquet":
        from harvester.export.parquet import ParquetSink  # noqa: PLC0415 - an extra

        return stack.enter_context(ParquetSink(file, order.columns, group_rows=order.group_rows or GROUP_ROWS))
    return _begin(order, file)


def _begin(order: Order, file: Sink) -> Sink:
    if order.format == "csv":
        file.write(build_header(order.columns, excel=order.excel))
    return file


def _open_rejects(order: Order, sources: Sequence[Source], stack: ExitStack) -> Callable[[Reject], object]:
    if order.rejects is None:
        return lambda _: None
    file: BinaryIO = stack.enter_context(open_target(order.rejects, mode=find_mode(sources[0].folder)))

    def write(reject: Reject) -> None:
        told = {"id": reject.id, "column": reject.column, "value": reject.value, "reason": reject.reason}
        file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

    return write


def list_tasks(sources: Sequence[Source], *, stretch: int | None = None) -> Iterator[Task]:
    """A task for each stretch of the photos of some archives; of a photo that several have, the newest line counts."""
    stretch = stretch or STRETCH
    older = find_older(sources) if len(sources) > 1 else [array("q") for _ in sources]
    for n, (source, without) in enumerate(zip(sources, older, strict=True)):
        for start in range(0, source.photos.bytes, stretch):
            end = min(start + stretch, source.photos.bytes)
            yield Task(n, source.photos, start, end, without)


def _write_missing(failures: Mapping[str, str], setup: Setup) -> Iterator[Any]:
    """Rows of photos that could not be had: the id, and why."""
    items = list(failures.items())
    for n in range(0, len(items), _MISSING_AT_ONCE):
        yield _write_few(items[n : n + _MISSING_AT_ONCE], setup)


def _write_few(items: Sequence[tuple[str, str]], setup: Setup) -> Any:
    known: dict[str, list[Any]] = {"id": [photo_id for photo_id, _ in items], "missing": [why for _, why in items]}
    values = [known.get(column.name) or [None] * len(items) for column in setup.columns]
    if setup.format == "csv":
        return write_csv(setup.columns, values, excel=setup.excel)
    if setup.format == "ndjson":
        return write_ndjson(setup.columns, values)
    if setup.format == "sqlite":
        return build_rows(values)
    from harvester.export.arrow import build_batch, build_schema  # noqa: PLC0415 - an extra

    return build_batch(build_schema(setup.columns), setup.columns, values)
