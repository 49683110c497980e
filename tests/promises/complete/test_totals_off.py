"""Totals that are off by up to a fifth, over real HTTP: all is found and told, for few calls more."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from harvester.jobs.model import Job, Search
from harvester.sandbox.faults import Faults
from support.archives import ids_of
from support.harvest import Opener, harvest_into

PHOTOS = 6_000


# Of few photos, totals that are all too high contradict each other late: of 20,000 it is 2 for the first, too.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("signs", "most"), [((1,), 3.0), ((-1,), 2.0), ((-1, 1), 2.0)], ids=["too high", "too low", "either"]
)
async def test_totals_that_are_off_cost_little_more_than_a_second_reading(
    signs: tuple[int, ...], most: float, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def misstate(_: Faults, total: int, *, rng: Random) -> int:
        return round(total * (1 + rng.choice(signs) * rng.uniform(0.15, 0.2)))

    monkeypatch.setattr(Faults, "misstate", misstate)
    async with sandbox_of(photos=PHOTOS) as sandbox:
        summary = await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
        assert set(ids_of(tmp_path)) == set(json.loads(sandbox.api.truth({"tags": "sandbox"})))
    assert (summary.status, summary.photos) == ("complete", PHOTOS)
    assert summary.calls <= most * PHOTOS / 500 + 1  # the end is asked whether it claims more
    if signs == (1,):
        assert "Flickr claimed" in summary.notes[0]
