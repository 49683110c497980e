"""Lines that can be read, held against the checksums of blocks that the manifest has.

Where no checkpoint knows the checksum of each line, this is what finds a changed byte in a line that is still JSON.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harvester.archive.blocks import Block, decode_blocks, sum_up
from harvester.archive.disk.layout import CHANGES, MANIFEST
from harvester.archive.manifest import ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFile:
    """What a sound manifest says of a file, and when it was written.

    Where the harvest `has_ended`, that is of the whole file: `size` bytes of so many `lines`. Without `blocks` the
    manifest is of a version that kept none.
    """

    written: str
    has_ended: bool
    size: int
    lines: int
    sha256: str | None
    blocks: tuple[Block, ...] | None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A block of good lines as they stand in the file, from the place of the first to that of the last."""

    block: Block
    first: int
    last: int

    @property
    def key(self) -> tuple[int, int]:
        """What a block is known by."""
        return self.block.lines, self.block.sum


def read_told(manifest: Mapping[str, Any]) -> dict[str, ToldFile]:
    """What a manifest says of each file; nothing of one whose entry cannot be read."""
    found: dict[str, ToldFile] = {}
    for name, entry in manifest["files"].items():
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            found[name] = _read_entry(manifest, entry)
    return found


def _read_entry(manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> ToldFile:
    begins = entry if "sha256" in entry else entry.get("begins") or {}
    blocks = decode_blocks(begins["blocks"]) if "blocks" in begins else None
    has_ended = manifest.get("status") in ENDED
    if blocks and blocks[-1].is_open and not has_ended:
        blocks.pop()  # lines that were written since have made it longer
    return ToldFile(
        written=str(manifest.get("updated") or ""),
        has_ended=has_ended,
        size=int(entry["bytes"]),
        lines=int(entry["lines"]),
        sha256=entry.get("sha256"),
        blocks=None if blocks is None else tuple(blocks),
    )


def doubt_lines(table: sqlite3.Connection, name: str, told: ToldFile | None, *, size: int, sha256: str) -> int:
    """Prove the lines of a file, or set aside the blocks in which a line was changed.

    How many lines of the file are in doubt: one of them at least was changed, and nothing tells which.
    """
    (unproved,) = table.execute("SELECT count(*) FROM good WHERE file = ? AND NOT proved", (name,)).fetchone()
    if told is None or not unproved or _is_newer(table, name, told, size=size):
        return 0
    if told.has_ended and (told.size, told.sha256) == (size, sha256):
        _prove(table, name, 0, size)
        return 0
    if told.blocks is None or name == CHANGES:  # what has changed once can be fetched from nowhere
        return int(unproved) if _looks_whole(table, name, told) else 0
    _judge_blocks(table, name, told, told.blocks)
    return 0


def _is_newer(table: sqlite3.Connection, name: str, told: ToldFile, *, size: int) -> bool:
    """Whether a file is newer than the manifest of a harvest that had ended: then that says nothing of it."""
    (latest,) = table.execute("SELECT max(at) FROM good WHERE file = ?", (name,)).fetchone()
    return told.has_ended and size != told.size and str(latest or "") > told.written


def _looks_whole(table: sqlite3.Connection, name: str, told: ToldFile) -> bool:
    """Whether nothing that can be seen makes the file differ from the one of the manifest."""
    query = "SELECT count(*), total(NOT same) FROM good WHERE file = ?"
    kept, reshaped = table.execute(query, (name,)).fetchone()
    is_hurt = table.execute("SELECT 1 FROM bad WHERE file = ? LIMIT 1", (name,)).fetchone()
    return told.has_ended and told.sha256 is not None and kept == told.lines and not reshaped and not is_hurt


def _judge_blocks(table: sqlite3.Connection, name: str, told: ToldFile, blocks: Sequence[Block]) -> None:
    """Prove the lines of blocks that the manifest has, and set aside the others."""
    found = [*_read_stretches(table, name)]
    if told.has_ended and sum_up(stretch.block for stretch in found) == sum_up(blocks):
        _prove(table, name, 0, found[-1].last)  # in another order
        return
    known = {(block.lines, block.sum): n for n, block in enumerate(blocks)}
    for stretch in found:
        if stretch.key in known:
            _prove(table, name, stretch.first, stretch.last)
    for expected, run in _find_runs(found, known, blocks, has_ended=told.has_ended):
        if sum(stretch.block.lines for stretch in run) >= expected:  # else lines are lost there, which explains it
            _set_aside(table, name, run[0].first, run[-1].last)


def _read_stretches(table: sqlite3.Connection, name: str) -> Iterator[_Stretch]:
    block, first, place = Block(), 0, 0
    for place, checksum in table.execute("SELECT place, sum FROM good WHERE file = ? ORDER BY place", (name,)):
        first = first if block.lines else place
        block = block.add(checksum)
        if not block.is_open:
            yield _Stretch(block, first, place)
            block = Block()
    if block.lines:
        yield _Stretch(block, first, place)


def _find_runs(
    found: Sequence[_Stretch], known: Mapping[tuple[int, int], int], blocks: Sequence[Block], *, has_ended: bool
) -> Iterator[tuple[int, list[_Stretch]]]:
    """The runs of blocks that the manifest does not have, each with the lines of those that it has in their place."""
    run: list[_Stretch] = []
    before = -1
    for stretch in found:
        n = known.get(stretch.key)
        if n is None:
            run.append(stretch)
            continue
        if run:
            yield _count_lines(blocks, before, n), run
        run, before = [], n
    expected = _count_lines(blocks, before, len(blocks))
    if not has_ended:
        run = _take(run, expected)
    if run:
        yield expected, run


def _count_lines(blocks: Sequence[Block], after: int, before: int) -> int:
    return sum(block.lines for block in blocks[after + 1 : before])


def _take(run: Sequence[_Stretch], lines: int) -> list[_Stretch]:
    """The first blocks of a run that hold so many lines; behind them a harvest has added more."""
    taken: list[_Stretch] = []
    for stretch in run:
        if lines <= 0:
            break
        taken.append(stretch)
        lines -= stretch.block.lines
    return taken


def _prove(table: sqlite3.Connection, name: str, first: int, last: int) -> None:
    table.execute("UPDATE good SET proved = 1 WHERE file = ? AND place BETWEEN ? AND ?", (name, first, last))


def _set_aside(table: sqlite3.Connection, name: str, first: int, last: int) -> None:
    which = "FROM good WHERE file = :name AND place BETWEEN :first AND :last AND NOT proved"
    why = f"{MANIFEST} has another checksum of the block of lines that it stands in"
    block = {"name": name, "first": first, "last": last}
    table.execute(f"INSERT INTO bad SELECT file, place, size, :why {which}", {**block, "why": why})
    table.execute(f"DELETE {which}", block)
