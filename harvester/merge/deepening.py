"""Putting a deepening in place: the archive's lines get their parts, and the old lines go into the history."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from harvester.archive.depth import DEEPEN, DEEPENS, LEAST, list_least, name_parts
from harvester.archive.folder import is_told_complete
from harvester.archive.incomplete import recall_incomplete
from harvester.checkpoint.shallow import SHALLOW, count_shallow
from harvester.checkpoint.state import Length, State
from harvester.flickr.methods import FURTHER
from harvester.merge.fold import fold
from harvester.merge.merge import Folded, Merge
from harvester.merge.staging import ID


class PartsMerge(Merge):
    """Each new line takes the place of the old one. Parts that come are no edits: changes.ndjson does not tell them."""

    def _list_dropped(self, *, keep_unlisted: bool) -> array[int]:  # noqa: ARG002 - the photos that are gone stay
        return array("q")

    def _compare(self, old: bytes, new: bytes) -> list[str]:  # noqa: ARG002 - a line is new if it has more parts
        return ["parts"]

    def _tell(self, photo_id: str, change: str, more: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.folded.count("deepened")


def fold_parts(
    folder: Path, archive: State, state: State, *, calls: int, is_stopped: Callable[[], bool] = lambda: False
) -> Folded:
    """Fold a deepening, whose checkpoint is `state`, into its archive; `fold` tells of errors.

    Photos that could not be had for now keep their old lines, and the archive remembers that it is to be deepened.
    """
    target, failed = state.recall(DEEPENS), sum(1 for _ in state.failures())
    wanted = archive.recall(DEEPEN) or {}
    others = sum(archive.count_failures().values()) - count_shallow(archive.connection)
    # What was complete when the deepening was begun may have been updated since, with a stretch or a photo missing.
    is_else_whole = not others and not recall_incomplete(archive)
    was_complete = bool(wanted.get("complete")) or is_told_complete(folder)
    was_finished = bool(wanted.get("finished")) or bool(archive.recall("finished"))
    rest = {"complete": was_complete, "finished": was_finished} if failed else {}
    is_more_wanted = set(name_parts(wanted)) > set(name_parts(target)) if wanted else False
    is_uneven = failed or next(state.gone(), None) is not None
    facts = {
        "job": _write_job(archive.recall("job"), target),
        "asked": {**archive.recall("asked"), "detail": target["detail"], "extras": target["extras"]},
        LEAST: list(list_least(archive)) if is_uneven else None,
        DEEPEN: {**wanted, **rest} if wanted and (failed or is_more_wanted) else None,
        "finished": was_finished and is_else_whole and not failed,
        "folded": state.recall(ID),
    }
    return fold(
        folder,
        archive,
        state,
        status="complete" if was_complete and is_else_whole and not failed else "incomplete",
        keep_unlisted=True,
        calls=calls,
        is_stopped=is_stopped,
        merging=PartsMerge,
        absorb=partial(absorb_parts, archive, facts=facts),
        counts={"reported": archive.recall("expected"), "failed": failed + others},
    )


def _write_job(job: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    """A job's description at another depth, as the job itself would write it."""
    known = {**job, "detail": target["detail"]}
    known.pop("with", None)
    extras = [part for part in name_parts(target) if part in FURTHER]
    return {**known, "with": extras} if extras else known


def absorb_parts(archive: State, newer: Path, *, facts: Mapping[str, Any], keep_unlisted: bool, fold: Any) -> None:  # noqa: ARG001 - as of an update
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
            for name, (length, lines) in fold["files"].items():
                archive.vouch(name, Length(length, lines))
            for name, value in {**facts, "fold": fold}.items():
                archive.remember(name, value)
    finally:
        with suppress(sqlite3.Error):
            db.execute("DETACH newer")
