"""What a run works from, settled when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harvester.archive.listing_result import Bounds
from harvester.archive.shallow import Shallow
from harvester.flickr.methods import SEARCH
from harvester.jobs.model import Job
from harvester.listing.sweep import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """The job, and what was settled about it when the run began."""

    job: Job
    arguments: Mapping[str, str]
    """Of the search, names looked up; without dates of upload, order and paging."""
    method: str = SEARCH
    sweeps: tuple[Sweep, ...] = ()
    """Those that list all of it."""
    shallow: Shallow | None = None
    """The lines of an archive that is deepened: they take the place of a listing."""
    spares: bool = False
    """The lists may tell all that has changed."""
    bounds: Bounds
    workers: int
    secrets: tuple[str, ...] = ()
