"""What the deepening of an archive would cost, told from its checkpoint, without a call."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from harvester.archive.call_costs import estimate_seconds
from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.same_job import check_same_job
from harvester.archive.depth import split_depth
from harvester.archive.disk.layout import STATE
from harvester.archive.remaining import count_remaining_calls, list_missing
from harvester.config.settings import Settings
from harvester.flickr.methods import name_member
from harvester.jobs.model import Job
from harvester.jobs.restore import settle_job
from harvester.text.words import name_duration


def estimate_deepening(job: Job, folder: Path, settings: Settings) -> dict[str, Any] | None:
    """Plain JSON: the parts that lines of an archive lack, calls and time until it has them and all its photos.

    What earlier runs have brought, a deepening under way too, is not counted. None where nothing is left to be done.
    UsageError where the archive is another job's, or would refuse this one.
    """
    if not (folder / STATE).is_file():
        return None
    with open_archive_to_read(folder) as state:
        settled, _ = settle_job(job, state.facts.job, state.facts.asked, now=time.time())
        shallow, depth = split_depth(settled, state, where=folder)
        known = state.facts.wanted_depth
        if state.facts.job is None or (depth is None and known is None and state.is_whole()):
            return None
        check_same_job(state, shallow.describe(), where=folder)
        is_known = known is not None and (depth is None or known.parts == depth.parts)
        wanted = known if is_known else depth
        missing = [] if wanted is None else [*map(name_member, list_missing(state, wanted))]
        lines = state.count_photos()
        calls = count_remaining_calls(folder, state, shallow, wanted=wanted)
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
