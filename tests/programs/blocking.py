"""A script without `async`, and the same within a loop that is running, as in a notebook."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from harvester import Incomplete, KeyRefused, Photo, Search, Summary, UsageError, harvest

SEARCH = Search(tags="sandbox")
QUICK = "100000/h"


def read_all() -> list[str]:
    photos = harvest(SEARCH, detail="info", quota=QUICK, pace="none")
    ids = [photo.id for photo in photos]
    assert isinstance(photos.summary, Summary)
    assert photos.summary.photos == len(ids)
    assert list(photos) == []
    return ids


def leave_early() -> None:
    for photo in harvest(SEARCH, quota=QUICK, pace="none"):
        assert isinstance(photo, Photo)
        break
    with harvest(SEARCH, quota=QUICK, pace="none") as photos:
        next(photos)
    assert list(photos) == []


def resume(folder: Path) -> list[str]:
    with harvest(SEARCH, archive=folder, detail="info", quota=QUICK, pace="none") as photos:
        first = [next(photos).id for _ in range(3)]
    return first + [photo.id for photo in harvest(SEARCH, archive=folder, detail="info", quota=QUICK, pace="none")]


def fail() -> None:
    for wrong, options in ((UsageError, {"pace": "fast"}), (KeyRefused, {"api_key": "wrong"})):
        try:
            for _ in harvest(SEARCH, **options):  # type: ignore[arg-type]
                pass
        except wrong:
            continue
        raise AssertionError(wrong)
    try:
        for _ in harvest(SEARCH, limit=-1):
            pass
    except UsageError:
        return
    raise AssertionError


async def as_in_a_notebook() -> list[str]:
    return read_all()


before = threading.active_count()
ids = read_all()
assert sorted(asyncio.run(as_in_a_notebook())) == sorted(ids)
leave_early()
assert sorted(resume(Path(sys.argv[1]))) == sorted(ids)
fail()
assert issubclass(Incomplete, Exception)
assert threading.active_count() == before
print(len(ids))
