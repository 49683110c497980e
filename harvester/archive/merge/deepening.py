"""Putting a deepening in place: the archive's lines get their parts, and the old lines go into the history."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from harvester.archive.checkpoint.facts import Depth, JobFacts
from harvester.archive.checkpoint.moving import PendingMerge
from harvester.archive.checkpoint.shallow import SHALLOW, count_shallow
from harvester.archive.checkpoint.state import Length, State
from harvester.archive.depth import list_least
from harvester.archive.folder import is_told_complete
from harvester.archive.incomplete import is_kept_back
from harvester.archive.merge.apply import merge_update
from harvester.archive.merge.merge import Merge, Merged
from harvester.flickr.methods import covers


class PartsMerge(Merge):
    """Each new line takes the place of the old one. Parts that come are no edits: changes.ndjson does not tell them."""

    def _list_dropped(self, *, keep_unlisted: bool) -> array[int]:  # noqa: ARG002 - the photos that are gone stay
        return array("q")

    def _compare(self, old: bytes, new: bytes) -> Mapping[str, Any]:  # noqa: ARG002 - a line is new if it has more parts
        return {"members": ["parts"]}

    def _tell(self, photo_id: str, change: str, more: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.merged.count("deepened")


def merge_deepening(
    folder: Path,
    archive: State,
    state: State,
    *,
    target: Depth,
    calls: int,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Merged:
    """Merge a deepening to `target`, whose checkpoint is `state`, into its archive. Raises as `merge_update` does.

    Photos that could not be had for now keep their old lines, and the archive remembers that it is to be deepened.
    """
    failed, known = sum(1 for _ in state.failures()), archive.facts
    wanted = known.wanted_depth
    others = sum(archive.count_failures().values()) - count_shallow(archive.connection)
    # What was complete when the deepening was begun may have been updated since, with a stretch or a photo missing.
    is_else_whole = not others and not is_kept_back(archive)
    was_complete, was_finished = _find_earlier(folder, known)
    is_uneven = failed or next(state.gone(), None) is not None
    facts = replace(
        known,
        job=_write_job(known.job or {}, target),
        asked=_write_asked(known.asked or {}, target),
        least_parts=list(list_least(archive)) if is_uneven else None,
        wanted_depth=_find_rest(wanted, target, failed=failed, complete=was_complete, finished=was_finished),
        finished=was_finished and is_else_whole and not failed,
        merged_update=state.facts.update,
    )
    return merge_update(
        folder,
        archive,
        state,
        status="complete" if was_complete and is_else_whole and not failed else "incomplete",
        keep_unlisted=True,
        calls=calls,
        is_stopped=is_stopped,
        merge_type=PartsMerge,
        take_over=partial(absorb_parts, facts=facts),
        counts={"reported": archive.facts.expected, "failed": failed + others},
    )


def _find_earlier(folder: Path, known: JobFacts) -> tuple[bool, bool]:
    """Whether the archive was complete before the deepening, and whether its last run had ended."""
    wanted = known.wanted_depth
    if wanted is None:
        return is_told_complete(folder), bool(known.finished)
    return wanted.complete or is_told_complete(folder), wanted.finished or bool(known.finished)


def _find_rest(wanted: Depth | None, target: Depth, *, failed: int, complete: bool, finished: bool) -> Depth | None:
    """The depth that an archive is still to have; None where no line lacks any of it."""
    if wanted is None:
        return None
    if failed:
        return structs.replace(wanted, complete=complete, finished=finished)
    return None if covers(target.parts, wanted.parts) else wanted


def _write_job(job: Mapping[str, Any], target: Depth) -> dict[str, Any]:
    """A job's description at another depth, as the job itself would write it."""
    known = {name: value for name, value in job.items() if name not in ("detail", "sizes", "with")}
    return {**known, **target.describe()}


def _write_asked(asked: Mapping[str, Any], target: Depth) -> dict[str, Any]:
    """A job in its own words, at another depth."""
    known = {name: value for name, value in asked.items() if name not in ("detail", "extras", "sizes")}
    sizes = {} if target.sizes == "call" else {"sizes": target.sizes}
    return {"detail": target.detail, "extras": list(target.extras), **sizes, **known}


def absorb_parts(archive: State, newer: Path, *, facts: JobFacts, keep_unlisted: bool, merge: PendingMerge) -> None:  # noqa: ARG001 - as of an update
    """Take over what a deepening has brought: checksums, what it could not get, the job's depth, lengths of files."""
    db = archive.connection
    try:
        db.execute("ATTACH ? AS newer", (str(newer),))
    except sqlite3.Error as error:
        raise archive.refused(error) from None
    try:
        with archive.changing(durably=True):  # files change places next: a power cut must undo both or none
            db.execute(f"DELETE FROM unfetched WHERE {SHALLOW}")  # noqa: S608
            db.execute("INSERT OR REPLACE INTO line SELECT * FROM newer.line")
            db.execute(
                "INSERT INTO unfetched SELECT id, json_set(failure, '$.deepening', json('true')) FROM newer.todo "
                "WHERE failure IS NOT NULL"
            )
            for name, (length, lines) in merge["files"].items():
                archive.commit_length(name, Length(length, lines))
            archive.commit_parts(merge.get("parts", ()))
            archive.note(replace(facts, pending_merge=merge))
    finally:
        with suppress(sqlite3.Error):
            db.execute("DETACH newer")
