"""The one form of `harvester status --json`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import msgspec

from harvester.archive.incomplete import IncompleteStretch


class ArchiveStatus(StrEnum):
    """How an archive stands."""

    COMPLETE = "complete"
    """All that was asked for is there."""
    INCOMPLETE = "incomplete"
    """The harvest has ended, and something could not be had."""
    UNFINISHED = "unfinished"
    """The harvest was stopped or killed before its end."""
    RUNNING = "running"
    """A process is at work in the archive."""
    UPDATING = "updating"
    """A process brings the archive up to date; until its end the archive is as it was."""
    DAMAGED = "damaged"
    """A file is missing or is shorter than it should be."""


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `status` tells of an archive. All fields are always there."""

    archive: str
    """Its folder."""
    state: ArchiveStatus
    note: str
    """Why, and what to do, in sentences; empty where there is nothing to say."""
    running_pid: int | None
    """The process that is at work in it; null where there is none, or its number cannot be read."""
    running_host: str | None
    """The machine of that process, where it is another one."""
    running_since: str | None
    """When that process began."""
    job: dict[str, Any] | None
    """What was asked."""
    begun: str | None
    brought_up_to_date: str | None
    """When the last update of the archive began."""
    photos: int
    expected: int | None
    """Photos that Flickr claims."""
    difference: str | None
    """A sentence on what Flickr claims and does not show."""
    incomplete_stretches: list[IncompleteStretch]
    """Stretches of upload time of which Flickr keeps photos back."""
    listed: int
    """Photos that are there, or were listed and are still to be fetched."""
    failed: int
    """What could not be had for now: the lines of errors.ndjson."""
    withdrawn: int
    """Photos that were taken down."""
    lists: dict[str, int]
    """Lines of the other files by name; `to_be_read` counts lists."""
    bytes: int
    """Of photos.ndjson."""
    calls_to_go: int | None
    seconds_to_go: float | None
    quota_left: int | None
    """Calls left of this hour; null without a key."""
    manifest: str
    read_from: Literal["checkpoint", "manifest", "nothing"]
    """What these facts were read from: `nothing` where a harvest has just begun."""
