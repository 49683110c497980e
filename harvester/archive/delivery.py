"""Records on their way: sent to the output, then committed to the checkpoint, and parts closed that are full."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeAlias

from harvester.archive.checkpoint.state import Length, State
from harvester.archive.closing import is_due
from harvester.archive.disk.record import Record
from harvester.archive.draft import Draft
from harvester.archive.parts.part import Part
from harvester.archive.sinks import PHOTOS, Sink
from harvester.errors import CannotWrite
from harvester.text.escapes import unescape_json

Do: TypeAlias = Callable[[Callable[[], Sequence[Part] | None]], Awaitable[Sequence[Part] | None]]
"""Does some work on the store's thread."""


class Delivery:
    """What was sent and is not committed, and what has come of photos that are not sent yet."""

    def __init__(self, state: State, thread: Executor) -> None:
        self._state = state
        self._thread = thread
        self._sent: list[tuple[Sequence[Record], int]] = []
        """Records that were sent and are not committed, with the output's length behind each handful of them."""
        self._is_failing = False
        self._sending = asyncio.Lock()
        """Held while a part is closed: nothing is written to the file that changes places then."""
        self.drafts: dict[str, Draft] = {}
        """Photos of which some parts may have come, by id, until their lines are sent."""
        self._unescapes = bool(state.facts.unescape)

    def close(self, sink: Sink) -> None:
        """Commit what was sent; what the disk has refused is cut off."""
        if self._is_failing:
            sink.cut(self._state.length(PHOTOS).bytes)
        else:
            self._commit(sink)
            with suppress(CannotWrite):  # this costs calls and no data; what has ended the run tells more
                self.keep_drafts(self.take_drafts())

    async def send(self, records: Sequence[Record], sink: Sink) -> None:
        """Deliver records. `commit` makes the checkpoint know of it."""
        if self._unescapes:
            records = [Record(record.id, unescape_json(record.line)) for record in records]
        async with self._sending:
            await sink.send(records, self._thread)
            self._sent.append((records, sink.length))
        for record in records:
            self.drafts.pop(record.id, None)

    async def commit(self, sink: Sink, do: Do) -> Sequence[Part]:
        """Commit all that was sent: on the disk first, then in the checkpoint. The parts that were closed by it."""
        if await do(lambda: self._commit(sink)) is None:
            return ()
        async with self._sending:
            return await do(lambda: self._close_parts(sink)) or ()

    def _commit(self, sink: Sink) -> Sequence[Part] | None:
        """Commit; None where no part is to be closed."""
        sent = self._sent[:]
        if not sent or self._is_failing:
            return None
        self._is_failing = True
        sink.sync()
        with self._state.changing():
            records = [record for some, _ in sent for record in some]
            self._state.finish(record.id for record in records)
            if sink.length:
                self._state.note_lines(records)
            self._state.commit_length(PHOTOS, Length(sent[-1][1], self._state.length(PHOTOS).lines + len(records)))
        self._is_failing = False
        del self._sent[: len(sent)]
        return () if sink.length and is_due(self._state) else None

    def _close_parts(self, sink: Sink) -> Sequence[Part]:
        self._commit(sink)
        if self._sent or self._is_failing:
            return ()
        self._is_failing = True  # what is sent after a failure would be committed in the wrong file
        closed = sink.close_parts(self._state)
        self._is_failing = False
        return closed

    def take_drafts(self) -> list[tuple[str, bytes]]:
        """The drafts that have changed since they were kept, as JSON: they change on while that is written."""
        changed = [(photo_id, draft) for photo_id, draft in self.drafts.items() if draft.progress != draft.kept]
        for _, draft in changed:
            draft.kept = draft.progress
        return [(photo_id, draft.encode()) for photo_id, draft in changed]

    def keep_drafts(self, drafts: Sequence[tuple[str, bytes]]) -> None:
        """Keep them in the checkpoint."""
        if drafts:
            with self._state.changing():
                self._state.keep_drafts(drafts)
