"""Ctrl-C, once and again, at a terminal and at a bad time: a clean screen, how to go on, the exit code."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harvester.launch import UNSUPPORTED
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from harvester.signals import STOPPED
from support.harvest import KEY
from support.terminal import Terminal

WIDTH = 100
CTRL_C = b"\x03"
SEARCH = ["search", "--tags", "sandbox", "-o", "out"]
LIST = [*SEARCH, "--detail", "list", "--quota", "none", "--pace", "none"]
GO_ON = "Stopped. Go on with: harvester resume out"
HIT = "import os, signal\nhit = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)\n"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=200, owners=3), latency=0.02)) as url:
        yield url


@pytest.fixture
def environment(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    given = {"FLICKR_API_KEY": KEY, "FLICKR_API_SECRET": secret_of(KEY), "FLICKR_API_URL": address, "TERM": "xterm"}
    return {**os.environ, **given, "COLUMNS": str(WIDTH)}


def run_at_terminal(
    *arguments: str, environment: dict[str, str], on_output: Callable[[bytes], bytes], code: str = ""
) -> tuple[int, list[str], bytes]:
    """The exit code, what the terminal shows in the end, and all that was written. `on_output` types."""
    master, slave = pty.openpty()
    begin = f"{HIT}{code}\nimport sys\nsys.argv = ['harvester', *{list(arguments)!r}]\n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{begin}from harvester.launch import run\nrun()"],
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509 - no thread of the tests holds anything that this needs
    )
    os.close(slave)
    said = b""
    while chunk := read_some(master):
        said += chunk
        os.write(master, on_output(said))
    os.close(master)
    terminal = Terminal(WIDTH)
    terminal.write(said.decode())
    return process.wait(60), terminal.shown, said


def take_terminal() -> None:
    """The standard streams' terminal sends its Ctrl-C to this process."""
    import fcntl  # noqa: PLC0415
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_some(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # Linux tells so that the other end is closed
        return b""


def type_once(*given: tuple[bytes, bytes]) -> Callable[[bytes], bytes]:
    """Type something once when something is seen, one after the other."""
    left = list(given)

    def look(said: bytes) -> bytes:
        if left and left[0][0] in said:
            return left.pop(0)[1]
        return b""

    return look


def nothing(_: bytes) -> bytes:
    return b""


SLOW = "from harvester import timers\nfrom harvester.cli import session\n"
SLOW += "timers.LAST_CALLS_SECONDS = timers.LAST_SECONDS = 600\n"
SLOW += "import harvester.transport.connections\nasync def hang(*_, **__): await __import__('asyncio').sleep(600)\n"
SLOW += "get = harvester.transport.connections.Connections.get\n"
SLOW += (
    "harvester.transport.connections.Connections.get = lambda *a, **k: (get if 'search' in a[1] else hang)(*a, **k)\n"
)


@pytest.mark.slow
@pytest.mark.usefixtures("time_limit")
def test_a_second_ctrl_c_leaves_a_clean_screen_and_says_how_to_go_on(environment: dict[str, str]) -> None:
    typing = type_once((b"photos", CTRL_C), (b"Stopping", CTRL_C))
    code, shown, said = run_at_terminal(*SEARCH, environment=environment, on_output=typing, code=SLOW)
    assert (code, shown[-1]) == (130, GO_ON)
    assert [line.partition(" ")[0] for line in shown] == ["Harvesting", "Stopping:", "Stopped."]
    assert said.endswith(b"\r\n")
    assert said.rindex(b"\x1b[?25h") > said.rindex(b"\x1b[?25l")


@pytest.mark.slow
@pytest.mark.usefixtures("time_limit")
@pytest.mark.parametrize("form", ["--no-progress", "--log-format=json", "-q"])
def test_a_second_ctrl_c_says_how_to_go_on_in_every_form(form: str, environment: dict[str, str]) -> None:
    twice = f"{SLOW}session.Signals._ask = lambda self: (self._stop.set(), hit())\n"
    twice += "async def hang(*_, **__):\n    hit()\n    await __import__('asyncio').sleep(600)\n"
    code, _, said = run_at_terminal(*SEARCH, form, environment=environment, on_output=nothing, code=twice)
    assert code == 130
    assert said.count(GO_ON.encode()) == (0 if form == "-q" else 1)


@pytest.mark.usefixtures("time_limit")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(LIST, "class F:\n    def find_spec(self, name, *_):\n        if name == 'click': hit()\n"
                           "import sys\nsys.meta_path.insert(0, F())", id="while it is imported"),
        pytest.param(LIST, "class F:\n    def find_spec(self, name, *_):\n        if name == 'aiohttp': hit()\n"
                           "import sys\nsys.meta_path.insert(0, F())", id="while a command is imported"),
        pytest.param(LIST, "from harvester.cli import session\nsession.gc.freeze = hit", id="before the run"),
        pytest.param(["verify", "."], "import harvester.verify.archive as v\nv.prove_archive = hit", id="verify"),
        pytest.param(["repair", "."], "import harvester.archive.repair.run as r\nr.repair_archive = hit", id="repair"),
        pytest.param(["plan", *SEARCH[:3]], "import harvester.engine.estimate as p\np.estimate_job = hit", id="plan"),
        pytest.param(["auth", "login", "--no-browser"],
                     "import harvester.auth.handshake as d\nd.OAuthCallback.wait = hit", id="login"),
    ],
)  # fmt: skip
def test_ctrl_c_at_a_bad_time_is_a_sentence(arguments: list[str], code: str, environment: dict[str, str]) -> None:
    ended, shown, said = run_at_terminal(*arguments, environment=environment, on_output=nothing, code=code)
    assert (ended, shown[-1:]) == (130, [STOPPED])
    assert b"Traceback" not in said
    assert not Path("out").exists()


@pytest.mark.usefixtures("time_limit")
@pytest.mark.parametrize("method", ["note", "close_log"])
def test_a_second_ctrl_c_while_the_first_is_told_is_no_traceback(method: str, environment: dict[str, str]) -> None:
    code = "import harvester.verify.archive as v\nv.prove_archive = hit\nfrom harvester.cli.console import Console\n"
    code += f"before = Console.{method}\nConsole.{method} = lambda *given: (before(*given), hit())\n"
    ended, shown, said = run_at_terminal("verify", ".", environment=environment, on_output=nothing, code=code)
    assert (ended, set(shown), b"Traceback" in said) == (130, {STOPPED}, False)


@pytest.mark.slow
@pytest.mark.usefixtures("time_limit")
@pytest.mark.parametrize("moment", ["draw_summary", "Live.close"])
def test_ctrl_c_during_the_summary_keeps_it_and_the_screen_clean(moment: str, environment: dict[str, str]) -> None:
    code = "from harvester.progress import live\nfrom harvester.progress.live import Live\n"
    code += f"before = live.{moment}\nlive.{moment} = lambda *given, **more: (hit(), before(*given, **more))[1]\n"
    ended, shown, said = run_at_terminal(*LIST, environment=environment, on_output=nothing, code=code)
    assert (ended, b"Traceback" in said) == (0, False)
    assert [line for line in shown if line.startswith("✓")] == ["✓ Complete: 200 photos in out."]
    assert b"\x1b[?25l" not in said or said.rindex(b"\x1b[?25h") > said.rindex(b"\x1b[?25l")


@pytest.mark.slow
@pytest.mark.usefixtures("time_limit")
def test_a_second_ctrl_c_during_an_updates_fold_says_how_to_go_on(environment: dict[str, str]) -> None:
    begin = "import sys\nfrom harvester.launch import run\n"
    made = subprocess.run(
        [sys.executable, "-c", begin + f"sys.argv = ['', *{LIST!r}]\nrun()"], env=environment, check=False
    )
    assert made.returncode == 0
    code = "import time\nfrom harvester.engine.upkeep import update\n"
    code += "from harvester import timers\ntimers.LAST_SECONDS = 600\n"
    code += "update.merge_update = lambda *a, **k: (hit(), time.sleep(0.05), hit(), time.sleep(600))\n"
    ended, shown, said = run_at_terminal("update", "out", environment=environment, on_output=nothing, code=code)
    assert (ended, shown[-1], b"Traceback" in said) == (130, GO_ON, False)


def test_where_it_cannot_run_it_says_so_in_a_sentence() -> None:
    code = "import sys\nsys.modules['fcntl'] = sys.modules['termios'] = sys.modules['uvloop'] = None\n"
    code += "import os, signal\ndel os.O_CLOEXEC, os.pread, signal.SIGHUP\n"
    code += "import harvester\nfrom harvester.launch import run\nrun(system='nt')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"Error: {UNSUPPORTED}\n")
