"""A pipeline of dlt as a typed project has it: harvested, loaded, brought up to date, loaded again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import assert_type

import dlt
from dlt.extract import DltSource

from harvester import Account, Search
from harvester.dlt import flickr_account, flickr_archive, flickr_search

SEARCH = Search(tags="sandbox")


def load(folder: Path) -> list[int]:
    database = dlt.destinations.duckdb(str(folder / "photos.duckdb"))
    pipeline = dlt.pipeline("photos", pipelines_dir=str(folder), destination=database, dataset_name="flickr")
    for update in (False, True):
        source = flickr_search(SEARCH, archive=folder / "a", update=update, detail="info", quota="none", pace="none")
        assert_type(source, DltSource)
        pipeline.run(source)
    assert_type(flickr_archive(folder / "a", str(folder / "a")), DltSource)
    pipeline.run(flickr_archive(folder / "a"))
    with pipeline.sql_client() as client:
        return [row[0] for row in client.execute_sql("SELECT count(*) FROM photos") or ()]


def load_account(folder: Path) -> DltSource:
    return flickr_account(Account(user="me", skip="contacts"), archive=folder, allow_incomplete=True)


print(*load(Path(sys.argv[1])))
