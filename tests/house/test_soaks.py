"""`make soak` runs each test that is longer there than elsewhere, or runs there alone; CI runs tests that are there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

from support.project import ROOT

PROMISES = ROOT / "tests" / "promises"
LONGER = re.compile(r"HARVESTER_SOAK|from support\.steps import .*\b(?:HOW|IS_LONG)\b")


def list_soaks() -> set[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--dry-run", "soak"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return {
        word
        for line in done.stdout.splitlines()
        if "pytest" in line
        for word in shlex.split(line)
        if word[-3:] == ".py"
    }


def test_what_is_longer_in_a_soak_is_run_by_it() -> None:
    longer = {str(path.relative_to(ROOT)) for path in PROMISES.rglob("*.py") if LONGER.search(path.read_text("utf-8"))}
    soaks = list_soaks()
    assert longer - soaks == set()
    assert all((ROOT / name).is_file() for name in soaks)


def test_each_place_that_ci_takes_slow_tests_from_is_there() -> None:
    (command,) = re.findall(
        r'^make slow SLOW="(.+?)"$', (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    done = subprocess.run(["bash", "-c", f'echo "{command}"'], capture_output=True, text=True, check=True)
    places = done.stdout.replace("\\\n", " ").split()
    assert len(places) > 5
    assert [
        place for place in places if not any((ROOT / place).rglob("test_*.py")) and not (ROOT / place).is_file()
    ] == []
