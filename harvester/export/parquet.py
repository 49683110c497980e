"""Parquet: one file, or one for each year of upload. Imported only where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harvester.archive.disk.modes import create_file
from harvester.export.arrow import build_schema
from harvester.export.columns import Column
from harvester.export.target import PART

_MOST_PENDING = 2
"""Row groups that are gathered at a time where rows go to several files."""
_UNIQUE = frozenset(
    "id title description tags_raw attribution page_url url sizes.source sizes.url date_taken date_taken_text "
    "date_posted date_updated latitude longitude".split()
)
"""Values that hardly repeat: a dictionary of them is work for nothing."""
_SORTED_OUT = frozenset(
    "id owner_id license_id date_posted date_updated harvested_at date_taken latitude longitude country media "
    "count_views count_faves count_comments width height missing".split()
)
"""Columns of which each row group tells the least and the greatest value, by which readers pass over it."""
NO_YEAR = "__HIVE_DEFAULT_PARTITION__"


class ParquetFile:
    """One file. Rows are gathered to row groups."""

    def __init__(self, file: BinaryIO, schema: pa.Schema, *, group_rows: int) -> None:
        self._schema = schema
        self._group_rows = group_rows
        self._batches: list[pa.RecordBatch] = []
        self.pending = 0
        self._writer = pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=[name for name in _list_leaves(schema) if _name(name) not in _UNIQUE],
            write_statistics=[field.name for field in schema if field.name in _SORTED_OUT],
        )

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._batches.append(batch)
        self.pending += batch.num_rows
        if self.pending >= self._group_rows:
            self._flush(whole_groups=True)

    def flush(self) -> None:
        """Make a row group of what was gathered."""
        self._flush(whole_groups=False)

    def _flush(self, *, whole_groups: bool) -> None:
        if not self._batches:
            return
        table = pa.Table.from_batches(self._batches, schema=self._schema)
        rows = table.num_rows - table.num_rows % self._group_rows if whole_groups else table.num_rows
        self._writer.write_table(table.slice(0, rows), row_group_size=self._group_rows)
        self._batches = table.slice(rows).to_batches()
        self.pending = table.num_rows - rows

    def close(self) -> None:
        """Write what was gathered, and the end of the file."""
        self.flush()
        self._writer.close()

    def drop(self) -> None:
        """Write nothing more: else the writer does when it is collected, into a file that is closed."""
        self._writer.is_open = False


def _list_leaves(schema: pa.Schema) -> list[str]:
    leaves: list[str] = []
    for field in schema:
        if not pa.types.is_list(field.type):
            leaves.append(field.name)
        elif pa.types.is_struct(field.type.value_type):
            leaves += [f"{field.name}.list.element.{inner.name}" for inner in field.type.value_type]
        else:
            leaves.append(f"{field.name}.list.element")
    return leaves


def _name(leaf: str) -> str:
    return leaf.replace(".list.element", "")


class ParquetSink:
    """Rows into one open file."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], *, group_rows: int) -> None:
        self._schema = build_schema(columns)
        self._file = ParquetFile(file, self._schema, group_rows=group_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._file.drop()
        else:
            self._file.close()

    def write(self, piece: Any) -> None:
        """Add rows: a batch, or its bytes."""
        self._file.write(read_piece(piece, self._schema))


class PartitionedSink:
    """Rows into a file for each year of upload, `year=2009/photos.parquet`."""

    def __init__(self, folder: Path, columns: Sequence[Column], *, group_rows: int, mode: int) -> None:
        self._folder = folder
        self._mode = mode
        self._whole = build_schema(columns)
        self._group_rows = group_rows
        self._files: dict[str, tuple[ParquetFile, BinaryIO]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            for part, file in self._files.values():
                stack.enter_context(file)
                stack.callback(part.drop)
                if error is None:
                    stack.callback(part.close)

    def write(self, piece: Any) -> None:
        """Add rows to the years that they are of."""
        batch = read_piece(piece, self._whole)
        years = pc.year(batch.column("date_posted"))
        for year in pc.unique(years).to_pylist():
            mask = pc.is_null(years) if year is None else pc.equal(years, pa.scalar(year, years.type))
            self._find(NO_YEAR if year is None else str(year)).write(batch.filter(mask))
        parts = [part for part, _ in self._files.values()]
        while sum(part.pending for part in parts) >= _MOST_PENDING * self._group_rows:
            max(parts, key=lambda part: part.pending).flush()

    def _find(self, year: str) -> ParquetFile:
        if year not in self._files:
            place = self._folder / f"year={year}"
            place.mkdir()
            file = open(create_file(place / PART, self._mode), "wb")  # noqa: PTH123, SIM115 - a descriptor, closed at the end
            self._files[year] = ParquetFile(file, self._whole, group_rows=self._group_rows), file
        return self._files[year][0]


def read_piece(piece: Any, schema: pa.Schema) -> pa.RecordBatch:
    """A batch, or what another process has sent for one."""
    return pa.ipc.read_record_batch(pa.py_buffer(piece), schema) if isinstance(piece, bytes) else piece
