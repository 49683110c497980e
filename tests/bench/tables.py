"""Tables out of an archive: rows a second, beside DuckDB's and sqlite-utils' own reading of the same lines.

Whole processes are measured, from their start to a file that is synced. The others sync nothing, and make other tables:
DuckDB copies each line's members as they are, and sqlite-utils makes one table of them, the nested ones as JSON.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from figures import Figure
from process import CLIENT, HERE, Run, run, serve_sandbox

from harvester.archive.manifest import CHECKSUM, encode_manifest

HARVESTED = 2_000
TIMES = 15
"""Each line is there so often, under another id: a harvest of them all would take as long as the rest of the table."""
_ID = re.compile(rb'\{"id":"(\d+)"')


def measure_tables(folder: Path, *, rounds: int) -> Iterator[Figure]:
    """Each kind of table, and what others make of the same lines, in turn."""
    archive = _make_archive(folder)
    rows = HARVESTED * TIMES
    export: list[str | Path] = [sys.executable, "-m", "harvester", "export", archive, "--no-progress", "-o"]
    other: list[str | Path] = [sys.executable, HERE / "load.py"]
    ways: dict[str, Callable[[], Run]] = {
        "Parquet": lambda: run([*export, folder / "t.parquet"]),
        "Parquet, --workers 2, two cores": lambda: run([*export, folder / "t2.parquet", "--workers", "2"], core=None),
        "DuckDB, COPY (read_ndjson) TO Parquet": lambda: run([*other, "duckdb", archive, folder]),
        "SQLite, --no-search": lambda: run([*export, folder / "t.sqlite", "--no-search"]),
        "SQLite": lambda: run([*export, folder / "s.sqlite"]),
        "sqlite-utils insert --nl": lambda: run([*other, "sqlite-utils", archive, folder]),
        "dlt into DuckDB, merged on id": lambda: run([*other, "dlt", archive, folder]),
    }
    took: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            took[name].append(way())
            if took[name][-1].code:
                raise RuntimeError(f"{name} ended with {took[name][-1].code}")
    speeds = {name: median(rows / each.seconds for each in runs) for name, runs in took.items()}
    aims = {
        "Parquet": "at least 25,000",
        "SQLite, --no-search": "at least 15,000",
        "dlt into DuckDB, merged on id": "at least 10,000",
    }
    for name, speed in speeds.items():
        yield Figure(name, speed, "rows/s", aims.get(name, ""))
    two = speeds["Parquet, --workers 2, two cores"] / speeds["Parquet"]
    yield Figure("Parquet: two processes to one", two, "times", "at least 1.7" if CLIENT is not None else "")
    yield Figure("Parquet: memory at its peak", max(each.megabytes for each in took["Parquet"]), "MB", "under 250")
    shutil.rmtree(archive)


def _make_archive(folder: Path) -> Path:
    """An archive as one that was published: lines and a manifest."""
    few, many = folder / "few", folder / "many"
    with serve_sandbox(HARVESTED, folder) as server:
        server.search(few)
    lines = (few / "photos.ndjson").read_bytes().splitlines(keepends=True)
    many.mkdir()
    with (many / "photos.ndjson").open("wb") as file:
        for n in range(TIMES):
            file.writelines(_give_id(line, n) for line in lines)
    told = json.loads((few / "manifest.json").read_bytes())
    del told[CHECKSUM]
    size = (many / "photos.ndjson").stat().st_size
    told["files"] = {"photos.ndjson": {"bytes": size, "lines": len(lines) * TIMES}}
    (many / "manifest.json").write_bytes(encode_manifest(told))
    return many


def _give_id(line: bytes, n: int) -> bytes:
    found = _ID.match(line)
    assert found
    return line.replace(found[1], b"%d" % (int(found[1]) + n * 10**12))
