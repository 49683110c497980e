"""The same facts as the page's, as lines for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping

from harvester.progress.attach.messages import RunSnapshot
from harvester.progress.gauge import Snapshot
from harvester.progress.lines import say_share, say_speed, say_wait
from harvester.quota.glance import Glance
from harvester.status.report import Report
from harvester.text.bars import draw_bar, draw_spark, draw_strip
from harvester.text.escapes import escape_line
from harvester.text.words import flow, name_count, name_duration, name_period
from harvester.web.watch.facts import Facts
from harvester.web.watch.timeline import Timeline

_HEAD = 11
"""Places of a line's name."""
_WIDEST = 100


def list_lines(facts: Facts, *, width: int, is_plain: bool) -> Iterator[str]:
    """An archive and its run: a line or a few for each thing, no wider than `width` where that can be."""
    width = max(min(width, _WIDEST), 40)
    yield f"{escape_line(facts.archive)}: {_tell_state(facts)}"
    for name, value in _list_facts(facts, room=width - _HEAD, is_plain=is_plain):
        for n, line in enumerate(flow(value, width=width - _HEAD, mark=" " if is_plain else " · ")):
            yield f"  {name if not n else '':<{_HEAD - 2}}{escape_line(line)}".rstrip()


def _list_facts(facts: Facts, *, room: int, is_plain: bool) -> Iterator[tuple[str, list[str]]]:
    report, run = facts.contents.report, facts.run
    if facts.contents.trouble or report is None:
        yield "trouble", [facts.contents.trouble or "It was not read yet."]
        return
    yield from _list_told(facts, report, room=room)
    reading = run.reading if run else None
    yield "photos", _tell_photos(report, reading)
    if (share := _find_share(report, reading)) is not None:
        yield "", [f"{draw_bar(share, width=max(room - 6, 10), is_plain=is_plain)} {int(share * 100)} %"]
    if reading is not None and reading.wait is not None:
        yield "waiting", [say_wait(reading.wait, now=facts.at)]
    yield "quota", _tell_quota(facts.quota, run)
    yield from _tell_listing(facts.contents.timeline, facts.contents.months, room=room, is_plain=is_plain)
    if run is not None:
        yield "calls", _tell_calls(run)
    yield "failures", _tell_failures(facts, report)
    if facts.contents.latest:
        photo = facts.contents.latest[0]
        yield "last", [f"{photo.id} {photo.title}"]


def _list_told(facts: Facts, report: Report, *, room: int) -> Iterator[tuple[str, list[str]]]:
    """What is said of an archive in words: what was asked, a note while nobody is at it, and why a run is away."""
    if facts.contents.asked:
        yield "asked", [facts.contents.asked]
    if report.note and facts.run is None:
        yield "note", textwrap.wrap(report.note, room, break_long_words=False)
    if facts.away:
        yield "run", [facts.away]


def _tell_state(facts: Facts) -> str:
    report = facts.contents.report
    if report is None:
        return "it cannot be read"
    process = f", process {report.running_pid}" if report.running_pid is not None else ""
    paused = ", paused" if facts.run and facts.run.is_paused else ""
    return f"{report.state}{process}{paused}"


def _tell_photos(report: Report, reading: Snapshot | None) -> list[str]:
    if reading is not None:
        return [say_share(reading), *say_speed(reading)]
    claimed = "" if report.expected is None else f" of about {name_count(report.expected)}"
    return [f"{name_count(report.photos)}{claimed}"]


def _find_share(report: Report, reading: Snapshot | None) -> float | None:
    photos, expected = (reading.photos, reading.expected) if reading else (report.photos, report.expected)
    return min(photos / expected, 1.0) if expected else None


def _tell_quota(quota: Glance | None, run: RunSnapshot | None) -> list[str]:
    reading = run.reading if run else None
    if quota is not None:
        left = f"{name_count(quota.left)} of {name_count(quota.limit)} calls left {name_period(quota.period)}"
        frees = quota.frees_in
    elif run is not None and reading is not None and reading.calls_left is not None:
        left, frees = f"{name_count(reading.calls_left)} calls left", run.frees_in or 0.0
    else:
        return ["not known here: there is no key"] if run is None else ["none"]
    return [left, f"the next in {name_duration(frees)}"] if frees else [left]


def _tell_listing(
    timeline: Timeline | None, months: Mapping[str, int], *, room: int, is_plain: bool
) -> Iterator[tuple[str, list[str]]]:
    if timeline is not None:
        left = f"{name_count(timeline.to_read, 'stretch')} to read" if timeline.to_read else "read to its end"
        yield "listing", [f"{int(timeline.share * 100)} % of the time", left]
        yield "", [f"[{draw_strip(timeline.read, width=room - 2, is_plain=is_plain)}]"]
    if months:
        first, last = min(months), max(months)
        yield "uploads", [f"{first} to {last}, by month"]
        yield "", [draw_spark(fill_months(months), width=room, is_plain=is_plain)]


def fill_months(months: Mapping[str, int]) -> list[int]:
    """The photos of each month from the first to the last, those of none included."""
    (year, month), (end_year, end_month) = (map(int, edge.split("-")) for edge in (min(months), max(months)))
    numbers = range(year * 12 + month - 1, end_year * 12 + end_month)
    return [months.get(f"{n // 12:04}-{n % 12 + 1:02}", 0) for n in numbers]


def _tell_calls(run: RunSnapshot) -> list[str]:
    methods: defaultdict[str, list[str]] = defaultdict(list)
    for method, outcome, count in sorted(run.numbers.calls):
        methods[method.removeprefix("flickr.")].append(f"{name_count(count)} {outcome}")
    return [f"{method} {', '.join(outcomes)}" for method, outcomes in methods.items()] or ["none yet"]


def _tell_failures(facts: Facts, report: Report) -> list[str]:
    failed = facts.run.reading.failed if facts.run and facts.run.reading else report.failed
    if not failed:
        return ["none"]
    return [name_count(failed), *(f"{each.what}: {each.why}" for each in facts.contents.failures[:3])]
