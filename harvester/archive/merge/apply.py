"""Merging an update into its archive: at each moment the archive is the old one or the new one.

All that is new is written beside the archive first. Then one transaction of the checkpoint says that it counts from
now on, and where it lies; only then files change their places, each by one rename. Whoever opens the archive after a
crash in between finishes that.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harvester.archive.checkpoint.absorb import absorb
from harvester.archive.checkpoint.comparison import Comparison
from harvester.archive.checkpoint.moving import PendingMerge, Repair
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.checkpoint.withdrawn import count_withdrawn, forget_unshown
from harvester.archive.closing import close_parts, finish_closing
from harvester.archive.disk.files import Appender, cannot_write, put_in_place, remove_files, sync_folder
from harvester.archive.disk.layout import REPAIR
from harvester.archive.disk.modes import make_file
from harvester.archive.folder import CHANGES, STATE, write_errors, write_manifest, write_withdrawn
from harvester.archive.merge.history import History
from harvester.archive.merge.merge import Merge, Merged
from harvester.archive.merge.proof import Proof, read_parts
from harvester.archive.merge.staging import UPDATE, remove_staging
from harvester.archive.parts.part import sum_lines
from harvester.archive.sinks import PHOTOS


def finish_merge(folder: Path, archive: State) -> None:
    """Finish a fold that counts already, and a closing of parts. The archive must be locked."""
    finish_closing(folder, archive)
    if (moving := archive.facts.pending_merge) is not None:
        _finish(folder, archive, moving)
        remove_staging(folder)
    if (repaired := archive.facts.repair) is not None:
        _finish(folder, archive, repaired, cuts=repaired["cuts"])
        shutil.rmtree(folder / REPAIR, ignore_errors=True)


def _finish(
    folder: Path, archive: State, known: PendingMerge | Repair, *, cuts: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Move the new files to their places, and say what the archive is now. Each step may be done again."""
    try:
        for source, target in known["moves"]:
            if (folder / source).exists():
                _make_folder((folder / target).parent)
                put_in_place(folder / source, folder / target)
                sync_folder((folder / target).parent)
        sync_folder(folder)
    except OSError as error:
        raise cannot_write(Path(error.filename or folder), error) from None
    remove_files(folder / name for name in known.get("drops", ()))
    for file in cuts:  # a part may have been closed since
        Appender(folder / file, length=archive.length(file).bytes).close()
    close_parts(folder, archive)
    if count_withdrawn(archive):
        write_withdrawn(folder, archive)
        write_errors(folder, archive)
    write_manifest(folder, archive, status=known["status"], facts=known["facts"], renewed=known["files"])
    with archive.changing(durably=True):  # or a later update's files would be taken for this one's
        archive.note(replace(archive.facts, pending_merge=None, repair=None))


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir()
        sync_folder(folder.parent)


def merge_update(
    folder: Path,
    archive: State,
    state: State,
    *,
    status: str,
    keep_unlisted: bool,
    calls: int,
    is_stopped: Callable[[], bool] = lambda: False,
    merge_type: type[Merge] = Merge,
    take_over: Callable[..., None] = absorb,
    counts: Mapping[str, Any] = MappingProxyType({}),
) -> Merged:
    """Merge a whole update, whose checkpoint is `state`, into its archive.

    A deepening is merged too: by a `merge_type` of its own, a `take_over` in place of `absorb`, and `counts` for the
    manifest that go before those of `state`.

    Stopped, once `is_stopped` says that the run is to end, leaves the archive as it was. So does CannotWrite until the
    checkpoint says that the update counts; behind that the archive is the new one, and whoever opens it finishes.
    What is left of the update's folder is to be removed when its checkpoint is closed.

    Photos that no longer match leave the archive, unless `keep_unlisted`; those that are gone always do. Their lines
    are kept in the history.
    """
    merge, moves = _write_beside(
        folder, archive, state, keep_unlisted=keep_unlisted, is_stopped=is_stopped, merge_type=merge_type
    )
    own = {"reported": state.facts.expected, "failed": sum(1 for _ in state.failures())}
    moving: PendingMerge = {
        "update": state.facts.update,
        "time": str(state.facts.update_begun),
        "files": merge.files,
        "kept": merge.kept,
        "parts": merge.parts,
        "drops": merge.drops,
        "moves": moves,
        "status": status,
        "facts": {
            "counts": {**_count_lines(archive, merge), **own, **counts},
            "last_run": {"update": merge.merged.counts, "lists": merge.merged.lists, "calls": calls},
        },
    }
    if isinstance(state, Comparison):
        forget_unshown(archive, state)
    take_over(archive, folder / UPDATE / STATE, keep_unlisted=keep_unlisted, merge=moving)
    _finish(folder, archive, moving)
    return merge.merged


def _write_beside(
    folder: Path,
    archive: State,
    state: State,
    *,
    keep_unlisted: bool,
    is_stopped: Callable[[], bool],
    merge_type: type[Merge],
) -> tuple[Merge, list[tuple[str, str]]]:
    """Write all that is new into the update's folder. Which files are to be moved from there, and where to."""
    new = folder / UPDATE / "new"
    shutil.rmtree(new, ignore_errors=True)
    began = str(state.facts.update_begun)
    name = _find_name(folder, began.replace(":", "-"))
    try:
        new.mkdir(exist_ok=True)
        with (
            _copy_changes(folder, new, length=archive.length(CHANGES).bytes) as changes,
            History(new / "history.ndjson.zst") as history,
        ):
            merge = merge_type(
                folder,
                new,
                archive=archive,
                state=state,
                changes=changes,
                history=history,
                began=began,
                is_stopped=is_stopped,
            )
            moves = merge.photos(keep_unlisted=keep_unlisted) + merge.lists()
        moves.append((f"{UPDATE}/new/{CHANGES}", CHANGES))
        if history.lines:
            moves.append((f"{UPDATE}/new/history.ndjson.zst", f"history/{name}.ndjson.zst"))
        if state.length(PHOTOS).lines:
            moves.append((f"{UPDATE}/{PHOTOS}", f"updates/{name}.ndjson"))
        for changed in (new, folder / UPDATE, folder):
            sync_folder(changed)
    except OSError as error:
        raise cannot_write(folder / UPDATE, error) from None
    return merge, moves


def _count_lines(archive: State, merge: Merge) -> dict[str, int]:
    """How many lines each list of the archive has, once the merge counts."""
    lengths = {**archive.files(), **{n: Length(*known) for n, known in merge.files.items()}}
    lines = {n.removesuffix(".ndjson"): length.lines for n, length in lengths.items() if n != CHANGES}
    if merge.parts:  # a job without photos has no count of their lines
        lines[PHOTOS.removesuffix(".ndjson")] += sum_lines(merge.parts)
    return lines


def _copy_changes(folder: Path, new: Path, *, length: int) -> Appender:
    """What has changed so far, to be added to: the archive's own file stays as it is until the merge counts."""
    if length:
        proof = Proof(folder / CHANGES, length)
        make_file(new / CHANGES)
        with (folder / CHANGES).open("rb") as old, (new / CHANGES).open("wb") as copy:
            copy.writelines(proof.read(read_parts(old, length)))
        proof.check()
    return Appender(new / CHANGES, length=length)


def _find_name(folder: Path, wanted: str) -> str:
    """A name that no earlier update has, and behind theirs: two may begin in one second."""
    name, n = wanted, 1
    while (folder / "updates" / f"{name}.ndjson").exists() or (folder / "history" / f"{name}.ndjson.zst").exists():
        n += 1
        name = f"{wanted}_{n}"
    return name
