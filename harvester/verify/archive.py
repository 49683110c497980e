"""The proof that an archive is whole: every line read, every count compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harvester.archive.checkpoint.checkup import check_checkpoint
from harvester.archive.checkpoint.read_only import locate, open_archive_to_read
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.checkpoint.withdrawn import count_withdrawn
from harvester.archive.disk.holder import Holder
from harvester.archive.disk.layout import PHOTOS, STATE
from harvester.archive.disk.lock import find_holder
from harvester.archive.folder import MANIFEST, tell_forgotten
from harvester.archive.gaps import find_gaps
from harvester.archive.manifest import Manifest, read_manifest
from harvester.archive.parts.part import Part, measure_lines
from harvester.archive.remembered import restore_job
from harvester.errors import StopRun
from harvester.progress.meter import Tell, ignore
from harvester.text.words import name_count
from harvester.verify.manifest import (
    FileCheck,
    check_by_manifest,
    find_in_parts,
    find_put_away,
    find_unknown_parts,
    limit,
    tell_doubted,
    tell_withdrawn,
)
from harvester.verify.proof import Proof
from harvester.verify.verdict import Verdict

__all__ = ["Verdict", "prove_archive", "verify_archive"]
_READINGS = 3
"""Readings of an archive whose files change their places meanwhile."""
_STREAM = "Records go to standard output, so there is no file to verify."


def verify_archive(folder: Path) -> list[str]:
    """One sentence for each thing that is wrong, with file, line and byte; none where the archive is whole."""
    return list(prove_archive(folder).findings)


def prove_archive(folder: Path, tell: Tell = ignore) -> Verdict:
    """Read an archive through; by its manifest alone where it has no checkpoint. Nothing in it is changed.

    `tell` hears how far it is.
    """
    holder, proof = find_holder(folder), Proof(tell)
    if _has_checkpoint(folder):
        findings = limit(_prove(folder, holder, proof))
        return Verdict(folder=folder, findings=tuple(findings), notes=tuple(proof.notes), holder=holder)
    if holder is not None:
        return Verdict(folder=folder, findings=(f"{holder.sentence} There is nothing to be read yet.",), holder=holder)
    findings = [*check_by_manifest(folder, proof)]
    return Verdict(folder=folder, findings=tuple(findings), notes=tuple(proof.notes), checked_by="manifest")


def _has_checkpoint(folder: Path) -> bool:
    """Whether there is one, sound or not. A link in its place is told of by those who open it."""
    path = folder / STATE
    return path.is_symlink() or path.is_dir() or (path.is_file() and path.stat().st_size > 0)


def _prove(folder: Path, holder: Holder | None, proof: Proof) -> Iterator[str]:
    with open_archive_to_read(folder) as state:
        if holder is None:
            yield from _find(folder, state, proof)
        elif not state.is_begun():
            yield f"{holder.sentence} There is nothing to be read yet."
        else:
            yield from _find_beside(folder, state, holder, proof)


def _find_beside(folder: Path, state: State, holder: Holder, proof: Proof) -> Iterator[str]:
    """What is wrong with an archive in which a process is at work; what that will still do is no damage.

    Where files have changed their places meanwhile, they are read again.
    """
    if state.facts.stream:
        yield f"{holder.sentence} {_STREAM}"
        return
    damages: list[str] = []
    for _ in range(_READINGS):
        before, proof.notes = _find_moves(state), []
        damages = limit(_find_damage(folder, state, is_running=True, proof=proof))
        if _find_moves(state) == before:
            break
    yield from damages
    if state.facts.finished:
        proof.notes.append(holder.sentence)
    else:
        yield f"{holder.sentence} The harvest is not finished yet."


def _find_moves(state: State) -> tuple[object, ...]:
    return state.facts.pending_merge, state.facts.repair, state.facts.merged_update, state.facts.last_part


def _find(folder: Path, state: State, proof: Proof) -> Iterator[str]:
    if damages := [*check_checkpoint(state)] or [*_check_job(folder, state)]:
        yield from damages
        return
    if state.facts.stream:
        yield f"{folder}: {_STREAM}"
        return
    if state.facts.pending_merge is not None:
        yield f"An update is being put in place: harvester resume {folder} ends that, without a call."
    if state.facts.repair is not None:
        yield f"A repair is being put in place: harvester resume {folder} ends that first."
    proof.notes += tell_doubted(state.facts.doubted or {})
    yield from _find_damage(folder, state, is_running=False, proof=proof)
    source = restore_job(state, where=folder).source if state.is_begun() else None
    yield from (gap.sentence for gap in find_gaps(folder, state, source, read_manifest(folder)))


def _find_damage(folder: Path, state: State, *, is_running: bool, proof: Proof) -> Iterator[str]:
    manifest = read_manifest(folder)
    if manifest is None and not is_running:
        yield f"{MANIFEST} is missing or damaged; resume to have it written anew."
    parts, moved = state.parts(), _list_moved(state, manifest)
    lengths = {PHOTOS: state.length(PHOTOS), **state.files()}
    proof.expect(_measure(lengths.values(), parts))
    for name, committed in lengths.items():
        told = manifest if name not in moved else None
        may_grow = is_running or not (manifest.is_ended if manifest else state.facts.finished)
        held = [(locate(folder, state, part.name), part) for part in parts] if name == PHOTOS else []
        path = locate(folder, state, name)
        yield from _check_file(path, committed, told, may_grow=may_grow, proof=proof, parts=held)
    if not is_running and not _is_moving(state):
        yield from _find_strange_parts(folder, parts, manifest)
        yield from filter(None, (tell_forgotten(folder, state),))
    proof.notes += tell_withdrawn(count_withdrawn(state))
    if manifest is not None:
        yield from find_put_away(folder, manifest, proof.notes)


def _measure(lengths: Iterable[Length], parts: Sequence[Part]) -> int:
    """Bytes of all lines."""
    return sum(length.bytes for length in lengths) + measure_lines(parts)


def _is_moving(state: State) -> bool:
    return state.facts.pending_merge is not None or state.facts.repair is not None


def _list_moved(state: State, manifest: Manifest | None) -> list[str]:
    """The files that the manifest does not speak of any more."""
    known = state.facts.pending_merge or state.facts.repair
    moved = [*(known["files"] if known else ())]
    return moved if manifest is not None and manifest.parts == state.parts() else [*moved, PHOTOS]


def _find_strange_parts(folder: Path, parts: Sequence[Part], manifest: Manifest | None) -> Iterator[str]:
    if manifest is not None and manifest.is_ended and manifest.parts != parts:
        yield f"{MANIFEST} does not tell of the same parts as the checkpoint; resume to have it written anew."
    yield from find_unknown_parts(folder, parts, "the checkpoint")


def _check_file(
    path: Path,
    committed: Length,
    manifest: Manifest | None,
    *,
    may_grow: bool,
    proof: Proof,
    parts: Sequence[tuple[Path, Part]] = (),
) -> Iterator[str]:
    entry = manifest.files.get(path.name) if manifest else None
    beginning = entry.beginning if entry else None
    check = FileCheck(path, committed, "the checkpoint", beginning=beginning, may_grow=may_grow, proof=proof)
    yield from find_in_parts(parts, check) if parts else check.find()
    if manifest is None or may_grow or not path.exists():
        return
    if entry is None or entry.lines != check.lines:
        yield f"{MANIFEST}: {name_count(entry.lines if entry else 0, 'line')} where {path.name} has {check.lines:,}."


def _check_job(folder: Path, state: State) -> Iterator[str]:
    try:
        if state.is_begun():
            restore_job(state, where=folder)
    except StopRun as error:
        yield str(error)
