"""Pythons that the project names: the classifiers, what CI runs and the README say the same, and `make pythons`."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

from support.project import ROOT


def named_by_classifiers() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    said = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line) for line in project["classifiers"])
    return [found[1] for found in said if found]


def workflow() -> str:
    return (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")


def test_ci_must_pass_on_the_versions_of_the_classifiers() -> None:
    (listed,) = re.findall(r"^ +python: \[(.*)\]$", workflow(), re.MULTILINE)
    assert re.findall(r'"([\d.]+)"', listed) == named_by_classifiers()


def test_ci_tries_every_version_from_3_11_to_3_14() -> None:
    named = named_by_classifiers() + re.findall(r'\{python: "([\d.]+)", untried: true\}', workflow())
    assert named == ["3.11", "3.12", "3.13", "3.14"]


def test_the_readme_says_on_which_versions_the_tests_pass() -> None:
    (said,) = re.findall(r"the tests pass on ((?:3\.\d+(?:, | and )?)+)", (ROOT / "README.md").read_text("utf-8"))
    assert re.findall(r"3\.\d+", said) == named_by_classifiers()


def test_actions_are_pinned_to_a_major_version() -> None:
    assert all(re.fullmatch(r"[\w/-]+@v\d+", used) for used in re.findall(r"uses: (.*)", workflow()))


def make_pythons(*pythons: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "pythons", f"PYTHONS={' '.join(pythons)}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_where_no_python_is_there_nothing_is_said_to_pass() -> None:
    code, said = make_pythons("python3.99")
    assert code
    assert said == "python3.99 is not here: skipped.\nNo Python was tried.\n"


def test_a_python_on_which_the_tests_fail_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken-python"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.99\n')
    broken.chmod(0o755)
    code, said = make_pythons("python3.99", str(broken))
    assert code
    assert said.startswith("python3.99 is not here: skipped.\nPython 3.99:\n")
    assert said.endswith(f"The tests fail on {broken}.\n")
