"""The photos of an archive as an update leaves them.

What an update brings comes behind what was there. A closed part in which nothing changes stays as it is, byte for
byte; one in which a line changes or goes is written again without that line, as its next generation.
"""

from __future__ import annotations

import re
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import IO, Any

from harvester.archive.checkpoint.state import Length, State
from harvester.archive.disk.files import Appender
from harvester.archive.folder import damaged
from harvester.archive.merge.proof import Proof, read_parts
from harvester.archive.merge.staging import UPDATE
from harvester.archive.parts.packing import PartWriter
from harvester.archive.parts.part import Part, name_next
from harvester.archive.parts.reading import take_part
from harvester.archive.sinks import PHOTOS
from harvester.errors import Stopped
from harvester.text.words import name_count

_BUFFER = 1 << 20
_AT_ONCE = 100
"""Lines between two looks at whether the run is to end."""
_PREFIX = len(b'{"id":"')
_HEAD = re.compile(rb'\{"id":"([0-9]{1,18})"')
_ADDED, _CHANGED, _KEPT = range(3)
"""What is known of a line of the update: the archive has it in other words, or in the same."""


# Many attributes: what was, what comes, and whom to tell are needed line by line.
class PhotoMerge:
    """Writes the files in which the photos are to stand. CannotWrite where one that is there is not what was written.

    `compare` tells what has changed between two lines of a photo, `tell` is told of each change, and `supersede` gets
    the lines that go.
    """

    def __init__(
        self,
        folder: Path,
        new: Path,
        *,
        archive: State,
        state: State,
        compare: Callable[[bytes, bytes], Mapping[str, Any]],
        tell: Callable[[str, str, Mapping[str, Any]], None],
        supersede: Callable[[bytes], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._new = new
        self._state = state
        self._compare = compare
        self._tell = tell
        self._supersede = supersede
        self._is_stopped = is_stopped
        self._committed = archive.length(PHOTOS)
        self._before = archive.parts()
        self._ids, self._places, self._marks = array("q"), array("q"), bytearray()
        self._dropped = self._kept = array("q")
        self.parts: list[Part] = []
        """The closed parts as they are then, in order."""
        self.written: list[str] = []
        """Names of those that are written anew."""
        self.drops: list[str] = []
        """Names of those in whose place they stand, or nothing."""

    def write(self, dropped: array[int]) -> Length:
        """Write the photos without those that are `dropped`; the length of the file behind the parts."""
        with ExitStack() as stack:
            fresh = stack.enter_context((self._folder / UPDATE / PHOTOS).open("rb", _BUFFER))
            target = stack.enter_context(Appender(self._new / PHOTOS, length=0))
            out = LineBuffer(target.write)
            self._ids, self._places = index(self._prove_fresh(fresh))
            self._marks, self._dropped, self._kept = bytearray(len(self._ids)), dropped, array("q")
            for part in self._before:
                self._merge_part(part, fresh)
            for photo_id, line in self._read_tail(stack):
                (out.write if self._keeps(photo_id, line, fresh) else self._supersede)(line)
            self._add(fresh, out)
            out.flush()
            target.sync()
            with self._state.changing():
                self._state.forget_lines(self._kept)
            return Length(target.length, out.count)

    def _merge_part(self, part: Part, fresh: IO[bytes]) -> None:
        gone = array("q")
        for photo_id, line in self._read_part(part):
            if not self._keeps(photo_id, line, fresh):
                gone.append(photo_id)
                self._supersede(line)
        if not gone:
            self.parts.append(part)
            return
        self.drops.append(part.name)
        if len(gone) < part.lines:
            self._write_part(part, array("q", sorted(gone)))

    def _write_part(self, part: Part, gone: array[int]) -> None:
        name = name_next(part.name)
        with PartWriter(self._new / name, name=name) as writer:
            for photo_id, line in self._read_part(part):
                if find(gone, photo_id) is None:
                    writer.write(line)
            self.parts.append(writer.finish())
        self.written.append(name)

    def _keeps(self, photo_id: int, line: bytes, fresh: IO[bytes]) -> bool:
        """Whether a line stays as it is; it is told where it changes."""
        n = find(self._ids, photo_id)
        if n is None:
            return not self._dropped or find(self._dropped, photo_id) is None
        fresh.seek(self._places[n])
        change = self._compare(line, fresh.readline())
        self._marks[n] = _CHANGED if change else _KEPT
        if change:
            self._tell(str(photo_id), "changed", change)
        else:
            self._kept.append(photo_id)
        return not change

    def _add(self, fresh: IO[bytes], out: LineBuffer) -> None:
        """Write what is new or changed."""
        fresh.seek(0)
        for line in fresh:
            mark = self._marks[bisect_left(self._ids, read_id(line))]
            if mark == _ADDED:
                self._tell(str(read_id(line)), "added", {})
            if mark != _KEPT:
                out.write(line)

    def _read_part(self, part: Part) -> Iterator[tuple[int, bytes]]:
        path = self._folder / part.name
        lines = take_part(path, part)
        yield from self._watch(read_photos(path, lines, Length(part.plain_bytes, part.lines)))
        for _ in lines:  # whether it is the file that was closed is told at its end
            pass

    def _read_tail(self, stack: ExitStack) -> Iterator[tuple[int, bytes]]:
        path = self._folder / PHOTOS
        old = stack.enter_context(path.open("rb", _BUFFER))
        proof = Proof(path, self._committed.bytes)
        yield from self._watch(read_photos(path, proof.read(old), self._committed))
        proof.check()

    def _watch(self, lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        while some := list(islice(lines, _AT_ONCE)):
            if self._is_stopped():
                raise Stopped("The run is to end.")
            yield from some

    def prove(self) -> None:
        """Read the photos through where they stay as they are.

        Or else an update without news would say that a damaged archive is complete.
        """
        self.parts = self._before
        for part in self._before:
            for _ in self._read_part(part):
                pass
        path = self._folder / PHOTOS
        if not self._committed.bytes:
            return
        proof = Proof(path, self._committed.bytes)
        with path.open("rb") as file:
            for _ in proof.read(read_parts(file, self._committed.bytes)):
                if self._is_stopped():
                    raise Stopped("The run is to end.")
        proof.check()

    def _prove_fresh(self, fresh: Iterable[bytes]) -> Iterator[bytes]:
        """The update's own lines; CannotWrite where one of them is not what was written."""
        for line in fresh:
            if not self._state.is_as_noted(line):
                raise damaged(self._folder / UPDATE / PHOTOS, "holds a line that is not what was written")
            yield line


class LineBuffer:
    """Collects lines for fewer, larger writes."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._lines: list[bytes] = []
        self._size = 0
        self.count = 0

    def write(self, line: bytes) -> None:
        """Add a line."""
        self._lines.append(line)
        self._size += len(line)
        self.count += 1
        if self._size > _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is collected."""
        if self._lines:
            self._write(b"".join(self._lines))
            self._lines.clear()
            self._size = 0


def index(lines: Iterable[bytes]) -> tuple[array[int], array[int]]:
    """The ids of a file's lines in order, and where each begins: 16 bytes a line, sorted on disk."""
    with closing(sqlite3.connect("", isolation_level=None)) as table:
        table.execute("PRAGMA cache_size=-8000")
        table.execute("CREATE TABLE line(id INTEGER PRIMARY KEY, place INTEGER)")
        table.execute("BEGIN")
        table.executemany("INSERT INTO line VALUES (?, ?)", _list_places(lines))
        ids, places = array("q"), array("q")
        for photo_id, place in table.execute("SELECT id, place FROM line ORDER BY id"):
            ids.append(photo_id)
            places.append(place)
        return ids, places


def _list_places(lines: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    place = 0
    for line in lines:
        yield read_id(line), place
        place += len(line)


def read_id(line: bytes) -> int:
    """The photo of a line that the harvester wrote."""
    return int(line[_PREFIX : line.index(b'"', _PREFIX)])


def read_photos(path: Path, lines: Iterator[bytes], committed: Length) -> Iterator[tuple[int, bytes]]:
    """The lines up to the committed length, each with its photo's id; CannotWrite where they are others."""
    place, count, match = 0, 0, _HEAD.match
    while place < committed.bytes:
        line = next(lines, b"")
        found = match(line)
        photo_id = int(found[1]) if found is not None else 0
        if not photo_id or line[-2:] != b"}\n":
            raise damaged(path, f"holds no photo in line {count + 1}, at byte {place}")
        yield photo_id, line
        place, count = place + len(line), count + 1
    if (place, count) != (committed.bytes, committed.lines):
        raise damaged(path, f"has {name_count(count, 'line')} where the checkpoint has {committed.lines:,}")


def find(numbers: array[int], number: int) -> int | None:
    """Where a number stands among sorted ones."""
    n = bisect_left(numbers, number)
    return n if n < len(numbers) and numbers[n] == number else None
