"""What calls cost: how many there are, and the least time for them."""

from __future__ import annotations

import math

from harvester.config.settings import Settings
from harvester.flickr.methods import PAGE_SIZE

EXTRA_PAGES = 1.02
"""The sweep's pages overlap by a hundredth, and its last ones are not full."""


def count_calls(photos: int, *, parts: int, listed: int = 0, page_size: int = PAGE_SIZE) -> int:
    """Calls for so many photos, `listed` of them known already."""
    pages = math.ceil(max(0, photos - listed) / page_size * EXTRA_PAGES)
    return pages + photos * parts


def estimate_seconds(calls: int, settings: Settings) -> float:
    """The least time that quota and pace allow for so many calls, from a fresh window."""
    paced = calls / settings.pace.per_second if settings.pace else 0.0
    if settings.quota is None or calls <= settings.quota.calls:
        return paced
    windows = (calls - 1) // int(settings.quota.calls)
    rest = calls - windows * settings.quota.calls
    return max(paced, windows * settings.quota.period + (rest / settings.pace.per_second if settings.pace else 0.0))
