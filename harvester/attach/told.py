"""What is said between a run and whoever watches it: a question a line, an answer a line, both JSON. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from harvester.metrics.numbers import Numbers
from harvester.progress.gauge import Reading

LONGEST = 4096
"""Bytes of a question."""
Deed: TypeAlias = Literal["look", "pause", "go_on", "stop"]


class Question(msgspec.Struct, frozen=True):
    """What a run is asked: to tell how far it is, and before that to do something."""

    do: Deed = "look"
    place: tuple[int, int] | None = None
    """Where the run is held to be at work: nothing is done to one that works elsewhere by now."""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """How far the run was at one moment, in Unix time."""

    at: float
    photos: int
    calls: int


class Mishap(msgspec.Struct, frozen=True):
    """Something that went wrong, or that a person should know."""

    at: float
    what: str
    why: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a run tells of itself at one moment."""

    pid: int
    place: tuple[int, int] | None
    """Device and inode of the folder that it works in; None where it works in none at this moment."""
    at: float = 0.0
    began: float | None = None
    reading: Reading | None = None
    reason: str = ""
    """Of the wait that is on: quota, outage or pause."""
    is_paused: bool = False
    frees_in: float | None = None
    """Seconds until the quota lets a call go."""
    numbers: Numbers = Numbers()
    samples: list[Sample] = []
    mishaps: list[Mishap] = []
    """The last of them."""
    trouble: str = ""
    """Why what was asked was not done."""


def decode_question(line: bytes) -> Question | None:
    """A question; None where the line is none."""
    try:
        return msgspec.json.decode(line, type=Question)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode_told(line: bytes) -> Told | None:
    """An answer; None where the line is none, as from another version."""
    try:
        return msgspec.json.decode(line, type=Told)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def encode(said: Question | Told) -> bytes:
    """As a line."""
    return msgspec.json.encode(said) + b"\n"
