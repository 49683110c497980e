"""What a page of a list comes to in checkpoint and files: lines of sets, contacts and the like, and further lists.

All of it happens within a transaction of the checkpoint, on the store's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from harvester.archive.checkpoint.facts import Refusal
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.checkpoint.withdrawn import blank_row
from harvester.archive.disk.files import Appender
from harvester.archive.disk.record import build_entry
from harvester.errors import Refused
from harvester.flickr.lenient_json import dump
from harvester.flickr.listings import EachLine, Opens, PhotosOnly, Together
from harvester.flickr.responses import Listed
from harvester.listing.walk import Walk, advance_walk
from harvester.text.escapes import unescape_json

Reuse: TypeAlias = Callable[[Walk], Mapping[str, bytes] | None]
"""What an earlier harvest knows of a list that has not changed: the members of its line besides the head."""


class LineFiles(Protocol):
    """Takes the lines of lists, each file by its name."""

    def append(self, name: str, lines: Sequence[tuple[str, bytes]]) -> None:
        """Take lines of `NAME.ndjson`, each with its id: within a transaction of the checkpoint."""

    def close(self) -> None:
        """End the input: no line follows."""


class Files:
    """The files of an archive beside its photos, each opened when it is first written to."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder = folder
        self._state = state
        self._open: dict[str, Appender] = {}
        self._unescapes = bool(state.facts.unescape)

    def append(self, name: str, lines: Sequence[tuple[str, bytes]]) -> None:
        """Write lines of `NAME.ndjson`, each with its id, and commit their length. Within a transaction."""
        name += ".ndjson"
        if self._unescapes:
            lines = [(line_id, unescape_json(line)) for line_id, line in lines]
        known = self._state.length(name)
        if name not in self._open:
            self._open[name] = Appender(self._folder / name, length=known.bytes)
        file = self._open[name]
        file.append(b"".join(line for _, line in lines))
        self._state.note_list_lines(name, lines)
        self._state.commit_length(name, Length(file.length, known.lines + len(lines)))

    def close(self) -> None:
        """Close them all."""
        for file in self._open.values():
            file.close()


class Lists:
    """Takes pages of lists. Without files, as where records go to standard output, lines are left out."""

    def __init__(
        self,
        state: State,
        files: LineFiles | None,
        *,
        reuse: Reuse | None,
        clock: Callable[[], float],
        withdrawn: Collection[int] = (),
    ) -> None:
        """Of photos that were `withdrawn` nothing but the id is kept."""
        self._state = state
        self._clock = clock
        self._files = files
        self._reuse = reuse
        self._withdrawn = withdrawn

    def take(self, n: int, walk: Walk, listed: Listed, *, go_on: bool) -> list[tuple[int, Walk]]:
        """Take a page; the lists to be read next. Without `go_on` the walk is left where it stands."""
        walks, repeated = self._take_rows(n, walk, listed)
        if not go_on:
            return walks
        step = advance_walk(walk, listed, repeated=repeated)
        if step.walk is None and isinstance(line := walk.shape.becomes, Together):
            self._finish(n, walk, line)
        if step.anew or step.walk is None:
            self._state.drop_gathered(n)
        if step.note:
            state = self._state
            state.note(replace(state.facts, notes=[*(state.facts.notes or ()), step.note]))
        self._state.replace_walk(n, step.walk)
        return walks if step.walk is None else [*walks, (n, step.walk)]

    def refuse(self, n: int, walk: Walk, error: Refused) -> None:
        """Flickr refuses a list for good: a set's line says so, and the manifest, of a whole kind."""
        reason = {"code": error.code, "message": error.message}
        if walk.head is not None and (line := walk.shape.line):
            told = {"photo_ids": b"null"}
            self._write(walk, line, [self._build(line, walk.subject, walk.head.encode(), told, {"photos": reason})])
        else:
            self._note_refusal(walk, reason)
        self._state.drop_gathered(n)
        self._state.replace_walk(n, None)

    def _take_rows(self, n: int, walk: Walk, listed: Listed) -> tuple[list[tuple[int, Walk]], int]:
        """The lists that a page's rows open, and how many of its rows had come before."""
        shape = walk.shape
        if isinstance(shape.becomes, Together):
            return [], self._state.gather(n, self._blank(walk, listed.rows))
        new, repeated = self._state.enter(walk.listing, listed.rows, reading=walk.reads)
        rows = [row for row, is_new in zip(listed.rows, new, strict=True) if is_new]
        match shape.becomes:
            case EachLine() as line:
                self._write(walk, line, [self._build(line, row_id, raw) for row_id, raw in self._leave_out(walk, rows)])
            case Opens(name):
                return self._open_lists(walk, name, rows), repeated
            case PhotosOnly():
                pass
        return [], repeated

    def _open_lists(self, walk: Walk, name: str, rows: Sequence[tuple[str, bytes]]) -> list[tuple[int, Walk]]:
        """The lists that the rows open, without those that are as an earlier harvest has them."""
        walks: list[tuple[int, Walk]] = []
        line = walk.shape.line
        if line is None:
            return walks
        self._write(walk, line, [])
        for row_id, raw in rows:
            inner = walk.open(name, row_id, raw)
            known = self._reuse(inner) if self._reuse and not walk.hydrates else None
            if known is None:
                walks.append((self._state.add_walk(inner), inner))
            else:
                self._write(inner, line, [self._build(line, row_id, raw, known)])
        return walks

    def _finish(self, n: int, walk: Walk, line: Together) -> None:
        """The last page of a set or gallery is there: its line, and its photos."""
        state = self._state
        more = {"photo_ids": dump(state.gathered_ids(n))}
        if line.whole:
            more["photos"] = b"[%s]" % b",".join(raw for _, raw in self._leave_out(walk, state.gathered(n)))
        elif walk.owner and (others := [raw for _, raw in state.gathered(n, not_of=walk.owner)]):
            more["photos_of_others"] = b"[%s]" % b",".join(others)
        head = None if walk.head is None else walk.head.encode()
        self._write(walk, line, [self._build(line, walk.subject, head, more)])
        if walk.hydrates or walk.owner:
            state.keep_for_later(n, owner="" if walk.hydrates else walk.owner)

    def _leave_out(self, walk: Walk, rows: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        """The rows without those of photos that were withdrawn."""
        return [(row_id, raw) for row_id, raw in rows if not self._is_withdrawn(walk, row_id)]

    def _blank(self, walk: Walk, rows: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        """The rows, with the bare id in place of photos that were withdrawn: a set's order stays."""
        return [(row_id, blank_row(row_id) if self._is_withdrawn(walk, row_id) else raw) for row_id, raw in rows]

    def _is_withdrawn(self, walk: Walk, row_id: str) -> bool:
        return walk.shape.shows_photos and row_id.isdigit() and int(row_id) in self._withdrawn

    def _note_refusal(self, walk: Walk, reason: Mapping[str, Any]) -> None:
        refusal: Refusal = {"list": walk.listing, "code": reason["code"], "message": reason["message"]}
        known = self._state.facts
        self._state.note(replace(known, refusals=[*(known.refusals or ()), refusal]))

    def _write(self, walk: Walk, line: EachLine | Together, lines: Sequence[tuple[str, bytes]]) -> None:
        if walk.writes and self._files is not None:
            self._files.append(line.file, lines)

    def _build(
        self,
        line: EachLine | Together,
        row_id: str,
        raw: bytes | None,
        more: Mapping[str, bytes] | None = None,
        errors: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> tuple[str, bytes]:
        """A line with its id."""
        return row_id, build_entry(row_id, at=self._clock(), member=line.member, raw=raw, more=more, errors=errors)
