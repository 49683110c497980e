"""What the displays say, in words: one snapshot, one event, the end. Pure, and the same for all of them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harvester.errors import Summary, shorten
from harvester.flickr.methods import DETAILS, ROW_SIZES, Detail, SizesFrom, list_parts
from harvester.progress.gauge import Snapshot, Wait
from harvester.quota.rate import Rate
from harvester.text.words import name_count, name_duration, name_moment, name_period, name_rate

_LISTS = {
    "photosets": "set",
    "collections": "collection",
    "galleries": "gallery",
    "groups": "group",
    "favorites": "favorite",
    "contacts": "contact",
}


def describe_job(job: Mapping[str, Any]) -> str:
    """`search tags=monkey,chimp tag_mode=any, info and sizes`: a job in a line."""
    known = dict(job)
    source, detail = known.pop("source", ""), known.pop("detail", "")
    extras, sizes = known.pop("with", ()), known.pop("sizes", "call")
    filters = " ".join(f"{name}={shorten(_join(value))}" for name, value in known.items())
    what = _name_depth(detail, sizes) if detail in DETAILS else ""
    return ", ".join(part for part in (f"{source} {filters}".strip(), what, *extras) if part)


def _name_depth(detail: Detail, sizes: SizesFrom) -> str:
    names = ["the listing's sizes" if part == ROW_SIZES else part for part in list_parts(detail, sizes=sizes)]
    return f"with {' and '.join(names)}" if names else "the listing alone"


def _join(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def say_share(snapshot: Snapshot) -> str:
    """`12,345 of about 27,400 photos`."""
    if snapshot.expected is None or snapshot.photos > snapshot.expected:
        return name_count(snapshot.photos, "photo")
    return f"{name_count(snapshot.photos)} of about {name_count(snapshot.expected, 'photo')}"


def say_speed(snapshot: Snapshot) -> list[str]:
    """What is done, how fast, and how long still."""
    said = [snapshot.doing] if snapshot.doing else []
    if snapshot.photos_per_second and snapshot.wait is None:
        said.append(name_rate(snapshot.photos_per_second))
    if snapshot.seconds_left:
        said.append(f"about {name_duration(snapshot.seconds_left)} to go")
    return said


def say_calls(snapshot: Snapshot, quota: Rate | None) -> list[str]:
    """Calls spent and left, and what went wrong."""
    said = [name_count(snapshot.calls, "call")]
    if snapshot.calls_left is not None and quota is not None:
        said.append(f"{name_count(snapshot.calls_left)} left {name_period(quota.period)}")
    if snapshot.retries:
        said.append(name_count(snapshot.retries, "retry"))
    if snapshot.refused:
        said.append(f"{name_count(snapshot.refused)} refused")
    said.append(f"{name_count(snapshot.failed)} failed")
    return said


def say_wait(wait: Wait, *, now: float) -> str:
    """`waiting until 14:32:10 (12 min 5 s): the quota of 3600/h is spent`, or `paused: by whom`."""
    if wait.until is None or wait.seconds is None:
        return f"paused: {wait.why}"
    return f"waiting until {name_moment(wait.until, now=now)} ({name_duration(wait.seconds)}): {wait.why}"


def say_snapshot(snapshot: Snapshot, *, quota: Rate | None, now: float) -> str:
    """All of it in one line."""
    share = "" if snapshot.share is None else f" ({snapshot.share:.0%})"
    pieces = [say_share(snapshot) + share, *say_speed(snapshot), *say_calls(snapshot, quota)]
    if snapshot.wait:
        pieces.append(say_wait(snapshot.wait, now=now))
    return ", ".join(pieces)


def say_end(summary: Summary) -> str:
    """The first line of the end: how it ended, and with how much."""
    photos = name_count(summary.photos, "photo")
    where = f" in {summary.output}" if summary.output else ""
    missing = ""
    if summary.status == "incomplete" and summary.failed:
        missing = f", {name_count(summary.failed)} could not be had for now"
    if summary.bad_input:
        missing += f", {name_count(summary.bad_input, 'line')} of input named no photo"
    return f"{summary.status.capitalize()}: {photos}{where}{missing}."


def list_facts(summary: Summary) -> list[tuple[str, str]]:
    """What the end tells besides, by name. What is zero and means nothing is left out."""
    speed = ""
    if summary.new and summary.seconds > 0 and not summary.is_update:
        speed = f" ({name_rate(summary.new / summary.seconds)})"
    calls = name_count(summary.calls)
    if summary.calls_per_photo is not None:
        calls += f" ({summary.calls_per_photo:.2f} a photo)"
    facts = [
        ("new", name_count(summary.new, "photo")) if summary.new != summary.photos else None,
        ("also", also) if (also := say_lists(summary.lists)) else None,
        ("calls", calls),
        ("time", name_duration(summary.seconds) + speed),
        ("retries", name_count(summary.retries)) if summary.retries else None,
        ("refused", f"{name_count(summary.refused, 'part')}, for good: null on the line, with the reason")
        if summary.refused
        else None,
        ("failed", say_failed(summary)) if summary.failed else None,
        ("data", str(summary.output / "photos.ndjson")) if summary.output else None,
    ]
    return [fact for fact in facts if fact is not None]


def say_lists(lists: Mapping[str, int]) -> str:
    """`18 sets, 2 collections, 262 favorites`: what an archive holds besides photos."""
    return ", ".join(name_count(lists[name], noun) for name, noun in _LISTS.items() if lists.get(name))


def say_failed(summary: Summary) -> str:
    """How many could not be had, and where they are told."""
    where = f", listed in {summary.output / 'errors.ndjson'}" if summary.output else ""
    return f"{name_count(summary.failed)} for now{where}"


def say_next(summary: Summary, *, again: str | None) -> str | None:
    """How to go on, where there is something to go on with. `again` is the command that does, if it is no resume."""
    if summary.status == "complete":
        return None
    verb = "Go on with" if summary.status == "stopped" else "Try the rest again with"
    return say_way(summary.output, again=again, verb=verb)


def say_way(output: Path | None, *, again: str | None, verb: str) -> str:
    """The command that goes on with a run whose records go to `output`."""
    if again is None and output is not None:
        again = f"harvester resume {shlex.quote(str(output))}"
    if again is None:
        return "Nothing kept track of this run; -o DIR or --state DIR makes the next one resumable."
    return f"{verb}: {again}"
