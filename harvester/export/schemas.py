"""JSON Schemas of a line of photos.ndjson and of a row. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harvester.errors import UsageError
from harvester.export.columns import COLUMNS
from harvester.export.table import VERSION, Row
from harvester.flickr.methods import PARTS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_RECORD_VERSION = 1
_VERSIONS = {"record": _RECORD_VERSION, "row": VERSION}
_REFUSAL = {
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}


def build_schema(what: str, *, version: int | None = None) -> dict[str, Any]:
    """The schema of a `record` or a `row`; UsageError for a version that there is not."""
    newest = _VERSIONS[what]
    if version not in (None, newest):
        raise UsageError(f"there is no version {version} of it; the newest is {newest}.", field="version")
    head = {"$schema": _DIALECT, "$id": f"urn:flickr-harvester:{what}:{newest}"}
    return {**head, **(_build_row() if what == "row" else _build_record())}


def _build_row() -> dict[str, Any]:
    (_,), components = msgspec.json.schema_components([Row], ref_template="#/$defs/{name}")
    row = components.pop("Row")
    properties = {column.name: {**row["properties"][column.name], **_tell(column.name)} for column in COLUMNS}
    return {
        "title": "A row of harvester export",
        "description": "One photo. In NDJSON every column is there, null where it is not known.",
        "type": "object",
        "properties": properties,
        "required": ["id"],
        "$defs": components,
    }


def _tell(name: str) -> Mapping[str, Any]:
    column = next(column for column in COLUMNS if column.name == name)
    source = "; ".join(filter(None, (column.info, column.listed, column.made)))
    return {"x-source": source, **({"x-terms": list(column.terms)} if column.terms else {})}


def _build_record() -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = {
        name: {
            "description": f"The answer of {part.method}, as sent; null where Flickr refuses it.",
            "type": ["object", "null"],
        }
        for name, part in PARTS.items()
    }
    parts["sizes"]["description"] += " With a member `from` that is `listing`, what the listing's row tells."
    return {
        "title": "A line of photos.ndjson",
        "description": "One photo. What is inside of search and of the parts is as Flickr sent it.",
        "type": "object",
        "properties": {
            "id": {"description": "The photo's id.", "type": "string", "pattern": "^[0-9]{1,18}$"},
            "harvested_at": {"description": "When it was fetched.", "type": "string", "format": "date-time"},
            "search": {
                "description": "The listing's row; null where no listing has shown the photo.",
                "type": ["object", "null"],
            },
            **parts,
            "errors": {
                "description": "Why parts are null, by part.",
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/refusal"},
            },
        },
        "required": ["id", "harvested_at", "search"],
        "$defs": {"refusal": _REFUSAL},
    }
