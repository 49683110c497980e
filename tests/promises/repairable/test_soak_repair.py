"""A repair of a million photos, run by `make soak`: two minutes of work at most, and memory that does not grow."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import orjson
import pytest

from harvester.archive.checkpoint.state import Length, State
from harvester.archive.disk.record import Record
from harvester.archive.folder import write_manifest
from harvester.jobs.model import Job, Search
from support.harvest import Opener, harvest_into

pytestmark = pytest.mark.skipif(not os.environ.get("HARVESTER_SOAK"), reason="long: run by make soak")
MANY = int(os.environ.get("HARVESTER_SOAK_PHOTOS", "1000000"))
FEW = MANY // 10
MOST_SECONDS, MOST_GROWTH = 120, 20_000
BATCH = 5_000
_REPAIR = """
import resource, sys
from pathlib import Path
from harvester.archive.repair.run import repair_archive
report = repair_archive(Path(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(sum(found.kept for found in report.files), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def multiply(small: Path, folder: Path, *, photos: int) -> None:
    """A complete archive of so many photos, each line a copy of a harvested one under an id of its own."""
    folder.mkdir()
    line = (small / "photos.ndjson").read_bytes().splitlines(keepends=True)[0]
    known = orjson.loads(line)["id"].encode()
    with State(small / "state.sqlite") as old, State(folder / "state.sqlite") as state:
        with state.changing():
            state.note(old.facts)
        size = 0
        with (folder / "photos.ndjson").open("wb") as file:
            for first in range(0, photos, BATCH):
                ids = [str(10_000_000_000 + 7 * n) for n in range(first, min(first + BATCH, photos))]
                records = [Record(i, line.replace(known, i.encode())) for i in ids]
                size += file.write(b"".join(record.line for record in records))
                with state.changing():
                    rows = ((int(i), 1_300_000_000, 1_200_000_000 + int(i) % 100_000_000) for i in ids)
                    state.connection.executemany("INSERT INTO seen VALUES (?, ?, ?)", rows)
                    state.note_lines(records)
        with state.changing():
            state.commit_length("photos.ndjson", Length(size, photos))
        write_manifest(folder, state, status="complete", facts={"counts": {"photos": photos}})


async def measure(folder: Path) -> tuple[int, float, int]:
    """Repair in a process of its own: lines kept, seconds of the processor, kilobytes of memory at most."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _REPAIR, str(folder), stdout=pipe)
    output, _ = await process.communicate()
    kept, seconds, memory = re.split(r"\s+", output.decode().strip())
    return int(kept), float(seconds), int(memory)


async def test_a_million_photos_are_repaired_in_two_minutes_and_flat_memory(
    sandbox_of: Opener, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sandbox_of(photos=40, owners=2) as sandbox:
        await harvest_into(tmp_path / "small", sandbox, Job(source=Search(tags="sandbox"), detail="info"))
    memory: dict[str, list[int]] = {"line": [], "checkpoint": []}
    for photos in (FEW, MANY):
        folder = tmp_path / str(photos)
        multiply(tmp_path / "small", folder, photos=photos)
        with (folder / "photos.ndjson").open("r+b") as file:
            file.seek((folder / "photos.ndjson").stat().st_size // 2)
            file.write(b"#")
        for damage, peaks in memory.items():
            if damage == "checkpoint":
                (folder / "state.sqlite").unlink()
            kept, seconds, peak = await measure(folder)
            peaks.append(peak)
            with capsys.disabled():
                print(  # noqa: T201 - the measurement
                    f"\n{photos:,} photos, a {damage} lost: {seconds:.1f} s of the processor, {peak / 1000:.0f} MB"
                )
            assert kept == photos - 1
            assert seconds < MOST_SECONDS
    assert all(many - few < MOST_GROWTH for few, many in memory.values())
