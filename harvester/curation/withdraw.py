"""`harvester withdraw`: takes photos out of an archive and leaves a tombstone of each.

All that is new is written beside the archive first. Then one transaction of the checkpoint says that it counts, as a
repair's does, and whoever opens the archive after a kill puts the files into their places. An update under way loses
the same photos before.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.checkpoint.facts import Tombstone
from harvester.archive.checkpoint.moving import Repair
from harvester.archive.checkpoint.read_only import open_archive_to_read, open_to_read
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.checkpoint.withdrawn import find_known, find_withdrawn, join_tombstones, purge, read_tombstones
from harvester.archive.disk.files import cannot_write, sync_folder
from harvester.archive.disk.layout import MANIFEST, NEW, PHOTOS, REPAIR, STATE, UPDATE, require_checkpoint
from harvester.archive.disk.lock import hold_still, lock_folder
from harvester.archive.folder import check_lengths, damaged, open_archive_state, write_errors, write_withdrawn
from harvester.archive.manifest import Manifest, read_manifest
from harvester.archive.merge.apply import finish_merge
from harvester.archive.merge.staging import clear_merged
from harvester.archive.parts.part import Part
from harvester.archive.sinks import recover_lines
from harvester.curation.rewrite import (
    Removed,
    Source,
    find_struck,
    is_list,
    list_sources,
    write_part_without,
    write_without,
)
from harvester.errors import UsageError
from harvester.jobs.values import stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What was taken down, or with `dry_run` would be: lines that go and lines of lists that lose rows, by file."""

    withdrawn: tuple[str, ...]
    again: tuple[str, ...]
    """Photos that had been withdrawn before."""
    unknown: tuple[str, ...]
    """Ids that are not in the archive."""
    files: dict[str, int]
    """Lines that go or change, by file."""
    total: int
    """Photos that are withdrawn from this archive altogether."""


def withdraw(folder: Path, ids: Sequence[str], *, reason: str, now: float, dry_run: bool = False) -> Withdrawal:
    """Take photos down. Killed anywhere, it is run again; the same ids may be given again at any time.

    UsageError where the folder is no archive, or holds none of these photos; CannotWrite where a file is damaged, the
    disk refuses, or a harvester is at work. Until everything is written the archive is as it was.
    """
    wanted = {int(one) for one in ids}
    require_checkpoint(folder)
    if dry_run:
        with hold_still(folder):
            return _foretell(folder, wanted)
    try:
        return _withdraw(folder, wanted, reason=reason, at=stamp(now))
    except OSError as error:
        raise cannot_write(Path(error.filename or folder), error) from None


def _foretell(folder: Path, wanted: set[int]) -> Withdrawal:
    staging = folder / UPDATE
    with open_archive_to_read(folder) as state:
        found, known = _search(folder, state, wanted), set[int]()
        if (staging / STATE).is_file():
            with open_to_read(staging / STATE, locked_at=folder) as staged:
                known = _know(staged, wanted, _search(staging, staged, wanted))
        return _tell(folder, state, wanted, found, known)


def _withdraw(folder: Path, wanted: set[int], *, reason: str, at: str) -> Withdrawal:
    with ExitStack() as stack:
        lock = stack.enter_context(lock_folder(folder))
        state = stack.enter_context(open_archive_state(folder, lock=lock))
        _settle(folder, state)
        clear_merged(folder, state)
        found, known = _search(folder, state, wanted), set[int]()
        staging, staged, found_staged = folder / UPDATE, None, list[tuple[Source, Removed]]()
        if (staging / STATE).is_file():
            staged = stack.enter_context(State(staging / STATE, guard=lock.check))
            _settle(staging, staged)
            found_staged = _search(staging, staged, wanted)
            known = _know(staged, wanted, found_staged)
        told = _tell(folder, state, wanted, found, known)
        taken = wanted - set(map(int, told.unknown))
        if staged is not None:
            shutil.rmtree(folder / NEW, ignore_errors=True)  # an update puts there what it is about to merge
            _replace(staging, staged, taken, found_staged, [])
            _sweep(staged)
        new: list[Tombstone] = [{"id": one, "withdrawn_at": at, "reason": reason} for one in told.withdrawn]
        _replace(folder, state, taken, found, join_tombstones(read_tombstones(state), new))
        write_withdrawn(folder, state)
        write_errors(folder, state)
        _sweep(state)
        return told


def _settle(folder: Path, state: State) -> None:
    """Bring to its end what a kill has left of another command; CannotWrite where lines are missing."""
    finish_merge(folder, state)
    recover_lines(state, folder / PHOTOS)
    check_lengths(folder, state, state.files())


def _search(folder: Path, state: State, ids: Collection[int]) -> list[tuple[Source, Removed]]:
    if state.facts.stream:
        raise UsageError(f"{folder} keeps track of records sent to standard output: it holds no photos.")
    sources = list_sources(folder, state, read_manifest(folder))
    return [(source, struck) for source in sources if (struck := find_struck(folder, source, ids)).ids]


def _know(state: State, wanted: set[int], found: Sequence[tuple[Source, Removed]]) -> set[int]:
    """Those of the photos that a checkpoint knows, or that stand in its files."""
    return find_known(state, wanted).union(*(struck.ids for _, struck in found))


def _tell(
    folder: Path, state: State, wanted: set[int], found: Sequence[tuple[Source, Removed]], also: set[int]
) -> Withdrawal:
    before = find_withdrawn(state)
    known = _know(state, wanted, found) | (before & wanted) | also
    if not known:
        raise UsageError(f"None of these photos is in {folder}: `harvester ids {folder}` lists those that are.")
    return Withdrawal(
        withdrawn=tuple(map(str, sorted(known - before))),
        again=tuple(map(str, sorted(known & before))),
        unknown=tuple(map(str, sorted(wanted - known))),
        files={struck.name: struck.lines for _, struck in found},
        total=len(before | known),
    )


def _replace(
    folder: Path,
    state: State,
    ids: Collection[int],
    found: Sequence[tuple[Source, Removed]],
    tombstones: Sequence[Tombstone],
) -> None:
    """Write what is left of the files, have the checkpoint say that it counts, and put it into place."""
    scratch = folder / REPAIR
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    lengths: dict[str, Length] = {}
    parts: dict[str, Part | None] = {}
    sums: dict[str, list[tuple[str, bytes]]] = {}
    for source, _ in found:
        if source.part is not None:
            parts[source.name] = write_part_without(folder, scratch, source, source.part, ids)
            continue
        lengths[source.name], changed = write_without(folder, scratch, source, ids)
        if is_list(source.name):
            sums[source.name] = [(str(orjson.loads(line)["id"]), line) for line in changed]
    for place in (*filter(Path.is_dir, scratch.iterdir()), scratch, folder):
        sync_folder(place)
    with state.changing(durably=True):
        purge(state, ids, tombstones)
        for source, struck in found:
            if source.length is not None:
                state.commit_length(source.name, lengths[source.name])
            if is_list(source.name):
                _forget_list_lines(state, struck)
                state.note_list_lines(source.name, sums[source.name])
        state.commit_parts(filter(None, (parts.get(part.name, part) for part in state.parts())))
        state.note(replace(state.facts, repair=_describe(folder, state, list(lengths), parts)))
    finish_merge(folder, state)


def _forget_list_lines(state: State, struck: Removed) -> None:
    gone = ((struck.name, str(photo_id)) for photo_id in struck.ids)
    state.connection.executemany("DELETE FROM list_line WHERE file = ? AND id = ?", gone)


def _describe(folder: Path, state: State, names: Sequence[str], parts: Mapping[str, Part | None]) -> Repair:
    """What is still to be done once this counts; what the manifest tells besides the files stays as it was."""
    manifest, facts = _read_facts(folder)
    files = {PHOTOS: state.length(PHOTOS), **state.files()}
    counts = {name.removesuffix(".ndjson"): files[name].lines for name in names if name in files}
    counts[PHOTOS.removesuffix(".ndjson")] = state.count_photos()
    failed = sum(1 for _ in state.failures())
    new = [part.name for part in parts.values() if part is not None]
    return {
        "moves": [(f"{REPAIR}/{name}", name) for name in (*names, *new)],
        "drops": list(parts),
        "files": list(names),
        "cuts": {name: length.bytes for name, length in files.items() if length.bytes or (folder / name).exists()},
        "status": "unfinished" if manifest is None else manifest.status,
        "facts": {**facts, "counts": {**(facts.get("counts") or {}), **counts, "failed": failed}},
    }


def _read_facts(folder: Path) -> tuple[Manifest | None, dict[str, Any]]:
    """The manifest; where the folder is an archive's, CannotWrite without one: its status would be lost."""
    manifest = read_manifest(folder)
    if manifest is None:
        if folder.name != UPDATE:
            raise damaged(folder / MANIFEST, "is missing or is not as it was written")
        return None, {}
    facts = orjson.loads((folder / MANIFEST).read_bytes())
    return manifest, {name: facts[name] for name in ("counts", "last_run") if name in facts}


def _sweep(state: State) -> None:
    """Give back the room of what was deleted, ever: SQLite leaves the text of deleted rows where it was."""
    try:
        state.connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise state.refused(error) from None
    state.settle()
