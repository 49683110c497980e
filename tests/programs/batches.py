"""Load a search into DuckDB, a hundred photos at a time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import duckdb
from counted import check_nothing_more, count

from harvester import Flickr, Harvest, Photo, Search

BATCH = 100


async def read_batches(photos: Harvest) -> AsyncIterator[list[Photo]]:
    batch: list[Photo] = []
    async for photo in photos:
        batch.append(photo)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def build_row(photo: Photo) -> tuple[str, str, int, str]:
    return photo.id, photo.info["title"]["_content"], int(photo.info["views"]), photo.line.decode()


async def load(database: duckdb.DuckDBPyConnection) -> list[int]:
    sizes = []
    async with Flickr(quota="none", pace="none") as flickr:
        async for batch in read_batches(flickr.harvest(Search(tags="sandbox"), detail="info")):
            database.execute("BEGIN")
            database.executemany("INSERT OR REPLACE INTO photo VALUES (?, ?, ?, ?)", [*map(build_row, batch)])
            database.execute("COMMIT")
            sizes.append(len(batch))
    return sizes


async def main() -> None:
    with duckdb.connect(sys.argv[1]) as database:
        database.execute("CREATE TABLE photo (id VARCHAR PRIMARY KEY, title VARCHAR, views BIGINT, line JSON)")
        before = count()
        sizes = await load(database)
        await check_nothing_more(before)
        query = "SELECT count(*), count(*) FILTER ((line->'info'->>'id') = id) FROM photo"
        print(*sizes, *(database.execute(query).fetchone() or ()))


asyncio.run(main())
