"""The photos of archives as tables of Arrow: those that are newer than at the last load."""

from __future__ import annotations

import warnings
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.disk.layout import STATE
from harvester.archive.manifest import read_manifest
from harvester.archive.merge.staging import is_under_way
from harvester.dlt.bookmarks import Bookmark, Selection, choose_lines
from harvester.export.arrow import build_schema
from harvester.export.columns import COLUMNS
from harvester.export.memberships import ListMemberships, read_memberships
from harvester.export.older import find_older, list_lines
from harvester.export.source import Source, open_source
from harvester.export.work import ARROW_STRETCH, Setup, Task, Worker
from harvester.text.words import name_count

AT_ONCE = 10_000
"""Rows of a table: dlt takes its time for each."""
SCHEMA = build_schema(COLUMNS)


@dataclass(frozen=True, slots=True)
class _Plan:
    source: Source
    memberships: ListMemberships
    selection: Selection


def read_photos(folders: Sequence[Path], bookmarks: MutableMapping[str, Any]) -> Iterator[pa.Table]:
    """The rows that are newer than the archives' bookmarks, which are moved at the end. UsageError as for an export."""
    plans = [_plan(folder, bookmarks.get(str(folder))) for folder in folders]
    rejects: Counter[str] = Counter()
    count = 0
    for table in _gather(_read_batches(plans, rejects)):
        count += table.num_rows
        yield table
    if not count and not bookmarks:
        yield SCHEMA.empty_table()
    if rejects:
        columns = ", ".join(f"{name} {name_count(number)}" for name, number in sorted(rejects.items()))
        warnings.warn(f"{name_count(rejects.total(), 'value')} did not fit and are null ({columns}).", stacklevel=2)
    bookmarks.update({str(plan.source.folder): msgspec.to_builtins(plan.selection.bookmark) for plan in plans})


def _plan(folder: Path, known: Any) -> _Plan:
    manifest = read_manifest(folder)
    is_settled = manifest is not None and manifest.status == "complete" and not _has_work(folder)
    source = open_source(folder)
    memberships = read_memberships(source.lists)
    selection = choose_lines(
        list_lines(source),
        None if known is None else msgspec.convert(known, Bookmark),
        size=source.photos.bytes,
        begun=(manifest and manifest.begun) or "",
        is_settled=is_settled,
        memberships=memberships.digest(),
    )
    return _Plan(source, memberships, selection)


def _has_work(folder: Path) -> bool:
    """Whether an update or a deepening is under way."""
    if not (folder / STATE).exists():
        return False
    with open_archive_to_read(folder) as state:
        return is_under_way(folder, state)


def _read_batches(plans: Sequence[_Plan], rejects: Counter[str]) -> Iterator[pa.RecordBatch]:
    worker = Worker(
        Setup(
            format="parquet",
            columns=COLUMNS,
            places=range(len(COLUMNS)),
            excel=False,
            since="",
            memberships=[plan.memberships for plan in plans],
            wanted=frozenset(),
            in_pieces=False,
        )
    )
    for task in _list_tasks(plans):
        result = worker.do(task)
        rejects.update(reject.column for reject in result.rejects)
        yield from result.pieces


def _list_tasks(plans: Sequence[_Plan]) -> Iterator[Task]:
    older: Sequence[Sequence[int]] = find_older([plan.source for plan in plans]) if len(plans) > 1 else [()]
    for n, (plan, surpassed) in enumerate(zip(plans, older, strict=True)):
        selection, photos = plan.selection, plan.source.photos
        without = array("q", sorted({*surpassed, *selection.without})) if surpassed else selection.without
        for start in range(selection.start, photos.bytes, ARROW_STRETCH):
            yield Task(n, photos, start, min(start + ARROW_STRETCH, photos.bytes), without)


def _gather(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= AT_ONCE:
            yield pa.Table.from_batches(waiting, SCHEMA).combine_chunks()
            waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, SCHEMA).combine_chunks()
