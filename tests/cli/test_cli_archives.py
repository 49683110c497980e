"""plan, status, verify and the demo, on an archive that is really there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harvester.cli.demo import LONGEST, read_first, shorten
from harvester.cli.show import list_facts
from harvester.errors import Exit
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.commands import call
from support.harvest import KEY

ALL = ("search", "--min-upload-date", "2004-01-01", "--pace", "none")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A sandbox of 60 photos."""
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=60, owners=2))) as url:
        yield url


@pytest.fixture(autouse=True)
def _in_a_folder(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.setenv("FLICKR_API_URL", address)


def test_a_harvest_its_status_and_its_proof(tmp_path: Path) -> None:
    result = call(*ALL, "-o", "out")
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    assert "Complete: 60 photos in out." in result.stderr
    status = json.loads(call("status", "out", "--json").stdout)
    assert (status["photos"], status["failed"], status["calls_to_go"]) == (60, 0, 0)
    assert status["quota_left"] == 3600 - 121
    elsewhere = call("status", "out", "--json", "--api-url", "http://127.0.0.1:9/services/rest/")
    assert json.loads(elsewhere.stdout)["quota_left"] == 3600
    told = call("status", "out").stdout
    assert "quota left   3,479" in told
    assert "time to go   0 s" in told
    result = call("verify", "out")
    assert (result.exit_code, result.stdout) == (0, "out is whole.\n")
    with (tmp_path / "out" / "photos.ndjson").open("ab") as file:
        file.write(b"{\n")
    result = call("verify", "out")
    assert result.exit_code == Exit.INCOMPLETE
    assert "photos.ndjson line 61" in result.stdout


def test_a_plan_tells_calls_and_time_for_each_detail() -> None:
    result = call("plan", *ALL)
    assert result.exit_code == 0, result.output
    rows = result.stdout.splitlines()
    heads = next(n for n, row in enumerate(rows) if row.split() == ["detail", "calls", "time"])
    assert [row.split()[:2] for row in rows[heads + 1 : heads + 4]] == [["list", "1"], ["info", "61"], ["full", "121"]]
    facts = json.loads(call("plan", *ALL, "--json", "--limit", "10").stdout)
    assert (facts["matches"], facts["photos"]) == (60, 10)


def test_an_archive_of_another_query_is_refused() -> None:
    assert call(*ALL, "-o", "out", "--limit", "1").exit_code == 0
    result = call("search", "--text", "snow", "-o", "out")
    assert result.exit_code == Exit.USAGE
    assert result.stderr.splitlines()[-1].startswith("Error: ")


def test_a_refused_key_is_exit_code_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", "not-a-key-of-flickr")
    result = call(*ALL, "-o", "out")
    assert result.exit_code == Exit.KEY_REFUSED
    assert "not-a-key-of-flickr" not in result.output


def test_resume_of_a_complete_archive_makes_no_call() -> None:
    assert call(*ALL, "-o", "out", "--detail", "list").exit_code == 0
    result = call("resume", "out")
    assert result.exit_code == 0
    assert "calls  0" in result.stderr


def test_facts_are_aligned_and_rows_of_them_make_a_table() -> None:
    facts: dict[str, Any] = {
        "photos": 12_345,
        "seconds_to_go": 7980,
        "whole": True,
        "nothing": None,
        "parts": ["info", "sizes"],
        "none": [],
        "job": {"tags": "a,b"},
        "costs": [{"detail": "list", "calls": 2}, {"detail": "full", "calls": 20_000}],
    }
    assert list(list_facts(facts)) == [
        "photos      12,345",
        "time to go  2 h 13 min",
        "whole       yes",
        "nothing     -",
        "parts       info, sizes",
        "none        -",
        "job",
        "  tags  a,b",
        "costs",
        "  detail   calls",
        "  list         2",
        "  full    20,000",
    ]


def test_a_shown_record_has_its_telling_members_and_counts_the_rest(tmp_path: Path) -> None:
    record = {
        "id": "1",
        "search": {"owner": "o", "title": "t" * 100, "farm": 1, "server": "2"},
        "info": None,
        "sizes": {"size": [{"label": "a"}, {"label": "b", "width": 1, "more": {"x": 1}}]},
    }
    assert shorten(record) == {
        "id": "1",
        "search": {"owner": "o", "title": "t" * (LONGEST - 1) + "…", "…": "2 more"},
        "info": None,
        "sizes": {"size": ["…", {"label": "b", "width": 1}]},
    }
    (tmp_path / "empty").touch()
    assert read_first(tmp_path / "empty") is None


def test_a_sandbox_that_cannot_start_says_why(address: str) -> None:
    port = int(address.split(":")[2].split("/", maxsplit=1)[0])
    taken = serve_sandbox(SandboxOptions(port=port))
    with pytest.raises(OSError, match="in use"):
        taken.__enter__()
