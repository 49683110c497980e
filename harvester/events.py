"""What happens in a harvest, for whoever watches: progress, log, report.

The core counts in a Tally, which a watcher reads when it likes, and tells of the rare things by events.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from harvester.errors import Status, Summary

__all__ = [
    "DURATIONS", "Attempts", "Ended", "Event", "Failed", "Noticed", "Observer", "PartClosed", "Paused", "Progress",
    "Resumed", "Retrying", "Started", "Status", "Summary", "Tally", "Waiting", "ignore",
]  # fmt: skip
DURATIONS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0)
"""Seconds by which calls are told apart by how long they took."""


@dataclass(slots=True)
class Attempts:
    """Calls that came to an end: how often by method and outcome, and how long they took."""

    outcomes: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """By method, as `method=NAME`, and outcome: ok, failed (tried again, or given up), refused, cancelled."""
    within: list[int] = field(default_factory=lambda: [0] * (len(DURATIONS) + 1))
    """How many took no longer than each of DURATIONS, and longer than the one before it; the last, longer than all."""
    seconds: float = 0.0


@dataclass(slots=True)
class Tally:
    """The running counts of one run. `written` and `listed` begin where an earlier run of the archive ended."""

    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)
    expected: int | None = None
    """Photos that Flickr claims to match; None until it has said. It is a claim, not a promise."""
    listed: int = 0
    written: int = 0
    written_before: int = 0
    unchanged: int = 0
    """Photos that an update has found to be as they were."""
    calls: int = 0
    attempts: Attempts = field(default_factory=Attempts)
    pages: int = 0
    retries: int = 0
    refused: int = 0
    """Parts that Flickr refuses for good (null on the line)."""
    failed: int = 0
    """Photos that could not be had for now."""
    bad_input: int = 0
    """Lines of input that name no photo."""
    doing: str = ""
    """What is being done where no photo is: `reading lists, 37 to go`."""
    quota_left: Callable[[], int | None] | None = None
    """Tells how many calls the quota would let go now, while the run has a quota open."""
    quota_frees: Callable[[], float | None] | None = None
    """Tells in how many seconds the quota lets a call go, likewise."""
    hold: Callable[..., None] | None = None
    """Holds all calls back (`is_held=True`), or lets them go on, while the run makes any."""

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return self.clock() - self.started

    @property
    def done(self) -> int:
        """Photos that nothing is left to do for."""
        return self.written + self.unchanged

    @property
    def new(self) -> int:
        """Photos that this run has written."""
        return self.written - self.written_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run begins; `resumed` says how many photos the archive held already."""

    job: dict[str, Any]
    output: Path | None
    resumed: int
    tally: Tally
    is_update: bool = False
    is_deepening: bool = False
    """The lines of an archive get parts that they lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run from Python is, told every second. Counts of photos are the archive's, where there is one."""

    photos: int
    listed: int
    expected: int | None
    failed: int
    calls: int
    retries: int
    seconds: float
    doing: str
    """What is being done where no photo is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing goes out for a while: `why` is a clause such as `the hour's 3600 calls are spent`."""

    why: str
    seconds: float
    reason: Literal["quota", "outage"] = "outage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Nothing goes out until somebody lets the run go on: `why` is a clause that tells who."""

    why: str

    @property
    def sentence(self) -> str:
        """The event as a sentence for people."""
        return f"Paused: {self.why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Calls go out again after a Waiting or a Paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """One call failed in passing and is made again after so many seconds."""

    method: str
    why: str
    seconds: float
    kind: Literal["busy", "unreached", "foreign", "broken"] = "broken"
    """Flickr itself said so; nothing answered; something else did; the answer was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A photo could not be had for now, or a line of input names none."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something odd that a person should know of, in one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartClosed:
    """A part of an archive's photos was closed: it stands under its name, counts, and never changes."""

    name: str
    lines: int
    bytes: int
    """Of the file."""

    @property
    def sentence(self) -> str:
        """It, for a person."""
        return f"Closed {self.name}: {self.lines:,} photos in {self.bytes:,} bytes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The run is over."""

    summary: Summary


Event: TypeAlias = Started | Progress | Waiting | Paused | Resumed | Retrying | Failed | Noticed | PartClosed | Ended
Observer: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that watches nothing."""
