"""What is said between a run and whoever watches it: a question a line, an answer a line, both JSON. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from harvester.progress.gauge import Snapshot
from harvester.progress.metrics.numbers import Numbers

LONGEST = 4096
"""Bytes of a question."""
Action: TypeAlias = Literal["look", "pause", "go_on", "stop"]


class Request(msgspec.Struct, frozen=True):
    """What a run is asked: to tell how far it is, and before that to do something."""

    do: Action = "look"
    place: tuple[int, int] | None = None
    """Where the run is held to be at work: nothing is done to one that works elsewhere by now."""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """How far the run was at one moment, in Unix time."""

    at: float
    photos: int
    calls: int


class Incident(msgspec.Struct, frozen=True):
    """Something that went wrong, or that a person should know."""

    at: float
    what: str
    why: str


class RunSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a run tells of itself at one moment."""

    pid: int
    place: tuple[int, int] | None
    """Device and inode of the folder that it works in; None where it works in none at this moment."""
    at: float = 0.0
    began: float | None = None
    reading: Snapshot | None = None
    reason: str = ""
    """Of the wait that is on: quota, outage or pause."""
    is_paused: bool = False
    quota: str = ""
    """That of the run, as `3600/h`; empty without one."""
    frees_in: float | None = None
    """Seconds until the quota lets a call go."""
    numbers: Numbers = Numbers()
    samples: list[Sample] = []
    incidents: list[Incident] = []
    """The last of them."""
    trouble: str = ""
    """Why what was asked was not done."""


def decode_request(line: bytes) -> Request | None:
    """A question; None where the line is none."""
    try:
        return msgspec.json.decode(line, type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode_snapshot(line: bytes) -> RunSnapshot | None:
    """An answer; None where the line is none, as from another version."""
    try:
        return msgspec.json.decode(line, type=RunSnapshot)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def encode(said: Request | RunSnapshot) -> bytes:
    """As a line."""
    return msgspec.json.encode(said) + b"\n"
