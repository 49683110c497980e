"""The facts as lines and as numbers: those of the archive, in whatever width, in ASCII where there is no more."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from harvester.config.settings import Settings
from harvester.errors import Exit
from harvester.jobs.model import Job
from harvester.jobs.search import Search
from harvester.progress.attach.messages import RunSnapshot, Sample
from harvester.progress.gauge import Snapshot, Wait
from harvester.progress.metrics.numbers import Numbers
from harvester.quota.glance import Glance
from harvester.status.report import ArchiveStatus, Report
from harvester.web.watch.facts import Contents, Facts, Failure
from harvester.web.watch.measure import measure
from harvester.web.watch.once import list_lines
from harvester.web.watch.server import open_site
from harvester.web.watch.watched import Watched, Watcher
from support.commands import call
from support.harvest import Opener, harvest_into

NOW = 1_764_000_000.0
REPORT = Report(
    archive="monkeys",
    state=ArchiveStatus.RUNNING,
    note="Process 4711 is at it.",
    running_pid=4711,
    running_host=None,
    running_since=None,
    job={"source": "search", "tags": "monkey"},
    begun=None,
    brought_up_to_date=None,
    photos=200,
    expected=1000,
    difference=None,
    incomplete_stretches=[],
    listed=400,
    failed=0,
    withdrawn=0,
    lists={},
    bytes=1,
    calls_to_go=1,
    seconds_to_go=1.0,
    quota_left=None,
    manifest="",
    read_from="checkpoint",
)
READING = Snapshot(
    photos=250,
    expected=1000,
    calls=520,
    calls_left=0,
    retries=3,
    refused=0,
    failed=2,
    seconds=100.0,
    photos_per_second=2.5,
    seconds_left=300.0,
    wait=Wait(why="the quota of 3600/h is spent", until=NOW + 725, seconds=725.0),
)
RUN = RunSnapshot(
    pid=4711,
    place=(1, 2),
    reading=READING,
    frees_in=725.0,
    numbers=Numbers(calls=[("flickr.photos.getInfo", "ok", 250), ("flickr.photos.getInfo", "failed", 3)]),
)
FACTS = Facts(
    number=1,
    archive="monkeys",
    at=NOW,
    contents=Contents(
        report=REPORT,
        asked="search tags=monkey",
        months={"2024-01": 3, "2024-03": 9},
        failures=[Failure("123", "broken\x1b[2J")],
    ),
    run=RUN,
    quota=Glance(left=0, limit=3600, period=3600.0, frees_in=725.0, slices=(0,) * 60),
    samples=[Sample(NOW, 250, 520)],
)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_run_is_told_in_any_width(width: int) -> None:
    lines = list(list_lines(FACTS, width=width, is_plain=False))
    text = " ".join(line.strip() for line in lines)
    assert lines[0] == "monkeys: running, process 4711"
    assert "250 of about 1,000 photos" in text
    assert "0 of 3,600 calls left this hour" in text
    assert "the next in 12 min 5 s" in text
    assert "photos.getInfo 3 failed, 250 ok" in text
    assert "the quota of 3600/h is spent" in text
    assert "\\u001b" in text
    assert "\x1b" not in text
    bar = next(line for line in lines if line.endswith("25 %"))
    assert len(bar) <= min(width, 100)
    assert 0.2 < bar.count("█") / (len(bar) - 16) < 0.3


def test_a_terminal_without_more_gets_ascii() -> None:
    lines = list(list_lines(FACTS, width=80, is_plain=True))
    assert all(line.isascii() for line in lines)
    assert any("#####-----" in line for line in lines)


@pytest.mark.parametrize("width", [40, 80])
def test_of_an_archive_at_rest_it_is_told_why_and_what_to_do(width: int) -> None:
    note = "photos.ndjson has 7 of 9 bytes: `harvester repair x` keeps every good line."
    report = replace(REPORT, state=ArchiveStatus.DAMAGED, running_pid=None, note=note)
    lines = list(list_lines(replace(FACTS, contents=Contents(report=report), run=None), width=width, is_plain=True))
    assert note in " ".join(line.removeprefix("  note").strip() for line in lines)
    assert all(len(line) <= width for line in lines[1:4])
    assert lines[1].startswith("  note ")


def test_what_cannot_be_read_is_told() -> None:
    facts = Facts(number=1, archive="x", at=NOW, contents=Contents(trouble="x is no archive."))
    assert list(list_lines(facts, width=80, is_plain=True)) == ["x: it cannot be read", "  trouble  x is no archive."]


def test_numbers_at_rest_are_those_that_are_known() -> None:
    numbers = measure(Facts(number=1, archive="x", at=NOW, contents=FACTS.contents, quota=FACTS.quota))
    assert (numbers.expected, numbers.quota_limit, numbers.quota_used) == (1000, 3600, 3600)
    assert measure(FACTS).calls == RUN.numbers.calls


@pytest.fixture
async def folder(sandbox_of: Opener, tmp_path: Path) -> Path:
    """A complete archive of 30 photos."""
    async with sandbox_of(photos=30) as sandbox:
        await harvest_into(tmp_path / "out", sandbox, Job(source=Search(min_upload_date="2004-01-01")))
    return tmp_path / "out"


async def test_the_command_tells_an_archive_as_lines_and_as_json(folder: Path, tmp_path: Path) -> None:
    told = await asyncio.to_thread(call, "watch", str(folder), "--once")
    assert told.exit_code == 0, told.output
    assert f"{folder}: complete\n" in told.stdout
    assert "30 of about 30" in told.stdout
    told = await asyncio.to_thread(call, "watch", str(folder), "--once", "--json")
    facts = json.loads(told.stdout)
    assert facts["contents"]["report"]["photos"] == 30
    assert sum(facts["contents"]["months"].values()) == 30
    (tmp_path / "empty").mkdir()
    told = await asyncio.to_thread(call, "watch", str(tmp_path / "empty"), "--once")
    assert told.exit_code == Exit.USAGE
    assert "is no archive" in told.stdout


def test_what_is_asked_wrongly_is_told(tmp_path: Path) -> None:
    assert f"{tmp_path / 'none'} is no folder." in call("watch", str(tmp_path / "none")).stderr
    told = call("watch", str(tmp_path), "--json")
    assert (told.exit_code, "--json: this is for --once." in told.stderr) == (Exit.USAGE, True)


async def test_the_numbers_of_several_archives_are_told_apart(folder: Path) -> None:
    settings = Settings(api_key="0" * 32)
    watched = [Watched(folder, number, settings, state=None) for number in (1, 2)]
    async with (
        open_site(Watcher(watched), port=0) as address,
        aiohttp.ClientSession() as session,
        session.get(f"{address.rsplit('/', 2)[0]}/metrics") as answer,
    ):
        text = await answer.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    expected = {s.labels["archive"]: s.value for s in samples if s.name == "harvester_photos_expected"}
    assert expected == {"1": 30, "2": 30}
    assert str(folder) not in text
    assert os.sep not in "".join(value for sample in samples for value in sample.labels.values())


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = call("watch", str(tmp_path), "--port", str(port))
    assert told.exit_code == Exit.USAGE
    assert f"--port: cannot listen at port {port}" in told.stderr
