"""Proving an archive by its manifest alone: a published copy, a backup, a copy made during a harvest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from harvester.archive.checkpoint.state import Length
from harvester.archive.disk.layout import (
    CHANGES,
    DATA,
    MANIFEST,
    PHOTOS,
    STATE,
    WITHDRAWN,
    check_entries,
    check_files,
    list_part_files,
    refuse_other,
)
from harvester.archive.manifest import FilePrefix, Manifest, read_manifest
from harvester.archive.parts.part import Part, measure_lines
from harvester.archive.put_away import find_harmed
from harvester.errors import UsageError
from harvester.text.words import name_count
from harvester.verify.lines import Ids, Reader
from harvester.verify.proof import Proof
from harvester.verify.published import find_in_copy

MOST = 100
"""Findings told of; a file that is damaged throughout needs no longer list."""


@dataclass(slots=True)
class FileCheck:
    """The check of a file against what is known of it.

    `source` names what tells the `length`. Where the file `may_grow`, a harvest adds to it, or was cut short: what lies
    behind that length is no damage. `beginning` is the sha256 that the manifest tells.
    """

    path: Path
    length: Length
    source: str
    beginning: FilePrefix | None = None
    may_grow: bool = False
    proof: Proof = field(default_factory=Proof)
    lines: int = 0
    """Lines that were read."""

    def find(self, ids: Ids | None = None, *, behind: int = 0) -> Iterator[str]:
        """One sentence for each thing that is wrong. `ids` are those of files before, the last of so many lines."""
        name = self.path.name
        if not self.path.exists():
            yield f"{name} is missing."
            return
        with ids or Ids() as known:
            known.begin(name, behind=behind)
            end = self.length.bytes if self.may_grow else None
            reader = Reader(self.path, ids=known, end=end, beginning=self.beginning, on_read=self.proof.read)
            yield from reader.read()
        self.lines = reader.lines
        if reader.bytes != self.length.bytes:
            yield f"{name}: {name_count(reader.bytes, 'byte')} where {self.source} has {self.length.bytes:,}."
        if reader.lines != self.length.lines:
            yield f"{name}: {name_count(reader.lines, 'line')} where {self.source} has {self.length.lines:,}."
        if reader.is_as_known is False and self.beginning is not None:
            what = "its" if self.beginning.bytes >= reader.size else f"of its first {self.beginning.bytes:,} bytes the"
            yield f"{name}: {what} sha256 is not that of {MANIFEST}: the file was changed."
        if self.may_grow and reader.size > self.length.bytes:
            more = reader.size - self.length.bytes
            self.proof.notes.append(
                f"{name}: {name_count(more, 'byte')} behind the {self.length.bytes:,} that {self.source} counts."
            )


def find_in_parts(parts: Sequence[tuple[Path, Part]], tail: FileCheck) -> Iterator[str]:
    """One sentence for each thing that is wrong with the photos: in the closed parts, then behind them."""
    ids, behind = Ids(), 0
    for path, part in parts:
        ids.begin(part.name, behind=behind)
        yield from Reader(path, ids=ids, part=part, on_read=tail.proof.read).read()
        behind = part.lines
    yield from tail.find(ids, behind=behind)


def find_unknown_parts(folder: Path, parts: Sequence[Part], source: str) -> Iterator[str]:
    """A sentence for each file that is called as a part and is none."""
    known = {part.name for part in parts}
    for path in list_part_files(folder):
        if path.name not in known:
            yield f"{path.name} is no part by {source}."


def limit(found: Iterator[str]) -> list[str]:
    """The first of the findings."""
    findings = list(islice(found, MOST))
    return findings if next(found, None) is None else [*findings, f"and more: {MOST} are shown."]


def check_by_manifest(folder: Path, proof: Proof) -> Iterator[str]:
    """One sentence for each thing that is wrong with an archive without checkpoint. UsageError where there is none."""
    check_entries(folder)
    check_files(folder)
    manifest, is_there = read_manifest(folder), (folder / STATE).exists()
    if manifest is None:
        yield _tell_lost(folder)
        return
    proof.notes.append(f"Checked by {MANIFEST} alone: there is no {STATE}{' with anything in it' * is_there}.")
    proof.notes += [*tell_doubted(manifest.doubted), *tell_withdrawn(len(manifest.withdrawn))]
    damages = limit(find_in_copy(folder, manifest) if manifest.objects else _find(folder, manifest, proof))
    if is_there:
        damages.append(f"{STATE} is empty.")
    yield from damages
    if damages and not manifest.objects:
        yield f"`harvester repair {folder}` keeps every good line, and `harvester resume` then fetches what was lost."
    yield from _tell_end(folder, manifest, is_damaged=bool(damages))


def find_put_away(folder: Path, manifest: Manifest, notes: list[str]) -> Iterator[str]:
    """One sentence for each file in `updates/` and `history/` that is not as it was written.

    Where a repair has found that before, it is a note: nothing repairs it but another copy.
    """
    for name, told in find_harmed(folder, manifest.put_away):
        if manifest.put_away[name].harmed:
            notes.append(told)
        else:
            yield told


def tell_doubted(doubted: Mapping[str, int]) -> list[str]:
    """A sentence for each file of which a repair could not tell the changed lines from the others."""
    return [
        f"{name}: one at least of {name_count(lines, 'line')} was changed before the archive was repaired, "
        "and nothing tells which."
        for name, lines in doubted.items()
    ]


def tell_withdrawn(count: int) -> list[str]:
    """A sentence on the photos that were taken down; none where none was."""
    return [f"{name_count(count, 'photo')} withdrawn, by {WITHDRAWN}."] if count else []


def _find(folder: Path, manifest: Manifest, proof: Proof) -> Iterator[str]:
    proof.expect(sum(entry.bytes for entry in manifest.files.values()) + measure_lines(manifest.parts))
    for name, entry in manifest.files.items():
        length = Length(entry.bytes, entry.lines)
        check = FileCheck(
            folder / name, length, MANIFEST, beginning=entry.beginning, may_grow=not manifest.is_ended, proof=proof
        )
        parts = [(folder / part.name, part) for part in manifest.parts] if name == PHOTOS else []
        yield from find_in_parts(parts, check) if parts else check.find()
        lines = manifest.count_photos() if name == PHOTOS else entry.lines
        counted = manifest.counts.get(name.removesuffix(".ndjson"), lines)
        if manifest.status == "complete" and name != CHANGES and counted != lines:
            yield f"{MANIFEST} counts {counted} in {name} and says that it has {lines} lines."
    yield from find_unknown_parts(folder, manifest.parts, MANIFEST)
    yield from find_put_away(folder, manifest, proof.notes)


def _tell_end(folder: Path, manifest: Manifest, *, is_damaged: bool) -> Iterator[str]:
    """What keeps the archive from being complete, by its manifest."""
    failed = manifest.counts.get("failed") or 0
    told = {
        "unfinished": f"The harvest was under way when {MANIFEST} was written ({manifest.updated})",
        "stopped": "The harvest was stopped before its end",
        "incomplete": "The harvest ended incomplete" + (f", and {failed} could not be had" if failed else ""),
    }
    if manifest.status in told:
        sound = "" if is_damaged else "; what it counts is sound"
        go_on = f"`harvester repair {folder}` and `harvester resume {folder}` complete it."
        yield f"{told[manifest.status]}{sound}: {go_on}"


def _tell_lost(folder: Path) -> str:
    """The sentence for a folder in which nothing tells what its files should be. UsageError where it is no archive."""
    has_manifest = (folder / MANIFEST).exists()
    has_lines = any(_has_size(folder / name) for name in DATA) or any(map(_has_size, list_part_files(folder)))
    if not has_manifest and not has_lines:
        if (folder / STATE).exists():
            raise UsageError(f"{folder} remembers no job: it was never begun.")
        refuse_other(folder)
        raise UsageError(f"{folder} is no archive: it has no {STATE} and no {MANIFEST}.")
    told = f"{MANIFEST} is {'damaged' if has_manifest else 'missing'}, and there is no {STATE}"
    if has_lines:
        return f"{told}: `harvester repair {folder}` keeps every good line and makes both anew."
    return f"{told}, and no line of any photo is left: harvest it anew into another folder."


def _has_size(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
