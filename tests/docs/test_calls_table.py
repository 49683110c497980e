"""The tables of what calls buy: as measured, and at the least that there can be."""

from __future__ import annotations

from math import ceil

import pytest

from support.costs import COLUMNS, PHOTOS, measure, read_table
from support.project import ROOT
from support.worlds import WORLDS

BESIDE = {"`account --only photos`": 1, "`album`": 1, "`gallery`": 1, "`group`": 1}
"""Calls for what a source tells of itself."""
VIDEOS = 0.15
"""The share of videos among the photos that are hydrated is less than this."""


@pytest.mark.slow
async def test_the_documented_calls_are_those_that_the_sandbox_counts() -> None:
    assert await measure() == [dict(row) for row in read_table()]


@pytest.mark.parametrize("row", read_table(), ids=lambda row: row["source"])
def test_they_are_the_least_that_there_can_be(row: dict[str, str]) -> None:
    assert tuple(row) == COLUMNS
    photos = int(row["photos"].replace(",", ""))
    if row["source"] == "`photos`":
        assert (row["list"], row["info"], row["full"]) == ("0", "1.00", "2.00")
        return
    assert photos > PHOTOS // 4
    assert int(row["list"]) <= ceil(1.02 * photos / 500) + BESIDE.get(row["source"], 0)
    assert int(row["update"]) <= int(row["list"])
    assert (row["info"], row["full"]) == ("1.00", "2.00")
    assert 1 <= float(row["sizes"]) <= 1 + VIDEOS


def test_what_a_listing_may_cost_in_each_world_is_documented() -> None:
    documented = (ROOT / "docs" / "listing.tsv").read_text("utf-8").splitlines()
    assert documented == [f"{world.told}\t{world.most}" for world in WORLDS]
