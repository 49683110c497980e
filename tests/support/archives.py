"""What stands in an archive's files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.merge.history import zstd


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of an archive's file; each must end with its line break and parse alone."""
    data = path.read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [orjson.loads(line) for line in data.splitlines()]


def read_archive(folder: Path) -> dict[str, object]:
    """What an archive's folder holds, by name: bytes of files, and of the checkpoint its tables with all their rows.

    A checkpoint that was opened and left as it was has another count of changes in its header.
    """
    files = [path for path in folder.iterdir() if path.is_file() and path.name != ".lock"]
    return {path.name: dump_tables(path) if path.suffix == ".sqlite" else path.read_bytes() for path in files}


def dump_tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return list(db.iterdump())


def ids_of(folder: Path) -> list[str]:
    return [line["id"] for line in read_lines(folder / "photos.ndjson")]


def changes_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in read_lines(folder / "changes.ndjson"):
        found.setdefault(line["change"], []).append(line)
    return found


def history_of(folder: Path) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for path in sorted((folder / "history").glob("*.zst")):
        with zstd.open(path, "rb") as file:
            lines += [orjson.loads(line) for line in file]
    return lines


def lines_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The lines of an archive's photos, by id; none may be doubled."""
    lines = read_lines(folder / "photos.ndjson")
    found = {line["id"]: line for line in lines}
    assert len(found) == len(lines)
    return found
