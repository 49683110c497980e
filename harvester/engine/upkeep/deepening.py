"""Deepening an archive, or going on with that; and the commands that may meet one under way.

run_whole_job   a job; then, where it asks for more than its archive holds, the deepening
resume_archive  an archive; then its deepening
update_archive  a deepening that is under way; then the update
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from harvester.archive.checkpoint.comparison import Staged
from harvester.archive.checkpoint.facts import Depth, inherit
from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.shallow import has_brought
from harvester.archive.checkpoint.state import State
from harvester.archive.depth import read_depth, withdraw_depth
from harvester.archive.disk.files import Appender
from harvester.archive.disk.layout import require_checkpoint
from harvester.archive.disk.modes import make_checkpoint_file
from harvester.archive.folder import (
    CHANGES,
    STATE,
    check_lengths,
    count_lists,
    is_at_limit,
    is_told_complete,
    lock_folder,
    open_archive_state,
    write_errors,
)
from harvester.archive.merge.apply import finish_merge
from harvester.archive.merge.deepening import merge_deepening
from harvester.archive.merge.merge import Merged
from harvester.archive.merge.staging import clear_merged, find_deepening, is_merged, is_under_way, make_staging
from harvester.archive.pieces import find_pieces
from harvester.archive.remembered import restore_job
from harvester.archive.shallow import Shallow
from harvester.archive.sinks import PHOTOS, ArchiveSink, OpenSink, recover_lines
from harvester.config.settings import Settings
from harvester.engine import run as engine
from harvester.engine.key_names import remember_key_names
from harvester.engine.output import Output, UpdateWanted
from harvester.engine.run import run_open_job, tell_limitations
from harvester.engine.upkeep import update
from harvester.engine.upkeep.thread import finish
from harvester.engine.upkeep.update import Watched
from harvester.errors import KeyRefused, Stopped, Summary, UsageError
from harvester.events import Ended, Event, Observer, Started, ignore
from harvester.jobs.model import Job, Photos
from harvester.jobs.values import stamp


async def run_whole_job(
    job: Job,
    settings: Settings,
    *,
    output: Output,
    observer: Observer = ignore,
    stop: asyncio.Event | None = None,
    open_sink: OpenSink = ArchiveSink,
) -> Summary:
    """Harvest a job as `run_job` does. An archive that holds less of each photo than the job asks for is deepened.

    `open_sink` is for the photos of the job itself: those that are deepened do not go there.

    UpdateWanted as of `run_job`, once the archive is as deep as it is to be.
    """
    stop, held = stop or asyncio.Event(), _Held(observer)
    output = replace(output, deepens=output.folder is not None)
    before = _read_wanted_depth(output.folder)
    summary = await engine.run_job(job, settings, output=output, observer=held, stop=stop, open_sink=open_sink)
    summary = _tell_limit(summary, output)
    is_deepened = _read_wanted_depth(output.folder) is not None
    summary = await _go_on(summary, settings, folder=output.folder, held=held, stop=stop, before=before)
    if is_deepened and output.update and output.folder is not None and summary.status != "stopped":
        # a photo that fails does not hold up the news of all others: the update ends incomplete, and says so
        raise UpdateWanted(output.folder)
    return summary


async def resume_archive(
    folder: Path, settings: Settings, *, observer: Observer = ignore, stop: asyncio.Event | None = None
) -> Summary:
    """Go on with an archive as `run_resume` does, and then with its deepening."""
    stop, held = stop or asyncio.Event(), _Held(observer)
    before = _read_wanted_depth(folder)
    if before is not None:
        with open_archive_to_read(folder) as state:
            job = restore_job(state, where=folder)
        summary = await engine.run_job(job, settings, output=Output(folder=folder), observer=held, stop=stop)
    else:
        summary = await update.run_resume(folder, settings, observer=held, stop=stop)
    return await _go_on(summary, settings, folder=folder, held=held, stop=stop, before=before)


async def update_archive(
    folder: Path, settings: Settings, *, observer: Observer = ignore, stop: asyncio.Event | None = None
) -> Summary:
    """Bring an archive up to date as `run_update` does. The deepening of a whole archive is ended first."""
    stop, held = stop or asyncio.Event(), _Held(observer)
    if _read_wanted_depth(folder) is None or not _is_ready(folder):
        return await update.run_update(folder, settings, observer=observer, stop=stop)
    summary = await resume_archive(folder, settings, observer=held, stop=stop)
    if summary.status != "stopped":
        updated = await update.run_update(folder, settings, observer=held, stop=stop)
        summary = replace(updated.behind(summary), notes=(*_list_lasting(summary), *updated.notes))
    held.release(summary)
    return summary


def _list_lasting(summary: Summary) -> tuple[str, ...]:
    """What is told of an earlier stage: that of a deepening, and what was missing."""
    return summary.notes if summary.is_update or summary.status == "incomplete" else ()


def _tell_limit(summary: Summary, output: Output) -> Summary:
    """A limit leaves the listing where it stands, so there is nothing to compare an update with: that is said."""
    if not output.update or output.folder is None or summary.status != "complete":
        return summary
    with open_archive_to_read(output.folder) as state:
        is_cut = is_at_limit(state) and bool(state.sweeps())
    told = "The limit of the job is reached, so --update brings nothing new: leave out the limit for updates."
    return replace(summary, notes=(*summary.notes, told)) if is_cut else summary


async def _go_on(
    summary: Summary,
    settings: Settings,
    *,
    folder: Path | None,
    held: _Held,
    stop: asyncio.Event,
    before: Depth | None,
) -> Summary:
    """The deepening behind a run of an archive, if there is one to do; else the end of that run.

    `before` is the depth that the archive was to have before the command: a refused deepening leaves it so.
    """
    if folder is None or summary.status == "stopped" or _read_wanted_depth(folder) is None:
        held.release(summary)
        return summary
    with open_archive_to_read(folder) as archive:
        is_updated = is_under_way(folder, archive) and find_deepening(folder) is None
    if is_updated:
        updated = await update.run_update(folder, settings, observer=held, stop=stop)
        summary = replace(updated.behind(summary), failed=summary.failed + updated.failed)
        if updated.status == "stopped":
            held.release(summary)
            return summary
    is_through = True
    while is_through and _read_wanted_depth(folder) is not None:  # a deepening to less may have been under way
        deepened, is_through = await _deepen(folder, settings, observer=held.observer, stop=stop, before=before)
        told = summary.notes if summary.status == "incomplete" else ()
        failed = summary.failed + deepened.failed
        summary = replace(deepened.behind(summary), failed=failed, notes=(*deepened.notes, *told))
    tell_limitations(held.observer)
    held.release(summary)
    return summary


def _read_wanted_depth(folder: Path | None) -> Depth | None:
    """The depth that an archive is to have; None where it is to have its own."""
    if folder is None or not _has_checkpoint(folder):  # whoever reads it says what is wrong
        return None
    with open_archive_to_read(folder) as state:
        return state.facts.wanted_depth


def _has_checkpoint(folder: Path) -> bool:
    path = folder / STATE
    return path.is_file() and path.stat().st_size > 0


def _is_ready(folder: Path) -> bool:
    with open_archive_to_read(folder) as state:
        return state.has_only_failures()


async def _deepen(
    folder: Path, settings: Settings, *, observer: Observer, stop: asyncio.Event, before: Depth | None
) -> tuple[Summary, bool]:
    """One deepening, or the rest of one; and whether nothing of it is left to be tried again.

    One that is refused before anything came leaves the archive as it was `before`.
    """
    async with AsyncExitStack() as stack:
        require_checkpoint(folder)
        lock = stack.enter_context(lock_folder(folder))
        archive = stack.enter_context(open_archive_state(folder, lock=lock))
        finish_merge(folder, archive)
        check_lengths(folder, archive, (PHOTOS, CHANGES))
        remember_key_names(archive, settings)
        stack.callback(clear_merged, folder, archive)  # when the checkpoint of the deepening, opened below, is closed
        staging = make_staging(folder)
        make_checkpoint_file(staging / STATE)
        state = stack.enter_context(Staged(staging / STATE, guard=lock.check))
        finish_merge(staging, state)
        target = _begin(state, archive)
        recover_lines(state, staging / PHOTOS)
        file = stack.enter_context(Appender(staging / PHOTOS, length=state.length(PHOTOS).bytes))
        watched = _Renaming(observer, job=_describe(archive, folder, target))
        try:
            summary = await run_open_job(
                Job(source=Photos()),
                settings,
                state=state,
                sink=ArchiveSink(file, guard=lock.check),
                output=Output(folder=staging, shown=folder),
                observer=watched,
                stop=stop,
                shallow=Shallow(find_pieces(folder, archive), parts=target.parts),
            )
            if summary.status != "stopped":
                watched.begin_merge()
                merging = partial(
                    merge_deepening, folder, archive, state, target=target, calls=summary.calls, is_stopped=stop.is_set
                )
                merged = await finish(merging)
                is_through = not summary.failed
                summary = replace(summary, new=merged.counts.get("deepened", 0), is_update=True)
                return _conclude(summary, merged, state, archive, target=target, folder=folder), is_through
        except Stopped:
            summary = replace(summary, status="stopped")
        except (UsageError, KeyRefused):
            if not has_brought(state.connection):
                withdraw_depth(archive, before)
            raise
        finally:
            write_errors(folder, archive)
        return _postpone(summary, archive, target=target, folder=folder), False


def _begin(state: State, archive: State) -> Depth:
    """What the deepening knows from the beginning; the depth that it is to bring."""
    target = state.facts.target_depth
    if target is None or is_merged(state.facts.update, archive):
        wanted = archive.facts.wanted_depth or read_depth(archive.facts.job or {})
        target = Depth(detail=wanted.detail, extras=wanted.extras, sizes=wanted.sizes)
        with state.changing():
            state.wipe()
            state.note(
                replace(
                    inherit(archive.facts, state.facts),
                    target_depth=target,
                    update=uuid4().hex,
                    update_begun=stamp(time.time()),
                    arguments={},  # nothing is looked up, and nothing listed
                    expected=archive.count_photos(),
                )
            )
        state.settle()
    return target


def _describe(archive: State, folder: Path, target: Depth) -> dict[str, Any]:
    job = replace(restore_job(archive, where=folder), limit=None)
    return target.deepen(job).describe()


def _conclude(
    summary: Summary, merged: Merged, state: State, archive: State, *, target: Depth, folder: Path
) -> Summary:
    """The summary of a deepening: what it has brought, of an archive of so many photos."""
    count, gone = merged.counts.get("deepened", 0), sum(1 for _ in state.gone())
    told = f"Deepened to {target}: {name_lines(count)} got the parts that were missing."
    left = f"Gone or private by now: {name_lines(gone)} stayed as they were." if gone else ""
    return replace(
        summary,
        status="complete" if is_told_complete(folder) else "incomplete",
        photos=archive.count_photos(),
        output=folder,
        lists=count_lists(archive),
        notes=(told, *filter(None, (left,)), *summary.notes),
    )


def name_lines(count: int) -> str:
    """`1 line`, `1,200 lines`."""
    return "1 line" if count == 1 else f"{count:,} lines"


def _postpone(summary: Summary, archive: State, *, target: Depth, folder: Path) -> Summary:
    """The summary of a deepening that is not through: the archive is the old one."""
    told = (
        f"The deepening to {target} is not through: {folder} is as it was, and "
        f"{name_lines(summary.photos)} with more parts wait for it."
    )
    return replace(summary, photos=archive.count_photos(), output=folder, is_update=True, notes=(told, *summary.notes))


class _Held:
    """An observer for whom the end of one run waits until it is known whether another follows."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Ended):
            self.observer(event)

    def release(self, summary: Summary) -> None:
        """No other run follows: all of them together ended so."""
        self.observer(Ended(summary=summary))


class _Renaming(Watched):
    """The observer of a deepening, which is told of the archive's job, not of the lines that are read."""

    def __init__(self, observer: Observer, *, job: dict[str, Any]) -> None:
        super().__init__(observer)
        self._job = job

    def __call__(self, event: Event) -> None:
        super().__call__(replace(event, job=self._job, is_deepening=True) if isinstance(event, Started) else event)
