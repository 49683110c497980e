"""Small drawings in `status` and `plan`: on a terminal alone, in ASCII where it has no more, and true."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harvester.cli import main
from harvester.cli.status import draw_listing
from harvester.errors import Exit
from harvester.jobs.model import Job
from harvester.jobs.search import Search
from harvester.web.watch.timeline import Row, Timeline
from support.harvest import KEY, Opener, harvest_into
from support.project import PYTHONPATH

if sys.platform != "win32":
    import fcntl
    import termios

TIMELINE = Timeline(
    since=0,
    until=1,
    read=[0.0] * 60 + [1.0] * 60,
    again=[],
    lacking=[],
    share=0.5,
    to_read=1,
    rows=[Row("2019", 0, 0.0), Row("2020", 7, 0.5), Row("2021", 9, 1.0)],
)
STRETCH = {"after": "2014-03-01T12:00:00Z", "before": "2014-03-01T12:05:00Z", "claimed": 40, "found": 20, "note": ""}


def run_in_terminal(*arguments: str, url: str, columns: int = 80, stop_at: str | None = None, **more: str) -> str:
    """What a command writes on a terminal of so many columns; once it has written `stop_at`, Ctrl-C is pressed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": url}
    environment |= {"TERM": "xterm", "LC_ALL": "C.UTF-8", **more}
    process = subprocess.Popen(
        [sys.executable, "-m", "harvester", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,  # a terminal of its own
    )
    os.close(theirs)
    said = b""
    while some := read_some(ours):
        said += some
        if stop_at is not None and stop_at.encode() in said:
            process.send_signal(signal.SIGINT)
            stop_at = None
    os.close(ours)
    assert process.wait() == Exit.COMPLETE, said
    return said.decode()


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # nobody writes to it any more
        return b""


@pytest.mark.parametrize("width", [40, 80, 100])
def test_bars_show_what_is_read_and_what_is_missing(width: int) -> None:
    lines = list(draw_listing(TIMELINE, {"2019-01": 1, "2021-12": 8}, [STRETCH], width=width, is_plain=False))
    assert all(len(line) <= max(width, 70) for line in lines)
    room = width - 11
    assert abs(lines[0].count("█") - room / 2) <= 1
    assert lines[1:3] == [
        "  2019   [                ]   0 % read, 0 photos",
        "  2020   [████████        ]  50 % read, 7 photos",
    ]
    assert lines[3] == "missing  [████████        ] 20 of 40, 2014-03-01 to 2014-03-01"
    assert lines[4].count("█") == 1


def test_what_is_read_to_its_end_has_only_its_months() -> None:
    done = Timeline(since=0, until=1, read=[1.0], again=[], lacking=[], share=1.0, to_read=0, rows=[])
    assert list(draw_listing(done, {"2020-01": 3}, [], width=80, is_plain=True)) == []
    assert list(draw_listing(None, {}, [], width=80, is_plain=True)) == []
    assert len(list(draw_listing(done, {"2020-01": 3, "2020-02": 1}, [], width=80, is_plain=True))) == 2


@pytest.mark.slow
async def test_a_terminal_gets_drawings_and_nothing_else_does(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    async with sandbox_of(photos=60) as sandbox:
        await harvest_into(folder, sandbox, Job(source=Search(min_upload_date="2004-01-01"), limit=20))
        run = asyncio.to_thread
        drawn = await run(run_in_terminal, "status", str(folder), url=sandbox.url)
        assert "uploads  [" in drawn
        assert "█" in drawn
        plain = await run(
            run_in_terminal, "status", str(folder), url=sandbox.url, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
        )
        assert "uploads  [" in plain
        assert plain.isascii()
        for arguments in (["status", str(folder)], ["status", str(folder), "--json"]):
            told = CliRunner().invoke(main, arguments)
            assert told.exit_code == 0
            assert "uploads" not in told.stdout
        cost = await run(run_in_terminal, "plan", "search", "--min-upload-date", "2004-01-01", url=sandbox.url)
        assert "████████████████████████" in cost


async def test_a_status_that_is_kept_ends_with_ctrl_c(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    async with sandbox_of(photos=20) as sandbox:
        await harvest_into(folder, sandbox, Job(source=Search(min_upload_date="2004-01-01")))
        said = await asyncio.to_thread(
            run_in_terminal, "status", str(folder), "--watch", url=sandbox.url, stop_at="\x1b[?25l"
        )
    assert "complete" in said
    assert said.rstrip().endswith("\x1b[?25h"), "the cursor is shown again"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(shell: str) -> None:
    told = CliRunner().invoke(main, ["completion", shell])
    assert told.exit_code == 0
    assert "_HARVESTER_COMPLETE" in told.stdout


def test_another_shell_is_told() -> None:
    assert CliRunner().invoke(main, ["completion", "tcsh"]).exit_code == Exit.USAGE
