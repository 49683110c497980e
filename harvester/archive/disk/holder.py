"""Who holds the lock of an archive, as `.lock` tells it: process, moment, machine. Pure.

The file's content says nothing about whether the lock is held: a killed process leaves it there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harvester.jobs.values import stamp

_LINE = re.compile(
    rb"(?P<pid>\d{1,19})(?: (?P<since>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (?P<host>[A-Za-z0-9._-]{0,64}))?\n?", re.ASCII
)
_BEGINNING = re.compile(rb"\d{1,19}(?: [0-9TZ:-]{0,20}(?: [A-Za-z0-9._-]{0,64})?)?\n?", re.ASCII)
SIZE = 128
"""Bytes that a holder's line has at most."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds an archive's lock. `pid` is None where it cannot be read, `host` where it is this machine.

    `since` is the moment at which it took the lock, None where an older version did.
    """

    pid: int | None = None
    since: str | None = None
    host: str | None = None

    @property
    def name(self) -> str:
        """The process in words: `process 4711 on build-3`."""
        process = "another harvester" if self.pid is None else f"process {self.pid}"
        return f"{process} on {self.host}" if self.host else process

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        name = self.name[0].upper() + self.name[1:]
        return f"{name} is at it, since {self.since}." if self.since else f"{name} is at it."


def encode_holder(pid: int, *, at: float, host: str) -> bytes:
    """The content of `.lock`."""
    return f"{pid} {stamp(at)} {_shorten(host)}\n".encode()


def decode_holder(content: bytes, *, host: str) -> Holder:
    """The holder that `.lock` tells of, seen from the machine `host`."""
    found = _LINE.fullmatch(content)
    if found is None:
        return Holder()
    since, there = found["since"], (found["host"] or b"").decode()
    elsewhere = there if there and there != _shorten(host) else None
    return Holder(int(found["pid"]), since.decode() if since else None, elsewhere)


def is_holder(content: bytes) -> bool:
    """Whether the content of a `.lock` is one that a harvester has written, or the beginning of one.

    A full disk may cut it, and XFS and ext4 may leave zeros in place of what was not synced before a power cut.
    """
    return not content.strip(b"\n\0") or _BEGINNING.fullmatch(content) is not None


def _shorten(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", host)[:64]
