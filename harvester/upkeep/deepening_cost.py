"""What the deepening of an archive would cost, told from its checkpoint, without a call."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from harvester.archive.depth import list_least, split_depth
from harvester.archive.sinks import PHOTOS
from harvester.checkpoint.look import look_at
from harvester.checkpoint.state import check_same_job
from harvester.config.settings import Settings
from harvester.disk.layout import STATE
from harvester.engine.plan import estimate_seconds
from harvester.jobs.model import Job
from harvester.jobs.remembered import settle_job
from harvester.text.words import name_duration


def plan_deepening(job: Job, folder: Path, settings: Settings) -> dict[str, Any] | None:
    """Plain JSON: the parts that the lines of a complete archive lack, calls and time; None where none are lacking.

    UsageError where the archive is another job's, or would refuse this one.
    """
    if not (folder / STATE).is_file():
        return None
    with look_at(folder) as state:
        settled, _ = settle_job(job, state.recall("job"), state.recall("asked"), now=time.time())
        shallow, depth = split_depth(settled, state, where=folder)
        if depth is None or not state.has_only_failures():
            return None
        check_same_job(state, shallow.describe(), where=folder)
        lines, least = state.length(PHOTOS).lines, list_least(state)
    missing = [part for part in job.parts if part not in least]
    calls = lines * len(missing)
    return {
        "job": replace(settled, limit=None).describe(),
        "archive": str(folder),
        "photos": lines,
        "missing": missing,
        "calls": calls,
        "time": name_duration(estimate_seconds(calls, settings)),
        "quota": str(settings.quota or "none"),
        "pace": str(settings.pace or "none"),
        "calls_spent": 0,
    }
