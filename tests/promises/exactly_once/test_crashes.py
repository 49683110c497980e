"""The program as a process is killed at each call to the system, or that fails, or the power is cut behind it."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from harvester.sandbox.server import Sandbox
from support.harvest import Opener
from support.lanes import Lane, open_lanes
from support.power import Disk, Image, lay, read_log, tell_apart
from support.shim import Zygote

IS_LONG = bool(os.environ.get("HARVESTER_SOAK"))
"""Each call and each image, by `make soak`; else few of them."""
STEP = 1 if IS_LONG else 211
HOW = [("kill", 0), ("fail", errno.EIO), ("short", errno.ENOSPC)]


async def disturb_each(lane: Lane, numbers: Iterator[int], how: str, error: int) -> None:
    """Let runs go wrong at these calls, until there is none of such a number."""
    for at in numbers:
        lane.begin()
        ran = await lane.run(lane.command, at=at, how=how, error=error)
        is_through = ran.code is not None and ran.calls <= at
        trace = f"{how} at call {at}: {ran.said}"
        assert "Traceback" not in ran.said, trace
        assert ran.code in (0, 5) if how != "kill" or is_through else ran.code is None, trace
        await lane.go_on(lane.command, trace)
        if is_through:
            return


@pytest.mark.slow
@pytest.mark.parametrize("is_update", [False, True], ids=["first run", "update"])
@pytest.mark.parametrize(("how", "error"), HOW)
async def test_a_run_that_goes_wrong_at_a_call_is_made_whole_by_the_next(
    how: str, error: int, is_update: bool, zygotes: list[Zygote], sandbox_of: Opener, tmp_path: Path
) -> None:
    async with open_lanes(zygotes, sandbox_of, tmp_path, is_update=is_update) as lanes:
        numbers = count(HOW.index((how, error)) * 31 % STEP, STEP)
        await asyncio.gather(*(disturb_each(lane, numbers, how, error) for lane in lanes))


def list_images(log: Path, disk: Disk) -> Iterator[tuple[str, Image]]:
    """What the disk may hold after each call, each once."""
    chance, known = random.Random(7), set()
    for n, call in enumerate(read_log(log)):
        disk.do(*call)
        for name, image in disk.images(chance):
            mark = tell_apart(image)
            if mark not in known:
                known.add(mark)
                yield f"{name}, after call {n}, {call[0]} {call[3]}", image


async def outlive(lane: Lane, images: Iterator[tuple[str, Image]]) -> None:
    """Go on after power cuts."""
    for trace, image in images:
        lay(image, lane.disk)
        await lane.go_on(lane.command, trace)


@pytest.mark.slow
@pytest.mark.parametrize("is_update", [False, True], ids=["first run", "update"])
async def test_what_a_power_cut_leaves_is_made_whole_by_the_next_run(
    is_update: bool, zygotes: list[Zygote], sandbox_of: Opener, tmp_path: Path
) -> None:
    async with open_lanes(zygotes, sandbox_of, tmp_path, is_update=is_update) as lanes:
        log = tmp_path / "log"
        lanes[0].begin()
        disk = Disk(lanes[0].disk)
        assert (await lanes[0].run(lanes[0].command, log=log)).code == 0
        images = islice(list_images(log, disk), 0, None, STEP)
        await asyncio.gather(*(outlive(lane, images) for lane in lanes))


@pytest.mark.parametrize("is_update", [False, True], ids=["first run", "update"])
async def test_what_was_told_as_complete_outlives_a_power_cut(
    is_update: bool, zygotes: list[Zygote], sandbox_of: Opener, tmp_path: Path
) -> None:
    async with open_lanes(zygotes[:1], sandbox_of, tmp_path, is_update=is_update) as (lane,):
        log = tmp_path / "log"
        lane.begin()
        disk = Disk(lane.disk)
        assert (await lane.run(lane.command, log=log)).code == 0
        for call in read_log(log):
            disk.do(*call)
        for name, image in disk.images(random.Random(7)):
            lay(image, lane.disk)
            assert lane.archive.is_dir(), name
            lane.check()


async def test_sandboxes_of_an_update_are_equal_however_late_each_is_changed(
    zygotes: list[Zygote], sandbox_of: Opener, tmp_path: Path
) -> None:
    ahead = count(0, 7)

    def open_ahead(**given: Any) -> AbstractAsyncContextManager[Sandbox]:
        seconds = next(ahead)
        return sandbox_of(clock=lambda: time.time() + seconds, **given)

    async with open_lanes([zygotes[0], zygotes[0]], open_ahead, tmp_path, is_update=True) as (one, other):
        assert one.list_photos() == other.list_photos()
