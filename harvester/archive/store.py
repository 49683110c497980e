"""Where results go: checkpoint and output change together, on one thread of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from harvester.archive.checkpoint.comparison import Comparison
from harvester.archive.checkpoint.state import Gone, State, Todo, is_photo_id
from harvester.archive.checkpoint.withdrawn import add_missing, find_withdrawn
from harvester.archive.comparison import is_credible, is_unexplained
from harvester.archive.delivery import Delivery
from harvester.archive.disk.record import Record
from harvester.archive.listing_result import Bounds, ListingResult, ListResult, count_claimed, is_listed_whole, read_row
from harvester.archive.lists import LineFiles, Lists, Reuse
from harvester.archive.parts.part import Part
from harvester.archive.sinks import Sink
from harvester.errors import Refused
from harvester.flickr.methods import PAGE_SIZE
from harvester.flickr.responses import Listed, Page, Row
from harvester.jobs.model import Source
from harvester.listing.parts import find_part, keep_part
from harvester.listing.sweep import Step, Sweep, advance
from harvester.listing.walk import Walk

T = TypeVar("T")
_LEAST_PATIENCE, _SHOWN_PER_ANSWER = 100, 100
"""Answers in a row without a new photo after which a sweep ends: photos that were shown before may come again, at
least so many with an answer, but not more of them than there are."""


# Many attributes: the checkpoint, its output and the thread that both change on have one owner.
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
        self._state = state
        self._older = state if isinstance(state, Comparison) else None
        self.takes_lists = files is not None
        self._clock = clock
        self._files = files
        self._withdrawn = find_withdrawn(state)
        self._lists = Lists(state, files, reuse=reuse, clock=clock, withdrawn=self._withdrawn)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._delivery = Delivery(state, self._thread)
        self.drafts = self._delivery.drafts
        self.listed = state.count_todo() + state.count_photos()
        self.shown = state.count_seen()
        """Photos that listings have shown."""
        self.unchanged = max(0, self.shown - self.listed) if state.is_update else 0
        """Photos that an update has found to be as they were."""
        self._expected: int | None = state.facts.expected

    def close(self, sink: Sink) -> None:
        """Let the thread finish what it does, and commit what was sent; what the disk has refused is cut off."""
        self._thread.shutdown(wait=True)
        if self._files is not None:
            self._files.close()
        self._delivery.close(sink)

    async def do(self, work: Callable[[], T]) -> T:
        """Do some work on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def look(self, question: Callable[[State], T]) -> T:
        """What the checkpoint knows, asked on the store's thread."""
        return await self.do(lambda: question(self._state))

    async def admit(
        self, n: int, sweep: Sweep, page: Page, *, bounds: Bounds, given: Mapping[str, str], split: bool
    ) -> ListingResult:
        """Take an answer into the checkpoint: its new photos, and the sweeps that follow from it."""

        def work() -> ListingResult:
            with self._state.changing():
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
                    sweeps = self._state.replace_sweep(n, keep_part(sweep, step))
            return ListingResult(fresh, sweeps, full)

        return await self.do(work)

    def _fix_horizon(self, page: Page, *, until: int) -> int:
        """The last second of upload that belongs to this harvest, fixed once: the moment of its first page.

        It is taken from Flickr's clock, and never lies before a photo that this page shows.
        """
        horizon = self._state.facts.horizon
        if horizon is None:
            shown = (row.uploaded for row in page.rows if row.uploaded is not None)
            horizon = min(until, max(int(self._clock()), *shown, 0))
            self._state.note(replace(self._state.facts, horizon=horizon))
        return horizon

    async def reconsider(self, source: Source, claimed: int | None, again: Sequence[Sweep], *, always: bool) -> bool:
        """Take a new claim of a search that is listed; whether it is to be listed `again`, since photos are missing.

        `always` has it listed again though its stretches tell what is missing.
        """

        def work() -> bool:
            with self._state.changing():
                if claimed is not None and is_credible(claimed, self._state):
                    self._expect(claimed)
                if is_open := is_unexplained(source, self._state, always=always):
                    self._state.list_again(again)
            return is_open

        return await self.do(work)

    async def cut(self, n: int, step: Step) -> list[tuple[int, Sweep]]:
        """A sweep ends otherwise than by an answer."""

        def work() -> list[tuple[int, Sweep]]:
            with self._state.changing():
                return self._state.replace_sweep(n, step)

        return await self.do(work)

    async def admit_list(self, n: int, walk: Walk, listed: Listed, *, limit: int | None) -> ListResult:
        """Take a page of a list into files and checkpoint: its lines, its photos, the lists that follow from it."""

        def work() -> ListResult:
            with self._state.changing():
                shown = [read_row(row) for row in listed.rows if is_photo_id(row[0])] if walk.streams_photos else []
                fresh, full = self._admit(shown, limit) if walk.streams_photos else ([], False)
                walks = self._lists.take(n, walk, listed, go_on=not full)
                claimed = count_claimed(walk, listed) if walk.page == 1 else None
                self._expect(self._expected if claimed is None else claimed)
            return ListResult(walks, fresh, claimed)

        return await self.do(work)

    async def refuse_list(self, n: int, walk: Walk, error: Refused) -> None:
        """Flickr refuses a list for good."""

        def work() -> None:
            with self._state.changing():
                self._lists.refuse(n, walk, error)

        await self.do(work)

    async def note_walk_failure(self, n: int, failure: dict[str, Any]) -> None:
        """A list could not be had for now."""

        def work() -> None:
            with self._state.changing():
                self._state.note_walk_failure(n, failure)

        await self.do(work)

    async def admit_later(self, *, after: str, limit: int | None) -> tuple[ListingResult, str]:
        """Take the next photos kept for later that no listing has shown; and the last of them, "" at the end."""

        def work() -> tuple[ListingResult, str]:
            with self._state.changing():
                found = self._state.later(after=int(after), most=PAGE_SIZE)
                fresh, full = self._admit([read_row(row) for row in found], limit)
                if not found:
                    self._state.drop_later()
            return ListingResult(fresh, [], full), found[-1][0] if found else ""

        return await self.do(work)

    async def admit_ids(self, ids: Sequence[str], *, limit: int | None) -> ListingResult:
        """Take photos that were named, not listed."""

        def work() -> ListingResult:
            with self._state.changing():
                fresh, full = self._admit([Row(i, None, None, b"") for i in ids], limit)
            return ListingResult(fresh, [], full)

        return await self.do(work)

    async def admit_lines(self, rows: Sequence[Row], *, whole: int) -> list[Todo]:
        """Take lines of an archive that is deepened; of those read with them, `whole` lack nothing."""

        def work() -> list[Todo]:
            with self._state.changing():
                fresh = [Todo(row.id, row.raw) for row in self._state.admit(rows)]
                self._state.add_todo(fresh)
            self.unchanged += whole
            self.listed += len(fresh)
            return fresh

        return await self.do(work)

    def _admit(self, rows: list[Row], limit: int | None) -> tuple[list[Todo], bool]:
        left = None if limit is None else limit - self.listed
        if left is not None and left <= len(rows):
            unseen = [row for row in {row.id: row for row in rows}.values() if not self._state.has_seen(row.id)]
            full = len(unseen) >= left
            rows = unseen[: max(left, 0)]
        else:
            full = False
        admitted = self._state.admit(rows)
        self.shown += len(admitted)
        admitted = [row for row in admitted if int(row.id) not in self._withdrawn]
        if self._older is not None:
            differing = self._older.differing(admitted)
            self.unchanged += len(admitted) - len(differing)
            admitted = differing
        fresh = [Todo(row.id, row.raw or None) for row in admitted]
        self._state.add_todo(fresh)
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
        claims = self._state.facts.claims or {}
        if page.total is not None and part not in claims:
            claims = {**claims, part: page.total}
            self._state.note(replace(self._state.facts, claims=claims))
        return sum(claims.values()) if claims else None

    def _expect(self, claimed: int | None) -> None:
        """Keep Flickr's claim at once: after a kill a sweep's next page claims no more than what is left."""
        if claimed != self._expected:
            self._expected = claimed
            self._state.note(replace(self._state.facts, expected=claimed))

    async def send(self, records: Sequence[Record], sink: Sink) -> None:
        """Deliver records. `commit` makes the checkpoint know of it."""
        await self._delivery.send(records, sink)

    async def commit(self, sink: Sink) -> Sequence[Part]:
        """Commit all that was sent: on the disk first, then in the checkpoint. The parts that were closed by it."""
        return await self._delivery.commit(sink, self.do)

    async def keep_drafts(self) -> None:
        """Have the checkpoint know of the parts that have come of photos in flight."""
        if drafts := self._delivery.take_drafts():
            await self.do(lambda: self._delivery.keep_drafts(drafts))

    async def spare_sweeps(self, claimed: int | None) -> None:
        """An update of one's own account knows what has changed: where no photo is gone, nothing is to be listed."""

        def work() -> None:
            state = self._older
            if claimed is not None and state is not None and not state.walks() and state.facts.changed_since:
                with state.changing():
                    if state.spare_sweeps(claimed):
                        self.unchanged = claimed - self.listed

        await self.do(work)

    async def list_missing(self, *, after: int, most: int) -> list[Todo]:
        """Of an update that is listed whole: the next photos that the archive has and no listing has shown."""

        def work() -> list[Todo]:
            state = self._older
            if state is None or (not after and not is_listed_whole(state)):
                return []
            if not after:
                with state.changing():
                    add_missing(state)
            return state.todo_missing(after=after, most=most)

        return await self.do(work)

    async def finish_gone(self, gone: Sequence[Gone]) -> None:
        """Take these photos off the list of missing ones: Flickr was asked for each."""

        def work() -> None:
            with self._state.changing():
                self._state.note_gone(gone)
                self._state.finish(photo.id for photo in gone)

        await self.do(work)

    async def note_failures(self, failures: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Note that these photos could not be fetched for now, and keep the parts that have come."""
        drafts = self._delivery.take_drafts()
        for photo_id, _ in failures:
            self.drafts.pop(photo_id, None)

        def work() -> None:
            with self._state.changing():
                self._state.keep_drafts(drafts)
                for photo_id, failure in failures:
                    self._state.note_failure(photo_id, failure)

        await self.do(work)

    async def note_bad_input(self, text: str, failure: dict[str, Any]) -> None:
        """A line of input that names no photo."""

        def work() -> None:
            with self._state.changing():
                self._state.note_bad_input(text, failure)

        await self.do(work)
