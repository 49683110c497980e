"""Commands that are told of a run's end, and systemd, which is told how it goes: real processes, a real socket."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from harvester.cli.session import find_loop_factory
from harvester.config.settings import load_config
from harvester.errors import Exit, UsageError
from harvester.events import Paused, Resumed, Retrying, Started, Tally, Waiting
from harvester.progress.gauge import Gauge, Limits, Snapshot
from harvester.progress.notice.command import run_command, write_report
from harvester.progress.notice.service import Service, ServiceForm, open_service
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.harvest import KEY
from support.project import ROOT

ALL = ("search", "--min-upload-date", "2004-01-01", "--detail", "list")
FAST = ("--quota", "none", "--pace", "none")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_sandbox(
        SandboxOptions(catalogue=CatalogueOptions(photos=60, owners=2)), loop_factory=find_loop_factory()
    ) as url:
        yield url


@pytest.fixture
def start(address: str, tmp_path: Path) -> Iterator[Start]:
    """Starts harvester; whatever the test leaves running is ended after it."""
    running: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FLICKR_API_KEY": KEY, "FLICKR_API_URL": address}

    def begin(*arguments: str, more: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "harvester", *arguments]
        pipes: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(command, cwd=tmp_path, env={**environment, **more}, encoding="utf-8", **pipes)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def told(path: Path) -> dict[str, Any]:
    """The one object that a command was given."""
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return report


def finish(process: subprocess.Popen[str], code: int) -> tuple[str, str]:
    said, noted = process.communicate(timeout=60)
    assert process.returncode == code, noted
    return said, noted


@pytest.mark.slow
def test_a_complete_run_tells_one_command_its_summary(start: Start, tmp_path: Path) -> None:
    process = start(*ALL, *FAST, "-o", "out", "--on-complete", "cat > done.json", "--on-trouble", "touch trouble")
    finish(process, Exit.COMPLETE)
    report = told(tmp_path / "done.json")
    assert report["archive"] == str(tmp_path / "out")
    assert (report["exit_code"], report["sentence"]) == (0, "Complete: 60 photos in out.")
    assert (report["summary"]["status"], report["summary"]["photos"], report["summary"]["output"]) == (
        "complete",
        60,
        "out",
    )
    assert not (tmp_path / "trouble").exists()


@pytest.mark.slow
def test_the_archive_is_free_when_the_command_runs(start: Start, tmp_path: Path) -> None:
    command = f"{sys.executable} -m harvester update out && touch updated"
    finish(start(*ALL, *FAST, "-o", "out", "--on-complete", command), Exit.COMPLETE)
    assert (tmp_path / "updated").exists()


@pytest.mark.slow
def test_what_a_command_prints_is_no_record(start: Start) -> None:
    said, noted = finish(start(*ALL, *FAST, "--limit", "3", "--on-complete", "echo hello"), Exit.COMPLETE)
    assert len([json.loads(line) for line in said.splitlines()]) == 3
    assert "hello" in noted.splitlines()
    process = start(*ALL, *FAST, "--limit", "3", "--log-format", "json", "--on-complete", "echo hello")
    _, noted = finish(process, Exit.COMPLETE)
    assert json.loads(noted.splitlines()[-1])["event"] == "ended"


@pytest.mark.slow
def test_a_failing_command_changes_no_exit_code(start: Start, tmp_path: Path) -> None:
    _, noted = finish(start(*ALL, *FAST, "-q", "-o", "out", "--on-complete", "exit 7"), Exit.COMPLETE)
    assert noted == (
        "Warning: The on-complete command ended with exit code 7; the run and its exit code are as they were.\n"
    )
    assert len((tmp_path / "out" / "photos.ndjson").read_bytes().splitlines()) == 60


def test_a_refused_key_is_trouble(start: Start, tmp_path: Path) -> None:
    process = start(*ALL, *FAST, "-o", "out", "--on-trouble", "cat > told", more={"FLICKR_API_KEY": "not-a-key-at-all"})
    finish(process, Exit.KEY_REFUSED)
    report = told(tmp_path / "told")
    assert (report["summary"], report["exit_code"]) == (None, 4)
    assert report["archive"] == str(tmp_path / "out")
    assert report["sentence"].startswith("Flickr refuses the key")
    assert "not-a-key-at-all" not in (tmp_path / "told").read_text("utf-8")


@pytest.mark.slow
def test_what_was_asked_wrongly_is_told_to_nobody(start: Start, tmp_path: Path) -> None:
    finish(start("resume", "nowhere", "--on-trouble", "touch told"), Exit.USAGE)
    finish(start(*ALL, "--pace", "fast", "--on-trouble", "touch told"), Exit.USAGE)
    assert not (tmp_path / "told").exists()
    _, noted = finish(start(*ALL, "--on-trouble", " "), Exit.USAGE)
    assert noted.startswith("Error: --on-trouble: this takes a command for the shell")


def test_whoever_reads_and_leaves_is_told_of_no_complete_run(start: Start, tmp_path: Path) -> None:
    process = start("search", "--min-upload-date", "2004-01-01", *FAST, "--on-complete", "touch told")
    process.stdout.close()  # type: ignore[union-attr]
    process.wait(timeout=60)
    assert not (tmp_path / "told").exists()


@pytest.mark.slow
def test_a_stopped_run_is_trouble_and_its_end_is_in_time(start: Start, tmp_path: Path) -> None:
    with serve_sandbox(SandboxOptions(latency=2)) as slow:
        process = start("photos", "123", "-o", "out", "--api-url", slow, "--on-trouble", "cat > told; sleep 60")
        assert "Harvesting" in process.stderr.readline()  # type: ignore[union-attr]
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == Exit.TERMINATED
        assert time.monotonic() - begun < 12
    report = told(tmp_path / "told")
    assert (report["exit_code"], report["summary"]["status"]) == (143, "stopped")


@pytest.mark.slow
def test_each_job_of_a_file_is_told_once_by_its_settings(start: Start, tmp_path: Path) -> None:
    (tmp_path / "harvester.toml").write_text(
        """
        [limits]
        quota = "none"
        pace = "none"
        [notice]
        on_complete = "cat >> complete"
        on_trouble = "cat >> trouble"
        [jobs.one]
        source = "search"
        min_upload_date = 2004
        detail = "list"
        output = "one"
        [jobs.lost]
        source = "photos"
        ids = [1]
        output = "one"
        [jobs.two]
        source = "search"
        min_upload_date = 2004
        detail = "list"
        output = "two"
        """
    )
    finish(start("run"), Exit.USAGE)
    lines = (tmp_path / "complete").read_text("utf-8").splitlines()
    assert [Path(json.loads(line)["archive"]).name for line in lines] == ["one", "two"]
    assert not (tmp_path / "trouble").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('on_complet = "true"', "notice.on_complet: there is no such setting; did you mean on_complete?"),
        ('on_complete = ""', "notice.on_complete: this takes a command for the shell, and there is none."),
        ("on_trouble = 1", "notice.on_trouble: this takes text in quotes, not a whole number."),
    ],
)
def test_a_wrong_command_in_a_file_is_told_by_its_place(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "harvester.toml").write_text(f"[notice]\n{text}\n")
    with pytest.raises(UsageError) as caught:
        load_config({}, environ={}, cwd=tmp_path)
    assert str(caught.value) == f"{tmp_path / 'harvester.toml'}: {sentence}"


@pytest.mark.slow
def test_the_command_has_the_users_environment_and_no_more(start: Start, tmp_path: Path) -> None:
    (tmp_path / "harvester.toml").write_text(f'[flickr]\napi_key = "{KEY}"\n')
    (tmp_path / "harvester.toml").chmod(0o600)
    process = start(
        *ALL, *FAST, "-o", "out", "--on-complete", "cat > told; env > environment", more={"FLICKR_API_KEY": ""}
    )
    finish(process, Exit.COMPLETE)
    assert KEY not in (tmp_path / "environment").read_text("utf-8") + (tmp_path / "told").read_text("utf-8")


@pytest.mark.slow
def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    beats: list[None] = []
    command = f"sleep 300 & echo $! > {tmp_path / 'child'}; wait"
    failure = run_command(command, "{}\n", out=subprocess.DEVNULL, longest=1.5, meanwhile=lambda: beats.append(None))
    assert failure == "was ended after 2 s"
    assert beats
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or "\nState:\tZ" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the child lives")


def test_a_command_that_does_not_read_is_no_failure() -> None:
    assert run_command("true", "x" * 1_000_000, out=subprocess.DEVNULL, meanwhile=lambda: None) is None
    assert run_command("kill -9 $$", "", out=subprocess.DEVNULL, meanwhile=lambda: None) == "was ended by signal 9"
    assert run_command("nul\0", "", out=subprocess.DEVNULL, meanwhile=lambda: None) == (
        "could not be started (embedded null byte)"
    )


# systemd


class Manager:
    """The end of the socket that systemd has."""

    def __init__(self, name: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)

    def hear(self, *, seconds: float = 0.0) -> list[str]:
        """All lines that have come; waits for the first so long."""
        lines: list[str] = []
        while select.select([self.socket], [], [], 0 if lines else seconds)[0]:
            lines += self.socket.recv(65536).decode().split("\n")
        return lines


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    with closing(manager.socket):
        yield manager


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="sockets without a file are Linux's")
@pytest.mark.parametrize("is_abstract", [False, True])
def test_a_service_says_that_it_begins_how_far_it_is_and_that_it_ends(
    start: Start, tmp_path: Path, *, is_abstract: bool
) -> None:
    path = f"harvester-test-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    manager = Manager(f"\0{path}" if is_abstract else path)
    with closing(manager.socket):
        process = start(*ALL, *FAST, "-o", "out", more={"NOTIFY_SOCKET": f"@{path}" if is_abstract else path})
        finish(process, Exit.COMPLETE)
        lines = manager.hear(seconds=10)
    assert lines[0] == "READY=1"
    assert lines[1].startswith("STATUS=Harvesting search")
    assert "STATUS=Complete: 60 photos in out." in lines
    assert lines[-1] == "STOPPING=1"
    assert (lines.count("READY=1"), lines.count("STOPPING=1")) == (1, 1)
    assert not any(line.startswith("WATCHDOG") for line in lines)


@pytest.mark.slow
def test_a_process_that_works_says_that_it_lives(start: Start, manager: Manager) -> None:
    more = {"NOTIFY_SOCKET": str(manager.socket.getsockname()), "WATCHDOG_USEC": "900000"}
    process = start(*ALL[:3], "--quota", "none", "--pace", "5/s", "-o", "out", more=more)
    lines: list[str] = []
    while lines.count("WATCHDOG=1") < 2:
        lines += manager.hear(seconds=30)
    assert any(line.startswith("STATUS=") and " of about 60 photos" in line for line in lines)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == Exit.TERMINATED


@pytest.mark.slow
def test_several_archives_end_once(start: Start, manager: Manager) -> None:
    name = str(manager.socket.getsockname())
    for folder in ("one", "two"):
        finish(start(*ALL, *FAST, "-o", folder), Exit.COMPLETE)
    finish(start("update", "one", "two", *FAST, more={"NOTIFY_SOCKET": name}), Exit.COMPLETE)
    lines = manager.hear()
    assert (lines.count("STOPPING=1"), lines[-1]) == (1, "STOPPING=1")


@pytest.mark.slow
def test_a_stopped_service_says_so_at_once(start: Start, manager: Manager) -> None:
    with serve_sandbox(SandboxOptions(latency=3)) as slow:
        more = {"NOTIFY_SOCKET": str(manager.socket.getsockname()), "WATCHDOG_USEC": "300000"}
        process = start("photos", "123", "-o", "out", "--api-url", slow, more=more)
        while "READY=1" not in manager.hear(seconds=30):
            pass
        process.send_signal(signal.SIGTERM)
        lines: list[str] = []
        while "STOPPING=1" not in lines:
            lines += manager.hear(seconds=30)
        assert process.poll() is None
        process.wait(timeout=30)
    assert (lines + manager.hear()).count("STOPPING=1") == 1


@pytest.mark.slow
def test_a_manager_that_is_gone_harms_nothing(start: Start, tmp_path: Path) -> None:
    finish(start(*ALL, *FAST, "-o", "out", more={"NOTIFY_SOCKET": str(tmp_path / "nobody")}), Exit.COMPLETE)
    for name in ("vsock:2:1", "", "/" + "x" * 500):
        open_service({"NOTIFY_SOCKET": name}, 7).say("READY=1")


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def watched(manager: Manager) -> tuple[Service, ServiceForm, Hand]:
    clock = Hand()
    service = Service(str(manager.socket.getsockname()), watchdog=30, clock=clock)
    return service, ServiceForm(service, quota=None, clean=str, wall=lambda: 0.0), clock


def reading_of(tally: Tally) -> Snapshot:
    return Gauge(tally, job={"source": "photos"}, limits=Limits(), wall=lambda: 0.0).read()


def alive(service: Service, manager: Manager) -> bool:
    manager.hear()
    service.beat()
    return manager.hear() == ["WATCHDOG=1"]


def test_only_a_run_that_moves_is_said_to_live(manager: Manager) -> None:
    service, form, clock = watched(manager)
    tally = Tally(clock=clock)
    form.tell(Started(job={"source": "photos"}, output=None, resumed=0, tally=tally))
    assert alive(service, manager)
    form.show(reading_of(tally))
    service.beat()
    form.show(reading_of(tally))
    assert not alive(service, manager)
    for name in ("written", "unchanged", "calls", "retries", "refused", "failed"):
        setattr(tally, name, getattr(tally, name) + 1)
        form.show(reading_of(tally))
        assert alive(service, manager)
        assert not alive(service, manager)


def test_a_run_that_waits_knowingly_lives_for_so_long(manager: Manager) -> None:
    service, form, clock = watched(manager)
    form.tell(Waiting(why="the quota of 3600/h is spent", seconds=600))
    assert manager.hear() == ["READY=1", "STATUS=Waiting: the quota of 3600/h is spent."]
    for now, lives in ((100, True), (699, True), (701, False)):
        clock.now = now
        assert alive(service, manager) == lives
    form.tell(Retrying(method="flickr.photos.search", why="no answer", seconds=5))
    assert alive(service, manager)
    form.tell(Resumed())
    assert alive(service, manager)
    assert not alive(service, manager)


def test_a_paused_run_lives_as_long_as_it_is_looked_at(manager: Manager) -> None:
    service, form, clock = watched(manager)
    tally = Tally(clock=clock)
    gauge = Gauge(tally, job={"source": "photos"}, limits=Limits(), wall=lambda: 0.0)
    paused = Paused(why="by a person")
    form.tell(paused)
    gauge.wait(paused)
    form.show(gauge.read())
    for _ in range(20):
        clock.now += 50
        assert alive(service, manager)
        form.show(gauge.read())
    clock.now += 100
    assert not alive(service, manager)


def test_a_watchdog_is_only_this_processes_own() -> None:
    given = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000"}
    assert open_service({**given, "WATCHDOG_PID": "7"}, 7).interval == 10.0
    assert open_service({**given, "WATCHDOG_USEC": "3000000"}, 7).interval == 1.0
    for wrong in ({"WATCHDOG_PID": "8"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}):
        assert open_service({**given, "WATCHDOG_USEC": "3000000", **wrong}, 7).interval == 10.0


def test_what_flickr_says_breaks_no_line_and_shows_no_secret(manager: Manager) -> None:
    service = Service(str(manager.socket.getsockname()))
    form = ServiceForm(service, quota=None, clean=lambda text: text.replace(KEY, "***"))
    form.say(f"odd\nMAINPID=1 {KEY}")
    (line,) = manager.hear()
    assert line.startswith("STATUS=odd")
    assert line.endswith("MAINPID=1 ***")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is missing")
def test_the_webhook_of_the_guide_is_called() -> None:
    page = (ROOT / "docs" / "pages" / "guide" / "notice.md").read_text("utf-8")
    (command,) = (line for line in page.splitlines() if "hooks.example.org" in line)
    command = tomllib.loads(command)["on_trouble"]
    got: list[bytes] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        Thread(target=server.handle_request, daemon=True).start()
        command = command.replace("https://hooks.example.org", f"http://127.0.0.1:{server.server_port}")
        report = write_report(summary=None, archive=None, exit_code=3, sentence='Incomplete: 3 of "4" photos.')
        assert run_command(command, report, out=subprocess.DEVNULL, meanwhile=lambda: None) is None
    assert [json.loads(body) for body in got] == [{"text": 'Incomplete: 3 of "4" photos.'}]
