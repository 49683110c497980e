"""Bringing a finished archive up to date: only what is new, changed or gone since, for the least calls.

An update is a harvest of its own, in a folder within the archive, so it is resumed as any harvest is. It lists
everything again, a call for 500 photos, and compares each row's `lastupdate` with the archive's: only photos that
differ are fetched. Until all is there the archive stays as it was; then the update is merged into it.

    listing -> new or changed: fetched -> .update/photos.ndjson ─┐
            -> as before: passed over                            ├─ merge -> the archive
            -> no longer shown: one getInfo each: gone, or not ──┘
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import orjson

from harvester.archive.checkpoint.claims import tell_claims
from harvester.archive.checkpoint.comparison import Comparison
from harvester.archive.checkpoint.facts import find_changed_since, inherit
from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.shallow import count_left_shallow
from harvester.archive.checkpoint.state import State
from harvester.archive.comparison import find_difference
from harvester.archive.disk.files import Appender
from harvester.archive.disk.layout import require_checkpoint
from harvester.archive.disk.modes import make_checkpoint_file
from harvester.archive.folder import (
    CHANGES,
    STATE,
    check_lengths,
    count_lists,
    damaged,
    is_at_limit,
    lock_folder,
    open_archive_state,
    write_errors,
)
from harvester.archive.incomplete import is_update_left
from harvester.archive.merge.apply import finish_merge, merge_update
from harvester.archive.merge.merge import Merged
from harvester.archive.merge.proof import Proof
from harvester.archive.merge.staging import clear_merged, find_deepening, is_merged, is_under_way, make_staging
from harvester.archive.pieces import find_pieces
from harvester.archive.remembered import restore_job
from harvester.archive.sinks import PHOTOS, ArchiveSink, recover_lines
from harvester.archive.withheld import judge_withheld, tell_withheld
from harvester.config.settings import Settings
from harvester.engine.key_names import remember_key_names
from harvester.engine.output import Output
from harvester.engine.run import run_job, run_open_job, tell_limitations
from harvester.engine.upkeep.thread import finish
from harvester.errors import Stopped, Summary, UsageError
from harvester.events import Ended, Event, Observer, Started, Tally, ignore
from harvester.flickr.counts import COUNTS
from harvester.flickr.lenient_json import read_number
from harvester.jobs.model import Account, Photos, Search, Source
from harvester.jobs.values import stamp
from harvester.listing.walk import Walk
from harvester.text.words import name_count

_BATCH = 10_000
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def run_update(
    folder: Path, settings: Settings, *, observer: Observer = ignore, stop: asyncio.Event | None = None
) -> Summary:
    """Bring an archive up to date, or go on with that. Everything wrong is a StopRun.

    UsageError where the archive is not complete yet, or cannot be compared with anything.
    """
    settings.require_key()
    stop = stop or asyncio.Event()
    async with AsyncExitStack() as stack:
        require_checkpoint(folder)
        lock = stack.enter_context(lock_folder(folder))
        archive = stack.enter_context(open_archive_state(folder, lock=lock))
        finish_merge(folder, archive)
        _check_ready(archive, folder)
        if is_under_way(folder, archive) and find_deepening(folder) is not None:
            raise UsageError(f"{folder} is being deepened: `harvester resume {folder}` first, then update it.")
        check_lengths(folder, archive, (PHOTOS, CHANGES))
        remember_key_names(archive, settings)
        _learn_changes(archive, folder)
        stack.callback(clear_merged, folder, archive)  # when the update's own checkpoint, opened below, is closed
        staging = make_staging(folder)
        make_checkpoint_file(staging / STATE)
        state = stack.enter_context(Comparison(staging / STATE, guard=lock.check))
        finish_merge(staging, state)
        _begin(state, archive)
        state.compare_with(folder / STATE)
        recover_lines(state, staging / PHOTOS)
        was_listed = bool(state.count_seen()) or state.is_later_left()
        length, watched = state.length(PHOTOS), Watched(observer)
        file = stack.enter_context(Appender(staging / PHOTOS, length=length.bytes))
        summary = await run_open_job(
            replace(restore_job(archive, where=folder), limit=None),
            settings,
            state=state,
            sink=ArchiveSink(file, guard=lock.check),
            output=Output(folder=staging, shown=folder),
            observer=watched,
            stop=stop,
            reuse=Unchanged(folder),
        )
        if summary.status == "complete" or (summary.status == "incomplete" and state.has_only_failures()):
            source = restore_job(archive, where=folder).source
            _note_withheld(source, state, archive, is_resumed=was_listed)
            summary = _tell_left(summary, state, folder)
            merging = partial(merge_update, folder, archive, state, status=summary.status, calls=summary.calls)
            counts = {"failed": sum(1 for _ in state.failures()) + count_left_shallow(state.connection)}
            keep_unlisted = _keeps_unlisted(source, state, was_listed=was_listed)
            watched.begin_merge()
            try:
                merged = await finish(
                    partial(merging, keep_unlisted=keep_unlisted, counts=counts, is_stopped=stop.is_set)
                )
                summary = _conclude(summary, merged, folder, archive)
                write_errors(folder, archive)
            except Stopped:
                summary = _postpone(replace(summary, status="stopped"), folder, archive)
        else:
            summary = _postpone(summary, folder, archive)
    tell_limitations(observer)
    observer(Ended(summary=summary))
    return summary


async def run_resume(
    folder: Path, settings: Settings, *, observer: Observer = ignore, stop: asyncio.Event | None = None
) -> Summary:
    """Go on with an archive, whatever it was begun with, or with its update; try again what that could not get."""
    with open_archive_to_read(folder) as state:
        # An archive that was repaired is to be whole before its update goes on.
        is_update = state.is_whole() and (is_under_way(folder, state) or is_update_left(state))
        job = None if is_update else restore_job(state, where=folder)
        is_stream = state.facts.stream
    if job is None:
        return await run_update(folder, settings, observer=observer, stop=stop)
    output = Output(state=folder) if is_stream else Output(folder=folder)
    return await run_job(job, settings, output=output, observer=observer, stop=stop)


def _check_ready(archive: State, folder: Path) -> None:
    if archive.facts.stream:
        raise UsageError(f"{folder} keeps track of records sent to standard output: there is no archive to update.")
    if archive.is_begun() and is_at_limit(archive) and not archive.is_whole():
        limit = name_count(archive.facts.limit or 0, "photo")
        raise UsageError(
            f"{folder} was harvested with a limit of {limit}: the command that began it, "
            "without a limit, completes it; then update it."
        )
    source = restore_job(archive, where=folder).source
    if not archive.has_only_failures():
        raise UsageError(f"{folder} is not complete yet: `harvester resume {folder}` first, then update it.")
    if isinstance(source, Photos):
        raise UsageError(f"{folder} holds photos given by id: nothing lists them, so nothing tells what has changed.")


def _begin(state: State, archive: State) -> None:
    """What the update knows from the beginning: its id, the ids behind the names, and the moment.

    One that came to nothing, as without a login, begins anew: its moment is long past. So does one in the remains of
    an update that was merged, where these could not be removed, or of a deepening to which nothing has come.
    """
    is_known = state.facts.update_begun is not None and state.facts.target_depth is None
    if not is_known or is_merged(state.facts.update, archive) or state.is_untouched():
        with state.changing():
            state.wipe()
            known = archive.facts
            begun = replace(inherit(known, state.facts), update=uuid4().hex, update_begun=stamp(time.time()))
            state.note(replace(begun, looked_up=known.arguments, changed_since=find_changed_since(known)))
        state.settle()


class Watched:
    """An observer of an update's harvest that holds back the end until the merge is done."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._tally: Tally | None = None

    def __call__(self, event: Event) -> None:
        """Pass on what happens, but for the end."""
        if isinstance(event, Started):
            self._tally = event.tally
        if not isinstance(event, Ended):
            self._observer(event)

    def begin_merge(self) -> None:
        """A large archive takes minutes to rewrite."""
        if self._tally is not None:
            self._tally.doing = "merging the update into the archive"


def _learn_changes(archive: State, folder: Path) -> None:
    """An archive of an older format has the moments of last change in its lines alone."""
    if not archive.has_unknown_changes():
        return
    batch: list[tuple[int, int]] = []
    pieces = find_pieces(folder, archive)
    with pieces.tail.open("rb") as tail, archive.changing():
        try:
            for photo_id, updated in _read_changes(chain(pieces.take_parts(), tail)):
                batch.append((photo_id, updated))
                if len(batch) == _BATCH:
                    archive.note_changes(batch)
                    batch.clear()
        except (ValueError, TypeError, KeyError, AttributeError):
            raise damaged(folder / PHOTOS, "holds a line that is none of a photo") from None
        archive.note_changes(batch)


def _read_changes(lines: Any) -> Iterator[tuple[int, int]]:
    for line in lines:
        record = orjson.loads(line)
        row, info = record.get("search") or {}, record.get("info") or {}
        updated = read_number(row.get("lastupdate", (info.get("dates") or {}).get("lastupdate")))
        if updated is not None:
            yield int(record["id"]), updated


def _note_withheld(source: Source, state: Comparison, archive: State, *, is_resumed: bool) -> None:
    """Remember what a search keeps back, and all where a list is empty: what leaves a pool or a set stays as it is."""
    is_kept_back = (isinstance(source, Search) and source.group is None) or not state.count_seen()
    count = state.count_withheld() if is_kept_back else 0
    now = int(datetime.fromisoformat(str(state.facts.update_begun)).timestamp())
    found = judge_withheld(count, archive.facts.withheld, now=now, is_resumed=is_resumed)
    with state.changing():
        state.note(replace(state.facts, withheld=found))


def _keeps_unlisted(source: Source, state: Comparison, *, was_listed: bool) -> bool:
    """Whether photos stay that no listing has shown: what is claimed and not shown may be what the archive has.

    So may be what is withheld, and what an earlier run of this update has not seen listed.
    """
    is_kept_back = bool(state.facts.withheld) or find_difference(source, state) is not None
    return isinstance(source, Account) or was_listed or is_kept_back


def _tell_left(summary: Summary, state: State, folder: Path) -> Summary:
    """The summary with what the archive is then to lack, besides what this update could not get.

    That is what an earlier deepening has left, which an update does not fetch, and what a search keeps back for now.
    """
    told, count = [], count_left_shallow(state.connection)
    if count:
        which = f"{name_count(count, 'photo')} could not be had with all parts"
        told.append(f"{which}: `harvester resume {folder}` tries again.")
    if state.facts.withheld:
        told.append(tell_withheld(state.facts.withheld, folder))
    if not told:
        return summary
    return replace(summary, status="incomplete", failed=summary.failed + count, notes=(*summary.notes, *told))


def _conclude(summary: Summary, merged: Merged, folder: Path, archive: State) -> Summary:
    """The update's summary: what it has brought, of an archive of so many photos."""
    count = archive.count_photos()
    told = [f"{n:,} photos {what}" if n > 1 else f"1 photo {what}" for what, n in merged.counts.items() if n]
    told += [f"{n:,} of the {name.removesuffix('.ndjson')} differ" for name, n in merged.lists.items()]
    what = ", ".join(told) or "nothing has changed"
    claims = tell_claims(restore_job(archive, where=folder).source, archive, folder)
    notes = (f"Since the last time: {what}.", *claims, *summary.notes)
    return replace(summary, photos=count, output=folder, lists=count_lists(archive), is_update=True, notes=notes)


def _postpone(summary: Summary, folder: Path, archive: State) -> Summary:
    """The summary of an update that is not through: the archive is the old one."""
    told = f"The update is not through: {folder} is as it was, and {summary.photos:,} new or changed lines wait for it."
    return replace(summary, photos=archive.count_photos(), output=folder, notes=(told, *summary.notes))


class Unchanged:
    """The sets and galleries of an archive, by id: those that have not changed need not be read again.

    Flickr tells a set's last change in `date_update`, and how many photos and videos it has.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[str, dict[str, int]] = {}

    def __call__(self, walk: Walk) -> Mapping[str, bytes] | None:
        """The members of its line besides the head; None where the list is to be read."""
        line = walk.shape.line
        if line is None or walk.head is None:
            return None
        path = self._folder / f"{line.file}.ndjson"
        if line.file not in self._places:
            self._places[line.file] = _index(path)
        place = self._places[line.file].get(walk.subject)
        if place is None:
            return None
        with path.open("rb") as file:
            file.seek(place)
            members = _members.decode(file.readline())
        head = bytes(members.get(line.member, b"{}"))
        if "errors" in members or _mark(orjson.loads(walk.head)) != _mark(orjson.loads(head)):
            return None
        known = {"id", "harvested_at", line.member}
        return {name: bytes(raw) for name, raw in members.items() if name not in known}


def _mark(head: Mapping[str, Any]) -> tuple[object, ...]:
    """What changes with a list's members; unequal to every other where Flickr does not tell it."""
    names = ("date_update", *COUNTS)
    return tuple(read_number(head.get(name)) for name in names) if head.get("date_update") else (object(),)


def _index(path: Path) -> dict[str, int]:
    """Where each line of a file begins, by its id. A damaged line is as good as none: its list is read again.

    So is a whole file that is not the one of the manifest.
    """
    places: dict[str, int] = {}
    if not path.exists():
        return places
    proof = Proof(path, path.stat().st_size)
    with path.open("rb") as file:
        place = 0
        for line in proof.read(file):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                places[str(orjson.loads(line)["id"])] = place
            place += len(line)
    return places if proof.holds else {}
