"""An archive's folder: who may write it, what it holds, and the manifest that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from msgspec import to_builtins

from harvester.about import __version__
from harvester.archive.blocks import Blocks
from harvester.archive.checkpoint.facts import describe_kept, describe_told
from harvester.archive.checkpoint.read_only import locate
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.checkpoint.withdrawn import count_withdrawn, join_tombstones, read_tombstones
from harvester.archive.disk.files import cannot_write, damaged, write_lines, write_whole
from harvester.archive.disk.layout import CHANGES, ERRORS, MANIFEST, PHOTOS, STATE, WITHDRAWN, require_checkpoint
from harvester.archive.disk.lock import FolderLock, lock_folder
from harvester.archive.manifest import (
    ENDED,
    FORMAT,
    FORMAT_IN_PARTS,
    FileEntry,
    FilePrefix,
    Manifest,
    encode_manifest,
    read_manifest,
)
from harvester.archive.parts.part import Part, list_names
from harvester.archive.put_away import describe_put_away
from harvester.errors import CannotWrite
from harvester.jobs.values import stamp
from harvester.listing.sweep import Stretch
from harvester.text.words import name_count

__all__ = [
    "CHANGES",
    "ERRORS",
    "MANIFEST",
    "STATE",
    "check_lengths",
    "check_withdrawn",
    "count_lists",
    "damaged",
    "is_at_limit",
    "is_told_complete",
    "lock_folder",
    "merge_stretches",
    "open_archive_state",
    "read_withdrawn",
    "tell_forgotten",
    "write_errors",
    "write_manifest",
    "write_withdrawn",
]
_CHUNK = 1 << 20


def open_archive_state(folder: Path, *, lock: FolderLock) -> State:
    """The checkpoint of an existing archive, which must be locked; UsageError where there is none."""
    require_checkpoint(folder)
    state = State(folder / STATE, guard=lock.check)
    try:
        check_withdrawn(folder, state)
    except BaseException:
        state.close()
        raise
    return state


def count_lists(state: State) -> dict[str, int]:
    """Lines of each file beside the photos, by name: sets, collections and so on."""
    files = state.files().items()
    return {name.removesuffix(".ndjson"): length.lines for name, length in files if name not in (PHOTOS, CHANGES)}


def check_lengths(folder: Path, state: State, names: Iterable[str]) -> None:
    """CannotWrite where a file is shorter than the checkpoint has it: nothing can be built upon it."""
    for name in names:
        path, committed = folder / name, state.length(name).bytes
        size = path.stat().st_size if path.exists() else 0
        if size < committed:
            raise damaged(path, f"has {name_count(size, 'byte')} where the checkpoint has {committed:,}")


def is_at_limit(state: State) -> bool:
    """Whether the archive holds as many photos as its last run was to bring."""
    limit = state.facts.limit
    return limit is not None and state.count_photos() + count_withdrawn(state) >= limit


def merge_stretches(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Neighbouring stretches without a note as one, newest first."""
    merged: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda s: (-s.until, s.reads)):
        last = merged[-1] if merged else None
        if (
            last
            and not last.note
            and not stretch.note
            and last.since <= stretch.until + 1
            and last.reads == stretch.reads
        ):
            merged[-1] = replace(
                last,
                since=min(stretch.since, last.since),
                reported=_sum(last.reported, stretch.reported),
                found=last.found + stretch.found,
            )
        else:
            merged.append(stretch)
    return merged


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def write_manifest(
    folder: Path,
    state: State,
    *,
    status: str,
    facts: Mapping[str, Any],
    renewed: Collection[str] = (),
    begins: Mapping[str, FilePrefix] | None = None,
) -> None:
    """Say what the archive is: what was asked, when, by which version, what came of it, what covers what.

    Files that are `renewed` are not those that the last manifest speaks of. Where the harvest has not ended, files
    are not read through: of those that grow, `begins` holds the sha256 of their beginnings, as far as it is known.
    """
    told = state.facts
    files = {PHOTOS: state.length(PHOTOS), **state.files()}
    before, begins = read_manifest(folder), begins or {}
    parts = state.parts()
    known = _find_known(before, parts, renewed)
    is_ended = status in ENDED
    entries = {
        name: _describe_file(
            locate(folder, state, name), length, known.get(name), begins=begins.get(name), is_ended=is_ended
        )
        for name, length in files.items()
    }
    manifest = {
        "format": FORMAT_IN_PARTS if parts else FORMAT,
        "harvester": __version__,
        "status": status,
        "job": told.job,
        "signed": bool(told.signed),
        **({"unescape": True} if told.unescape else {}),
        **({"login": told.login} if told.login else {}),
        "begun": told.begun,
        **({"brought_up_to_date": told.updated} if told.updated else {}),
        "horizon": None if told.horizon is None else stamp(told.horizon),
        "updated": stamp(datetime.now(UTC).timestamp()),
        **facts,
        **describe_told(told),
        "facts": describe_kept(told),
        "files": entries,
        **({"parts": to_builtins(parts)} if parts else {}),
        **_describe_put_away(folder, state, before, renewed=renewed, is_ended=is_ended),
        "coverage": [_describe_stretch(s) for s in merge_stretches(state.stretches())],
    }
    write_whole(folder / MANIFEST, encode_manifest(manifest))


def _find_known(before: Manifest | None, parts: Sequence[Part], renewed: Collection[str]) -> dict[str, FileEntry]:
    """What the last manifest tells of files that are still those; of PHOTOS nothing once a part was closed."""
    if before is None:
        return {}
    if list_names(before.parts) != list_names(parts):
        renewed = (*renewed, PHOTOS)
    return {name: entry for name, entry in before.files.items() if name not in renewed}


def _describe_stretch(stretch: Stretch) -> dict[str, Any]:
    told = {**asdict(stretch), "since": stamp(stretch.since), "until": stamp(stretch.until)}
    narrow = dict(told.pop("narrow"))
    return {**told, "narrow": narrow} if narrow else told


def _describe_put_away(
    folder: Path, state: State, before: Manifest | None, *, renewed: Collection[str], is_ended: bool
) -> dict[str, Any]:
    known = {name: entry for name, entry in before.put_away.items() if name not in renewed} if before else {}
    harmed = state.facts.harmed or ()
    try:
        entries = describe_put_away(folder, known, harmed=harmed, is_ended=is_ended)
    except OSError as error:
        raise cannot_write(Path(error.filename or folder), error) from None
    return {"put_away": entries} if entries else {}


def _describe_file(
    path: Path, length: Length, known: FileEntry | None, *, begins: FilePrefix | None, is_ended: bool
) -> dict[str, Any]:
    told: dict[str, Any] = {"bytes": length.bytes, "lines": length.lines}
    beginning = known.beginning if known else None
    if beginning is not None and beginning.bytes == length.bytes:
        return {**told, **beginning.describe()}
    if is_ended:
        return {**told, **_digest(path, length.bytes, beginning).describe()}
    longest = max(filter(None, (beginning, begins)), key=lambda b: b.bytes, default=None)
    if longest is None or not 0 < longest.bytes <= length.bytes:
        return told
    return {**told, "begins": longest.describe()}


def is_told_complete(folder: Path) -> bool:
    """Whether a sound manifest says that the archive is complete: it is written last, and may be lost."""
    manifest = read_manifest(folder)
    return manifest is not None and manifest.status == "complete"


def is_told_in_parts(folder: Path, state: State) -> bool:
    """Whether a sound manifest tells of the same closed parts as the checkpoint."""
    manifest = read_manifest(folder)
    return manifest is not None and manifest.parts == state.parts()


def known_digests(folder: Path) -> dict[tuple[str, int], str]:
    """What the last manifest says of files of a size: hashing anew would bless a file that was changed since."""
    try:
        entries = orjson.loads((folder / MANIFEST).read_bytes())["files"]
        return {(name, entry["bytes"]): entry["sha256"] for name, entry in entries.items() if "sha256" in entry}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return {}


def _digest(path: Path, size: int, beginning: FilePrefix | None) -> FilePrefix:
    """What a file begins with, up to its committed length. An error has left what lies behind that.

    CannotWrite where it no longer begins with what the last manifest tells.
    """
    digest, blocks, place = hashlib.sha256(), Blocks(), 0
    try:
        with path.open("rb") as file:
            for end in (beginning.bytes if beginning else 0, size):
                while place < end and (part := file.read(min(end - place, _CHUNK))):
                    digest.update(part)
                    blocks.feed(part)
                    place += len(part)
                if beginning is not None and end == beginning.bytes and digest.hexdigest() != beginning.sha256:
                    raise damaged(path, f"does not begin with what {MANIFEST} tells the sha256 of")
    except OSError as error:
        raise cannot_write(path, error) from None
    return FilePrefix(size, digest.hexdigest(), blocks.encode())


def write_errors(folder: Path, state: State) -> None:
    """What could not be had for now, one line each; no file where nothing is missing."""
    write_lines(folder / ERRORS, list(state.failures()))


def write_withdrawn(folder: Path, state: State) -> None:
    """The photos that were taken down, one line each; no file where none was. Those that the file names stay in it."""
    known = join_tombstones(read_tombstones(state), read_withdrawn(folder))
    write_lines(folder / WITHDRAWN, [{**each} for each in known])


def check_withdrawn(folder: Path, state: State) -> None:
    """CannotWrite where photos were taken down of which the checkpoint does not know: going on would fetch them."""
    if sentence := tell_forgotten(folder, state):
        raise CannotWrite(sentence)


def tell_forgotten(folder: Path, state: State) -> str:
    """A sentence where the checkpoint is older than WITHDRAWN, which it is never behind; else nothing."""
    known = read_tombstones(state)
    if not (count := len(join_tombstones(known, read_withdrawn(folder))) - len(known)):
        return ""
    return (
        f"{folder / WITHDRAWN} names {name_count(count, 'photo')} of which {STATE} does not know: an older copy was "
        f"put back. `harvester repair {folder}` takes them out again."
    )


def read_withdrawn(folder: Path) -> list[Any]:
    """What stands in the file of photos that were taken down; nothing where it is missing or damaged."""
    try:
        return [orjson.loads(line) for line in (folder / WITHDRAWN).read_bytes().splitlines()]
    except (OSError, orjson.JSONDecodeError):
        return []
