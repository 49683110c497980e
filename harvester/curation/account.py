"""Describes an archive that is handed over: what was asked, when, and how complete it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import MANIFEST, STATE, check_entries, check_files
from harvester.archive.gaps import find_gaps
from harvester.archive.manifest import Manifest, read_manifest
from harvester.archive.parts.part import Part
from harvester.archive.remembered import restore_job
from harvester.errors import CannotWrite, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAccount:
    """An archive at rest. `gaps` are sentences on what it lacks; there are none where it is complete."""

    manifest: Manifest
    lengths: Mapping[str, int]
    """Bytes of each file that count."""
    gaps: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    """The closed parts of the photos."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.gaps and self.manifest.status == "complete"

    @property
    def subject(self) -> str:
        """What was asked, in a few words: `search (tags monkey, chimp)`."""
        job = self.manifest.job or {}
        return f"{job.get('source', 'photos')}{_tell_arguments(job)}"


def read_account(folder: Path) -> ArchiveAccount:
    """Read what an archive says of itself; UsageError where it is none, or where files are on their way."""
    has_checkpoint = (folder / STATE).is_symlink() or (folder / STATE).exists()
    if has_checkpoint:
        with open_archive_to_read(folder) as state:
            return _read_both(folder, state)
    check_entries(folder)
    check_files(folder)
    manifest = _require_manifest(folder)
    gaps = () if manifest.status == "complete" else (f"The harvest is {manifest.status}.",)
    lengths = {name: entry.bytes for name, entry in manifest.files.items()}
    told, parts = _tell_doubts(manifest), tuple(manifest.parts)
    return ArchiveAccount(manifest=manifest, lengths=lengths, gaps=(*gaps, *told), parts=parts)


def _read_both(folder: Path, state: State) -> ArchiveAccount:
    known = state.facts
    if known.stream:
        raise UsageError(f"{folder} keeps track of records sent to standard output: there are no files to hand over.")
    if known.pending_merge is not None or known.repair is not None:
        raise UsageError(f"Files of {folder} are on their way to their places: `harvester resume {folder}` first.")
    manifest = _require_manifest(folder)
    source = restore_job(state, where=folder).source if state.is_begun() else None
    gaps = [gap.sentence for gap in find_gaps(folder, state, source, manifest)]
    lengths = {name: length.bytes for name, length in state.files().items()}
    told, parts = _tell_doubts(manifest), tuple(state.parts())
    if manifest.is_ended and manifest.parts != list(parts):
        raise CannotWrite(f"{folder / MANIFEST} tells of other parts than the checkpoint: `harvester resume {folder}`.")
    return ArchiveAccount(manifest=manifest, lengths=lengths, gaps=(*gaps, *told), parts=parts)


def _require_manifest(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    if manifest is None and not folder.is_dir():
        raise UsageError(f"{folder} is no archive: there is no such folder.")
    if manifest is None:
        raise CannotWrite(f"{folder / MANIFEST} is missing or damaged: `harvester repair {folder}` writes it anew.")
    return manifest


def _tell_doubts(manifest: Manifest) -> Iterator[str]:
    for name, lines in manifest.doubted.items():
        yield f"{name}: one at least of {lines:,} lines was changed, and nothing tells which."
    for name in sorted(name for name, entry in manifest.put_away.items() if entry.harmed):
        yield f"{name} is not as it was written."


def _tell_arguments(job: Mapping[str, Any]) -> str:
    told = [
        f"{name} {_word(value)}" for name, value in job.items() if name not in ("source", "detail", "sizes", "with")
    ]
    return f" ({'; '.join(told)})" if told else ""


def _word(value: object) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    return orjson.dumps(value).decode()
