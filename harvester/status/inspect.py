"""How far an archive is: read beside a running harvest, without a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harvester.archive.call_costs import estimate_seconds
from harvester.archive.checkpoint.read_only import locate, open_archive_to_read
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.checkpoint.withdrawn import count_withdrawn
from harvester.archive.comparison import read_difference
from harvester.archive.disk.holder import Holder
from harvester.archive.disk.layout import STATE, check_entries, check_files
from harvester.archive.disk.lock import find_holder
from harvester.archive.folder import CHANGES, MANIFEST, count_lists
from harvester.archive.gaps import Gap, find_gaps
from harvester.archive.incomplete import IncompleteStretch, read_incomplete
from harvester.archive.manifest import Manifest, read_manifest
from harvester.archive.merge.staging import find_deepening, is_under_way
from harvester.archive.parts.part import Part, measure_lines
from harvester.archive.pieces import find_pieces
from harvester.archive.remaining import count_remaining_calls
from harvester.archive.remembered import is_job_lost, restore_job
from harvester.archive.sinks import PHOTOS
from harvester.config.settings import Settings
from harvester.quota.glance import glance
from harvester.status.report import ArchiveStatus, Report
from harvester.text.words import name_count


def read_status(folder: Path, settings: Settings) -> dict[str, Any]:
    """How an archive stands, as plain JSON in the form of `Report`; see read_report."""
    found: dict[str, Any] = msgspec.to_builtins(read_report(folder, settings))
    return found


def read_report(folder: Path, settings: Settings) -> Report:
    """How an archive stands. UsageError where there is none.

    Nothing is changed there, and no harvest has to wait.
    """
    holder = find_holder(folder)
    known = _read(folder, holder, settings)
    return Report(
        archive=str(folder),
        running_pid=holder.pid if holder else None,
        running_host=holder.host if holder else None,
        running_since=holder.since if holder else None,
        quota_left=_find_quota_left(settings),
        manifest=str(folder / MANIFEST),
        **known,
    )


def _read(folder: Path, holder: Holder | None, settings: Settings) -> Mapping[str, Any]:
    has_checkpoint = (folder / STATE).is_symlink() or ((folder / STATE).exists() and _has_size(folder / STATE))
    manifest = None if has_checkpoint else read_manifest(folder)
    if not has_checkpoint and holder is not None:
        return _describe_nothing(holder)
    if manifest is not None:
        check_entries(folder)
        check_files(folder)
        return _describe_manifest(folder, manifest)
    with open_archive_to_read(folder) as state:
        if holder is not None and not state.is_begun():
            return _describe_nothing(holder)
        return _describe_archive(folder, state, holder, settings)


def _has_size(path: Path) -> bool:
    return path.is_dir() or path.stat().st_size > 0


def _describe_archive(folder: Path, state: State, holder: Holder | None, settings: Settings) -> Mapping[str, Any]:
    job = None if is_job_lost(state) else restore_job(state, where=folder)
    manifest = read_manifest(folder)
    gaps = find_gaps(folder, state, job.source if job else None, manifest)
    status, note = _judge(folder, state, gaps, manifest, holder)
    pieces, todo, lists = find_pieces(folder, state), state.count_todo(), state.walks()
    calls = None if job is None else count_remaining_calls(folder, state, job, wanted=state.facts.wanted_depth)
    has_lists = state.files().keys() - {PHOTOS, CHANGES} or lists
    difference = read_difference(state)
    return {
        "state": status,
        "note": note,
        "job": state.facts.job,
        "begun": state.facts.begun,
        "brought_up_to_date": state.facts.updated,
        "photos": pieces.lines,
        "expected": state.facts.expected,
        "difference": difference.sentence if difference else None,
        "incomplete_stretches": read_incomplete(state),
        "listed": pieces.lines + todo,
        "failed": sum(state.count_failures().values()),
        "withdrawn": count_withdrawn(state),
        "lists": {**count_lists(state), "to_be_read": len(lists)} if has_lists else {},
        "bytes": pieces.plain_bytes,
        "calls_to_go": calls,
        "seconds_to_go": None if calls is None else round(estimate_seconds(calls, settings), 1),
        "read_from": "checkpoint",
    }


def _judge(
    folder: Path, state: State, gaps: list[Gap], manifest: Manifest | None, holder: Holder | None
) -> tuple[ArchiveStatus, str]:
    """The state and its note. What is damaged is told first, then the process that is at work."""
    lengths = {} if state.facts.stream else {**_measure(state.parts()), PHOTOS: state.length(PHOTOS), **state.files()}
    places = {name: locate(folder, state, name) for name in lengths}
    if damage := _find_damage(folder, lengths, places):
        return ArchiveStatus.DAMAGED, damage
    if holder is not None:
        if is_under_way(folder, state) or find_deepening(folder) is not None:
            return ArchiveStatus.UPDATING, f"{holder.sentence} Until the update is through, the archive is as it was."
        return ArchiveStatus.RUNNING, holder.sentence
    if not gaps and manifest is None and lengths:
        return ArchiveStatus.DAMAGED, f"{MANIFEST} is missing or damaged: `harvester resume {folder}` writes it anew."
    return _judge_gaps(gaps), " ".join(_list_notes(folder, state, gaps))


def _judge_gaps(gaps: list[Gap]) -> ArchiveStatus:
    if not gaps:
        return ArchiveStatus.COMPLETE
    return ArchiveStatus.INCOMPLETE if all(gap.was_tried for gap in gaps) else ArchiveStatus.UNFINISHED


def _list_notes(folder: Path, state: State, gaps: list[Gap]) -> list[str]:
    notes = [gap.sentence for gap in gaps[:3]]
    if len(gaps) > len(notes):
        notes.append(f"`harvester verify {folder}` tells {len(gaps) - len(notes)} more.")
    if not gaps and state.sweeps():
        notes.append(f"The limit of {name_count(state.facts.limit or 0, 'photo')} is reached.")
    if state.facts.pending_merge is not None:
        notes.append(f"An update is being put in place: `harvester resume {folder}` ends that, without a call.")
    elif (wanted := state.facts.wanted_depth) is not None:
        notes.append(f"A deepening to {wanted} is not through yet: `harvester resume {folder}` goes on.")
    elif is_under_way(folder, state):
        notes.append(f"An update is not through yet: `harvester update {folder}` goes on.")
    return notes


def _measure(parts: Sequence[Part]) -> dict[str, Length]:
    return {part.name: Length(part.bytes, part.lines) for part in parts}


def _find_damage(folder: Path, lengths: Mapping[str, Length], places: Mapping[str, Path]) -> str:
    """What is wrong with the files, by their lengths alone: a proof takes `verify`."""
    for name, committed in lengths.items():
        try:
            size = places[name].stat().st_size
        except OSError:
            if not committed.bytes:
                continue
            return f"{name} is missing: `harvester repair {folder}` and `harvester resume {folder}` fetch it again."
        if size < committed.bytes:
            cure = f"`harvester repair {folder}` keeps every good line."
            return f"{name} has {size:,} of {committed.bytes:,} bytes: {cure}"
    return ""


def _find_damage_by(folder: Path, lengths: Mapping[str, Length]) -> str:
    return _find_damage(folder, lengths, {name: folder / name for name in lengths})


_NOTHING: Mapping[str, Any] = {
    "job": None,
    "begun": None,
    "brought_up_to_date": None,
    "photos": 0,
    "expected": None,
    "difference": None,
    "incomplete_stretches": [],
    "listed": 0,
    "failed": 0,
    "withdrawn": 0,
    "lists": {},
    "bytes": 0,
    "calls_to_go": None,
    "seconds_to_go": None,
    "read_from": "nothing",
}


def _describe_nothing(holder: Holder) -> Mapping[str, Any]:
    """A harvest that has just begun."""
    return {**_NOTHING, "state": ArchiveStatus.RUNNING, "note": f"{holder.sentence} There is nothing to be read yet."}


def _describe_manifest(folder: Path, manifest: Manifest) -> Mapping[str, Any]:
    """An archive without checkpoint, by its manifest."""
    lengths = {name: Length(entry.bytes, entry.lines) for name, entry in manifest.files.items()}
    damage = _find_damage_by(folder, {**_measure(manifest.parts), **lengths})
    if not damage and (folder / STATE).exists():
        damage = f"{STATE} is empty: `harvester repair {folder}` makes it anew out of the files."
    status = ArchiveStatus(manifest.status if manifest.is_ended else "unfinished")
    cure = f" `harvester repair {folder}` makes one, and `harvester resume {folder}` goes on."
    note = f"By {MANIFEST} alone: there is no {STATE}." + ("" if status == ArchiveStatus.COMPLETE else cure)
    lists = {name.removesuffix(".ndjson"): length.lines for name, length in lengths.items() if name != CHANGES}
    del lists[PHOTOS.removesuffix(".ndjson")]
    photos = manifest.count_photos()
    return {
        **_NOTHING,
        "state": ArchiveStatus.DAMAGED if damage else status,
        "note": damage or note,
        "job": manifest.job,
        "begun": manifest.begun,
        "brought_up_to_date": manifest.brought_up_to_date,
        "photos": photos,
        "listed": photos,
        "expected": manifest.counts.get("reported"),
        "incomplete_stretches": _read_stretches(manifest),
        "failed": manifest.counts.get("failed") or 0,
        "withdrawn": len(manifest.withdrawn),
        "lists": lists,
        "bytes": measure_lines(manifest.parts) + lengths[PHOTOS].bytes,
        "read_from": "manifest",
    }


def _read_stretches(manifest: Manifest) -> list[IncompleteStretch]:
    try:
        return msgspec.convert(manifest.incomplete_stretches, list[IncompleteStretch])
    except msgspec.ValidationError:
        return []


def _find_quota_left(settings: Settings) -> int | None:
    if settings.api_key is None or settings.quota_ledger:  # a server is not asked by who only looks at an archive
        return None
    found = glance(settings.name_account(), settings.quota)
    return None if found is None else found.left
