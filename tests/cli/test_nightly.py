"""Jobs that run every night, and commands about many archives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harvester.errors import Exit
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.commands import call

SEARCH = ("search", "--min-upload-date", "2004-01-01", "--detail", "list", "--pace", "none")
NEWS = "Since the last time: nothing has changed."
JOB = """
[jobs.{name}]
source = "search"
min_upload_date = 2004-01-01
detail = "list"
output = "{name}"
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A sandbox of 30 photos."""
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=30, owners=2))) as url:
        yield url


@pytest.fixture(autouse=True)
def _in_a_folder(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("FLICKR_API_URL", address)


def begin(*folders: str) -> None:
    for folder in folders:
        assert call(*SEARCH, "-o", folder).exit_code == Exit.COMPLETE


def has_updates(folder: str) -> bool:
    return json.loads(call("status", folder, "--json").stdout)["brought_up_to_date"] is not None


def test_a_complete_archive_met_by_its_own_command_names_update() -> None:
    begin("out")
    result = call(*SEARCH, "-o", "out")
    assert "no call was made. `harvester update out` brings what is new since." in result.stderr
    assert not has_updates("out")


def test_update_on_the_command_brings_a_complete_archive_up_to_date() -> None:
    begin("out")
    result = call(*SEARCH, "-o", "out", "--update")
    assert (result.exit_code, NEWS in result.stderr) == (Exit.COMPLETE, True), result.stderr
    assert has_updates("out")


def test_update_on_the_command_begins_an_archive_that_is_not_there() -> None:
    result = call(*SEARCH, "-o", "out", "--update")
    assert (result.exit_code, "Complete: 30 photos in out." in result.stderr) == (Exit.COMPLETE, True), result.stderr
    assert not has_updates("out")


def test_update_on_the_command_completes_an_archive_before_it_updates_it() -> None:
    assert call(*SEARCH, "-o", "out", "--limit", "5").exit_code == Exit.COMPLETE
    assert call(*SEARCH, "-o", "out", "--update").exit_code == Exit.COMPLETE
    assert (json.loads(call("status", "out", "--json").stdout)["photos"], has_updates("out")) == (30, False)


def test_update_of_another_query_is_refused() -> None:
    begin("out")
    result = call("search", "--text", "snow", "-o", "out", "--update")
    assert (result.exit_code, has_updates("out")) == (Exit.USAGE, False)


def test_update_without_an_archive_is_refused() -> None:
    result = call(*SEARCH, "--update")
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith("Error: --update: only an archive can be brought up to date")


@pytest.mark.parametrize(("key", "option"), [("update = true\n", ()), ("", ("--update",))])
def test_a_nightly_job_is_updated_by_its_key_or_by_the_option(key: str, option: tuple[str, ...]) -> None:
    Path("harvester.toml").write_text(JOB.format(name="night") + key)
    assert call("run", *option).exit_code == Exit.COMPLETE
    result = call("run", *option)
    assert (result.exit_code, NEWS in result.stderr) == (Exit.COMPLETE, True), result.stderr


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ('source = "photos"\nids = ["1"]\noutput = "out"', "photos given by id"),
        ('source = "search"\ntext = "snow"', "only an archive"),
    ],
)
def test_a_job_with_nothing_to_update_is_refused_by_its_place(job: str, sentence: str) -> None:
    Path("harvester.toml").write_text(f"[jobs.night]\n{job}\nupdate = true\n")
    result = call("run")
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(f"Error: harvester.toml: jobs.night.update: {sentence}")


def test_run_says_at_its_end_how_each_job_ended() -> None:
    Path("harvester.toml").write_text("".join(JOB.format(name=name) for name in ("good", "other", "last")))
    assert call("search", "--text", "snow", "--detail", "list", "-o", "other").exit_code == Exit.COMPLETE
    result = call("run")
    assert result.exit_code == Exit.USAGE
    good, other, last = result.stderr.splitlines()[-3:]
    assert (good, last) == ("Job good   complete", "Job last   complete")
    assert other.startswith("Job other  refused: other was begun with")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ('source = "get"\nurl = "example.com/1"', "jobs.wrong.url: 'example.com/1' is no address"),
        ('source = "search"\ntagz = "x"', "jobs.wrong.tagz: there is no such setting; did you mean tags?"),
        ('source = "photos"\nfrom = "gone.txt"', "jobs.wrong.from: gone.txt cannot be read"),
        ('source = "account"\nuser = "me"', "output: an account is more than photos"),
    ],
)
def test_a_job_that_is_told_wrong_keeps_back_no_other(wrong: str, sentence: str) -> None:
    jobs = JOB.format(name="one") + f"\n[jobs.wrong]\n{wrong}\n" + JOB.format(name="two")
    Path("harvester.toml").write_text(jobs)
    result = call("run")
    assert result.exit_code == Exit.USAGE
    one, refused, two = result.stderr.splitlines()[-3:]
    assert (one, two) == ("Job one    complete", "Job two    complete")
    assert refused.startswith("Job wrong  refused: ")
    assert sentence in refused
    assert call("run", "two").exit_code == Exit.COMPLETE


def test_update_goes_on_with_the_next_folder_where_one_fails() -> None:
    begin("one", "two")
    result = call("update", "one", "nowhere", "two")
    assert result.exit_code == Exit.USAGE
    assert has_updates("one")
    assert has_updates("two")
    assert result.stderr.splitlines()[-3:] == [
        "one      complete",
        "nowhere  refused: nowhere is no archive: there is no such folder.",
        "two      complete",
    ]


def test_verify_tells_what_it_finds_by_folder_and_goes_on() -> None:
    begin("one", "two")
    Path("one", "photos.ndjson").unlink()
    result = call("verify", "one", "two")
    assert result.exit_code == Exit.INCOMPLETE
    assert "one: photos.ndjson is missing." in result.stdout
    assert result.stdout.endswith("two is whole.\n")


def test_status_of_many_is_a_json_object_a_line_and_a_failure_is_the_exit_code() -> None:
    begin("one", "two")
    result = call("status", "one", "nowhere", "two", "--json")
    assert result.exit_code == Exit.USAGE
    assert [json.loads(line)["archive"] for line in result.stdout.splitlines()] == ["one", "two"]
    assert "nowhere" in result.stderr
