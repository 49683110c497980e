"""Closing parts of the photos: full ones leave photos.ndjson, which goes on with what comes behind them.

All that is new is written beside the archive's files first. Then one transaction of the checkpoint says that it counts,
and only then files change places, each by one rename. Whoever opens the archive after a kill in between finishes that.
Every line is held against the checksum with which it was written: nothing that was changed since is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from harvester.archive.checkpoint.same_job import settle_rotation
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.disk.files import Appender, cannot_write, damaged, put_in_place, remove_files, sync_folder
from harvester.archive.disk.layout import CLOSING, PHOTOS, list_part_files
from harvester.archive.folder import lock_folder, open_archive_state
from harvester.archive.parts.packing import PartWriter
from harvester.archive.parts.part import Part, build_name
from harvester.errors import CannotWrite, UsageError
from harvester.jobs.rotation import Rotation

_AT_ONCE = 1 << 20


def is_due(state: State) -> bool:
    """Whether photos.ndjson holds enough for a part to be closed."""
    rotation, length = state.facts.rotation, state.length(PHOTOS)
    return rotation is not None and rotation.is_full(length.lines, length.bytes)


def close_parts(folder: Path, state: State) -> list[Part]:
    """Close what parts photos.ndjson holds; those that were closed. The archive must be locked.

    CannotWrite where the disk refuses, and where a line is not the one that was written: then all is as it was.
    """
    if not is_due(state) or (rotation := state.facts.rotation) is None:
        return []
    finish_closing(folder, state)
    number = find_last(state)
    try:
        parts, rest = _write_parts(folder, state, rotation, number)
        sync_folder(folder)
    except (OSError, CannotWrite) as error:
        with suppress(CannotWrite):  # the first error tells more
            remove_files(_list_unfinished(folder))
        if isinstance(error, OSError):
            raise cannot_write(Path(error.filename or folder), error) from None
        raise
    moves = [(f"{name}{CLOSING}", name) for name in (*(part.name for part in parts), PHOTOS)]
    with state.changing(durably=True):  # files change places next: a power cut must undo both or none
        state.commit_parts([*state.parts(), *parts])
        state.commit_length(PHOTOS, rest)
        state.note(replace(state.facts, closing=moves, last_part=number + len(parts)))
    finish_closing(folder, state)
    return parts


def remember_rotation(folder: Path, rotation: Rotation) -> None:
    """Have an archive closed in such parts from its next run on. UsageError where there is none."""
    with lock_folder(folder) as lock, open_archive_state(folder, lock=lock) as state:
        if state.facts.stream:
            raise UsageError(f"{folder} keeps track of records sent to standard output: there are no parts of it.")
        with state.changing():
            settle_rotation(state, rotation)


def find_last(state: State) -> int:
    """The greatest number that a part ever had."""
    return max((state.facts.last_part or 0, *(part.number for part in state.parts())))


def finish_closing(folder: Path, state: State) -> None:
    """Put parts that count into their places, and remove what a kill has left of others. It may be done again."""
    try:
        if moves := state.facts.closing:
            _move(folder, moves)
            with state.changing(durably=True):  # or later files of these names would be taken for these
                state.note(replace(state.facts, closing=None))
        remove_files(_list_unfinished(folder))
    except OSError as error:
        raise cannot_write(Path(error.filename or folder), error) from None


def _move(folder: Path, moves: Sequence[tuple[str, str]]) -> None:
    for source, target in moves:
        if (folder / source).exists():
            put_in_place(folder / source, folder / target)
            sync_folder(folder)


def _list_unfinished(folder: Path) -> list[Path]:
    rest = folder / f"{PHOTOS}{CLOSING}"
    return [*list_part_files(folder, ending=CLOSING), *([rest] if rest.exists() else [])]


def _write_parts(folder: Path, state: State, rotation: Rotation, number: int) -> tuple[list[Part], Length]:
    """Write the full parts, and what is left; these parts, and the length of the rest."""
    left, parts = state.length(PHOTOS), list[Part]()
    with ExitStack() as stack:
        file = stack.enter_context((folder / PHOTOS).open("rb", _AT_ONCE))
        lines = _prove(folder, state, islice(file, left.lines))
        while rotation.is_full(left.lines, left.bytes):
            number += 1
            part = _write_part(folder, rotation, build_name(number, 1, rotation.packing), lines)
            parts.append(part)
            left = Length(left.bytes - part.plain_bytes, left.lines - part.lines)
        rest = _write_rest(folder, lines)
    if rest != left:
        raise damaged(folder / PHOTOS, "has not the bytes and lines that the checkpoint has")
    return parts, rest


def _write_part(folder: Path, rotation: Rotation, name: str, lines: Iterator[bytes]) -> Part:
    with PartWriter(folder / f"{name}{CLOSING}", name=name) as writer:
        while not rotation.is_full(writer.lines, writer.bytes) and (line := next(lines, b"")):
            writer.write(line)
        return writer.finish()


def _write_rest(folder: Path, lines: Iterator[bytes]) -> Length:
    with Appender(folder / f"{PHOTOS}{CLOSING}", length=0) as rest:
        count = 0
        while some := list(islice(lines, 1000)):
            rest.write(b"".join(some))
            count += len(some)
        rest.sync()
        return Length(rest.length, count)


def _prove(folder: Path, state: State, lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if not line.endswith(b"\n") or not state.is_as_noted(line):
            raise damaged(folder / PHOTOS, "holds a line that is not what was written")
        yield line
