"""Tell by `except` what went wrong."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

from counted import check_nothing_more, count

from harvester import (
    ArchiveBusy,
    CannotWrite,
    Flickr,
    Harvest,
    HarvestError,
    Incomplete,
    KeyRefused,
    Photos,
    Search,
    StopRun,
    Unreachable,
    UsageError,
)

SEARCH = Search(tags="sandbox")
connect = partial(Flickr, quota="none", pace="none")


async def tell(photos: Harvest) -> str:  # noqa: PLR0911 - that is what the program is about
    try:
        async for _ in photos:
            pass
    except UsageError as error:
        return f"fix {error.field or 'a name'}"
    except KeyRefused:
        return "get another key"
    except ArchiveBusy:
        return "wait for the other one"
    except CannotWrite:
        return "make room"
    except Unreachable:
        return "try again later"
    except StopRun:
        return "ended"
    except Incomplete as error:
        return f"{error.summary.bad_input} lines are wrong" if error.summary else "left early"
    except HarvestError:
        return "something else"
    return "complete"


async def main(folder: Path) -> None:
    (folder / "file").touch()
    before = count()
    async with connect() as flickr:
        print(await tell(flickr.harvest(SEARCH, detail="list", limit=3)))
        print(await tell(flickr.harvest(Search(user="nobody at all"))))
        print(await tell(flickr.harvest(Photos(ids=["no photo"]))))
        print(await tell(flickr.harvest(SEARCH, archive=folder / "file" / "a")))
        async with flickr.harvest(SEARCH, archive=folder / "a") as first:
            await anext(first)
            print(await tell(flickr.harvest(SEARCH, archive=folder / "a")))
        print(await tell(first))
    async with connect(api_key="wrong") as flickr:
        print(await tell(flickr.harvest(SEARCH)))
    async with connect(api_url="http://127.0.0.1:9/services/rest/", give_up_after=0.01) as flickr:
        print(await tell(flickr.harvest(SEARCH)))
    try:
        Search(tags="x", tag_mode="some")  # type: ignore[arg-type]
    except UsageError as error:
        print("fix", error.field)
    await check_nothing_more(before)


asyncio.run(main(Path(sys.argv[1])))
