"""Dates as people write them: what each form stands for, and what it stands for in an archive that goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from harvester.archive.checkpoint.state import State
from harvester.archive.remembered import restore_job
from harvester.config.settings import load_config
from harvester.engine.estimate import estimate_job
from harvester.engine.output import Output
from harvester.engine.run import run_job
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import UsageError
from harvester.events import Event, Noticed
from harvester.jobs.dates import Moment, read_taken, read_upload, settle
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import harvest_into, settings_for

DAY = 86_400
NOW = datetime(2026, 3, 31, 15, 20, 7, tzinfo=UTC).timestamp()
EAST = timezone(timedelta(hours=2))


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


SPANS: list[tuple[Moment, str, str]] = [
    ("2009-12-01", "2009-12-01 00:00:00", "2009-12-01 23:59:59"),
    ("20091201", "2009-12-01 00:00:00", "2009-12-01 23:59:59"),
    (" 2009/12/1 ", "2009-12-01 00:00:00", "2009-12-01 23:59:59"),
    ("2009-12", "2009-12-01 00:00:00", "2009-12-31 23:59:59"),
    ("200912", "2009-12-01 00:00:00", "2009-12-31 23:59:59"),
    ("2012-02", "2012-02-01 00:00:00", "2012-02-29 23:59:59"),
    ("2009", "2009-01-01 00:00:00", "2009-12-31 23:59:59"),
    ("2009-12-01T08:30:05", "2009-12-01 08:30:05", "2009-12-01 08:30:05"),
    ("2009-12-01 08:30", "2009-12-01 08:30:00", "2009-12-01 08:30:00"),
    ("2009-12-01T00:00:00+02:00", "2009-11-30 22:00:00", "2009-11-30 22:00:00"),
    ("20091201T000000Z", "2009-12-01 00:00:00", "2009-12-01 00:00:00"),
    ("20091201083005", "2009-12-01 08:30:05", "2009-12-01 08:30:05"),
    ("1259625600", "2009-12-01 00:00:00", "2009-12-01 00:00:00"),
    ("1259625600.75", "2009-12-01 00:00:00", "2009-12-01 00:00:00"),
    (1_259_625_600, "2009-12-01 00:00:00", "2009-12-01 00:00:00"),
    (1_259_625_600.75, "2009-12-01 00:00:00", "2009-12-01 00:00:00"),
    (20_091_201, "2009-12-01 00:00:00", "2009-12-01 23:59:59"),
    (2009, "2009-01-01 00:00:00", "2009-12-31 23:59:59"),
    (date(2009, 12, 1), "2009-12-01 00:00:00", "2009-12-01 23:59:59"),
    (datetime(2009, 12, 1), "2009-12-01 00:00:00", "2009-12-01 00:00:00"),  # noqa: DTZ001 - without a zone it is UTC
    (datetime(2009, 12, 1, tzinfo=EAST), "2009-11-30 22:00:00", "2009-11-30 22:00:00"),
]


@pytest.mark.parametrize(("value", "first", "last"), SPANS)
def test_a_smallest_date_is_the_first_second_of_what_is_named_and_a_largest_date_the_last(
    value: Moment, first: str, last: str
) -> None:
    assert read_upload(value, field="min_upload_date") == seconds(first)
    assert read_upload(value, field="max_upload_date") == seconds(last)
    assert read_taken(value, field="min_taken_date") == first
    assert read_taken(value, field="max_taken_date") == last


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1950-00-01", "1950-00-01 00:00:00", "1950-00-01 23:59:59"),
        ("1950-00-01 00:00:00", "1950-00-01 00:00:00", "1950-00-01 00:00:00"),
        ("1950-00", "1950-00-01 00:00:00", "1950-00-31 23:59:59"),
        ("0000-00-00 00:00:00", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("1850", "1850-01-01 00:00:00", "1850-12-31 23:59:59"),
    ],
)
def test_dates_taken_that_flickr_itself_has_are_sent_as_they_are(text: str, first: str, last: str) -> None:
    assert read_taken(text, field="min_taken_date") == first
    assert read_taken(text, field="max_taken_date") == last


@pytest.mark.parametrize(
    "value",
    ["0", "1", "12345", "1234567", "946684800", "4102444800", 946_684_800, 0, 1e9, 1e300, float("nan"), float("inf")],
)
def test_a_number_that_is_neither_a_date_nor_a_unix_time_of_flickrs_life_is_refused(value: Moment) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        read_upload(value, field="min_upload_date")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2009-13",
        "200913",
        "2009-02-30",
        "20090230",
        "2009-W49",
        "2009-12-01T25:00",
        "1950-00-01T24:00",
        "٢٠٠٩",
    ],
)
def test_what_is_no_date_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a date; write 2009-12-01, 2009-12, 2009, .* 7 days ago\.$"):
        read_taken(text, field="min_taken_date")


def test_milliseconds_are_refused_with_the_seconds_to_write() -> None:
    with pytest.raises(UsageError, match=r"'1259625600000' is in milliseconds; write 1259625600\.$"):
        read_upload("1259625600000", field="min_upload_date")


def test_a_date_of_upload_has_no_month_zero() -> None:
    with pytest.raises(UsageError, match="which only dates taken may have"):
        Search(min_upload_date="1950-00-01")


@pytest.mark.parametrize(
    ("words", "settled"),
    [
        ("today", "2026-03-31"),
        ("Yesterday", "2026-03-30"),
        ("now", "2026-03-31T15:20:07Z"),
        ("7 days ago", "2026-03-24"),
        ("-30d", "2026-03-01"),
        ("2 weeks  ago", "2026-03-17"),
        ("1 month ago", "2026-02-28"),
        ("a year ago", "2025-03-31"),
        ("-12h", "2026-03-31T03:20:07Z"),
        ("90 minutes ago", "2026-03-31T13:50:07Z"),
        ("2009", "2009"),
    ],
)
def test_relative_dates_count_from_the_clock_and_days_are_whole_days(words: str, settled: str) -> None:
    assert settle(words, now=NOW, field="min_upload_date") == settled


@pytest.mark.parametrize("words", ["5 bananas ago", "-30m", "-30x"])
def test_a_length_of_time_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="is not a length of time ago"):
        Search(min_upload_date=words)


def test_a_time_before_all_calendars_is_refused() -> None:
    with pytest.raises(UsageError, match="is too long ago"):
        settle("99999 years ago", now=NOW, field="min_upload_date")


def test_relative_dates_of_both_kinds_are_settled_together() -> None:
    source = Search(min_upload_date="yesterday", max_upload_date="yesterday", min_taken_date="-30d").settle_dates(NOW)
    start = seconds("2026-03-30")
    assert source.upload_span == (start, start + DAY - 1)
    assert source.arguments["min_taken_date"] == "2026-03-01 00:00:00"


def test_settled_dates_that_are_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(UsageError, match="the first date is later than max_upload_date"):
        Search(min_upload_date="today", max_upload_date="yesterday").settle_dates(NOW)


def test_dates_of_toml_mean_what_dates_of_the_command_line_mean(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text(
        '[jobs.x]\nsource = "search"\nmin_upload_date = 2009\nmax_upload_date = 2014-05-13\n'
        "min_taken_date = 200912\nmax_taken_date = 2014-05-13T10:00:00\n"
    )
    source = load_config({}, config_path=path, environ={}, cwd=tmp_path).jobs["x"].job.source
    assert isinstance(source, Search)
    assert source.upload_span == (seconds("2009-01-01"), seconds("2014-05-13T23:59:59"))
    assert source.arguments["min_taken_date"] == "2009-12-01 00:00:00"
    assert source.arguments["max_taken_date"] == "2014-05-13 10:00:00"


def a_full_day(sandbox: Sandbox) -> tuple[str, list[int]]:
    """The day of the middle photo, and the uploads in it."""
    uploads = sandbox.catalogue.uploads
    start = uploads[len(uploads) // 2] // DAY * DAY
    found = [second for second in uploads if start <= second < start + DAY]
    assert found
    return f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}", found


async def test_one_day_asked_for_is_the_whole_day(sandbox: Sandbox, tmp_path: Path) -> None:
    day, uploads = a_full_day(sandbox)
    job = Job(source=Search(min_upload_date=day, max_upload_date=day), detail="list")
    assert (await harvest_into(tmp_path / "a", sandbox, job)).status == "complete"
    lines = read_lines(tmp_path / "a" / "photos.ndjson")
    assert sorted(int(line["search"]["dateupload"]) for line in lines) == uploads


async def harvest_at(folder: Path, sandbox: Sandbox, job: Job, now: float, events: list[Event] | None = None) -> str:
    observer = (lambda _: None) if events is None else events.append
    output = Output(folder=folder)
    return (await run_job(job, settings_for(sandbox), output=output, observer=observer, clock=lambda: now)).status


async def test_the_same_words_on_another_day_are_the_same_job_with_the_first_days_span(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    folder, (day, uploads) = tmp_path / "a", a_full_day(sandbox)
    now = seconds(day) + DAY + 3_600.0
    job = Job(source=Search(min_upload_date="Yesterday", max_upload_date="yesterday"), detail="list")
    assert await harvest_at(folder, sandbox, job, now) == "complete"
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["job"]["min_upload_date"] == f"{day}T00:00:00Z"
    assert manifest["job"]["max_upload_date"] == f"{day}T23:59:59Z"
    later = Job(source=Search(min_upload_date="yesterday", max_upload_date="YESTERDAY"), detail="list")
    assert await harvest_at(folder, sandbox, later, now + 3 * DAY) == "complete"
    assert len(read_lines(folder / "photos.ndjson")) == len(uploads)
    with State(folder / "state.sqlite") as state:
        assert restore_job(state, where=folder).describe() == state.facts.job
    other = Job(source=Search(min_upload_date="-2d", max_upload_date="yesterday"), detail="list")
    with pytest.raises(UsageError, match="another query"):
        await harvest_at(folder, sandbox, other, now)


async def test_resume_and_update_keep_the_span_of_the_first_day(sandbox: Sandbox, tmp_path: Path) -> None:
    folder, (day, uploads) = tmp_path / "a", a_full_day(sandbox)
    job = Job(source=Search(min_upload_date="yesterday", max_upload_date="yesterday"), detail="list")
    assert await harvest_at(folder, sandbox, job, seconds(day) + DAY) == "complete"
    assert (await run_resume(folder, settings_for(sandbox))).status == "complete"
    assert (await run_update(folder, settings_for(sandbox))).photos == len(uploads)
    assert len(read_lines(folder / "photos.ndjson")) == len(uploads)


async def test_an_archive_begun_with_the_older_meaning_of_a_largest_date_goes_on_with_that_and_says_so(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    folder, (day, _) = tmp_path / "a", a_full_day(sandbox)
    job = Job(source=Search(min_upload_date="2005-01-01", max_upload_date=day), detail="list")
    older = Job(source=Search(min_upload_date="2005-01-01", max_upload_date=f"{day}T00:00:00Z"), detail="list")
    assert await harvest_at(folder, sandbox, older, NOW) == "complete"
    with State(folder / "state.sqlite") as state, state.changing():  # the words that the older version has kept
        asked = state.facts.asked or {}
        older_words = {**asked, "search": {**asked["search"], "max_upload_date": day}}
        state.note(replace(state.facts, asked=older_words))
    events: list[Event] = []
    assert await harvest_at(folder, sandbox, job, NOW, events) == "complete"
    told = [event.sentence for event in events if isinstance(event, Noticed)]
    kept = f"max_upload_date is {day}T00:00:00Z, not {day}T23:59:59Z"
    assert told == [f"This archive keeps the dates that it was begun with: {kept}. Begin a new archive for others."]
    assert (await run_resume(folder, settings_for(sandbox))).status == "complete"
    assert (await run_update(folder, settings_for(sandbox))).status == "complete"


async def test_a_plan_counts_from_the_clock(sandbox: Sandbox) -> None:
    day, uploads = a_full_day(sandbox)
    job = Job(source=Search(min_upload_date="yesterday", max_upload_date="yesterday"))
    found = await estimate_job(job, settings_for(sandbox), clock=lambda: seconds(day) + DAY + 1.0)
    assert found["matches"] == len(uploads)
    assert found["job"]["max_upload_date"] == f"{day}T23:59:59Z"
