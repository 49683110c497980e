"""The proof that an archive is whole: every line read, every count compared."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from harvester.archive import CHANGES, MANIFEST, UNREAD, is_at_limit
from harvester.checkup import check_checkpoint
from harvester.difference import recall_difference
from harvester.disk.look import locate, look_at
from harvester.engine import restore_job
from harvester.errors import StopRun
from harvester.files import cannot_write
from harvester.sinks import PHOTOS
from harvester.state import Length, State, is_photo_id

MOST = 100
"""Findings told of; a file that is damaged throughout needs no longer list."""


def verify_archive(folder: Path) -> list[str]:
    """One sentence for each thing that is wrong, with file, line and byte; none where the archive is whole."""
    with look_at(folder) as state:
        findings: list[str] = []
        for finding in _find(folder, state):
            findings.append(finding)
            if len(findings) >= MOST:
                return [*findings, f"and more: {MOST} are shown."]
        return findings


def _find(folder: Path, state: State) -> Iterator[str]:
    if damages := [*check_checkpoint(state)] or [*_check_job(folder, state)]:
        yield from damages
        return
    if state.recall("stream"):
        yield f"{folder} keeps track of records sent to standard output: there is no file to verify."
        return
    manifest = _read_manifest(folder / MANIFEST)
    if manifest is None:
        yield f"{MANIFEST} is missing or damaged; resume to have it written anew."
    fold = state.recall("fold")
    if fold is not None:
        yield f"An update is being put in place: harvester resume {folder} ends that, without a call."
    if state.recall("repair") is not None:
        yield f"A repair is being put in place: harvester resume {folder} ends that first."
    for name, vouched in {PHOTOS: state.length(PHOTOS), **state.files()}.items():
        is_told = manifest is not None and not (fold is not None and name in fold["files"])
        entry = manifest.get(name, {}) if manifest is not None and is_told else None
        yield from _check_file(locate(folder, state, name), vouched, entry)
    yield from _check_work(state)


def _check_job(folder: Path, state: State) -> Iterator[str]:
    try:
        if state.is_begun():
            restore_job(state, where=folder)
    except StopRun as error:
        yield str(error)


def _check_file(path: Path, vouched: Length, entry: dict[str, Any] | None) -> Iterator[str]:
    if not path.exists():
        yield f"{path.name} is missing."
        return
    reader = _Reader(path)
    yield from reader.read()
    if reader.bytes != vouched.bytes:
        yield f"{path.name}: {reader.bytes} bytes where the checkpoint has {vouched.bytes}."
    if reader.lines != vouched.lines:
        yield f"{path.name}: {reader.lines} lines where the checkpoint has {vouched.lines}."
    if entry is None:
        return
    if (digest := entry.get("sha256")) and digest != reader.digest.hexdigest():
        yield f"{path.name}: its sha256 is not that of {MANIFEST}: the file was changed."
    if entry.get("lines") != reader.lines:
        yield f"{MANIFEST}: {entry.get('lines')} lines where {path.name} has {reader.lines}."


def _check_work(state: State) -> Iterator[str]:
    if (sweeps := len(state.sweeps())) and not is_at_limit(state):
        yield f"The listing is not finished: {sweeps} stretches are still to be read; resume to go on."
    if lists := len(state.walks()):
        yield f"{lists} lists (sets, galleries, favourites …) are still to be read; resume to go on."
    if todo := state.count_todo():
        yield f"{todo} photos were listed but are not there yet; resume to go on."
    if unfetched := state.count_unfetched(without_line=True):
        yield f"{unfetched} photos that the last update listed are not there yet; update to try again."
    if state.recall(UNREAD):
        yield "Not all ids of the input were read: run the command that names them again."
    for stretch in state.stretches():
        if not stretch.whole:
            yield f"Flickr keeps photos back: {stretch.note}."
    if (difference := recall_difference(state)) and difference.is_wide:
        yield difference.sentence


def _read_manifest(path: Path) -> dict[str, Any] | None:
    """What the manifest says of each file; None where it cannot be read."""
    try:
        files: dict[str, Any] = orjson.loads(path.read_bytes())["files"]
        return {name: dict(entry) for name, entry in files.items()}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None


class _Reader:
    """Reads a file of records through. Ids are compared in a table on disk, so that memory stays flat."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self.bytes = 0
        self.digest = hashlib.sha256()
        self._ids = sqlite3.connect("", isolation_level=None)
        self._ids.execute("PRAGMA cache_size=-8000")
        self._ids.execute("CREATE TABLE id(id PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def read(self) -> Iterator[str]:
        """What is wrong, line by line."""
        self._ids.execute("BEGIN")
        try:
            with self.path.open("rb") as file:
                for line in file:
                    self.lines += 1
                    yield from self._check(line)
                    self.bytes += len(line)
                    self.digest.update(line)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        finally:
            self._ids.close()

    def _check(self, line: bytes) -> Iterator[str]:
        where = f"{self.path.name} line {self.lines}, byte {self.bytes}"
        if not line.endswith(b"\n"):
            yield f"{where}: the line is cut off after {len(line)} bytes."
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield f"{where}: not JSON ({error})."
            return
        record_id = record.get("id") if isinstance(record, dict) else None
        if self.path.name == CHANGES:  # a photo may change again and again
            return
        is_photos = self.path.name == PHOTOS
        if not isinstance(record_id, str) or not record_id or (is_photos and not is_photo_id(record_id)):
            yield f"{where}: no {'photo id' if is_photos else 'id'}."
            return
        key = int(record_id) if is_photos else record_id
        known = self._ids.execute("SELECT line FROM id WHERE id = ?", (key,)).fetchone()
        if known:
            yield f"{where}: {'photo ' if is_photos else ''}{record_id} stands in line {known[0]} already."
        else:
            self._ids.execute("INSERT INTO id VALUES (?, ?)", (key, self.lines))
