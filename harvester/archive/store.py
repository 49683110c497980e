"""Where results go: checkpoint and output change together, on one thread of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import orjson

from harvester.archive.comparison import is_unexplained
from harvester.archive.draft import Draft
from harvester.archive.lists import LineFiles, Lists, Reuse
from harvester.archive.sinks import PHOTOS, Sink
from harvester.checkpoint.state import Gone, Length, State, Todo, is_photo_id
from harvester.checkpoint.withdrawn import add_missing, find_withdrawn
from harvester.disk.record import Record
from harvester.errors import CannotWrite, Refused
from harvester.flickr.lenient_json import read_number
from harvester.flickr.methods import PAGE_SIZE
from harvester.flickr.responses import Listed, Page, Row
from harvester.jobs.model import Source
from harvester.listing.parts import find_part, keep_part
from harvester.listing.sweep import Step, Sweep, advance
from harvester.listing.walk import Walk
from harvester.text.escapes import unescape_json

T = TypeVar("T")
_LEAST_PATIENCE, _SHOWN_PER_ANSWER = 100, 100
"""Answers in a row without a new photo after which a sweep ends: photos that were shown before may come again, at
least so many with an answer, but not more of them than there are."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a search's rows must fit: seconds of upload, both inclusive, and how many photos are wanted in all."""

    since: int
    until: int
    limit: int | None = None

    def holds(self, row: Row, *, horizon: int) -> bool:
        """Whether a row was asked for. Flickr widens small windows, so answers bring photos that were not."""
        return row.uploaded is None or self.since <= row.uploaded <= min(self.until, horizon)


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

    def __init__(
        self,
        state: State,
        files: LineFiles | None = None,
        *,
        reuse: Reuse | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives Flickr's Unix time, as far as it is known."""
        self.state = state
        self.takes_lists = files is not None
        self._clock = clock
        self._files = files
        self._withdrawn = find_withdrawn(state)
        self._lists = Lists(state, files, reuse=reuse, clock=clock, withdrawn=self._withdrawn)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._sent: list[tuple[Sequence[Record], int]] = []
        """Records that were sent and are not vouched for, with the output's length behind each handful of them."""
        self._is_failing = False
        self.drafts: dict[str, Draft] = {}
        """Photos of which some parts may have come, by id, until their lines are sent."""
        self._unescapes = bool(state.facts.unescape)
        self.listed = state.count_todo() + state.length(PHOTOS).lines
        self.shown = state.count_seen()
        """Photos that listings have shown."""
        self.unchanged = max(0, self.shown - self.listed) if state.is_update else 0
        """Photos that an update has found to be as they were."""
        self._expected: int | None = state.facts.expected

    def close(self, sink: Sink) -> None:
        """Let the thread finish what it does, and vouch for what was sent; what the disk has refused is cut off."""
        self._thread.shutdown(wait=True)
        if self._files is not None:
            self._files.close()
        if self._is_failing:
            sink.cut(self.state.length(PHOTOS).bytes)
        else:
            self._commit(sink)
            with suppress(CannotWrite):  # this costs calls and no data; what has ended the run tells more
                self._keep_drafts(self._take_drafts())

    async def do(self, work: Callable[[], T]) -> T:
        """Do some work on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def admit(
        self, n: int, sweep: Sweep, page: Page, *, bounds: Bounds, given: Mapping[str, str], split: bool
    ) -> Admission:
        """Take an answer into the checkpoint: its new photos, and the sweeps that follow from it."""

        def work() -> Admission:
            with self.state.changing():
                horizon = self._fix_horizon(page, until=bounds.until)
                rows = [row for row in page.rows if bounds.holds(row, horizon=horizon)]
                self._expect(self._sum_claims(sweep, page))
                shown_before = self.shown
                fresh, full = self._admit(rows, bounds.limit)
                if full:  # what lies behind the limit stays unseen, and the sweep where it stands
                    sweeps = []
                else:
                    step = advance(
                        sweep.ending(horizon),
                        page,
                        fresh=self.shown - shown_before,
                        given=given,
                        split=split,
                        patience=_LEAST_PATIENCE + self.shown // _SHOWN_PER_ANSWER,
                    )
                    sweeps = self.state.replace_sweep(n, keep_part(sweep, step))
            return Admission(fresh, sweeps, full)

        return await self.do(work)

    def _fix_horizon(self, page: Page, *, until: int) -> int:
        """The last second of upload that belongs to this harvest, fixed once: the moment of its first page.

        It is taken from Flickr's clock, and never lies before a photo that this page shows.
        """
        horizon = self.state.facts.horizon
        if horizon is None:
            shown = (row.uploaded for row in page.rows if row.uploaded is not None)
            horizon = min(until, max(int(self._clock()), *shown, 0))
            self.state.note(replace(self.state.facts, horizon=horizon))
        return horizon

    async def reconsider(self, source: Source, claimed: int | None, again: Sequence[Sweep], *, always: bool) -> bool:
        """Take a new claim of a search that is listed; whether it is to be listed `again`, since photos are missing.

        `always` has it listed again though its stretches tell what is missing.
        """

        def work() -> bool:
            with self.state.changing():
                self._expect(self._expected if claimed is None else claimed)
                if is_open := is_unexplained(source, self.state, always=always):
                    self.state.list_again(again)
            return is_open

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
                fresh, full = self._admit(shown, limit) if walk.streams_photos else ([], False)
                walks = self._lists.take(n, walk, listed, go_on=not full)
                claimed = _count_claimed(walk, listed) if walk.page == 1 else None
                self._expect(self._expected if claimed is None else claimed)
            return ListAdmission(walks, fresh, claimed)

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

    async def admit_lines(self, rows: Sequence[Row], *, whole: int) -> list[Todo]:
        """Take lines of an archive that is deepened; of those read with them, `whole` lack nothing."""

        def work() -> list[Todo]:
            with self.state.changing():
                fresh = [Todo(row.id, row.raw) for row in self.state.admit(rows)]
                self.state.add_todo(fresh)
            self.unchanged += whole
            self.listed += len(fresh)
            return fresh

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
        self.shown += len(admitted)
        admitted = [row for row in admitted if int(row.id) not in self._withdrawn]
        if self.state.is_update:
            differing = self.state.differing(admitted)
            self.unchanged += len(admitted) - len(differing)
            admitted = differing
        fresh = [Todo(row.id, row.raw or None) for row in admitted]
        self.state.add_todo(fresh)
        self.listed += len(fresh)
        return fresh, full

    @property
    def expected(self) -> int | None:
        """How many photos there are, as Flickr has claimed."""
        return self._expected

    def _sum_claims(self, sweep: Sweep, page: Page) -> int | None:
        """What the first answer claims; the sum of the first answers where a search has parts."""
        part = find_part(sweep)
        if sweep.reads > 1:
            return self._expected
        if part is None:
            return page.total if self._expected is None else self._expected
        claims = self.state.facts.claims or {}
        if page.total is not None and part not in claims:
            claims = {**claims, part: page.total}
            self.state.note(replace(self.state.facts, claims=claims))
        return sum(claims.values()) if claims else None

    def _expect(self, claimed: int | None) -> None:
        """Keep Flickr's claim at once: after a kill a sweep's next page claims no more than what is left."""
        if claimed != self._expected:
            self._expected = claimed
            self.state.note(replace(self.state.facts, expected=claimed))

    async def send(self, records: Sequence[Record], sink: Sink) -> None:
        """Deliver records. `commit` makes the checkpoint know of it."""
        if self._unescapes:
            records = [Record(record.id, unescape_json(record.line)) for record in records]
        await sink.send(records, self._thread)
        self._sent.append((records, sink.length))
        for record in records:
            self.drafts.pop(record.id, None)

    async def keep_drafts(self) -> None:
        """Have the checkpoint know of the parts that have come of photos in flight."""
        if drafts := self._take_drafts():
            await self.do(lambda: self._keep_drafts(drafts))

    def _take_drafts(self) -> list[tuple[str, bytes]]:
        """The drafts that have changed since they were kept, as JSON: they change on while that is written."""
        changed = [(photo_id, draft) for photo_id, draft in self.drafts.items() if draft.progress != draft.kept]
        for _, draft in changed:
            draft.kept = draft.progress
        return [(photo_id, draft.encode()) for photo_id, draft in changed]

    def _keep_drafts(self, drafts: Sequence[tuple[str, bytes]]) -> None:
        if drafts:
            with self.state.changing():
                self.state.keep_drafts(drafts)

    async def commit(self, sink: Sink) -> None:
        """Vouch for all that was sent: on the disk first, then in the checkpoint."""
        await self.do(lambda: self._commit(sink))

    def _commit(self, sink: Sink) -> None:
        sent = self._sent[:]
        if not sent or self._is_failing:
            return
        self._is_failing = True
        sink.sync()
        with self.state.changing():
            records = [record for some, _ in sent for record in some]
            self.state.finish(record.id for record in records)
            if sink.length:
                self.state.note_lines(records)
            self.state.vouch(PHOTOS, Length(sent[-1][1], self.state.length(PHOTOS).lines + len(records)))
        self._is_failing = False
        del self._sent[: len(sent)]

    async def spare_sweeps(self, claimed: int | None) -> None:
        """An update of one's own account knows what has changed: where no photo is gone, nothing is to be listed."""

        def work() -> None:
            state = self.state
            if claimed is not None and state.is_update and not state.walks() and state.facts.changed_since:
                with state.changing():
                    if state.spare_sweeps(claimed):
                        self.unchanged = claimed - self.listed

        await self.do(work)

    async def add_missing(self) -> None:
        """The listing is through: what it has not shown is to be looked for."""

        def work() -> None:
            with self.state.changing():
                add_missing(self.state)

        await self.do(work)

    async def finish_gone(self, gone: Sequence[Gone]) -> None:
        """It is known what became of these missing photos."""

        def work() -> None:
            with self.state.changing():
                self.state.note_gone(gone)
                self.state.finish(photo.id for photo in gone)

        await self.do(work)

    async def note_failures(self, failures: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """These photos could not be had for now; what has come of them is kept."""
        drafts = self._take_drafts()
        for photo_id, _ in failures:
            self.drafts.pop(photo_id, None)

        def work() -> None:
            with self.state.changing():
                self.state.keep_drafts(drafts)
                for photo_id, failure in failures:
                    self.state.note_failure(photo_id, failure)

        await self.do(work)

    async def note_bad_input(self, text: str, failure: dict[str, Any]) -> None:
        """A line of input that names no photo."""

        def work() -> None:
            with self.state.changing():
                self.state.note_bad_input(text, failure)

        await self.do(work)


def read_row(row: tuple[str, bytes]) -> Row:
    """A row of a list as a photo to be harvested."""
    photo_id, raw = row
    updated = read_number(orjson.loads(raw).get("lastupdate")) if raw else None
    return Row(photo_id, None, None, raw or b"", updated)


def _count_claimed(walk: Walk, listed: Listed) -> int | None:
    """How many photos Flickr claims there are: on a person, or of a list whose photos are harvested."""
    if walk.listing == "person":
        found = orjson.loads(listed.rows[0][1]).get("photos")
        count = found.get("count") if isinstance(found, dict) else None
        return read_number(count.get("_content") if isinstance(count, dict) else count)
    return listed.total if walk.top and walk.shape.shows_photos else None
