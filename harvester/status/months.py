"""How many photos of an archive were uploaded in which month, as its listings have shown."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import UTC, datetime

from harvester.archive.checkpoint.state import State

_DAY = 86400
_LAST_DAY = 2_932_896
"""The last of the year 9999."""


def count_months(state: State) -> dict[str, int]:
    """Photos by month of upload, `2014-03`, in order; those without a date, as ids that were given, are left out."""
    query = f"SELECT uploaded / {_DAY}, count(*) FROM seen WHERE uploaded IS NOT NULL GROUP BY 1"  # noqa: S608
    months: Counter[str] = Counter()
    try:
        for day, photos in state.connection.execute(query):
            if isinstance(day, int) and 0 <= day <= _LAST_DAY:
                months[datetime.fromtimestamp(day * _DAY, UTC).strftime("%Y-%m")] += photos
    except sqlite3.Error as error:
        raise state.refused(error) from None
    return dict(sorted(months.items()))
