"""What counts as a change between two lines of an archive. Pure."""

from __future__ import annotations

import re

import orjson

_COUNTERS = re.compile(rb'"(?:views|count_views|members|pool_count)":\s*(?:"[\d,]*"|\d+)')


def find_differing(old: bytes, new: bytes) -> list[str]:
    """The members in which two lines of a photo differ, as `info.title`; when they were harvested aside."""
    one, other = orjson.loads(old), orjson.loads(new)
    names: list[str] = []
    for name in {**one, **other}:
        before, after = one.get(name), other.get(name)
        if name == "harvested_at" or before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            names += [f"{name}.{inner}" for inner in {**before, **after} if before.get(inner) != after.get(inner)]
        else:
            names.append(name)
    return names


def without_time(line: bytes) -> bytes:
    """A line but for the moment of its harvest."""
    head, _, rest = line.partition(b',"harvested_at":"')
    return head + rest[len("2026-11-23T22:30:05Z") :]


def without_counters(line: bytes) -> bytes:
    """A line but for its time and what moves by itself: views of a set, members of a group."""
    return _COUNTERS.sub(b"", without_time(line))
