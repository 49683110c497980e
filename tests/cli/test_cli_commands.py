"""Options become a job, settings and an output; how a run ends becomes an exit code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import click
import pytest

import harvester
from harvester.cli import SECTIONS, main
from harvester.config.readers import MAX_WORKERS
from harvester.config.settings import Settings
from harvester.engine import run as engine
from harvester.engine.run import Output
from harvester.engine.upkeep import update
from harvester.errors import CannotWrite, Exit, KeyRefused, UsageError
from harvester.events import Ended, Observer, Started, Status, Summary, Tally
from harvester.jobs.model import Job, Photos, Search
from harvester.quota.rate import Rate
from support.commands import call
from support.harvest import KEY


@dataclass
class Call:
    """What the engine was given."""

    job: Job
    settings: Settings
    output: Output
    ids: list[str]


class FakeEngine:
    """Takes jobs and ends them as it is told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.ends: list[Status | Exception] = []
        self.resumed: list[Path] = []

    async def run_job(
        self, job: Job, settings: Settings, *, output: Output, observer: Observer, stop: asyncio.Event, **_: object
    ) -> Summary:
        assert not stop.is_set()
        ids = list(cast("Iterable[str]", job.source.ids)) if isinstance(job.source, Photos) else []
        self.calls.append(Call(job, settings, replace(output, redo_update=False, deepens=False), ids))
        observer(Started(job=job.describe(), output=output.folder, resumed=0, tally=Tally(expected=3)))
        end = self.ends.pop(0) if self.ends else "complete"
        if isinstance(end, Exception):
            raise end
        summary = Summary(
            status=end,
            photos=3,
            new=3,
            calls=7,
            retries=0,
            refused=0,
            failed=1 if end == "incomplete" else 0,
            seconds=1.0,
            expected=3,
            output=output.folder,
        )
        observer(Ended(summary=summary))
        return summary

    async def run_resume(self, folder: Path, settings: Settings, **watchers: Any) -> Summary:
        self.resumed.append(folder)
        return await self.run_job(Job(source=Search(text="x")), settings, output=Output(folder=folder), **watchers)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine that does nothing, in an empty folder, with a key in the environment."""
    fake = FakeEngine()
    monkeypatch.setattr(engine, "run_job", fake.run_job)
    monkeypatch.setattr(update, "run_resume", fake.run_resume)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    return fake


def asked(fake: FakeEngine, *arguments: str) -> Call:
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return fake.calls[-1]


def test_every_filter_reaches_the_search(fake: FakeEngine) -> None:
    seen = asked(
        fake,
        *(
            "search",
            "--tags",
            "a,b",
            "--tags",
            "c",
            "--tag-mode",
            "all",
            "--text",
            "x y",
            "--user",
            "u",
            "--group",
            "g",
        ),
        *("--min-upload-date", "2010-01-01", "--max-upload-date", "1300000000", "--min-taken-date", "2009-01-01"),
        *("--max-taken-date", "2009-12-31T10:00:00", "--license", "cc0,us-government", "--media", "photos"),
        *("--content-types", "photos,other", "--bbox", "-1,50,1,52", "--has-geo", "--machine-tags", "dc:title=x"),
        *("--safe-search", "moderate", "--sort", "relevance", "--param", "is_commons=1", "--param", "contacts=all=1"),
    )
    source = seen.job.source
    assert isinstance(source, Search)
    assert source.arguments == {
        "tags": "a,b,c",
        "tag_mode": "all",
        "text": "x y",
        "user_id": "u",
        "group_id": "g",
        "min_taken_date": "2009-01-01 00:00:00",
        "max_taken_date": "2009-12-31 10:00:00",
        "license": "9,8",
        "media": "photos",
        "content_type": "6",
        "bbox": "-1,50,1,52",
        "has_geo": "1",
        "machine_tags": "dc:title=x",
        "safe_search": "2",
        "is_commons": "1",
        "contacts": "all=1",
    }
    assert source.upload_span == (1262304000, 1300000000)
    assert source.sort == "relevance"


def test_no_geo_is_something_else_than_nothing(fake: FakeEngine) -> None:
    for option, expected in ((["--no-geo"], False), (["--has-geo"], True), ([], None)):
        source = asked(fake, "search", "--tags", "a", *option).job.source
        assert isinstance(source, Search)
        assert source.has_geo is expected


def test_without_options_job_settings_and_output_are_the_defaults(fake: FakeEngine) -> None:
    seen = asked(fake, "search", "--tags", "a")
    assert seen.job == Job(source=Search(tags="a"))
    assert seen.settings == Settings(api_key=KEY)
    assert seen.output == Output()


def test_options_of_job_settings_and_output_reach_the_engine(fake: FakeEngine) -> None:
    seen = asked(
        fake,
        *("search", "--tags", "a", "--detail", "info", "--with", "exif,comments", "--limit", "7", "-o", "out"),
        *("--workers", "3", "--quota", "200/10s", "--pace", "none", "--give-up-after", "2h", "--api-url", "http://x/"),
    )
    assert (seen.job.parts, seen.job.limit) == (("info", "exif", "comments"), 7)
    assert seen.output == Output(folder=Path("out"))
    assert seen.settings == Settings(
        api_key=KEY, api_url="http://x/", quota=Rate(200, 10), pace=None, workers=3, give_up_after=7200
    )
    assert asked(fake, "search", "--tags", "a", "--state", "s").output == Output(state=Path("s"))


@pytest.mark.parametrize(("end", "code"), [("complete", 0), ("incomplete", 3), ("stopped", 130)])
def test_the_end_of_a_run_is_its_exit_code(end: Status, code: int, fake: FakeEngine) -> None:
    fake.ends = [end]
    result = call("search", "--tags", "a", "-o", "out")
    assert result.exit_code == code
    assert f"{end.capitalize()}: 3 photos in out" in result.stderr
    assert result.stdout == ""
    assert ("harvester resume out" in result.stderr) is (end != "complete")


def test_without_an_archive_the_end_says_what_would_resume(fake: FakeEngine) -> None:
    for options, words in (([], "--state DIR makes the next one resumable"), (["--state", "s"], "the same command")):
        fake.ends = ["stopped"]
        assert words in call("search", "--tags", "a", *options).stderr


def test_ids_that_were_not_read_come_by_the_same_command(fake: FakeEngine) -> None:
    fake.ends = ["stopped"]
    assert call("photos", "123", "-o", "out").stderr.splitlines()[-1] == "Go on with: the same command"


def test_quiet_says_nothing_where_all_is_well(fake: FakeEngine) -> None:
    assert call("search", "--tags", "a", "-q").output == ""
    fake.ends = ["incomplete"]
    (line,) = call("search", "--tags", "a", "-o", "out", "-q").stderr.splitlines()
    assert line.startswith("Incomplete: 3 photos in out, 1 could not be had for now.")


@pytest.mark.usefixtures("fake")
def test_json_is_json_to_the_end() -> None:
    result = call("search", "--tags", "a", "-o", "out", "--log-format", "json")
    assert [json.loads(line)["event"] for line in result.stderr.splitlines()] == ["started", "ended"]


def test_photos_come_from_arguments_of_every_form(fake: FakeEngine) -> None:
    addresses = ["123", "https://www.flickr.com/photos/x/456/", "flic.kr/p/7oMtHJ"]
    assert asked(fake, "photos", *addresses).ids == ["123", "456", "4195976808"]


def test_photos_come_from_a_file_without_comments_and_blank_lines(fake: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_bytes("\ufeff# mine\n123\r\n\n  456  \nno id\n#x\n789".encode())
    assert asked(fake, "photos", "1", "--from", "ids.txt").ids == ["1", "123", "456", "no id", "789"]


def test_a_file_of_ids_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    from harvester.cli.ids import open_ids  # noqa: PLC0415

    path = tmp_path / "ids.txt"
    path.write_text("".join(f"{n}\n" for n in range(1, 100_000)))
    lines = iter(open_ids((), str(path)))
    assert [next(lines), next(lines)] == ["1", "2"]
    assert sum(1 for _ in lines) == 99_997


def test_a_dash_is_standard_input(fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ids.txt").write_text("5\n6\n")
    for arguments in (["photos", "-"], ["photos", "--from", "-"]):
        with (tmp_path / "ids.txt").open() as file:
            monkeypatch.setattr("harvester.cli.ids.sys.stdin", file, raising=False)
            monkeypatch.setattr("harvester.cli.ids._open", lambda _, file=file: file.fileno())
            assert asked(fake, *arguments).ids == ["5", "6"]


def test_resume_goes_on_with_a_folder(fake: FakeEngine) -> None:
    fake.ends = ["incomplete"]
    assert call("resume", "out").exit_code == Exit.INCOMPLETE
    assert fake.resumed == [Path("out")]


JOBS = """
[limits]
workers = 2

[jobs.monkeys]
source = "search"
tags = ["monkey", "chimp"]
output = "archives/monkeys"

[jobs.cards]
source = "photos"
ids = [123]
from = "more.txt"
detail = "info"
output = "archives/cards"

[jobs.stream]
source = "search"
text = "x"
"""


@pytest.fixture
def jobs(fake: FakeEngine, tmp_path: Path) -> FakeEngine:
    (tmp_path / "harvester.toml").write_text(JOBS)
    (tmp_path / "more.txt").write_text("456\n")
    return fake


def test_run_runs_all_jobs_in_the_order_of_the_file(jobs: FakeEngine) -> None:
    assert call("run").exit_code == 0
    assert [seen.output.folder for seen in jobs.calls] == [Path("archives/monkeys"), Path("archives/cards"), None]
    assert jobs.calls[1].ids == ["123", "456"]
    assert jobs.calls[1].job.detail == "info"
    assert {seen.settings.workers for seen in jobs.calls} == {2}


def test_run_runs_the_named_jobs_each_once(jobs: FakeEngine) -> None:
    assert call("run", "stream", "monkeys", "stream", "--workers", "5").exit_code == 0
    assert [seen.output.folder for seen in jobs.calls] == [None, Path("archives/monkeys")]
    assert jobs.calls[0].settings.workers == 5


def test_options_go_before_what_a_job_says(jobs: FakeEngine) -> None:
    assert call("run", "cards", "--detail", "full", "--limit", "1", "-o", "elsewhere").exit_code == 0
    (seen,) = jobs.calls
    assert (seen.job.detail, seen.job.limit, seen.output.folder) == ("full", 1, Path("elsewhere"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("run monkey", "Error: harvester.toml has no job 'monkey'; did you mean monkeys?"),
        ("run zzz", "Error: harvester.toml has no job 'zzz'; it has monkeys, cards, stream."),
        ("run -o out", "Error: --output: 3 jobs cannot share one"),
        ("run cards --detail list", "Error: --detail: photos given by id have no listing"),
        ("run --config empty.toml", "Error: empty.toml has no jobs"),
    ],
)
def test_run_runs_nothing_where_something_is_wrong(
    arguments: str, sentence: str, jobs: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "empty.toml").touch()
    result = call(*arguments.split())
    assert (result.exit_code, result.stderr.startswith(sentence)) == (Exit.USAGE, True), result.stderr
    assert jobs.calls == []


@pytest.mark.parametrize(
    ("ends", "code", "runs"),
    [
        (["incomplete", "complete", "complete"], Exit.INCOMPLETE, 3),
        (["complete", CannotWrite("Disk full."), "incomplete"], Exit.CANNOT_WRITE, 3),
        ([UsageError("nobody", field="user"), "incomplete", "complete"], Exit.USAGE, 3),
        ([KeyRefused("No key."), "complete", "complete"], Exit.KEY_REFUSED, 1),
        (["incomplete", "stopped", "complete"], Exit.INTERRUPTED, 2),
    ],
)
def test_the_worst_end_of_all_jobs_is_the_exit_code(
    ends: list[Status | Exception], code: Exit, runs: int, jobs: FakeEngine
) -> None:
    jobs.ends = ends
    result = call("run")
    assert (result.exit_code, len(jobs.calls)) == (code, runs)


def test_help_of_the_group_says_what_help_of_each_command_says() -> None:
    ctx = click.Context(main)
    for commands in SECTIONS.values():
        for name, lazy in commands.items():
            command = lazy.load()
            assert isinstance(command, click.Command)
            assert command.short_help in (lazy.short_help, None)
            assert "Example" in (command.epilog or ""), name
            assert main.get_command(ctx, name) is command


@pytest.mark.parametrize("name", [name for commands in SECTIONS.values() for name in commands])
def test_every_command_has_help_within_eighty_columns_of_options(name: str) -> None:
    for flag in ("--help", "-h"):
        result = call(name, flag)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith(f"Usage: harvester {name}")
        assert "Example" in result.stdout


def test_help_tells_the_defaults_of_the_code() -> None:
    told = " ".join(call("search", "--help").stdout.split())
    settings = Settings()
    for words in (
        f"--quota CALLS/PERIOD Most calls in any PERIOD, or none. [default: {settings.quota}]",
        f"or none. [default: {settings.pace}]",
        f"1 to {MAX_WORKERS}. [default: {settings.workers}]",
        f"--detail list|info|full How much of each photo. [default: {Job(source=Search(text='x')).detail}]",
        f"--tag-mode any|all [default: {Search(text='x').tag_mode}]",
        f"[default: {Search(text='x').sort}]",
        f"--media all|photos|videos [default: {Search(text='x').media}]",
    ):
        assert words in told


def test_the_version_is_the_packages() -> None:
    assert call("--version").stdout == f"harvester {harvester.__version__}\n"


def test_help_of_the_group_imports_nothing_heavy() -> None:
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom harvester.cli import main\n"
        "try: main(['--help'], prog_name='harvester')\n"
        "except SystemExit: pass\nprint(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.splitlines()[-1].split())
    heavy = {"aiohttp", "rich", "msgspec", "orjson", "asyncio", "platformdirs", "sqlite3", "harvester.config.settings"}
    assert loaded & heavy == set()


def test_python_m_harvester_is_the_same_program() -> None:
    run = subprocess.run([sys.executable, "-m", "harvester", "-h"], capture_output=True, text=True, check=True)
    assert run.stdout == call("--help").stdout
    assert run.stdout.startswith("Usage: harvester [OPTIONS] COMMAND")


def test_names_complete_in_lists_too() -> None:
    command = SECTIONS["Harvest"]["search"].load()
    context = click.Context(command)
    for option, typed, expected in (
        ("sort", "date-t", ["date-taken-desc", "date-taken-asc"]),
        ("content_types", "photos,o", ["photos,other"]),
    ):
        (param,) = [p for p in command.params if p.name == option]
        assert [item.value for item in param.type.shell_complete(context, param, typed)] == expected


def test_a_plan_may_be_put_before_a_whole_command() -> None:
    plan = SECTIONS["Harvest"]["plan"].load()
    assert isinstance(plan, click.Group)
    assert len(plan.commands) >= 7
    for name, planned in plan.commands.items():
        taken = {option for param in planned.params for option in param.opts}
        command = SECTIONS["Harvest"][name].load()
        assert {option for param in command.params for option in param.opts} - taken == set(), name
