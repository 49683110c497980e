"""Writing the files that are to take the place of an archive's when an update is merged into it."""

from __future__ import annotations

import io
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.folder import CHANGES, damaged
from harvester.archive.sinks import PHOTOS
from harvester.checkpoint.state import Length, State
from harvester.disk.files import Appender
from harvester.errors import Stopped
from harvester.flickr.lenient_json import dump
from harvester.merge.changes import describe_change, without_counters, without_time
from harvester.merge.history import History
from harvester.merge.proof import Proof, read_parts
from harvester.merge.staging import UPDATE
from harvester.text.words import name_count

_BUFFER = 1 << 20
_START = b'{"id":"'
_PREFIX = len(_START)
_ADDED, _CHANGED, _KEPT = range(3)
"""What is known of a line of the update: the archive has it in other words, or in the same."""


@dataclass(slots=True)
class Merged:
    """What an update came to: photos added, changed, removed, unlisted; and lines of other files that differ."""

    counts: dict[str, int] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """One more."""
        self.counts[what] = self.counts.get(what, 0) + 1


# Many attributes: it writes several files at once, and counts what becomes of their lines.
class Merge:
    """Writes the files that are to take the place of the archive's."""

    def __init__(
        self,
        folder: Path,
        new: Path,
        *,
        archive: State,
        state: State,
        changes: Appender,
        history: History,
        began: str,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._new = new
        self._archive = archive
        self._state = state
        self._changes_file = changes
        self._changes = _Lines(changes.write)
        self._history = history
        self._began = began
        self._is_stopped = is_stopped
        self.merged = Merged()
        self.files: dict[str, tuple[int, int]] = {}
        """Length and lines of each file that is new."""
        self.kept: list[tuple[str, str]] = []
        """Lines that are the old ones, since the new ones could not be had: file and id."""

    def photos(self, *, keep_unlisted: bool) -> list[tuple[str, str]]:
        """The photos as they are now, and what has changed; the file to be moved, if there is one."""
        dropped = self._list_dropped(keep_unlisted=keep_unlisted)
        moves = []
        if dropped or self._state.length(PHOTOS).lines:
            self._merge_photos(dropped)
            moves.append((f"{UPDATE}/new/{PHOTOS}", PHOTOS))
        else:
            self._prove_photos()
        self._changes.flush()
        self._changes_file.sync()
        told_before = self._archive.length(CHANGES).lines
        self.files[CHANGES] = (self._changes_file.length, told_before + self._changes.count)
        return moves

    def _list_dropped(self, *, keep_unlisted: bool) -> array[int]:
        """The ids of photos that leave the archive, in order; each is told."""
        dropped = array("q")
        for gone in self._state.gone():
            if gone.code is not None or not keep_unlisted:
                dropped.append(int(gone.id))
                why = {} if gone.code is None else {"code": gone.code, "message": gone.message}
                self._tell(gone.id, "unlisted" if gone.code is None else "removed", why)
        return dropped

    def _tell(self, photo_id: str, change: str, more: Mapping[str, Any]) -> None:
        self._changes.write(dump({"id": photo_id, "at": self._began, "change": change, **more}) + b"\n")
        self.merged.count(change)

    def _merge_photos(self, dropped: array[int]) -> None:
        fresh_path = self._folder / UPDATE / PHOTOS
        with ExitStack() as stack:
            old = stack.enter_context((self._folder / PHOTOS).open("rb", _BUFFER))
            fresh = stack.enter_context(fresh_path.open("rb", _BUFFER))
            target = stack.enter_context(Appender(self._new / PHOTOS, length=0))
            out = _Lines(target.write)
            ids, places = _index(self._prove(fresh))
            marks = bytearray(len(ids))
            kept = array("q")
            committed = self._archive.length(PHOTOS)
            proof = Proof(self._folder / PHOTOS, committed.bytes)
            for photo_id, line in _read_photos(self._folder / PHOTOS, proof.read(old), committed):
                if self._is_stopped():
                    raise Stopped("The run is to end.")
                n = _find(ids, photo_id)
                if n is None:
                    keep = _find(dropped, photo_id) is None
                else:
                    fresh.seek(places[n])
                    change = self._compare(line, fresh.readline())
                    keep = not change
                    marks[n] = _KEPT if keep else _CHANGED
                    if keep:
                        kept.append(photo_id)
                    if change:
                        self._tell(str(photo_id), "changed", change)
                (out if keep else self._history).write(line)
            proof.check()
            fresh.seek(0)
            for line in fresh:
                mark = marks[bisect_left(ids, _read_id(line))]
                if mark == _ADDED:
                    self._tell(str(_read_id(line)), "added", {})
                if mark != _KEPT:
                    out.write(line)
            out.flush()
            target.sync()
            self.files[PHOTOS] = (target.length, out.count)
            with self._state.changing():
                self._state.forget_lines(kept)

    def _prove_photos(self) -> None:
        """CannotWrite where the photos that stay as they are are not what the manifest speaks of.

        Or else an update without news would say that a damaged archive is complete.
        """
        path, committed = self._folder / PHOTOS, self._archive.length(PHOTOS)
        if not committed.bytes:
            return
        proof = Proof(path, committed.bytes)
        with path.open("rb") as file:
            for _ in proof.read(read_parts(file, committed.bytes)):
                if self._is_stopped():
                    raise Stopped("The run is to end.")
        proof.check()

    def _prove(self, fresh: Iterable[bytes]) -> Iterator[bytes]:
        """The update's own lines; CannotWrite where one of them is not what was written."""
        for line in fresh:
            if not self._state.is_as_noted(line):
                raise damaged(self._folder / UPDATE / PHOTOS, "holds a line that is not what was written")
            yield line

    def _compare(self, old: bytes, new: bytes) -> Mapping[str, Any]:
        try:
            return describe_change(old, new)
        except ValueError:
            raise damaged(self._folder / PHOTOS, f"holds a line that is no JSON, of photo {_read_id(new)}") from None

    def lists(self) -> list[tuple[str, str]]:
        """The sets, collections and the like, read anew; what is superseded goes into the history.

        A file whose list could not be read stays as it was. So does the line of a set that could not be read.
        """
        failed = [walk for _, walk in self._state.walks() if walk.writes]
        unread = {f"{walk.file}.ndjson" for walk in failed if walk.head is None}
        moves = []
        for name, length in self._state.files().items():
            if name == PHOTOS or name in unread:
                continue
            ids = {walk.subject for walk in failed if f"{walk.file}.ndjson" == name}
            fresh = self._add_kept(name, length, ids) if ids else self._folder / UPDATE / name
            self.files.setdefault(name, (length.bytes, length.lines))
            moves.append((str(fresh.relative_to(self._folder)), name))
            self._keep_superseded(name, fresh)
        return moves

    def _add_kept(self, name: str, length: Length, ids: Collection[str]) -> Path:
        """A file with the new lines, and behind them the old ones of these ids."""
        fresh = self._new / name
        with ExitStack() as stack:
            target = stack.enter_context(Appender(fresh, length=0))
            out = _Lines(target.write)
            with (self._folder / UPDATE / name).open("rb") as lines:
                for line in islice(lines, length.lines):
                    out.write(line)
            for line_id, line in self._read_old(name):
                if line_id in ids:
                    out.write(line)
                    self.kept.append((name, line_id))
            out.flush()
            target.sync()
        self.files[name] = (target.length, out.count)
        return fresh

    def _read_old(self, name: str) -> Iterator[tuple[str, bytes]]:
        """The lines of a file of the archive, each with its id."""
        path, committed = self._folder / name, self._archive.length(name)
        if not committed.bytes:
            return
        proof = Proof(path, committed.bytes)
        with path.open("rb") as lines:
            for line in proof.read(islice(lines, committed.lines)):
                try:
                    yield str(orjson.loads(line)["id"]), line
                except (ValueError, TypeError, KeyError):
                    raise damaged(path, "holds a line that is no JSON, or without an id") from None
        proof.check()

    def _keep_superseded(self, name: str, fresh_path: Path) -> None:
        with fresh_path.open("rb") as lines:
            marks = {hash(without_time(line)): hash(without_counters(line)) for line in lines}
        fresh, kept = set(marks.values()), set[int]()
        superseded = 0
        old = self._folder / name
        with old.open("rb") if old.exists() else io.BytesIO() as lines:
            for line in lines:
                if hash(without_time(line)) not in marks:
                    self._history.write(line)
                mark = hash(without_counters(line))
                kept.add(mark)
                superseded += mark not in fresh
        if differing := max(superseded, len(fresh - kept)):
            self.merged.lists[name] = differing


class _Lines:
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


def _index(lines: Iterable[bytes]) -> tuple[array[int], array[int]]:
    """The ids of a file's lines in order, and where each begins: 16 bytes a line, sorted on disk."""
    with closing(sqlite3.connect("", isolation_level=None)) as table:
        table.execute("PRAGMA cache_size=-8000")
        table.execute("CREATE TABLE line(id INTEGER PRIMARY KEY, place INTEGER)")
        table.execute("BEGIN")
        table.executemany("INSERT INTO line VALUES (?, ?)", _places(lines))
        ids, places = array("q"), array("q")
        for photo_id, place in table.execute("SELECT id, place FROM line ORDER BY id"):
            ids.append(photo_id)
            places.append(place)
        return ids, places


def _places(lines: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    place = 0
    for line in lines:
        yield _read_id(line), place
        place += len(line)


def _read_id(line: bytes) -> int:
    """The photo of a line that the harvester wrote."""
    return int(line[_PREFIX : line.index(b'"', _PREFIX)])


def _read_photos(path: Path, lines: Iterator[bytes], committed: Length) -> Iterator[tuple[int, bytes]]:
    """The lines up to the committed length, each with its photo's id; CannotWrite where they are others."""
    place = count = 0
    while place < committed.bytes:
        line = next(lines, b"")
        try:
            photo_id = _read_id(line)
        except ValueError:
            photo_id = 0
        if not photo_id or not line.startswith(_START) or not line.endswith(b"}\n"):
            raise damaged(path, f"holds no photo in line {count + 1}, at byte {place}")
        yield photo_id, line
        place, count = place + len(line), count + 1
    if (place, count) != (committed.bytes, committed.lines):
        raise damaged(path, f"has {name_count(count, 'line')} where the checkpoint has {committed.lines:,}")


def _find(numbers: array[int], number: int) -> int | None:
    """Where a number stands among sorted ones."""
    n = bisect_left(numbers, number)
    return n if n < len(numbers) and numbers[n] == number else None
