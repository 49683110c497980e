"""The job out of a checkpoint, and what the dates of a command mean for it. Pure.

A checkpoint holds a job twice: `job` describes it as Flickr was asked, with every date to the second, and `asked` holds
the words of the command. The dates of `job` are those that the archive was begun with. So `yesterday` stays that day,
and an archive of an older version, for which a largest date ended with its first second, goes on as it was begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harvester.jobs.arguments import OPTIONS
from harvester.jobs.filters import DATES
from harvester.jobs.model import SOURCES, Job, Search


def rebuild_job(known: Mapping[str, Any], asked: Mapping[str, Any], *, limit: int | None) -> Job:
    """The job of a checkpoint's `job` and `asked`."""
    rest = dict(asked)
    kind = rest.pop("source")
    given = dict(rest.pop(kind, {}))
    if kind == Search.name:
        given = _move_params(given)
        given |= {name: known[name] for name in DATES if name in given and name in known}
    return Job(source=SOURCES[kind](**given), limit=limit, **rest)


def _move_params(given: Mapping[str, Any]) -> dict[str, Any]:
    """Older versions took arguments that have an option of their own as `params` too, before the option's value."""
    params = given.get("params", {})
    moved = {OPTIONS[name]: _read_flag(name, value) for name, value in params.items() if name in OPTIONS}
    rest = {name: value for name, value in params.items() if name not in OPTIONS}
    return {**given, **moved, "params": rest}


def _read_flag(name: str, value: str) -> bool | str:
    return value == "1" if name == "has_geo" else value


def settle_job(
    job: Job, known: Mapping[str, Any] | None, asked: Mapping[str, Any] | None, *, now: float
) -> tuple[Job, str]:
    """The job with dates to the second, and a sentence where they are not what the words mean today.

    Dates in the words that the archive was begun with mean what they meant then. All others count from `now`.
    """
    source = job.source
    if not isinstance(source, Search):
        return job, ""
    settled = source.settle_dates(now)
    if known is None or asked is None or _words(source.asked()) != _words(asked.get(source.name, {})):
        return replace(job, source=settled), ""
    dates: dict[str, Any] = {name: known.get(name) for name in DATES}
    kept = replace(source, **dates)
    return replace(job, source=kept), _tell_older(kept, settled) if settled is source else ""


def _words(asked: object) -> dict[str, str]:
    """The dates of a search as they were written; none where a damaged checkpoint holds something else."""
    if not isinstance(asked, Mapping):
        return {}
    return {name: " ".join(str(asked[name]).lower().split()) for name in DATES if asked.get(name) is not None}


def _tell_older(kept: Search, settled: Search) -> str:
    """Of dates that an older version has read otherwise."""
    was, would_be = kept.describe(), settled.describe()
    told = [f"{name} is {was.get(name)}, not {would_be[name]}" for name in DATES if was.get(name) != would_be.get(name)]
    if not told:
        return ""
    return f"This archive keeps the dates that it was begun with: {'; '.join(told)}. Begin a new archive for others."
