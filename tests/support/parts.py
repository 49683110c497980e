"""Archives in parts, made and read."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import orjson

from harvester.engine.run import Output, run_job
from harvester.events import Event
from harvester.jobs.model import Job, Search
from harvester.jobs.rotation import Rotation
from harvester.sandbox.server import Sandbox
from support.harvest import settings_for

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

JOB = Job(source=Search(tags="sandbox"), detail="list")


async def harvest_in_parts(
    folder: Path,
    sandbox: Sandbox,
    rotation: Rotation | None = None,
    *,
    job: Job = JOB,
    events: list[Event] | None = None,
    **given: Any,
) -> Any:
    """One run into an archive in parts."""
    output = Output(folder=folder, rotation=rotation)
    observer = (lambda _: None) if events is None else events.append
    return await run_job(job, settings_for(sandbox, **given), output=output, observer=observer)


def unpack(path: Path) -> bytes:
    """A part by the means of whoever knows nothing of the harvester."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        return zstd.decompress(data)
    return gzip.decompress(data) if path.suffix == ".gz" else data


def read_pieces(folder: Path) -> list[dict[str, Any]]:
    """The lines of all pieces, in order of their names and then of photos.ndjson."""
    names = sorted(folder.glob("photos-*"))
    data = b"".join(map(unpack, names)) + (folder / "photos.ndjson").read_bytes()
    return [orjson.loads(line) for line in data.splitlines()]
