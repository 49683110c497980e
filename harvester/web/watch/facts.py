"""All that the page shows of an archive at one moment, as it is sent to it."""

from __future__ import annotations

import msgspec

from harvester.progress.attach.messages import RunSnapshot, Sample
from harvester.quota.glance import Glance
from harvester.status.report import Report
from harvester.web.watch.latest import Latest
from harvester.web.watch.timeline import Timeline


class Failure(msgspec.Struct, frozen=True):
    """Something that could not be had for now."""

    what: str
    why: str


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What is read from the archive itself."""

    report: Report | None = None
    asked: str = ""
    """What was asked, in a line."""
    months: dict[str, int] = {}
    timeline: Timeline | None = None
    latest: list[Latest] = []
    failures: list[Failure] = []
    trouble: str = ""
    """Why it cannot be read."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """An archive, and the run that is at work in it, if there is one."""

    number: int
    """Its place among those that are watched, from 1."""
    archive: str
    at: float
    contents: Contents
    run: RunSnapshot | None = None
    """What the run tells of itself; None where none is at work, or it cannot be reached."""
    away: str = ""
    """Why a run that is at work cannot be reached."""
    quota: Glance | None = None
    """None where the key is not known here."""
    samples: list[Sample] = []
    """How far it was, since the run began, or since it is watched."""
