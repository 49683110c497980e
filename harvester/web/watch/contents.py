"""Reads what an archive tells, beside a run or at rest; nothing is written, and no run has to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import MANIFEST, PHOTOS, STATE
from harvester.archive.pieces import find_pieces, read_pieces
from harvester.config.settings import Settings
from harvester.errors import CannotWrite, UsageError, shorten
from harvester.progress.lines import describe_job
from harvester.status.inspect import read_report
from harvester.status.months import count_months
from harvester.web.watch.facts import Contents, Failure
from harvester.web.watch.latest import read_latest
from harvester.web.watch.timeline import Timeline, build_timeline

MOST_FAILURES = 20


def read_contents(
    folder: Path,
    settings: Settings,
    *,
    months: Mapping[str, int] | None = None,
    wall: Callable[[], float] = time.time,
) -> Contents:
    """What the archive tells. What is wrong with it is told in its `trouble`, not raised.

    `months` are the photos by month as they were counted before: that takes most of the time. None counts them.
    """
    try:
        report = read_report(folder, settings)
        known: dict[str, Any] = {"report": report, "asked": describe_job(report.job or {})}
        if report.read_from != "checkpoint":
            return Contents(**known, latest=read_latest(read_pieces(folder)) if report.photos else [])
        with open_archive_to_read(folder) as state:
            return Contents(**known, **_read(folder, state, months=months, now=int(wall())))
    except (CannotWrite, UsageError) as error:
        return Contents(trouble=str(error))


def read_listing(folder: Path, *, now: int) -> tuple[Timeline | None, dict[str, int]]:
    """How far the listing of an archive is, and its photos by month of upload. UsageError where there is none."""
    with open_archive_to_read(folder) as state:
        return _read_listing(state, None, now=now)


def fingerprint(folder: Path) -> tuple[object, ...]:
    """Changes whenever what the archive tells does."""
    names = (STATE, f"{STATE}-wal", PHOTOS, MANIFEST, "errors.ndjson")
    return tuple(_sign(folder / name) for name in names)


def _sign(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(folder: Path, state: State, *, months: Mapping[str, int] | None, now: int) -> Mapping[str, Any]:
    timeline, counted = _read_listing(state, months, now=now)
    return {
        "months": counted,
        "timeline": timeline,
        "latest": read_latest(find_pieces(folder, state)),
        "failures": list(islice(_list_failures(state), MOST_FAILURES)),
    }


def _read_listing(state: State, known: Mapping[str, int] | None, *, now: int) -> tuple[Timeline | None, dict[str, int]]:
    horizon = state.facts.horizon or now
    sweeps = [sweep for _, sweep in state.sweeps()]
    months = count_months(state) if known is None else dict(known)
    return build_timeline(list(state.stretches()), sweeps, months, horizon=min(horizon, now)), months


def _list_failures(state: State) -> Iterator[Failure]:
    for failure in state.failures():
        what = failure.get("id") or failure.get("input") or failure.get("list") or ""
        yield Failure(shorten(str(what)), shorten(str(failure.get("message", "")), most=300))
