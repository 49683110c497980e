"""What is given by mistake: told as what it is, shortly, and without secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harvester.archive.checkpoint.facts import JobFacts
from harvester.archive.checkpoint.same_job import check_same_job
from harvester.archive.checkpoint.state import State
from harvester.cli.ids import open_ids
from harvester.cli.ids import read_lines as read_ids
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Job, Photos, Search
from harvester.jobs.urls import parse_photo
from harvester.progress.lines import describe_job, say_end
from harvester.sandbox.server import Sandbox
from harvester.text.decoding import to_utf8
from support.archives import read_lines
from support.commands import call
from support.harvest import KEY, harvest_into

NOWHERE = "http://127.0.0.1:9/services/rest/"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.setenv("FLICKR_API_URL", NOWHERE)
    return tmp_path


def lines_of(data: bytes, folder: Path) -> list[str]:
    (folder / "ids").write_bytes(data)
    file = os.open(folder / "ids", os.O_RDONLY)
    try:
        return list(read_ids(file))
    finally:
        os.close(file)


async def test_a_line_that_names_no_photo_is_wrong_for_good_and_said_to_be(sandbox: Sandbox, tmp_path: Path) -> None:
    good = str(sandbox.catalogue.id_of(1))
    summary = await harvest_into(tmp_path, sandbox, Job(source=Photos(ids=[good, "no photo"])))
    assert (summary.status, summary.failed, summary.bad_input) == ("incomplete", 0, 1)
    assert "1 line of input named no photo" in say_end(summary)
    assert "correct these lines" in summary.notes[0]
    assert not any("for now" in said for said in (*summary.notes, say_end(summary)))
    (error,) = read_lines(tmp_path / "errors.ndjson")
    assert error["message"].endswith("Mend the line.")


async def test_no_ids_at_all_are_not_called_a_search(sandbox: Sandbox, tmp_path: Path) -> None:
    summary = await harvest_into(tmp_path, sandbox, Job(source=Photos(ids=[])))
    assert (summary.status, summary.notes) == ("complete", ("No photo was named.",))


def test_comments_and_blank_lines_are_passed_over_and_addresses_keep_their_hash(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf# mine\n1 # one\n\n2\t#two\r\n   \nhttps://flickr.com/photos/x/3#c\n #4\n5"
    assert lines_of(data, tmp_path) == ["1", "2", "https://flickr.com/photos/x/3#c", "5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("data", ["4195976808\r\n# Москва 🐒\r\n4195976809", "7", "7\n", "\n7\n", ""])
def test_ids_are_read_as_windows_shells_write_them(encoding: str, data: str, tmp_path: Path) -> None:
    found = [line for line in data.splitlines() if line and not line.startswith("#")]
    assert lines_of(data.encode(encoding), tmp_path) == found


def test_ids_that_come_byte_by_byte_are_decoded_as_a_whole() -> None:
    data = "7\r\n8 # 🐒\r\n".encode("utf-16")
    assert b"".join(to_utf8(data[n : n + 1] for n in range(len(data)))) == "7\r\n8 # 🐒\r\n".encode()


def test_a_file_named_by_a_tilde_is_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ids.txt").write_text("7\n")
    assert list(open_ids((), "~/ids.txt")) == ["7"]


def test_a_line_without_end_is_not_kept_in_memory(tmp_path: Path) -> None:
    first, second = lines_of(b"9" * 20_000_000 + b"\n7\n", tmp_path)
    assert len(first) < 10_000
    assert second == "7"


@pytest.mark.parametrize("text", ["9" * 1_000_000, "https://flic.kr/p/" + "z" * 1900, "x/" * 900, "https://" * 100])
def test_a_long_text_that_is_no_photo_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_photo(text)
    assert len(str(refused.value)) < 300


async def test_a_secret_on_a_line_of_input_is_written_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    given = [KEY, f"https://api.flickr.com/?api_key={KEY}"]
    summary = await harvest_into(tmp_path, sandbox, Job(source=Photos(ids=given)))
    assert summary.bad_input == 2
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--param=x", "--text", "--tags=a,b"])
def test_a_secret_in_a_filter_is_refused_and_written_nowhere(option: str, folder: Path) -> None:
    given = [f"{option}={KEY}"] if "=" in option else [option, f"all {KEY}"]
    result = call("search", "--tags", "monkey", *given, "-o", "out")
    assert (result.exit_code, len(result.stderr.splitlines())) == (Exit.USAGE, 1)
    assert "no archive may keep" in result.stderr
    assert KEY not in result.output
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in written)


@pytest.mark.parametrize("text", ["99", "17", "-1", "cc-by,99"])
def test_an_unknown_licence_is_refused_with_the_names_and_ids_of_those_that_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not known; use names or ids of .*cc-by-2\.0 \(4\)"):
        Search(license=text)
    assert Search(license="0, 16, 04").arguments["license"] == "0,16,4"


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "--tag-mode", "x" * 9000],
        ["search", "--license", "x" * 9000],
        ["search", "--bbox", "1," * 5000],
        ["search", "--tags", "a", "--min-upload-date", "2" * 9000],
        ["search", "--tags", "a", "--pace", "1" * 9000],
        ["search", "--tags", "a", "--api-url", "h" * 9000],
        ["search", "--tags", "a", "--give-up-after", "h" * 9000],
        ["search", "--tags", "a", "--param", "h" * 9000],
        ["photos", "h" * 9000],
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_long_value_is_told_in_a_short_sentence(arguments: list[str]) -> None:
    result = call(*arguments)
    assert result.exit_code == Exit.USAGE
    assert len(result.stderr) < 700


def test_long_lists_of_tags_are_shown_by_their_ends(tmp_path: Path) -> None:
    many = ",".join(f"tag{n}" for n in range(5000))
    assert len(describe_job(Job(source=Search(tags=many)).describe())) < 250
    with State(tmp_path / "state.sqlite") as state:
        state.note(JobFacts(job=Job(source=Search(tags=many + ",monkey")).describe()))
        with pytest.raises(UsageError, match=r"tag0,.*monkey.*tag0,.*chimp") as refused:
            check_same_job(state, Job(source=Search(tags=many + ",chimp")).describe(), where=tmp_path)
    assert len(str(refused.value)) < 700


def test_photos_given_by_id_are_not_offered_the_listing_alone() -> None:
    assert "--detail info|full" in call("photos", "--help").stdout
    assert "--detail list|info|full" in call("search", "--help").stdout


def test_a_job_whose_file_of_ids_is_missing_is_told_by_its_place(folder: Path) -> None:
    jobs = '[jobs.b]\nsource = "photos"\nfrom = "gone.txt"\n'
    (folder / "harvester.toml").write_text(jobs)
    result = call("run")
    sentence = "Error: harvester.toml: jobs.b.from: gone.txt cannot be read: No such file or directory.\n"
    assert (result.exit_code, result.stderr) == (Exit.USAGE, sentence)
    assert [path.name for path in folder.iterdir()] == ["harvester.toml"]
