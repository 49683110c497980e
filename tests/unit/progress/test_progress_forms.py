"""Each form of progress says what its reader needs, and the harvest never feels it."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harvester.events import (
    Ended,
    Event,
    Failed,
    Noticed,
    Paused,
    Resumed,
    Retrying,
    Started,
    Summary,
    Tally,
    Waiting,
)
from harvester.progress.display import DisplayOptions, Progress, open_progress
from harvester.progress.forms import MOST_FAILURES
from harvester.progress.gauge import Limits, Snapshot, Wait
from harvester.progress.lines import say_snapshot
from harvester.progress.live import draw_snapshot, draw_summary, open_console
from harvester.quota.rate import Rate

NOW = 1_764_000_000.0
HOUR = Rate(3600, 3600)
JOB = {"source": "search", "tags": "monkey,chimp", "detail": "full", "with": ["exif"]}
READING = Snapshot(
    photos=12_345,
    expected=27_400,
    calls=24_690,
    calls_left=1204,
    retries=3,
    refused=2,
    failed=0,
    seconds=5000.0,
    photos_per_second=2.44,
    seconds_left=6240.0,
    wait=None,
)
WAIT = Wait(why="the quota of 3600/h is spent", until=NOW + 725, seconds=725.0)
SUMMARY = Summary(
    status="complete",
    photos=27_412,
    new=12_000,
    calls=24_010,
    retries=12,
    refused=4,
    failed=0,
    seconds=9999.0,
    expected=27_400,
    output=Path("archives/my monkeys"),
)


class Watched:
    """A progress with a hand-driven timer; `lines` is what it wrote."""

    def __init__(self, progress: Progress, out: io.StringIO) -> None:
        self.progress = progress
        self.out = out

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


async def watch(look: DisplayOptions, *events: Event, readings: int = 0) -> Watched:
    """Shows the events and so many readings, as a run would."""
    out = io.StringIO()
    ticks = asyncio.Semaphore(0)

    async def sleep(_: float) -> None:
        await ticks.acquire()

    async with open_progress(look, out=out, wall=lambda: NOW, sleep=sleep) as progress:
        for event in events:
            progress(event)
        for _ in range(readings):
            ticks.release()
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    return Watched(progress, out)


def start(**tally: Any) -> Started:
    return Started(job=JOB, output=Path("out"), resumed=12, tally=Tally(**tally))


async def test_plain_lines_tell_start_waits_failures_and_notices() -> None:
    seen = await watch(
        DisplayOptions(),
        start(),
        Waiting(why="the quota of 3600/h is spent", seconds=725),
        Resumed(),
        Retrying(method="flickr.photos.getInfo", why="no answer in time", seconds=1),
        Failed(what="photo 1", why="flickr.photos.getInfo: no answer in time"),
        Noticed(sentence="Something is odd."),
    )
    said = [line.split(" ", 1)[1] for line in seen.lines]
    assert said[0] == (
        "Harvesting search tags=monkey,chimp, with info and sizes, exif into out; 12 photos are there already."
    )
    assert said[1].startswith("Waiting until ")
    assert said[1].endswith(" (12 min 5 s): the quota of 3600/h is spent.")
    assert said[2:] == ["Failed: photo 1: flickr.photos.getInfo: no answer in time.", "Something is odd."]


async def test_verbose_tells_retries_and_short_waits_too() -> None:
    events = (Waiting(why="x", seconds=2), Retrying(method="m", why="no answer in time", seconds=1.5))
    assert (await watch(DisplayOptions(), *events)).lines == []
    seen = await watch(DisplayOptions(verbose=True), *events)
    assert len(seen.lines) == 2
    assert seen.lines[1].endswith("Retrying m in 1.5 s: no answer in time.")


async def test_the_same_wait_is_told_once() -> None:
    seen = await watch(
        DisplayOptions(), Waiting(why="x", seconds=60), Waiting(why="x", seconds=61), Waiting(why="x", seconds=99)
    )
    assert len(seen.lines) == 2


async def test_failures_are_told_up_to_a_number() -> None:
    failures = [Failed(what=f"photo {n}", why="x") for n in range(1000)]
    seen = await watch(DisplayOptions(), *failures)
    assert len(seen.lines) == MOST_FAILURES
    assert seen.lines[-1].endswith("x. Further ones are only counted.")
    assert len((await watch(DisplayOptions(verbose=True), *failures)).lines) == 1000


async def test_a_plain_reading_is_one_line_with_all_there_is() -> None:
    tally = {"expected": 27_400, "written": 12_345, "calls": 24_690, "retries": 1, "failed": 3}
    look = DisplayOptions(limits=Limits(quota=HOUR))
    seen = await watch(look, start(**tally), Waiting(why="the quota is spent", seconds=725), readings=2)
    assert len(seen.lines) == 4
    assert "12,345 of about 27,400 photos (45%), " in seen.lines[-1]
    assert ", 24,690 calls, 1 retry, 3 failed, waiting until " in seen.lines[-1]


async def test_no_readings_come_before_the_start_after_the_end_and_when_they_are_not_wanted() -> None:
    assert (await watch(DisplayOptions(), readings=3)).lines == []
    ended = await watch(DisplayOptions(), start(), Ended(summary=SUMMARY))
    assert (await watch(DisplayOptions(), start(), Ended(summary=SUMMARY), readings=3)).lines == ended.lines
    assert len((await watch(DisplayOptions(readings=False), start(), readings=3)).lines) == 1


async def test_the_end_tells_counts_time_place_and_what_is_missing() -> None:
    seen = await watch(DisplayOptions(), Ended(summary=SUMMARY))
    assert seen.lines == [
        "Complete: 27,412 photos in archives/my monkeys.",
        "  new      12,000 photos",
        "  calls    24,010 (2.00 a photo)",
        "  time     2 h 47 min (1.2 photos/s)",
        "  retries  12",
        "  refused  4 parts, for good: null on the line, with the reason",
        "  data     archives/my monkeys/photos.ndjson",
    ]


@pytest.mark.parametrize(
    ("changes", "again", "last"),
    [
        ({"status": "stopped"}, None, "Go on with: harvester resume 'archives/my monkeys'"),
        (
            {"status": "incomplete", "failed": 3},
            None,
            "Try the rest again with: harvester resume 'archives/my monkeys'",
        ),
        ({"status": "stopped", "output": None}, "the same command", "Go on with: the same command"),
        ({"status": "stopped", "output": None}, None, "Nothing kept track of this run; -o DIR or --state DIR makes"),
        ({"notes": ("It is odd.",)}, None, "Note: It is odd."),
    ],
)
async def test_the_end_says_how_to_go_on(changes: dict[str, Any], again: str | None, last: str) -> None:
    seen = await watch(DisplayOptions(again=again), Ended(summary=replace(SUMMARY, **changes)))
    assert seen.lines[-1].startswith(last)


async def test_quiet_says_nothing_but_what_is_missing() -> None:
    events = (start(), Noticed(sentence="x"), Failed(what="x", why="y"))
    assert (await watch(DisplayOptions(form="quiet"), *events, Ended(summary=SUMMARY), readings=2)).lines == []
    missing = replace(SUMMARY, status="incomplete", failed=3)
    (line,) = (await watch(DisplayOptions(form="quiet"), *events, Ended(summary=missing))).lines
    assert line.startswith("Incomplete: 27,412 photos in archives/my monkeys, 3 could not be had for now. Try the rest")


async def test_json_is_one_object_a_line_with_event_and_time() -> None:
    seen = await watch(
        DisplayOptions(form="json", limits=Limits(quota=HOUR)),
        start(expected=100),
        Waiting(why="x", seconds=10),
        Retrying(method="m", why="x", seconds=1),
        Failed(what="x", why="y"),
        readings=1,
    )
    assert [event["event"] for event in seen.events] == ["started", "waiting", "failed", "progress"]
    assert {event["time"] for event in seen.events} == {"2025-11-24T16:00:00.000Z"}
    started, waiting, _, progress = seen.events
    assert (started["job"], started["output"], started["resumed"]) == (JOB, "out", 12)
    assert waiting["until"] == "2025-11-24T16:00:10.000Z"
    assert (progress["expected"], progress["wait"]["why"]) == (100, "x")


async def test_a_pause_is_an_event_and_a_sentence_until_it_is_over() -> None:
    seen = await watch(DisplayOptions(form="json"), start(), Paused(why="by a person"), readings=1)
    assert [event["event"] for event in seen.events] == ["started", "paused", "progress"]
    assert seen.events[2]["wait"] == {"why": "by a person", "until": None, "seconds": None}
    seen = await watch(DisplayOptions(), start(), Paused(why="by a person"), readings=1)
    assert seen.lines[1].endswith("Paused: by a person.")
    assert seen.lines[2].endswith("paused: by a person")


async def test_json_has_the_whole_summary_and_retries_when_asked() -> None:
    retry = Retrying(method="m", why="x", seconds=1)
    seen = await watch(DisplayOptions(form="json", verbose=True), retry, Ended(summary=SUMMARY))
    assert [event["event"] for event in seen.events] == ["retrying", "ended"]
    assert seen.events[1]["photos"] == 27_412
    assert seen.events[1]["output"] == "archives/my monkeys"


async def test_what_was_done_is_told_where_a_run_ends_by_an_error() -> None:
    out = io.StringIO()
    async with open_progress(DisplayOptions(), out=out) as progress:
        tally = Tally(written=5, written_before=5)
        progress(Started(job=JOB, output=None, resumed=5, tally=tally))
        progress.say_so_far()
        assert "So far" not in out.getvalue()
        tally.written = 7
        progress.say_so_far()
    assert "So far: 7 photos, " in out.getvalue()


class Broken(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.tries = 0

    def write(self, text: str) -> int:  # noqa: ARG002 - io's signature
        self.tries += 1
        raise self.error


@pytest.mark.parametrize("form", ["plain", "json", "quiet", "live"])
@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(5, "Input/output error"), ValueError("closed file")])
async def test_a_closed_standard_error_harms_nothing(form: Any, error: Exception) -> None:
    out = Broken(error)
    incomplete = replace(SUMMARY, status="incomplete")
    async with open_progress(DisplayOptions(form=form), out=out) as progress:
        progress(start())
        progress.show()
        progress.say("x")
        progress(Ended(summary=incomplete))
    assert out.tries >= 1


async def test_a_terminal_that_is_full_for_now_is_written_to_again() -> None:
    out = Broken(BlockingIOError())
    async with open_progress(DisplayOptions(), out=out) as progress:
        progress.say("x")
        progress.say("y")
    assert out.tries == 2


def drawn(*things: Any, width: int) -> list[str]:
    out = io.StringIO()
    console = open_console(out, width=width)
    for thing in things:
        console.print(thing)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_the_live_display_at_eighty_columns() -> None:
    lines = drawn(draw_snapshot(replace(READING, wait=WAIT), quota=HOUR, now=NOW, width=79), width=80)
    assert lines[0].endswith(" 45 %")
    assert len(lines[0]) <= 80
    assert lines[1:3] == [
        "12,345 of about 27,400 photos · about 1 h 44 min to go",
        "24,690 calls · 1,204 left this hour · 3 retries · 2 refused · 0 failed",
    ]
    assert lines[3].startswith("Waiting until ")
    assert lines[3].endswith(" (12 min 5 s): the quota of 3600/h is spent")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_live_display_fits_any_width(width: int) -> None:
    wide = replace(READING, wait=WAIT)
    lines = drawn(draw_snapshot(wide, quota=HOUR, now=NOW, width=width - 1), width=width)
    lines += drawn(draw_summary(SUMMARY, again=None), width=width)
    assert max(map(len, lines)) <= width
    assert "27,400" in " ".join(lines)


def test_without_an_expectation_there_is_no_bar() -> None:
    bare = replace(READING, expected=None, seconds_left=None, photos=1, retries=0, refused=0)
    lines = drawn(draw_snapshot(bare, quota=None, now=NOW, width=79), width=80)
    assert lines == ["1 photo · 2.4 photos/s", "24,690 calls · 0 failed"]


def test_square_brackets_and_colons_are_shown_as_they_are() -> None:
    odd = replace(SUMMARY, output=Path("[red]x[/red]:smile:"), status="stopped", notes=("[bold]",))
    text = "\n".join(drawn(draw_summary(odd, again=None), width=100))
    assert "27,412 photos in [red]x[/red]:smile:." in text
    assert "harvester resume '[red]x[/red]:smile:'" in text
    assert "  [bold]" in text


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A stream that says it is a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    return out


async def test_the_live_display_leaves_the_terminal_as_it_was(terminal: io.StringIO) -> None:
    async with open_progress(DisplayOptions(form="live"), out=terminal, wall=lambda: NOW) as progress:
        progress(start(expected=100, written=45))
        progress.show()
        assert "\x1b[?25l" in terminal.getvalue()
        progress(Failed(what="photo 1", why="x"))
        progress.say("Stopping")
    text = terminal.getvalue()
    assert "45 of about 100 photos" in text
    assert "Failed: photo 1: x" in text
    assert "Stopping" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.rindex("\x1b[?25h") > text.rindex("45 of about")


async def test_after_the_end_the_live_display_is_gone_and_the_summary_stays(terminal: io.StringIO) -> None:
    async with open_progress(DisplayOptions(form="live"), out=terminal, wall=lambda: NOW) as progress:
        progress(start(expected=100, written=45))
        progress.show()
        progress(Ended(summary=SUMMARY))
        progress.show()
    text = terminal.getvalue()
    assert "✓ Complete: 27,412 photos" in text
    assert "of about" not in text[text.index("✓ Complete") :]


def test_a_rate_is_told_once_there_is_one() -> None:
    for none in (None, 0.0):
        said = say_snapshot(replace(READING, photos_per_second=none), quota=None, now=NOW)
        assert "/s" not in said
        assert "/h" not in said
    assert "2.4 photos/s" in say_snapshot(READING, quota=None, now=NOW)


async def test_quiet_silences_json_but_for_a_bad_end() -> None:
    told = (start(), Noticed(sentence="Something is odd."), Failed(what="photo 1", why="x"))
    seen = await watch(DisplayOptions(form="json", quiet=True, readings=False), *told, Ended(summary=SUMMARY))
    assert seen.lines == []
    seen = await watch(DisplayOptions(form="json", quiet=True), Ended(summary=replace(SUMMARY, status="incomplete")))
    assert [event["event"] for event in seen.events] == ["ended"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_of_ascii_gets_ascii(width: int) -> None:
    out = io.StringIO()
    console = open_console(out, width=width)
    console.print(draw_snapshot(READING, quota=HOUR, now=NOW, width=width - 1, is_plain=True))
    console.print(draw_summary(SUMMARY, again=None, is_plain=True))
    lines = out.getvalue().splitlines()
    assert out.getvalue().isascii()
    assert all(len(line) <= width for line in lines)
    bar = lines[0]
    assert bar.endswith("45 %")
    assert 0.4 < bar.count("#") / (bar.count("#") + bar.count("-")) <= 0.45
