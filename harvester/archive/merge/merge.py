"""Writing the files that are to take the place of an archive's when an update is merged into it."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.checkpoint.state import Length, State
from harvester.archive.disk.files import Appender
from harvester.archive.folder import CHANGES, damaged
from harvester.archive.merge.changes import describe_change, without_counters, without_time
from harvester.archive.merge.history import History
from harvester.archive.merge.photos import LineBuffer, PhotoMerge, read_id
from harvester.archive.merge.proof import Proof
from harvester.archive.merge.staging import UPDATE
from harvester.archive.parts.part import Part
from harvester.archive.sinks import PHOTOS
from harvester.flickr.lenient_json import dump


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
        self._changes = LineBuffer(changes.write)
        self._history = history
        self._began = began
        self._is_stopped = is_stopped
        self.merged = Merged()
        self.files: dict[str, tuple[int, int]] = {}
        """Length and lines of each file that is new."""
        self.parts: list[Part] = []
        """The closed parts of the photos as they are then."""
        self.drops: list[str] = []
        """Names of parts that are none any more."""
        self.kept: list[tuple[str, str]] = []
        """Lines that are the old ones, since the new ones could not be had: file and id."""

    def photos(self, *, keep_unlisted: bool) -> list[tuple[str, str]]:
        """The photos as they are now, and what has changed; the files to be moved, if there are any."""
        dropped = self._list_dropped(keep_unlisted=keep_unlisted)
        photos = PhotoMerge(
            self._folder,
            self._new,
            archive=self._archive,
            state=self._state,
            compare=self._compare,
            tell=self._tell,
            supersede=self._history.write,
            is_stopped=self._is_stopped,
        )
        moves = []
        if dropped or self._state.length(PHOTOS).lines:
            length = photos.write(dropped)
            self.files[PHOTOS] = (length.bytes, length.lines)
            moves = [(f"{UPDATE}/new/{name}", name) for name in (*photos.written, PHOTOS)]
        else:
            photos.prove()
        self.parts, self.drops = photos.parts, photos.drops
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

    def _compare(self, old: bytes, new: bytes) -> Mapping[str, Any]:
        try:
            return describe_change(old, new)
        except ValueError:
            raise damaged(self._folder / PHOTOS, f"holds a line that is no JSON, of photo {read_id(new)}") from None

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
            out = LineBuffer(target.write)
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
