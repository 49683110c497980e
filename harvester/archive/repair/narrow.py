"""The stretches of upload time in which lost photos lie."""

from __future__ import annotations

import sqlite3

from harvester.listing.sweep import Sweep

ROWS_A_CALL = 400
"""Photos that lie between two lost ones, at most, for both to be listed by one call of 500 rows."""


def narrow(db: sqlite3.Connection, *, is_in_lists: bool) -> list[Sweep] | None:
    """The stretches, a call each; None where the second of a lost photo is not known.

    That of a photo `sought` in sets or galleries is not needed, nor any other where the lists are read again.
    """
    unknown = "SELECT 1 FROM lost WHERE uploaded IS NULL AND id NOT IN (SELECT id FROM sought) LIMIT 1"
    if not is_in_lists and db.execute(unknown).fetchone():
        return None
    stretches: list[list[int]] = []
    between = 0
    shown = (
        second
        for (second,) in db.execute(
            "SELECT uploaded FROM seen WHERE uploaded >= 0 AND id NOT IN (SELECT id FROM lost) ORDER BY uploaded DESC"
        )
    )
    next_shown = next(shown, None)
    for (second,) in db.execute("SELECT uploaded FROM lost WHERE uploaded IS NOT NULL ORDER BY uploaded DESC"):
        while next_shown is not None and next_shown > second:
            between, next_shown = between + 1, next(shown, None)
        if stretches and between <= ROWS_A_CALL:
            stretches[-1][0] = second
        else:
            stretches.append([second, second])
            between = 0
    return [Sweep(since=since, until=until) for since, until in stretches]
