"""What a photo costs in Python, counted rather than timed: the same on every machine.

Counted are the calls that harvester makes on the thread of the event loop, of its own functions and of others, in
Python and in C, by sys.setprofile: it sees one thread in every Python, where cProfile sees all threads from Python 3.12
on. The sandbox, which runs in the same thread, is left out. The bounds stand a twentieth above what was measured, so
that a step back of 15 in 100 fails: at `--detail list` 11.3 calls in Python and 31.0 in C, at `full` 106.6 and 104.1.
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

TURNS = 3
"""The least of so many counts is held: the first one imports, and a busy machine adds timers and waits."""
HOME = str(Path(harvester.__file__).parent)


def is_own(file: str) -> bool:
    return file.startswith(HOME) and "sandbox" not in file


def is_on_behalf_of_own(frame: FrameType | None) -> bool:
    """Whether it is harvester's code that runs, or has called what runs; and not the sandbox, which serves it here."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(HOME):
            return is_own(file)
        frame = frame.f_back
    return False


class Calls:
    """The calls of functions, in Python and in C, that harvester made on this thread within the `with` block."""

    def __init__(self) -> None:
        self.python = 0
        self.c = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        if event in ("call", "c_call") and is_on_behalf_of_own(frame):
            if event == "call":
                self.python += 1
            else:
                self.c += 1


async def count(photos: int, detail: Detail, sandbox_of: Opener, folder: Path) -> tuple[int, int]:
    """The calls that a harvest of so many photos makes."""
    async with sandbox_of(photos=photos) as sandbox:
        with Calls() as calls:
            await harvest_into(folder, sandbox, Job(source=Search(tags="sandbox"), detail=detail))
    return calls.python, calls.c


@pytest.mark.slow
@pytest.mark.parametrize(("detail", "most"), [("list", (11.8, 32.6)), ("full", (112, 109))])
async def test_a_photo_takes_few_calls_of_functions(
    detail: Detail, most: tuple[float, float], sandbox_of: Opener, tmp_path: Path
) -> None:
    counts = {}
    for photos in (500, 1_500):
        found = [await count(photos, detail, sandbox_of, tmp_path / f"{photos} {turn}") for turn in range(TURNS)]
        counts[photos] = [min(each) for each in zip(*found, strict=True)]
    python, c = ((many - few) / 1_000 for many, few in zip(counts[1_500], counts[500], strict=True))
    assert (python <= most[0], c <= most[1]) == (True, True), (python, c)
