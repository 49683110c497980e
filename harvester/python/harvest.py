"""The handle of a harvest under way."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from harvester.errors import Incomplete, Summary
from harvester.python.harvest_task import HarvestTask
from harvester.python.lists import Entries
from harvester.python.photo import Photo
from harvester.text.words import name_count


class Harvest(AsyncIterator[Photo]):
    """A harvest under way. Iterate over it; `summary` says how it ended, once it has.

    `async with` ends it where its block is left. A plain loop ends it when the Harvest is dropped, which is at once
    unless a variable holds it.
    """

    def __init__(self, work: HarvestTask, *, allow_incomplete: bool) -> None:
        self._work = work
        self._allow_incomplete = allow_incomplete
        weakref.finalize(self, work.drop).atexit = False

    @property
    def summary(self) -> Summary | None:
        """How it ended; None before, and where it was left early."""
        return self._work.summary

    @property
    def entries(self) -> Entries:
        """What comes besides photos: sets with their members, collections, people, galleries, groups, contacts.

        They come before the photos. Iterate over them at any time, also after the end, for those that have come so
        far. With an archive these are all entries that its files hold.
        """
        return self._work.entries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __anext__(self) -> Photo:
        self._work.check_loop()
        try:
            record = await self._work.channel.take()
        except asyncio.CancelledError:
            await self._work.end()
            raise
        if record is not None:
            return Photo(record)
        await asyncio.wait({self._work.task})
        self._check_end()
        raise StopAsyncIteration

    def _check_end(self) -> None:
        """Raise what is wrong with the end."""
        error, self._work.error = self._work.error, None
        if error:
            raise error
        if self._allow_incomplete:
            return
        if self._work.is_cut_off:
            raise Incomplete(
                "This harvest was ended before it had brought all of its photos: begin another, which goes on where "
                "there is an archive."
            )
        if self.summary:
            check_complete(self.summary)

    async def aclose(self) -> None:
        """End the harvest; nothing of it is left running."""
        self._work.check_loop()
        await self._work.end()


def check_complete(summary: Summary, *, what: str = "harvest") -> None:
    """Incomplete, with all that is known, where something is missing."""
    if summary.status != "complete":
        told = f"The {what} is incomplete: it has {name_count(summary.photos, 'photo')}."
        notes = " ".join((told, *summary.notes, "To take what there is, pass allow_incomplete=True."))
        raise Incomplete(notes, summary=summary)
