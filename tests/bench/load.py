"""What others make of an archive's lines: `python load.py duckdb|sqlite-utils|dlt ARCHIVE FOLDER`."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path


def load_with_duckdb(photos: Path, folder: Path) -> None:
    """One thread, rows in any order: its swiftest."""
    import duckdb  # noqa: PLC0415 - this one alone

    with duckdb.connect(config={"threads": 1, "preserve_insertion_order": False}) as db:
        lines = f"read_ndjson('{photos}', maximum_object_size = 10_000_000)"
        db.execute(f"COPY (FROM {lines}) TO '{folder / 'duckdb.parquet'}' (COMPRESSION zstd)")


def load_with_sqlite_utils(photos: Path, folder: Path) -> None:
    """As its command does it."""
    database = folder / "utils.sqlite"
    database.unlink(missing_ok=True)
    sys.argv = ["sqlite-utils", "insert", str(database), "photos", str(photos), "--nl", "--pk", "id"]
    runpy.run_module("sqlite_utils", run_name="__main__")


def load_with_dlt(archive: Path, folder: Path) -> None:
    """The harvester's source, into a new database."""
    os.environ.update(DLT_DATA_DIR=str(folder / "dlt"), RUNTIME__DLTHUB_TELEMETRY="false")
    import dlt  # noqa: PLC0415 - this one alone

    from harvester.dlt import flickr_archive  # noqa: PLC0415

    database = folder / "dlt.duckdb"
    database.unlink(missing_ok=True)
    pipeline = dlt.pipeline(f"bench{os.getpid()}", destination=dlt.destinations.duckdb(str(database)))
    pipeline.run(flickr_archive(archive))


if __name__ == "__main__":
    how, archive, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if how == "dlt":
        load_with_dlt(archive, folder)
    else:
        {"duckdb": load_with_duckdb, "sqlite-utils": load_with_sqlite_utils}[how](archive / "photos.ndjson", folder)
