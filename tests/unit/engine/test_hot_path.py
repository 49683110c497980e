"""What a photo costs in Python, counted rather than timed: the same on every machine.

Counted are the calls of harvester's functions on the thread of the event loop, by sys.setprofile: it sees one thread in
every Python, where cProfile sees all threads from Python 3.12 on.

Measured: 8.4 calls at `--detail list`, 71 at `full`, of which 14 prove whose an answer is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest

import harvester
from harvester.flickr.methods import Detail
from harvester.jobs.model import Job, Search
from support.harvest import Opener, harvest_into

HOME = str(Path(harvester.__file__).parent)


def is_own(file: str) -> bool:
    return file.startswith(HOME) and "sandbox" not in file


class Calls:
    """The calls of harvester's functions that this thread made within the `with` block."""

    def __init__(self) -> None:
        self.made = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        self.made += event == "call" and is_own(frame.f_code.co_filename)


@pytest.mark.parametrize(("detail", "most"), [("list", 9), ("full", 73)])
async def test_a_photo_takes_few_calls_of_functions(
    detail: Detail, most: int, sandbox_of: Opener, tmp_path: Path
) -> None:
    counts = {}
    for photos in (500, 1_500):
        async with sandbox_of(photos=photos) as sandbox:
            with Calls() as calls:
                await harvest_into(tmp_path / str(photos), sandbox, Job(source=Search(tags="sandbox"), detail=detail))
        counts[photos] = calls.made
    assert (counts[1_500] - counts[500]) / 1_000 <= most
