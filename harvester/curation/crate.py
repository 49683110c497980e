"""RO-Crate 1.1 metadata of an archive: what it is and who made it, for catalogues. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from harvester.about import __version__

CRATE = "ro-crate-metadata.json"
"""Stands in the payload, whose folder is the crate's root: so the specification wants it in a bag."""
_SPEC = "https://w3id.org/ro/crate/1.1"
_RIGHTS = "Each photo's licence stands in its record (`info.license`, `search.license`); the photos are their owners'."
_KINDS = {
    ".ndjson": "application/x-ndjson",
    ".json": "application/json",
    ".zst": "application/zstd",
    ".gz": "application/gzip",
}
_SAID = {
    "photos.ndjson": "One line for each photo: what Flickr sent",
    "manifest.json": "What was asked, when, by which version; counts; sha256 of each file",
    "errors.ndjson": "What could not be had",
    "changes.ndjson": "What updates have found changed",
    "damaged.ndjson": "Lines that a repair has set aside",
    "withdrawn.ndjson": "Photos that were taken down: id, time, reason",
}


def write_crate(
    files: Mapping[str, int], *, name: str, description: str, at: str, begun: str | None, ended: str | None
) -> bytes:
    """The metadata of a crate with these files, by name with their lengths. `at` is the moment of publishing."""
    graph = [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _SPEC},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": name,
            "description": description,
            "datePublished": at,
            "license": {"@id": "#rights"},
            "hasPart": [{"@id": file} for file in files],
            "mentions": {"@id": "#harvest"},
        },
        {"@id": "#rights", "@type": "CreativeWork", "name": "Rights", "description": _RIGHTS},
        {"@id": "#harvester", "@type": "SoftwareApplication", "name": "harvester", "softwareVersion": __version__},
        _describe_harvest(files, begun=begun, ended=ended),
        *(_describe_file(file, size) for file, size in files.items()),
    ]
    known = {"@context": f"{_SPEC}/context", "@graph": graph}
    return orjson.dumps(known, option=orjson.OPT_INDENT_2) + b"\n"


def _describe_harvest(files: Iterable[str], *, begun: str | None, ended: str | None) -> dict[str, Any]:
    times = {"startTime": begun, "endTime": ended}
    return {
        "@id": "#harvest",
        "@type": "CreateAction",
        "name": "Harvest by Flickr's API",
        "instrument": {"@id": "#harvester"},
        "result": [{"@id": file} for file in files],
        **{name: at for name, at in times.items() if at},
    }


def _describe_file(name: str, size: int) -> dict[str, Any]:
    kind = next((kind for ending, kind in _KINDS.items() if name.endswith(ending)), "application/octet-stream")
    said = {"description": _SAID[name]} if name in _SAID else {}
    return {"@id": name, "@type": "File", "name": name, **said, "contentSize": str(size), "encodingFormat": kind}
