"""What `--dask` refuses before it starts anything, and what it sends to the workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harvester.cli import main
from harvester.cli.console import Console
from harvester.cli.dask import build_course
from harvester.cli.options import Setup
from harvester.config.settings import Settings
from harvester.engine.run import Output
from harvester.errors import Exit
from harvester.jobs.model import Job, Search

SEARCH = ("search", "--tags", "monkey", "--dask", "local:1")
JOBS = '[jobs.a]\nsource = "search"\ntags = "a"\noutput = "a"\n[jobs.b]\nsource = "search"\ntags = "b"\n'


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", "0123456789abcdef0123456789abcdef")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("-o", "x"), "--store: name the store"),
        (("--store", "s"), "--dask: shards become an archive"),
        (("--store", "s", "-o", "x", "--update"), "leave `update` out"),
        (("--store", "s", "-o", "x", "--rotate", "100"), "leave `rotate` and `compress` out"),
        (("--store", "s", "-o", "x", "--unescape"), "leave `unescape` out"),
        (("--store", "s", "-o", "x", "--publish", "p"), "--publish: shards are merged first"),
        (("--store", "s", "-o", "x", "--quota-ledger", "redis://:pw@h/0"), "put it into HARVESTER_QUOTA_LEDGER"),
    ],
)
def test_what_shards_cannot_do_is_refused(given: tuple[str, ...], told: str) -> None:
    result = call(*SEARCH, *given)
    assert result.exit_code == Exit.USAGE
    assert told in result.stderr
    assert not os.listdir()  # noqa: PTH208 - of the folder it is in


def test_a_fleet_tells_what_is_wrong_with_a_job_and_needs_a_store() -> None:
    Path("harvester.toml").write_text(JOBS)
    result = call("run", "--dask", "local:1")
    assert (result.exit_code, "--store: name the store" in result.stderr) == (Exit.USAGE, True)
    result = call("run", "b", "--dask", "local:1", "--store", "s")
    assert (result.exit_code, "shards become an archive" in result.stderr) == (Exit.USAGE, True)
    assert not Path("s").exists()


def test_workers_are_sent_the_limits_of_the_file_and_what_goes_before_them(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text('[flickr]\napi_key = "k3y"\n[limits]\nquota = "10/s"\npace = "1/s"\nworkers = 3\n')
    setup = Setup(console=Console(), config_path=path, options={"pace": "2/s", "quota": None}, progress=False)
    course = build_course(
        Job(source=Search(text="x")),
        Settings(api_key="k3y", env_prefix="PARTNER"),
        output=Output(folder=tmp_path / "x"),
        setup=setup,
        store="s",
        limits={"quota": "20/s", "pace": "9/s"},
    )
    assert course.assignment["options"] == {"quota": "20/s", "pace": "2/s", "workers": 3}
    assert course.assignment["env_prefix"] == "PARTNER"
    assert "k3y" not in str(course.assignment)
