"""What counts as a change between two lines of an archive. Pure."""

from __future__ import annotations

import re
from typing import Any

import orjson

from harvester.flickr.codes import name_license

_COUNTERS = frozenset(
    "views view_count count_views total_views comments comment_count count_comments total_comments faves count_faves "
    "total_favorites members member_count members_count count_members pool_count topic_count topics remaining".split()
)
"""What moves by itself, by whoever looks at a set or joins a group. Counts of photos are none: they tell a change."""
_NUMBER = re.compile(r"[\d.,\s]*", re.ASCII)


def describe_change(old: bytes, new: bytes) -> dict[str, Any]:
    """What changes.ndjson tells of two lines of a photo: the members that differ, and by name a licence that does.

    Empty where nothing differs that counts.
    """
    members = find_differing(old, new)
    if not any(name.endswith(".license") for name in members):
        return {"members": members} if members else {}
    before, after = _name_license(old), _name_license(new)
    return {"members": members, **({"license": {"before": before, "after": after}} if before != after else {})}


def _name_license(line: bytes) -> str | None:
    """The licence of a photo's line; where getInfo and the listing tell two of them, that of getInfo."""
    record = orjson.loads(line)
    for part in (record.get("info"), record.get("search")):
        if isinstance(part, dict) and part.get("license") is not None:
            return name_license(part["license"])
    return None


def find_differing(old: bytes, new: bytes) -> list[str]:
    """The members in which two lines of a photo differ, as `info.title`; counters and the moment of harvest aside."""
    one, other = orjson.loads(old), orjson.loads(new)
    names: list[str] = []
    for name in {**one, **other}:
        before, after = one.get(name), other.get(name)
        if name == "harvested_at" or before == after:
            continue
        before, after = drop_counters(before), drop_counters(after)
        if isinstance(before, dict) and isinstance(after, dict):
            names += [f"{name}.{inner}" for inner in {**before, **after} if before.get(inner) != after.get(inner)]
        elif before != after:
            names.append(name)
    return names


def drop_counters(value: Any) -> Any:
    """A part of an answer without its counters, however deep they stand."""
    if isinstance(value, dict):
        return {name: drop_counters(inner) for name, inner in value.items() if not _is_counter(name, inner)}
    return [drop_counters(inner) for inner in value] if isinstance(value, list) else value


def _is_counter(name: str, value: Any) -> bool:
    """Flickr writes them as 9612, "9612", "9,612", {"_content": "9612"}, "" and null."""
    if name not in _COUNTERS:
        return False
    number = value["_content"] if isinstance(value, dict) and value.keys() == {"_content"} else value
    return number is None or isinstance(number, int | float) or (isinstance(number, str) and _is_number(number))


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def without_time(line: bytes) -> bytes:
    """A line but for the moment of its harvest."""
    head, _, rest = line.partition(b',"harvested_at":"')
    return head + rest[len("2026-11-23T22:30:05Z") :]


def without_counters(line: bytes) -> bytes:
    """A line but for its time and what moves by itself: views of a set, members of a group."""
    try:
        known = drop_counters(orjson.loads(line))
    except orjson.JSONDecodeError:
        return without_time(line)
    if isinstance(known, dict):
        known.pop("harvested_at", None)
    return orjson.dumps(known)
