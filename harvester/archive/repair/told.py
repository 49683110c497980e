"""What a manifest, sound or not, says of an archive's files, as far as it can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from harvester.archive.checkpoint.state import State
from harvester.archive.manifest import ENDED
from harvester.archive.parts.part import Part, sum_lines
from harvester.archive.sinks import PHOTOS


def recall_parts(checkpoint: Path | None, told: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts of a sound checkpoint; where there is none, those that are `told`."""
    if checkpoint is None:
        return told
    with State(checkpoint) as state:
        return tuple(state.parts())


def read_parts(manifest: Mapping[str, Any]) -> tuple[Part, ...]:
    """The parts of a manifest; none where one of them cannot be read."""
    try:
        return tuple(msgspec.convert(manifest.get("parts", []), list[Part]))
    except msgspec.ValidationError:
        return ()


def read_lines(manifest: Mapping[str, Any], parts: Sequence[Part]) -> dict[str, int]:
    """Lines of each file, by its name; of the photos also those in closed parts."""
    files = manifest.get("files")
    entries = files.items() if isinstance(files, dict) else ()
    found = {name: entry.get("lines") for name, entry in entries if isinstance(entry, dict)}
    known = {name: lines for name, lines in found.items() if isinstance(lines, int)}
    return {**known, PHOTOS: known[PHOTOS] + sum_lines(parts)} if PHOTOS in known else known


def read_digests(manifest: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Bytes and sha256 of each file, where the harvest has ended."""
    found: dict[str, tuple[int, str]] = {}
    files = manifest.get("files") if manifest.get("status") in ENDED else None  # else the files may have grown since
    for name, entry in files.items() if isinstance(files, dict) else ():
        with suppress(KeyError, TypeError, ValueError):
            found[name] = int(entry["bytes"]), str(entry["sha256"])
    return found
