"""What is to be harvested on a cluster, and what of it its workers are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harvester.config.settings import Settings
from harvester.dask.task import Assignment
from harvester.jobs.model import Job
from harvester.shards.shard import PHOTOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is to be harvested, and how."""

    job: Job
    store: str
    settings: Settings
    """Those of the driver, for the plan."""
    name: str = ""
    """What tells it from the others of a fleet."""
    output: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings for the workers, without secrets."""
    config: str | None = None
    """A config file that those workers read, instead of their own, that have it."""
    anonymous: bool = False
    shard_photos: int = PHOTOS
    lease: float = 20.0
    publish_every: float = 60.0

    @property
    def assignment(self) -> Assignment:
        """What a task is told."""
        return {
            "store": self.store,
            "options": {name: value for name, value in self.options.items() if value is not None},
            "config": self.config,
            "env_prefix": self.settings.env_prefix,
            "anonymous": self.anonymous,
            "lease": self.lease,
            "publish_every": self.publish_every,
        }
