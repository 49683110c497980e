"""How far an archive is: read beside a running harvest, without a call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from harvester.archive import CHANGES, MANIFEST, UNREAD, count_lists, is_at_limit
from harvester.config import Settings
from harvester.difference import recall_difference
from harvester.disk.look import locate, look_at
from harvester.engine import restore_job
from harvester.errors import CannotWrite
from harvester.geo import find_page_size
from harvester.incomplete.stretches import recall_incomplete
from harvester.plan import count_calls, estimate_seconds
from harvester.quota import open_throttle
from harvester.sinks import PHOTOS
from harvester.staging import is_under_way
from harvester.state import State
from harvester.unbounded import is_cut_off

CUT_OFF = "incomplete: an earlier version saw only the last 12 hours of this geographic search; resume to list it all"


def read_status(folder: Path, settings: Settings) -> dict[str, Any]:
    """Plain JSON: job, state, counts of photos, calls still needed, calls left this hour, seconds still needed."""
    with look_at(folder) as state:
        job = restore_job(state, where=folder)
        length, todo, sweeps = state.length(PHOTOS), state.count_todo(), len(state.sweeps())
        expected, failed = state.recall("expected"), sum(1 for _ in state.failures())
        unlisted = 0 if not sweeps or is_at_limit(state) else max(0, (expected or 0) - length.lines - todo)
        left = todo + unlisted
        lists = state.walks()
        calls = count_calls(left, parts=len(job.parts), listed=todo, page_size=find_page_size(job.describe()))
        return {
            "archive": str(folder),
            "state": _find_damage(folder, state)
            or (CUT_OFF if is_cut_off(job.source, state) else "")
            or _describe(state, todo=todo, sweeps=sweeps + len(lists), failed=failed) + _describe_update(folder, state),
            "job": state.recall("job"),
            "begun": state.recall("begun"),
            **({"brought_up_to_date": at} if (at := state.recall("updated")) else {}),
            "photos": length.lines,
            "expected": expected,
            **({"difference": told.sentence} if (told := recall_difference(state)) else {}),
            **({"incomplete_stretches": to_builtins(kept_back)} if (kept_back := recall_incomplete(state)) else {}),
            "listed": length.lines + todo,
            "failed": failed,
            **(
                {"lists": {**count_lists(state), "to_be_read": len(lists)}}
                if state.files().keys() - {PHOTOS, CHANGES} or lists
                else {}
            ),
            "bytes": length.bytes,
            "calls_to_go": calls,
            "seconds_to_go": round(estimate_seconds(calls, settings), 1),
            "quota_left": asyncio.run(_quota_left(settings)),
            "manifest": str(folder / MANIFEST),
        }


def _find_damage(folder: Path, state: State) -> str | None:
    """What is wrong with the file, by its length alone: a proof takes `verify`."""
    vouched = state.length(PHOTOS).bytes
    if state.recall("stream") or not vouched:
        return None
    try:
        size = locate(folder, state, PHOTOS).stat().st_size
    except OSError:
        return f"damaged: {PHOTOS} is missing; harvester repair {folder} and resume fetch it again"
    if size < vouched:
        return f"damaged: {PHOTOS} has {size} bytes of {vouched}; harvester repair {folder} keeps every good line"
    return None


def _describe(state: State, *, todo: int, sweeps: int, failed: int) -> str:
    if state.recall("job") is None:
        return "not begun"
    if state.recall(UNREAD):
        return "unfinished: run the command that names the ids again, not all of them were read"
    if failed and not sweeps and failed >= todo:
        return "incomplete: some could not be had; resume to try again"
    if sweeps and not todo and is_at_limit(state):
        return f"complete: the limit of {state.recall('limit')} photos is reached"
    if todo or sweeps:
        return "unfinished: resume to go on"
    difference = recall_difference(state)
    is_short = recall_incomplete(state) or (difference and difference.is_wide)
    return "incomplete: resume to read it again" if is_short else "complete"


def _describe_update(folder: Path, state: State) -> str:
    if state.recall("fold") is not None:
        return "; an update is being put in place: resume to end that, without a call"
    return "; an update is under way: update to go on" if is_under_way(folder, state) else ""


async def _quota_left(settings: Settings) -> int | None:
    if settings.api_key is None:
        return None
    try:
        async with open_throttle(settings.name_account(), quota=settings.quota, pace=None) as throttle:
            return throttle.left()
    except CannotWrite:
        return None  # whoever only looks at an archive may have no place for a ledger
