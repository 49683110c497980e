"""The program as a process: signals, closed pipes and streams, terminals, secrets."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harvester.cli.console import Console
from harvester.cli.options import Setup
from harvester.cli.session import choose_display, find_loop_factory
from harvester.errors import Exit
from harvester.progress.gauge import Limits
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.harvest import KEY
from support.project import ROOT

ALL = ("search", "--min-upload-date", "2004-01-01")
FAST = ("--quota", "none", "--pace", "none")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A sandbox that takes its time, so that a run is not over before it is stopped."""
    options = SandboxOptions(catalogue=CatalogueOptions(photos=5000, owners=3), latency=0.05)
    with serve_sandbox(options, loop_factory=find_loop_factory()) as url:
        yield url


@pytest.fixture
def start(address: str, tmp_path: Path) -> Iterator[Start]:
    """Starts harvester; whatever the test leaves running is ended after it."""
    running: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FLICKR_API_KEY": KEY, "FLICKR_API_URL": address}

    def begin(*arguments: str | bytes, more: Mapping[str, str] = {}, **given: Any) -> subprocess.Popen[str]:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **given}
        command = [sys.executable, "-m", "harvester", *arguments]
        running.append(
            subprocess.Popen(command, cwd=tmp_path, env={**environment, **more}, encoding="utf-8", **streams)
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def first_line(stream: Any) -> str:
    """Waits for a line."""
    return str(stream.readline())


def rest_of(stream: Any) -> str:
    """All that is still to come, unlike what `communicate` gives after a line was read."""
    return str(stream.read())


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_ends_the_run_with_whole_lines_and_the_way_on(
    number: signal.Signals, code: int, start: Start, tmp_path: Path
) -> None:
    # A shell under nohup has the program ignore hang-ups, as it then should; here it is to obey them.
    process = start(*ALL, *FAST, "--state", "state", preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    records = first_line(process.stdout)
    process.send_signal(number)
    records += rest_of(process.stdout)
    said = rest_of(process.stderr)
    assert process.wait(timeout=20) == code
    *lines, last = records.split("\n")
    assert last == ""
    assert len({json.loads(line)["id"] for line in lines}) == len(lines) < 5000
    assert "Stopping: finishing what is in flight, at most 10 s (again: stop at once)." in said
    assert said.splitlines()[-1] == "Go on with: the same command"
    assert (tmp_path / "state").is_dir()


@pytest.mark.slow
def test_a_run_whose_shell_ignores_interrupts_for_it_can_still_be_interrupted(start: Start) -> None:
    process = start(*ALL, *FAST, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    first_line(process.stdout)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == Exit.INTERRUPTED


@pytest.mark.slow
def test_under_nohup_a_hang_up_ends_nothing(start: Start) -> None:
    arguments = (*ALL, *FAST, "--limit", "20")
    process = start(*arguments, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    first_line(process.stderr)
    process.send_signal(signal.SIGHUP)
    assert rest_of(process.stdout).count("\n") == 20
    assert process.wait(timeout=20) == 0


def test_the_second_signal_ends_it_at_once(start: Start) -> None:
    with serve_sandbox(SandboxOptions(latency=9)) as slow:
        process = start("photos", "123", *FAST, "--api-url", slow)
        first_line(process.stderr)
        process.send_signal(signal.SIGINT)
        assert "Stopping" in first_line(process.stderr)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == Exit.TERMINATED


@pytest.mark.slow
def test_whoever_reads_may_go(start: Start) -> None:
    process = start(*ALL, *FAST)
    first_line(process.stdout)
    process.stdout.close()  # type: ignore[union-attr]
    said = rest_of(process.stderr)
    assert process.wait(timeout=20) == 0
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"], ["--version"]])
def test_whoever_reads_help_may_go(arguments: list[str], start: Start) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start(*arguments, stdout=write)
    os.close(write)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], [*ALL, *FAST, "--limit", "3"]])
def test_a_full_standard_output_is_exit_code_5(arguments: list[str], start: Start) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(*arguments, stdout=full)
        _, said = process.communicate(timeout=20)
    assert process.returncode == Exit.CANNOT_WRITE
    errors = [line for line in said.splitlines() if "Harvesting" not in line]
    assert errors == ["Error: Cannot write to standard output: No space left on device."]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([*ALL, *FAST, "--limit", "3", "-o", "out"], Exit.CANNOT_WRITE),
        ([*ALL, *FAST, "--limit", "3", "-o", "out", "-q", "--log-format", "json"], Exit.CANNOT_WRITE),
        (["search", "--limit", "x"], Exit.USAGE),
    ],
)
def test_a_full_log_file_is_one_sentence_and_costs_nothing_else(
    arguments: list[str], code: Exit, start: Start, tmp_path: Path
) -> None:
    process = start(*arguments, "--log-file", "/dev/full")
    _, said = process.communicate(timeout=20)
    told = "Cannot write all messages to /dev/full: No space left on device. Nothing else was lost by that."
    assert (process.returncode, "Traceback" in said, said.count("/dev/full")) == (code, False, 1)
    assert told in said.splitlines()[-1]
    if "out" in arguments:
        assert len((tmp_path / "out" / "photos.ndjson").read_bytes().splitlines()) == 3
        assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["status"] == "complete"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([*ALL, *FAST, "--limit", "3", "-o", "out"], Exit.COMPLETE),
        ([*ALL, *FAST, "--limit", "3", "-o", "out", "-v", "--log-format", "json"], Exit.COMPLETE),
        (["search"], Exit.USAGE),
        (["--foo"], Exit.USAGE),
    ],
)
def test_a_full_standard_error_loses_no_photo_and_no_exit_code(
    arguments: list[str], code: Exit, start: Start, tmp_path: Path
) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(*arguments, stderr=full)
        process.communicate(timeout=20)
    assert process.returncode == code
    if "out" in arguments:
        assert len((tmp_path / "out" / "photos.ndjson").read_bytes().splitlines()) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [
        (1, [*ALL, *FAST, "--limit", "3"], Exit.CANNOT_WRITE),
        (1, [*ALL, *FAST, "--limit", "3", "-o", "out"], Exit.COMPLETE),
        (2, [*ALL, *FAST, "--limit", "3", "-o", "out"], Exit.COMPLETE),
        (2, ["search"], Exit.USAGE),
        (1, ["--help"], Exit.CANNOT_WRITE),
        (0, ["photos", "-", *FAST], Exit.USAGE),
    ],
)
def test_a_closed_stream_lets_no_other_file_take_its_place(
    closed: int, arguments: list[str], code: Exit, start: Start, tmp_path: Path
) -> None:
    process = start(*arguments, preexec_fn=lambda: os.close(closed))
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    if code == Exit.CANNOT_WRITE:
        assert said.splitlines()[-1] == "Error: Cannot write to standard output: it is closed."
    if "out" in arguments:
        assert len((tmp_path / "out" / "photos.ndjson").read_bytes().splitlines()) == 3


@pytest.mark.slow
def test_in_a_locale_of_ascii_texts_are_utf_8_and_files_have_their_names(start: Start, tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = start("search", "--text", "Москва", *FAST, "--limit", "1", "-o", "снег", more=ascii_only)
    _, said = process.communicate(timeout=60)
    assert process.returncode == Exit.COMPLETE, said
    assert json.loads((tmp_path / "снег" / "manifest.json").read_bytes())["job"]["text"] == "Москва"
    process = start("search", "--text", b"\xff", *FAST, more=ascii_only)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (Exit.USAGE, "Error: --text: this is not valid UTF-8.\n")


@pytest.mark.slow
def test_ids_stream_through_pipes(start: Start) -> None:
    """A line goes in, its record comes out, though the input is still open."""
    listing = start(*ALL, *FAST, "--detail", "list", "--limit", "2")
    ids = [json.loads(line)["id"] for line in rest_of(listing.stdout).split("\n")[:-1]]
    process = start("photos", "-", *FAST, stdin=subprocess.PIPE)
    for photo in ids:
        process.stdin.write(f"{photo}\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        assert json.loads(first_line(process.stdout))["id"] == photo
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.slow
def test_the_key_is_nowhere_in_what_is_said_and_written(start: Start, tmp_path: Path) -> None:
    for options, code in (
        (["-v"], 0),
        (["--log-format", "json", "-v"], 0),
        (["-v", "--api-url", "http://127.0.0.1:9"], 3),
    ):
        process = start(*ALL, *FAST, "--limit", "3", "-o", "-".join(["out", *options]).replace("/", ""), *options)
        output = "".join(process.communicate(timeout=20))
        assert process.returncode == code, output
        assert KEY not in output
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 4
    assert not any(KEY.encode() in data for data in written)


def read_terminal(primary: int) -> str:
    """All that a terminal shows until it is closed."""
    shown = b""
    while True:
        try:
            data = os.read(primary, 1 << 16)
        except OSError:  # Linux says so at the end
            return shown.decode()
        if not data:
            return shown.decode()
        shown += data


@pytest.mark.slow
def test_on_a_terminal_the_display_is_live_and_leaves_the_cursor(tmp_path: Path, start: Start) -> None:
    primary, secondary = pty.openpty()
    process = start("demo", "--verbose", stderr=secondary)
    os.close(secondary)
    shown = read_terminal(primary)
    lines, _ = process.communicate(timeout=60)
    os.close(primary)
    assert process.returncode == 0
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1
    assert "of about 1,000 photos" in shown
    assert "✓ Complete: 1,000 photos in demo." in shown
    first = (tmp_path / "demo" / "photos.ndjson").read_bytes().split(b"\n")[0]
    assert f'"id": "{json.loads(first)["id"]}"' in lines


@pytest.mark.slow
def test_the_demo_done_twice_makes_no_call_and_says_so(start: Start) -> None:
    for words in ("1,000 photos in demo", "1,000 photos are there already"):
        process = start("demo")
        lines, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert words in said
        assert "harvester search --tags monkey" in lines
    assert "demo was there already. To see it filled anew, remove it" in lines
    assert "calls  0" in said


class Stream:
    """A stream that is a terminal, or is none."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def isatty(self) -> bool:
        return self.kind == "terminal"

    def fileno(self) -> int:
        raise OSError


@pytest.mark.parametrize(
    ("stderr", "stdout", "to_stdout", "given", "form", "readings"),
    [
        ("terminal", "terminal", False, {}, "live", True),
        ("pipe", "terminal", False, {}, "plain", True),
        ("terminal", "pipe", True, {}, "plain", True),  # the program behind the pipe may write to the terminal
        ("terminal", "terminal", True, {}, "plain", False),  # records are there already
        ("terminal", "pipe", True, {"progress": True}, "live", True),
        ("terminal", "terminal", False, {"progress": False}, "plain", False),
        ("terminal", "terminal", False, {"quiet": True}, "quiet", False),
        ("terminal", "terminal", False, {"log_format": "json"}, "json", True),
        ("pipe", "terminal", True, {"log_format": "json"}, "json", True),
        ("pipe", "pipe", False, {"progress": True}, "plain", True),
    ],
)
def test_the_display_keeps_out_of_the_way_of_the_records(
    stderr: str,
    stdout: str,
    to_stdout: bool,
    given: dict[str, Any],
    form: str,
    readings: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Stream(stderr))
    monkeypatch.setattr(sys, "stdout", Stream(stdout))
    console = Console({})
    progress = given.pop("progress", None)
    for name, value in given.items():
        setattr(console, name, value)
    setup = Setup(console=console, config_path=None, options={}, progress=progress)
    look = choose_display(setup, limits=Limits(), to_stdout=to_stdout)
    assert (look.form, look.readings) == (form, readings)


def test_a_dull_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", Stream("terminal"))
    setup = Setup(console=Console({}), config_path=None, options={}, progress=None)
    assert choose_display(setup, limits=Limits(), to_stdout=False).form == "plain"


def test_without_uvloop_asyncio_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert find_loop_factory() is None


def test_the_sandbox_prints_its_key_even_where_the_environment_has_the_same_one(start: Start) -> None:
    process = start("sandbox", "--port", "0", "--photos", "10")
    address = first_line(process.stdout).strip()
    assert first_line(process.stderr).startswith("10 photos, seed 7. To use it:")
    process.terminate()
    settings = f"export FLICKR_API_URL={address} FLICKR_API_KEY={KEY} FLICKR_API_SECRET={KEY[:16]}\n"
    assert rest_of(process.stderr) == settings
    assert rest_of(process.stdout) == ""
