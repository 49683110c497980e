"""Where results go: checkpoint and output change together, on one thread of their own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson

from harvester.answers import Listed, Page, Row, read_number
from harvester.errors import CannotWrite, Refused
from harvester.files import Appender, cannot_write
from harvester.flickr import PAGE_SIZE
from harvester.lists import Files, Lists, Reuse
from harvester.record import Record
from harvester.state import Gone, Length, State, Todo, is_photo_id
from harvester.sweep import Step, Sweep, advance
from harvester.walk import Walk

T = TypeVar("T")
PHOTOS = "photos.ndjson"


class PipeClosed(Exception):
    """Whoever read the output has gone."""


class Sink(Protocol):
    """Where lines go."""

    async def send(self, records: Sequence[Record], store: Store) -> None:
        """Deliver the records, then have the store note them as done."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a search's rows must fit: seconds of upload, both inclusive, and how many photos are wanted in all."""

    since: int
    until: int
    limit: int | None = None

    def holds(self, row: Row) -> bool:
        """Widened windows bring photos that were not asked for."""
        return row.uploaded is None or self.since <= row.uploaded <= self.until


@dataclass(frozen=True, slots=True)
class Admission:
    """What an answer of a listing came to: photos never seen, sweeps to be asked, whether the limit is met."""

    fresh: list[Todo]
    sweeps: list[tuple[int, Sweep]]
    full: bool = False


@dataclass(frozen=True, slots=True)
class ListAdmission:
    """What a page of a list came to: lists to be read next, photos never seen, photos Flickr claims there are."""

    walks: list[tuple[int, Walk]]
    fresh: list[Todo]
    expected: int | None = None


class Store:
    """The one owner of checkpoint and files. Its methods wait for the thread, one after the other."""

    def __init__(self, state: State, files: Files | None = None, *, reuse: Reuse | None = None) -> None:
        self.state = state
        self._files = files
        self._lists = Lists(state, files, reuse=reuse)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self.listed = state.count_todo() + state.length(PHOTOS).lines
        self.unchanged = max(0, state.count_seen() - self.listed) if state.is_update else 0
        """Photos that an update has found to be as they were."""

    def close(self) -> None:
        """Let the thread finish what it does."""
        self._thread.shutdown(wait=True)
        if self._files is not None:
            self._files.close()

    async def do(self, work: Callable[[], T]) -> T:
        """Do some work on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def admit(
        self, n: int, sweep: Sweep, page: Page, *, bounds: Bounds, given: Mapping[str, str], split: bool
    ) -> Admission:
        """Take an answer into the checkpoint: its new photos, and the sweeps that follow from it."""

        def work() -> Admission:
            rows = [row for row in page.rows if bounds.holds(row)]
            with self.state.changing():
                fresh, full = self._admit(rows, bounds.limit)
                if full:  # what lies behind the limit stays unseen, and the sweep where it stands
                    sweeps = []
                else:
                    step = advance(sweep, page, fresh=len(fresh), given=given, split=split)
                    sweeps = self.state.replace_sweep(n, step)
            return Admission(fresh, sweeps, full)

        return await self.do(work)

    async def cut(self, n: int, step: Step) -> list[tuple[int, Sweep]]:
        """A sweep ends otherwise than by an answer."""

        def work() -> list[tuple[int, Sweep]]:
            with self.state.changing():
                return self.state.replace_sweep(n, step)

        return await self.do(work)

    async def admit_list(self, n: int, walk: Walk, listed: Listed, *, limit: int | None) -> ListAdmission:
        """Take a page of a list into files and checkpoint: its lines, its photos, the lists that follow from it."""

        def work() -> ListAdmission:
            with self.state.changing():
                shown = [read_row(row) for row in listed.rows if is_photo_id(row[0])] if walk.streams_photos else []
                fresh, full = self._admit(shown, limit)
                walks = self._lists.take(n, walk, listed, go_on=not full)
            return ListAdmission(walks, fresh, _count_claimed(walk, listed))

        return await self.do(work)

    async def refuse_list(self, n: int, walk: Walk, error: Refused) -> None:
        """Flickr refuses a list for good."""

        def work() -> None:
            with self.state.changing():
                self._lists.refuse(n, walk, error)

        await self.do(work)

    async def note_walk_failure(self, n: int, failure: dict[str, Any]) -> None:
        """A list could not be had for now."""

        def work() -> None:
            with self.state.changing():
                self.state.note_walk_failure(n, failure)

        await self.do(work)

    async def admit_later(self, *, after: str, limit: int | None) -> tuple[Admission, str]:
        """Take the next photos kept for later that no listing has shown; and the last of them, "" at the end."""

        def work() -> tuple[Admission, str]:
            with self.state.changing():
                found = self.state.later(after=int(after), most=PAGE_SIZE)
                fresh, full = self._admit([read_row(row) for row in found], limit)
                if not found:
                    self.state.drop_later()
            return Admission(fresh, [], full), found[-1][0] if found else ""

        return await self.do(work)

    async def admit_ids(self, ids: Sequence[str], *, limit: int | None) -> Admission:
        """Take photos that were named, not listed."""

        def work() -> Admission:
            with self.state.changing():
                fresh, full = self._admit([Row(i, None, None, b"") for i in ids], limit)
            return Admission(fresh, [], full)

        return await self.do(work)

    def _admit(self, rows: list[Row], limit: int | None) -> tuple[list[Todo], bool]:
        left = None if limit is None else limit - self.listed
        if left is not None and left <= len(rows):
            unseen = [row for row in {row.id: row for row in rows}.values() if not self.state.has_seen(row.id)]
            full = len(unseen) >= left
            rows = unseen[: max(left, 0)]
        else:
            full = False
        admitted = self.state.admit(rows)
        if self.state.is_update:
            differing = self.state.differing(admitted)
            self.unchanged += len(admitted) - len(differing)
            admitted = differing
        fresh = [Todo(row.id, row.raw or None) for row in admitted]
        self.state.add_todo(fresh)
        self.listed += len(fresh)
        return fresh, full

    async def finish(self, records: Sequence[Record]) -> None:
        """These records are delivered."""

        def work() -> None:
            with self.state.changing():
                self.state.finish(record.id for record in records)
                length = self.state.length(PHOTOS)
                self.state.vouch(PHOTOS, Length(length.bytes, length.lines + len(records)))

        await self.do(work)

    async def spare_sweeps(self, claimed: int | None) -> None:
        """An update of one's own account knows what has changed: where no photo is gone, nothing is to be listed."""

        def work() -> None:
            state = self.state
            if claimed is not None and state.is_update and not state.walks() and state.recall("changed_since"):
                with state.changing():
                    if state.spare_sweeps(claimed):
                        self.unchanged = claimed - self.listed

        await self.do(work)

    async def add_missing(self) -> None:
        """The listing is through: what it has not shown is to be looked for."""

        def work() -> None:
            with self.state.changing():
                self.state.add_missing()

        await self.do(work)

    async def finish_gone(self, gone: Sequence[Gone]) -> None:
        """It is known what became of these missing photos."""

        def work() -> None:
            with self.state.changing():
                self.state.note_gone(gone)
                self.state.finish(photo.id for photo in gone)

        await self.do(work)

    async def note_failures(self, failures: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """These photos could not be had for now."""

        def work() -> None:
            with self.state.changing():
                for photo_id, failure in failures:
                    self.state.note_failure(photo_id, failure)

        await self.do(work)

    async def note_bad_input(self, text: str, failure: dict[str, Any]) -> None:
        """A line of input that names no photo."""

        def work() -> None:
            with self.state.changing():
                self.state.note_bad_input(text, failure)

        await self.do(work)


class ArchiveSink:
    """Lines into photos.ndjson. They are on the disk before the checkpoint says so."""

    def __init__(self, file: Appender, *, lines: int) -> None:
        self._file = file
        self.lines = lines

    async def send(self, records: Sequence[Record], store: Store) -> None:
        """One write, one sync, one transaction for all that is ready."""

        def work() -> None:
            with store.state.changing():
                self._file.append(b"".join(record.line for record in records))
                lines = self.lines + len(records)
                store.state.finish(record.id for record in records)
                store.state.vouch(PHOTOS, Length(self._file.length, lines))
            self.lines = lines

        await store.do(work)


def salvage(state: State, path: Path) -> None:
    """Vouch for whole lines behind the committed length, written before a kill came between file and checkpoint.

    Only a line that is valid JSON, of a photo still to be done, is taken; the first other one ends it, and is cut
    off with all behind it when the file is opened. So a kill costs no call whose answer was already in the file.
    """
    vouched = state.length(PHOTOS)
    try:
        with path.open("rb") as file:
            file.seek(vouched.bytes)
            found = list(_whole_records(file, state))
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(path, error) from None
    if found:
        with state.changing():
            state.finish(record.id for record in found)
            size = sum(len(record.line) for record in found)
            state.vouch(PHOTOS, Length(vouched.bytes + size, vouched.lines + len(found)))


def _whole_records(lines: Iterable[bytes], state: State) -> Iterator[Record]:
    taken: set[str] = set()
    for line in lines:
        try:
            photo_id = orjson.loads(line)["id"] if line.endswith(b"}\n") else ""
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return
        if not isinstance(photo_id, str) or photo_id in taken or not state.is_todo(photo_id):
            return
        taken.add(photo_id)
        yield Record(photo_id, line)


def read_row(row: tuple[str, bytes]) -> Row:
    """A row of a list as a photo to be harvested."""
    photo_id, raw = row
    return Row(photo_id, None, None, raw, read_number(orjson.loads(raw).get("lastupdate")))


def _count_claimed(walk: Walk, listed: Listed) -> int | None:
    """How many photos Flickr claims there are: on a person, or of a list whose photos are harvested."""
    if walk.listing == "person":
        found = orjson.loads(listed.rows[0][1]).get("photos") or {}
        return read_number((found.get("count") or {}).get("_content"))
    return listed.total if walk.top and walk.shape.shows_photos else None


class StreamSink:
    """Lines to standard output, or another open file. A slow reader slows the harvest."""

    def __init__(self, file: int = 1) -> None:
        self._file = file

    async def send(self, records: Sequence[Record], store: Store) -> None:
        """Written first, noted after: a crash between the two sends them again."""
        await store.do(lambda: self._write(b"".join(record.line for record in records)))
        await store.finish(records)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except BrokenPipeError:
            raise PipeClosed from None
        except OSError as error:
            raise CannotWrite(f"Cannot write to standard output: {error.strerror}.") from None


class ChannelSink:
    """Records to a consumer in the same event loop, through a bounded queue."""

    def __init__(self, queue: asyncio.Queue[Record | None]) -> None:
        self._queue = queue

    async def send(self, records: Sequence[Record], store: Store) -> None:
        """Waits while the consumer is behind."""
        for record in records:
            await self._queue.put(record)
        await store.finish(records)
