"""Lists the ids of an archive's photos, from which all else can be fetched again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harvester.archive.lines import read_photo_lines


def read_ids(folder: Path) -> Iterator[str]:
    """The ids in the order of the lines. UsageError as of `read_photo_lines`."""
    return (photo_id for photo_id, _ in read_photo_lines(folder))
