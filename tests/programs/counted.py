"""What a process holds: tasks, file descriptors, folders for temporary files."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import NamedTuple

PATIENCE = 20_000


class Held(NamedTuple):
    tasks: int
    files: int
    folders: int


def count() -> Held:
    """What is held now; where there is no /proc, files are not counted."""
    return Held(len(asyncio.all_tasks()), _count_in(Path("/proc/self/fd")), _count_in(Path(tempfile.gettempdir())))


def _count_in(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.is_dir() else 0


async def check_nothing_more(before: Held) -> None:
    """Let what was dropped come to its end, and see that nothing is left of it."""
    for _ in range(PATIENCE):
        now = count()
        if all(one <= other for one, other in zip(now, before, strict=True)):
            return
        await asyncio.sleep(0.001)
    raise SystemExit(f"{now} is held where {before} was")
