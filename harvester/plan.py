"""What a harvest would cost: from one call, and arithmetic."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from harvester.answers import read_page
from harvester.client import open_client
from harvester.config import Settings
from harvester.engine import build_sleep
from harvester.errors import Refused, UsageError
from harvester.events import Tally, ignore
from harvester.flickr import PAGE_SIZE, SEARCH, build_query
from harvester.model import Job, Photos
from harvester.people import look_up

EXTRA_PAGES = 1.02
"""The sweep's pages overlap by a hundredth, and its last ones are not full."""


def count_calls(photos: int, *, parts: int, listed: int = 0) -> int:
    """Calls for so many photos, `listed` of them known already."""
    pages = math.ceil(max(0, photos - listed) / PAGE_SIZE * EXTRA_PAGES)
    return pages + photos * parts


def estimate_seconds(calls: int, settings: Settings) -> float:
    """The least time that quota and pace allow for so many calls, from a fresh window."""
    paced = calls / settings.pace.per_second if settings.pace else 0.0
    if settings.quota is None or calls <= settings.quota.calls:
        return paced
    windows = (calls - 1) // int(settings.quota.calls)
    rest = calls - windows * settings.quota.calls
    return max(paced, windows * settings.quota.period + (rest / settings.pace.per_second if settings.pace else 0.0))


async def plan_job(job: Job, settings: Settings) -> dict[str, Any]:
    """Plain JSON: how many photos match by Flickr's count, and calls and seconds for each `detail`."""
    if isinstance(job.source, Photos):
        raise UsageError("photos given by id need no plan: each costs one call for each part.")
    tally = Tally()
    async with open_client(settings, tally=tally, observer=ignore, sleep=build_sleep(asyncio.Event())) as client:
        arguments = await look_up(job.source.arguments, client)
        since, until = job.source.upload_span
        bounds = {"min_upload_date": since, "max_upload_date": until}
        asked = {**arguments, **{name: str(second) for name, second in bounds.items() if second is not None}}
        try:
            query = build_query(SEARCH, {**asked, "per_page": "1"})
            page = await client.call(query, lambda body: read_page(body, method=SEARCH))
        except Refused as error:
            raise UsageError(f"Flickr refuses the search: {error.message} (code {error.code}).") from None
    matches = page.total or 0
    photos = matches if job.limit is None else min(matches, job.limit)
    extras = len(job.extras_asked)
    return {
        "job": job.describe(),
        "matches": matches,
        "photos": photos,
        "costs": [_cost(detail, photos, parts + extras, settings) for detail, parts in _PARTS],
        "quota": str(settings.quota or "none"),
        "pace": str(settings.pace or "none"),
        "calls_spent": tally.calls,
    }


_PARTS = (("list", 0), ("info", 1), ("full", 2))


def _cost(detail: str, photos: int, parts: int, settings: Settings) -> dict[str, Any]:
    calls = count_calls(photos, parts=parts)
    return {"detail": detail, "calls": calls, "time": _duration(estimate_seconds(calls, settings))}


def _duration(seconds: float) -> str:
    from harvester.progress.words import name_duration  # noqa: PLC0415

    return name_duration(seconds)
