"""The files in `updates/` and `history/`: written once, never changed, and nowhere to be fetched again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harvester.archive.disk.layout import HISTORY, MANIFEST, UPDATES, is_put_away
from harvester.archive.manifest import FilePrefix
from harvester.text.words import name_count


def describe_put_away(
    folder: Path, known: Mapping[str, FilePrefix], *, harmed: Collection[str], is_ended: bool
) -> dict[str, Any]:
    """The manifest's entries of these files. An entry of the last manifest stays, even if its file is gone.

    Files that are new are read through, but not where the harvest has not ended. `harmed` are those that a repair has
    found not to be as they were written.
    """
    new = [name for name in _list_files(folder) if name not in known] if is_ended else []
    entries = {**known, **{name: hash_file(folder / name) for name in new}}
    marks = {"harmed": True}
    return {name: {**entry.describe(), **(marks if name in harmed else {})} for name, entry in sorted(entries.items())}


def _list_files(folder: Path) -> Iterator[str]:
    for place in (UPDATES, HISTORY):
        for path in (folder / place).glob("*"):
            name = f"{place}/{path.name}"
            if is_put_away(name) and path.is_file() and not path.is_symlink():
                yield name


def hash_file(path: Path) -> FilePrefix:
    """The length and the sha256 of a whole file."""
    with path.open("rb", buffering=0) as file:
        digest = hashlib.file_digest(file, "sha256")
        return FilePrefix(file.tell(), digest.hexdigest())


def find_harmed(folder: Path, entries: Mapping[str, FilePrefix]) -> Iterator[tuple[str, str]]:
    """The files that are not as they were written, each with a sentence on what is wrong."""
    for name, entry in entries.items():
        if told := _find_harm(folder / name, entry):
            yield name, f"{name} {told}: nothing else has these lines, so put it back from another copy."


def _find_harm(path: Path, entry: FilePrefix) -> str:
    if path.is_symlink() or not path.is_file():
        return "is missing"
    with suppress(OSError):
        found = hash_file(path)
        if found.bytes != entry.bytes:
            return f"has {name_count(found.bytes, 'byte')} where {MANIFEST} has {entry.bytes:,}"
        return f"does not have the sha256 that {MANIFEST} tells" if found.sha256 != entry.sha256 else ""
    return "cannot be read"
