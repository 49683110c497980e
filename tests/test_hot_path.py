"""What a photo costs in Python, counted rather than timed: the same on every machine.

Measured: 7.4 calls of functions at `--detail list`, 66 at `full`, of which 14 prove whose an answer is.
"""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path

import pytest
from conftest import Opener, harvest_into

import harvester
from harvester.model import Detail, Job, Search

HOME = str(Path(harvester.__file__).parent)


def is_own(file: str) -> bool:
    return file.startswith(HOME) and "sandbox" not in file


@pytest.mark.parametrize(("detail", "most"), [("list", 8), ("full", 70)])
async def test_a_photo_takes_few_calls_of_functions(
    detail: Detail, most: int, sandbox_of: Opener, tmp_path: Path
) -> None:
    counts = {}
    for photos in (500, 1_500):
        async with sandbox_of(photos=photos) as sandbox:
            with cProfile.Profile() as profile:
                await harvest_into(tmp_path / str(photos), sandbox, Job(source=Search(tags="sandbox"), detail=detail))
        found = pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
        counts[photos] = sum(calls for (file, *_), (_, calls, *_) in found if is_own(file))
    assert (counts[1_500] - counts[500]) / 1_000 <= most
