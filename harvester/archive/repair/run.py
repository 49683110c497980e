"""`harvester repair`: scan, rebuild, replace. Until the replacing begins the archive is as it was."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from harvester.archive.checkpoint.state import State
from harvester.archive.disk.files import cannot_write, put_in_place, sync_file, sync_folder
from harvester.archive.disk.layout import (
    CHANGES,
    MANIFEST,
    PHOTOS,
    REPAIR,
    STATE,
    UPDATE,
    check_entries,
    check_files,
    list_part_files,
)
from harvester.archive.disk.lock import FolderLock, lock_folder
from harvester.archive.disk.modes import make_checkpoint_file
from harvester.archive.line_scan import Wanted
from harvester.archive.merge.apply import finish_merge
from harvester.archive.repair.facts import Condition, Facts, read_facts
from harvester.archive.repair.parts import scan_photos
from harvester.archive.repair.rebuild import Rebuilt, count_lost, rebuild
from harvester.archive.repair.scan import Found, open_table, scan_file
from harvester.archive.repair.staged import (
    complete_facts,
    is_hurt,
    is_of_use,
    read_staged_facts,
    read_wanted,
    select_files,
    set_aside,
)
from harvester.archive.repair.write import write_damaged, write_good
from harvester.errors import CannotWrite, UsageError
from harvester.filesystem.folders import make_temporary
from harvester.flickr.listings import LINE_FILES
from harvester.jobs.model import Job

OnFile: TypeAlias = Callable[[str, int], None]
"""ToldFile of each file before it is read: its name and its bytes."""
_TABLE = "scan.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a repair found, and what it did, or with `dry_run` would do.

    `checkpoint` and `manifest` are the conditions in which they were found. `job` is None where what was asked is
    lost: the command that began the archive, given again, takes it up.
    """

    folder: Path
    files: tuple[Found, ...]
    checkpoint: Condition
    manifest: Condition
    job: Job | None
    rebuilt: Rebuilt
    is_needed: bool
    """Whether there was anything to be repaired."""
    is_whole: bool
    """Whether the archive is complete now: nothing is left to be fetched."""
    dry_run: bool
    harmed: tuple[str, ...] = ()
    """A sentence for each file in `updates/` and `history/` that is not as it was written: it stays as it is."""
    staged: Report | None = None
    """What was found of an update that is under way, where it was damaged."""


def repair_archive(folder: Path, *, dry_run: bool = False, on_file: OnFile = lambda *_: None) -> Report:
    """Make an archive whole from whatever is left of it; `resume` then fetches what was lost.

    Killed anywhere, it is run again. UsageError where the folder holds nothing of an archive; CannotWrite where the
    disk refuses, or another process is at work in the archive.
    """
    if not any((folder / name).is_file() for name in (STATE, MANIFEST, *list_files())) and not list_part_files(folder):
        raise UsageError(f"{folder} holds nothing of an archive: no {STATE}, no {MANIFEST} and no {PHOTOS}.")
    check_entries(folder)
    check_files(folder)
    try:
        return _repair_archive(folder, dry_run=dry_run, on_file=on_file)
    except sqlite3.Error as error:
        sentence = f"Cannot make a new checkpoint for {folder}: {error}. Mend that, then run the same command again."
        raise CannotWrite(sentence) from None


def _repair_archive(folder: Path, *, dry_run: bool, on_file: OnFile) -> Report:
    if dry_run:
        with make_temporary() as scratch, make_temporary() as other:
            report = _examine(folder, scratch, dry_run=True, on_file=on_file)
            with State(scratch / STATE) as archive:
                return _add(report, _examine_staged(folder, other, archive, dry_run=True))
    with lock_folder(folder) as lock:
        with _scratch_folder(folder, lock) as scratch_folder:
            report = _examine(folder, scratch_folder, dry_run=False, on_file=on_file)
            if report.is_needed:
                _replace_checkpoint(folder, scratch_folder, lock, keep_old=report.checkpoint == "damaged")
        if not (folder / UPDATE).is_dir():
            return report
        with (
            State(folder / STATE, guard=lock.check) as archive,
            _scratch_folder(folder / UPDATE, lock) as scratch_folder,
        ):
            staged = _examine_staged(folder, scratch_folder, archive, dry_run=False)
            if staged is not None:
                _replace_checkpoint(folder / UPDATE, scratch_folder, lock, keep_old=False)
            return _add(report, staged)


def _add(report: Report, staged: Report | None) -> Report:
    return report if staged is None else replace(report, staged=staged, is_needed=True)


def _replace_checkpoint(folder: Path, scratch: Path, lock: FolderLock, *, keep_old: bool) -> None:
    _put_into_place(folder, scratch, keep_old=keep_old)
    with State(folder / STATE, guard=lock.check) as state:
        finish_merge(folder, state)


def list_files() -> tuple[str, ...]:
    """The names of the files of lines that an archive may have."""
    return (PHOTOS, *(f"{name}.ndjson" for name in LINE_FILES), CHANGES)


@contextmanager
def _scratch_folder(folder: Path, lock: FolderLock) -> Iterator[Path]:
    """A folder within the archive in which all that is new is made.

    What an earlier repair left there is of no use, unless the checkpoint says that it counts.
    """
    scratch = folder / REPAIR
    try:
        if (folder / STATE).is_file():
            _finish_moves(folder, lock)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(exist_ok=True)
        yield scratch
        shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise cannot_write(Path(error.filename or scratch), error) from None


def _finish_moves(folder: Path, lock: FolderLock) -> None:
    """Finish an update or a repair that counts already, where the checkpoint is sound enough to tell."""
    with make_temporary() as place:
        facts = read_facts(folder, place)
    if facts.checkpoint == "sound" and (facts.meta.pending_merge or facts.meta.repair or facts.meta.closing):
        with State(folder / STATE, guard=lock.check) as state:
            finish_merge(folder, state)


def _examine(folder: Path, scratch: Path, *, dry_run: bool, on_file: OnFile) -> Report:
    """Find out what is there, and make what is to take its place."""
    facts = read_facts(folder, scratch)
    make_checkpoint_file(scratch / STATE, private=bool(facts.meta.signed))
    if facts.meta.stream:
        raise UsageError(f"{folder} keeps track of records sent to standard output: it has no files to be repaired.")
    moves = []
    with closing(open_table(scratch / _TABLE)) as table:
        files = _scan(folder, scratch, facts, table=table, wanted=facts.wanted, on_file=on_file)
        if not dry_run:
            moves += _write_good_lines(folder, scratch, files, table=table)
            moves += write_damaged(folder, scratch, table=table)
    if _is_proved(facts, files) and count_lost(facts, scratch / _TABLE):
        facts = facts.without_checkpoint()
    is_damaged = not _is_as_told(facts, files) or not facts.is_harm_known or facts.lacks_seen(scratch / _TABLE)
    facts = facts.settle()
    rebuilt = rebuild(scratch, facts, files, folder=folder, table=scratch / _TABLE, moves=moves)
    return Report(
        folder=folder,
        files=tuple(_list_told(files, rebuilt)),
        checkpoint=facts.checkpoint,
        manifest=facts.manifest,
        job=facts.job,
        rebuilt=rebuilt,
        is_needed=is_damaged or rebuilt.is_left,
        is_whole=facts.was_finished and not rebuilt.is_left,
        dry_run=dry_run,
        harmed=tuple(facts.harmed.values()),
    )


def _write_good_lines(
    folder: Path, scratch: Path, files: Sequence[Found], *, table: sqlite3.Connection
) -> list[tuple[str, str]]:
    """Write the files anew that hold more than good lines; returns their moves."""
    return [write_good(folder, scratch, each, table=table) for each in files if each.kept and not each.stands]


def _list_told(files: Sequence[Found], rebuilt: Rebuilt) -> Iterator[Found]:
    """The files that a report tells: those that are there, and those of which lines were lost."""
    return (each for each in files if each.is_there or each.name == PHOTOS or rebuilt.lists.get(each.name))


def _scan(
    folder: Path, scratch: Path, facts: Facts, *, table: sqlite3.Connection, wanted: Wanted, on_file: OnFile
) -> list[Found]:
    files = []
    with facts.open_sums() as sums:
        for name in list_files():
            size = (folder / name).stat().st_size if (folder / name).is_file() else 0
            on_file(name, size)
            told, place = facts.find_told(name), folder / name
            if name == PHOTOS:
                scan = partial(scan_photos, folder, scratch, facts.parts, told=told if facts.is_one else None)
            else:
                scan = partial(scan_file, place, told=told)
            files.append(scan(table=table, sums=sums, wanted=wanted).compare(facts.digests.get(name)))
    return files


def _examine_staged(folder: Path, scratch: Path, archive: State, *, dry_run: bool) -> Report | None:
    """Find out what is there of an update that is under way; None where there is none, or it is as it should be."""
    staging, moves = folder / UPDATE, []
    facts = read_staged_facts(staging, scratch, archive)
    if not is_of_use(folder, facts, archive):
        return None
    make_checkpoint_file(scratch / STATE, private=bool(archive.facts.signed))
    with closing(open_table(scratch / _TABLE)) as table:
        files = _scan(staging, scratch, facts, table=table, wanted=read_wanted(archive), on_file=lambda *_: None)
        if not is_hurt(facts, files) and not facts.lacks_seen(scratch / _TABLE) and not facts.holds_withdrawn:
            return None
        files = [*select_files(files, facts)]
        if not dry_run:
            moves = _write_good_lines(staging, scratch, files, table=table)
            set_aside(folder, scratch, table=table)
    facts = complete_facts(facts, archive, scratch / _TABLE)
    rebuilt = rebuild(scratch, facts, files, folder=staging, table=scratch / _TABLE, moves=moves)
    return Report(
        folder=staging,
        files=tuple(each for each in files if each.is_there),
        checkpoint=facts.checkpoint,
        manifest=facts.manifest,
        job=facts.job,
        rebuilt=rebuilt,
        is_needed=True,
        is_whole=False,
        dry_run=dry_run,
    )


def _is_proved(facts: Facts, files: list[Found]) -> bool:
    """Whether the file of photos is the very one that the manifest of a complete archive tells of, a current one.

    Photos that the checkpoint knows besides never were: the checkpoint is damaged where SQLite cannot see it.
    """
    photos = next(each for each in files if each.name == PHOTOS)
    is_current = facts.updated[0] <= facts.updated[1]
    is_same = photos.parts == facts.told_parts and facts.digests.get(PHOTOS) == (photos.size, photos.sha256)
    return facts.was_complete and is_current and is_same


def _is_as_told(facts: Facts, files: list[Found]) -> bool:
    """Whether checkpoint, manifest and files are sound and say the same."""
    if facts.checkpoint != "sound" or facts.manifest != "sound" or facts.is_misnumbered or facts.meta.repair:
        return False
    if not _are_sound(facts, files):
        return False
    if facts.read_lengths() != {each.name: (each.size, each.kept) for each in files if each.is_there and each.kept}:
        return False
    return all(each.sha256 == facts.digests.get(each.name, (0, each.sha256))[1] for each in files if each.kept)


def _are_sound(facts: Facts, files: list[Found]) -> bool:
    return all(map(_is_sound, files)) and _is_in_parts_as_told(facts, files) and not facts.holds_withdrawn


def _is_in_parts_as_told(facts: Facts, files: list[Found]) -> bool:
    """Whether checkpoint and manifest tell of the parts that stand, and of no others."""
    photos = next(each for each in files if each.name == PHOTOS)
    return facts.parts == facts.told_parts == photos.parts and not photos.drops


def _is_sound(file: Found) -> bool:
    """Whether each line of a file is good and stands there once, as it was written."""
    return not (file.damaged or file.doubled or file.reshaped) and file.size == file.kept_bytes


def _put_into_place(folder: Path, scratch: Path, *, keep_old: bool) -> None:
    """Put the new checkpoint into its place by one rename; from then on it says what else is to be moved.

    The log of the old checkpoint goes first: SQLite would take it for the new one's. A damaged checkpoint stays in
    the folder under another name.
    """
    if keep_old:
        (folder / STATE).replace(folder / f"{STATE}.damaged")
    for ending in ("-wal", "-shm", "-journal"):
        (folder / f"{STATE}{ending}").unlink(missing_ok=True)
    with (scratch / STATE).open("rb+") as file:
        sync_file(file.fileno(), scratch / STATE)
    put_in_place(scratch / STATE, folder / STATE)
    sync_folder(folder)
