"""What a harvest brings besides photos: sets, collections, people and the like, line by line."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import orjson

from harvester.archive.checkpoint.state import Length, State
from harvester.flickr.listings import LINE_FILES

IN_MEMORY = 1 << 20
"""Bytes that are kept in memory; more go to a file without a name, so that memory stays flat."""


class Entry:
    """A line of a list: a set with its members, a collection, a person, a gallery, a group, a favourite, a contact."""

    def __init__(self, kind: str, line: bytes) -> None:
        self.kind = kind
        """The name of the archive's file that holds such lines: `photosets`, `contacts` and so on."""
        self.line = line
        """The line of NDJSON, as an archive holds it."""

    def __repr__(self) -> str:
        return f"<Entry {self.kind} {self.id}>"

    @cached_property
    def record(self) -> dict[str, Any]:
        """The whole line, parsed: `id`, `harvested_at`, what Flickr sent, and `photo_ids` of a set or gallery."""
        found: dict[str, Any] = orjson.loads(self.line)
        return found

    @property
    def id(self) -> str:
        """The id of the set, person and so on."""
        return str(self.record["id"])


class Entries(Protocol):
    """Entries that can be read at any time: those that have come so far."""

    def __iter__(self) -> Iterator[Entry]:
        """From the first to the last that has come."""


class Spool:
    """Entries of a harvest without an archive. They are gone with the spool."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by the finalizer
        self._lock = Lock()
        self._size = 0
        weakref.finalize(self, self._file.close)

    def write(self, kind: str, lines: Sequence[bytes]) -> None:
        """Keep some lines. The thread of the harvest's store may call this."""
        data = b"".join(b"%s %s" % (kind.encode(), line) for line in lines)
        with self._lock:
            self._file.seek(self._size)
            self._file.write(data)
            self._size += len(data)

    def __iter__(self) -> Iterator[Entry]:
        place = 0
        while place < self._size:
            with self._lock:
                self._file.seek(place)
                line = self._file.readline()
            place += len(line)
            kind, _, line = line.partition(b" ")
            yield Entry(kind.decode(), line)


class SpooledFiles:
    """Takes the place of an archive's files; see `harvester.archive.lists.Files`."""

    def __init__(self, spool: Spool, state: State) -> None:
        self._spool = spool
        self._state = state

    def append(self, name: str, lines: Sequence[tuple[str, bytes]]) -> None:
        """Keep lines and count them."""
        self._spool.write(name, [line for _, line in lines])
        known, size = self._state.length(f"{name}.ndjson"), sum(len(line) for _, line in lines)
        self._state.commit_length(f"{name}.ndjson", Length(known.bytes + size, known.lines + len(lines)))

    def close(self) -> None:
        """The spool stays open: its entries are read after the harvest."""


class ArchivedEntries:
    """The entries of an archive: all that its files hold."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __iter__(self) -> Iterator[Entry]:
        for kind in LINE_FILES:
            path = self._folder / f"{kind}.ndjson"
            if path.is_file():
                with path.open("rb") as file:
                    yield from (Entry(kind, line) for line in file if line.endswith(b"\n"))
