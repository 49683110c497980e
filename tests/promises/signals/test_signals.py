"""A signal is an exit code at every moment: before the run, in it, after it, and twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from harvester.signals import STOPPED
from support.harvest import KEY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")

SEARCH = ["search", "--tags", "sandbox", "--quota", "none", "--pace", "none", "-o", "out"]
FLUSH = """
from harvester.cli import failures
flush = failures._finish_stdout
failures._finish_stdout = lambda *given, **more: (hit(), flush(*given, **more))[1]
"""
HIT = "hit = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A sandbox slow enough to be interrupted."""
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=5000, owners=3), latency=0.05)) as url:
        yield url


@pytest.fixture
def environment(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": address}


def run(code: str, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The program, with something done to it before it begins."""
    script = f"import atexit, os, signal, sys\nfrom harvester.cli import main\n{HIT}{code}\nmain({list(arguments)!r})"
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)


def test_two_signals_in_quick_succession_end_it_with_the_exit_code(environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "harvester", *SEARCH], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    assert process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_second_signal_while_the_display_is_put_away_does_not_kill_it(environment: dict[str, str]) -> None:
    code = (
        "from harvester.progress import display\n"
        "tell = display.Progress.__call__\n"
        "seen = []\n"
        "def count(self, event):\n"
        "    is_first = not seen\n"
        "    seen.append(event)\n"
        "    tell(self, event)\n"
        "    if is_first: hit()\n"
        "display.Progress.__call__ = count\n"
        "display.Progress.close = hit"
    )
    assert run(code, *SEARCH, environment=environment).returncode == 143
    code = code.replace("display.Progress.close = hit", FLUSH)
    assert run(code, *SEARCH, environment=environment).returncode == 143


def test_a_signal_after_the_end_is_no_traceback(environment: dict[str, str]) -> None:
    ended = run(FLUSH, "ids", "--help", environment=environment)
    assert (ended.returncode, "Traceback" in ended.stderr) == (143, False)
    assert "harvester ids archives/monkeys" in ended.stdout


def test_where_no_run_is_under_way_a_signal_is_an_exit_code_too(environment: dict[str, str]) -> None:
    code = "import harvester.verify.archive\nharvester.verify.archive.prove_archive = hit"
    ended = run(code, "verify", ".", environment=environment)
    assert (ended.returncode, ended.stderr.strip()) == (143, STOPPED)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [["export", "out", "-o", "x.csv"], ["bag", "out", "-o", "bag"]], ids=["file", "bag"]
)
def test_a_signal_leaves_nothing_half_written(options: list[str], environment: dict[str, str]) -> None:
    made = run("", *SEARCH, "--detail", "list", "--limit", "20", environment=environment)
    assert made.returncode == 0
    ended = run(
        "from harvester.archive.disk import files\nfiles.put_in_place = hit\nos.replace = hit\nos.rename = hit",
        *options,
        environment=environment,
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (143, STOPPED)
    assert [path.name for path in Path().iterdir()] == ["out"]


def test_a_signal_while_python_clears_up_changes_nothing(environment: dict[str, str]) -> None:
    """What is registered first is called last."""
    ended = run("atexit.register(hit)", "--version", environment=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
