"""Rows as Arrow has them: the schema, and batches of rows. Imported only where Arrow is used."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import Any

import msgspec
import pyarrow as pa

from harvester.export.columns import Column
from harvester.export.table import VERSION, Size

_LIST = "element"
_SIZE = pa.struct(
    [
        pa.field(name, pa.int32() if name in ("width", "height") else pa.string())
        for name in msgspec.structs.asdict(Size())
    ]
)
TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "moment": pa.timestamp("us", tz="UTC"),
    "local": pa.timestamp("us"),
    "texts": pa.list_(pa.field(_LIST, pa.string())),
    "sizes": pa.list_(pa.field(_LIST, _SIZE)),
}
_SECONDS = pa.timestamp("s", tz="UTC")


class _NoPandas:
    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError(name=name)


def forgo_pandas() -> None:
    """Have Arrow do without pandas in this process: it imports pandas with the first array, for a third of a second."""
    if "pandas" in sys.modules:
        return
    finder: Any = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([], pa.null())
    finally:
        sys.meta_path.remove(finder)


def build_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema of these columns. Each field tells its meaning and its terms."""
    fields = [
        pa.field(column.name, TYPES[column.kind], nullable=column.nullable, metadata=_tell(column))
        for column in columns
    ]
    return pa.schema(fields, metadata={"harvester.row": str(VERSION)})


def _tell(column: Column) -> dict[str, str]:
    source = "; ".join(filter(None, (column.info, column.listed, column.made)))
    told = {"description": column.meaning, "source": source, "terms": " ".join(column.terms)}
    return {name: text for name, text in told.items() if text}


def build_batch(schema: pa.Schema, columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Some rows, given column by column."""
    arrays = [_build_array(column, each) for column, each in zip(columns, values, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _build_array(column: Column, values: Sequence[Any]) -> pa.Array:
    if values[0] is None and values.count(None) == len(values):
        return pa.nulls(len(values), TYPES[column.kind])
    match column.kind:
        case "texts":
            return _build_list(values, pa.array(_flatten(values), pa.string()), TYPES["texts"])
        case "sizes":
            return _build_sizes(values)
        case "moment":
            return pa.array(values, pa.int64()).cast(_SECONDS).cast(TYPES["moment"])
        case kind:
            return pa.array(values, TYPES[kind])


def _flatten(lists: Iterable[Sequence[Any] | None]) -> list[Any]:
    return [*chain.from_iterable(filter(None, lists))]


def _build_list(lists: Sequence[Sequence[Any] | None], items: pa.Array, kind: pa.DataType) -> pa.Array:
    if None not in lists:
        ends = pa.array([*accumulate(map(len, lists), initial=0)], pa.int32())  # type: ignore[arg-type]
        return pa.ListArray.from_arrays(ends, items, type=kind)
    ends = pa.array([*accumulate((len(each) if each else 0 for each in lists), initial=0)], pa.int32())
    return pa.ListArray.from_arrays(ends, items, type=kind, mask=pa.array([each is None for each in lists], pa.bool_()))


def _build_sizes(lists: Sequence[Sequence[Size] | None]) -> pa.Array:
    sizes: list[Size] = _flatten(lists)
    members = [
        pa.array([size.label for size in sizes], pa.string()),
        pa.array([size.width for size in sizes], pa.int32()),
        pa.array([size.height for size in sizes], pa.int32()),
        pa.array([size.source for size in sizes], pa.string()),
        pa.array([size.url for size in sizes], pa.string()),
        pa.array([size.media for size in sizes], pa.string()),
    ]
    return _build_list(lists, pa.StructArray.from_arrays(members, fields=list(_SIZE)), TYPES["sizes"])
