"""Publishing beside a harvest, which it neither delays nor ends."""

from __future__ import annotations

import asyncio
import shlex
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.disk.layout import MANIFEST
from harvester.archive.folder import STATE, lock_folder, open_archive_state
from harvester.archive.manifest import read_manifest
from harvester.archive.parts.part import Part
from harvester.archive.pieces import list_parts
from harvester.errors import StopRun, StoreFault, Summary, UsageError
from harvester.events import Ended, Event, Noticed, Observer, PartClosed, Started, Tally
from harvester.objects import Store, open_store
from harvester.objects.opening import is_address
from harvester.objects.patience import Patience
from harvester.objects.publish.parts import PartUploads
from harvester.objects.publish.plan import name_key
from harvester.objects.publish.upload import Done, check_same, publish
from harvester.text.words import name_count, name_duration

NOWHERE = "none"
"""In place of an address: the archive is published no longer."""

Run: TypeAlias = Callable[[Observer], Awaitable[Summary]]


def read_address(text: str, *, field: str = "publish") -> str:
    """The address of a store as an archive remembers it: a path is whole. UsageError where there is none."""
    if not text.strip():
        raise UsageError("name a place, such as s3://BUCKET/PREFIX.", field=field)
    return text if text == NOWHERE or is_address(text) else str(Path(text).expanduser().absolute())


async def run_and_publish(
    run: Run,
    *,
    folder: Path,
    address: str | None = None,
    is_private: bool = False,
    observer: Observer,
    stop: asyncio.Event,
) -> Summary:
    """Run what harvests into an archive, and publish what comes of it; the summary tells whether that was done.

    `address` is where to. None is where the archive was published before, if it was. `is_private` keeps a copy in a
    folder from other users; an archive that is private already has it so anyway. StopRun as of `run`, and, where the
    archive is new, for a place that cannot be used.
    """
    is_begun = _has_checkpoint(folder)
    _check_apart(folder, address)
    known = remember(folder, address) if is_begun else address
    if known in (None, NOWHERE):
        return await run(observer)
    is_private = is_private or (is_begun and _is_private(folder))
    publication = Publication(folder, str(known), is_private=is_private, observer=observer)
    await publication.begin(is_new=not is_begun)
    async with publication.parts.working():
        summary = await run(publication.watch)
        summary = await publication.end(summary, stop=stop)
    observer(Ended(summary=summary))
    return summary


def read_published(folder: Path) -> str | None:
    """Where an archive is published; None where it is not."""
    with open_archive_to_read(folder) as state:
        known = state.facts.publish
    return None if known == NOWHERE else known


def remember(folder: Path, address: str | None) -> str | None:
    """Have an archive know where it is published from now on; where that is. None leaves it as it is."""
    known = read_published(folder)
    if address in (None, known):
        return known
    with lock_folder(folder) as lock, open_archive_state(folder, lock=lock) as state, state.changing():
        state.note(replace(state.facts, publish=address))
    return address


class Publication:
    """An archive that is being published while a harvest adds to it."""

    def __init__(self, folder: Path, address: str, *, is_private: bool, observer: Observer) -> None:
        self._folder = folder
        self._address = address
        self._is_private = is_private
        self._observer = observer
        self._tally: Tally | None = None
        self._is_waiting = False
        self.parts = PartUploads(folder, self._open_patiently, observer)
        """Those that are closed meanwhile."""

    def watch(self, event: Event) -> None:
        """Pass on what happens, but for the end, which comes later."""
        if isinstance(event, Started):
            self._tally = event.tally
        elif isinstance(event, PartClosed):
            self.parts.add(event.name)
        if not isinstance(event, Ended):
            self._observer(event)

    async def begin(self, *, is_new: bool) -> None:
        """Look whether the place can be used. Where it cannot, StopRun of a new archive, else a notice."""
        try:
            store = self._open(Patience(total=0))
            await store.check(make=True)
            if (manifest := read_manifest(self._folder)) is not None:
                check_same(store, manifest, await store.get(MANIFEST))
            await self._add_parts(store)
        except StopRun as error:
            if is_new and not (isinstance(error, StoreFault) and error.is_transient):
                raise
            self._observer(Noticed(sentence=f"Nothing can be published for now, and the harvest goes on: {error}"))

    async def _add_parts(self, store: Store) -> None:
        """The parts that an earlier run has closed and not published."""
        if parts := _list_parts(self._folder):
            keys = {entry.key async for entry in store.list()}
            for part in parts:
                if name_key(part.name, part.sha256) not in keys:
                    self.parts.add(part.name)

    async def end(self, summary: Summary, *, stop: asyncio.Event) -> Summary:
        """Publish what the harvest has made of the archive, and say so."""
        if summary.status == "stopped":
            return self._postpone(summary)
        if self._tally is not None:
            self._tally.doing = "publishing"
        try:
            done = await _unless(stop, self._publish())
        except StopRun as error:
            told = f"Not published in {self._address}: {error}"
            return replace(summary, status="incomplete", notes=(*summary.notes, told))
        return self._postpone(summary) if done is None else replace(summary, notes=(*summary.notes, self._tell(done)))

    async def _publish(self) -> Done:
        await self.parts.finish()
        return await publish(self._folder, self._open_patiently())

    def _open_patiently(self) -> Store:
        self._is_waiting = False
        return self._open(Patience(on_wait=self._note_wait))

    def _open(self, patience: Patience) -> Store:
        return open_store(self._address, patience=patience, is_private=self._is_private)

    def _note_wait(self, error: StoreFault, seconds: float) -> None:
        if not self._is_waiting:
            self._observer(Noticed(sentence=f"Publishing waits {name_duration(seconds)} and tries again. {error}"))
        self._is_waiting = True

    def _postpone(self, summary: Summary) -> Summary:
        again = f"harvester resume {shlex.quote(str(self._folder))}"
        told = f"Not published in {self._address} yet: `{again}` does that at its end."
        return replace(summary, status="stopped", notes=(*summary.notes, told))

    def _tell(self, done: Done) -> str:
        what = f"{name_count(done.files, 'file')}, {name_count(done.bytes, 'byte')}"
        return f"Published in {self._address}: {what}{'' if done.is_new else ', which were there already'}."


async def _unless(stop: asyncio.Event, work: Awaitable[Done]) -> Done | None:
    """What the work brings; None where the run is to end before that."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, stopping):
            each.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


def _list_parts(folder: Path) -> list[Part]:
    with suppress(StopRun):  # whoever harvests tells what is wrong with the archive
        return list_parts(folder)
    return []


def _check_apart(folder: Path, address: str | None) -> None:
    if address is not None and not is_address(address) and Path(address).is_relative_to(folder.absolute()):
        raise UsageError(f"{address} is in the archive itself: name another place.", field="publish")


def _has_checkpoint(folder: Path) -> bool:
    path = folder / STATE
    return path.is_file() and path.stat().st_size > 0


def _is_private(folder: Path) -> bool:
    return not stat.S_IMODE((folder / STATE).stat().st_mode) & 0o077
