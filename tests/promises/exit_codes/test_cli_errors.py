"""Every mistake is one sentence on standard error and the exit code of the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harvester.engine import run as engine
from harvester.errors import CannotWrite, Exit, KeyRefused, Refused, Unreachable
from harvester.signals import STOPPED
from support.commands import call
from support.harvest import KEY

NOWHERE = "http://127.0.0.1:9/services/rest/"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.setenv("FLICKR_API_URL", NOWHERE)
    return tmp_path


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    async def run_job(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(engine, "run_job", run_job)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("search", "Error: A search needs at least one filter"),
        (
            "search --tags a -o x.ndjson",
            "Error: --output: 'x.ndjson' is a file's name, and an archive is a folder: write",
        ),
        ("search --tags a -o -", "Error: --output: name a folder, or leave it out"),
        ("search --tags a -o a --state b", "Error: --state: an archive keeps track of itself"),
        ("search --tags a --tag-mode foo", "Error: --tag-mode: 'foo' is not known; use any, all."),
        ("search --tags a --media foo", "Error: --media: 'foo' is not known; use all, photos, videos."),
        ("search --tags a --sort foo", "Error: --sort: 'foo' is not known"),
        ("search --tags a --license foo", "Error: --license: 'foo' is not known"),
        ("search --tags a --content-types foo", "Error: --content-types: 'foo' is not known"),
        ("search --tags a --safe-search foo", "Error: --safe-search: 'foo' is not known"),
        ("search --bbox 1,2,3", "Error: --bbox: '1,2,3' is not a box"),
        ("search --min-upload-date foo", "Error: --min-upload-date: 'foo' is not a date"),
        ("search --min-taken-date foo", "Error: --min-taken-date: 'foo' is not a date"),
        ("search --min-upload-date 2010-01-02 --max-upload-date 2010-01-01", "Error: --min-upload-date: "),
        ("search --tags a --param foo", "Error: --param: 'foo' is no argument; write NAME=VALUE"),
        ("search --tags a --param page=2", "Error: --param: 'page' is the harvester's own"),
        ("search --tags a --detail foo", "Error: --detail: 'foo' is not known; use list, info, full."),
        ("search --tags a --with foo", "Error: --with: 'foo' is not known; use exif"),
        ("search --tags a --workers 0", "Error: --workers: 0 is not a number of workers; use 1 to 1000."),
        ("search --tags a --workers 100000", "Error: --workers: 100000 is not a number of workers"),
        ("search --tags a --workers many", "Error: Invalid value for '--workers': 'many' is not a valid integer."),
        ("search --tags a --limit -1", "Error: --limit: -1 is not a number of photos; use 1 or more."),
        ("search --tags a --limit 0", "Error: --limit: 0 is not a number of photos; use 1 or more."),
        ("search --tags a --quota foo", "Error: --quota: 'foo' is no rate"),
        ("search --tags a --quota 0/h", "Error: --quota: '0/h' allows no call at all"),
        ("search --tags a --pace 5", "Error: --pace: '5' is no rate"),
        ("search --tags a --give-up-after soon", "Error: --give-up-after: 'soon' is not a length of time"),
        ("search --tags a --api-url flickr.com", "Error: --api-url: 'flickr.com' is not the address of an API"),
        ("search --tags a --config nope.toml", "Error: --config: there is no file 'nope.toml'."),
        ("search --tags a --config .", "Error: . is a folder; name the TOML file in it."),
        ("search --tags a -v -q", "Error: -v and -q say opposite things"),
        ("search --tags a --log-format xml", "Error: Invalid value for '--log-format': 'xml' is not one of"),
        ("search --tagz a", "Error: No such option '--tagz'."),
        ("search --tags", "Error: Option '--tags' requires an argument."),
        ("photos", "Error: Name photos by id or address, or a file of them with --from"),
        ("photos 123 foo", "Error: 'foo' is not a photo id"),
        ("photos 123 https://example.com/1", "Error: 'https://example.com/1' is not the address of a photo"),
        ("photos --from nope.txt", "Error: --from: nope.txt cannot be read: No such file or directory."),
        ("photos --from .", "Error: --from: . cannot be read: Is a directory."),
        ("photos 123 --detail list", "Error: --detail: photos given by id have no listing"),
        ("run", "Error: There is no config file"),
        ("resume nope", "Error: nope is no archive"),
        ("status nope", "Error: nope is no archive: there is no such folder."),
        ("verify nope", "Error: nope is no archive"),
        ("plan search", "Error: A search needs at least one filter"),
        ("demo x.ndjson", "Error: DIR: 'x.ndjson' is a file's name"),
        ("serch", "Error: There is no command 'serch'. Did you mean search?"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments: str, sentence: str, folder: Path) -> None:
    result = call(*arguments.split())
    assert result.stderr.startswith(sentence)
    assert len(result.stderr.splitlines()) == 1
    assert (result.exit_code, result.stdout) == (Exit.USAGE, "")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["search --tags a", "photos 1", "plan search --tags a", "resume nope"])
def test_without_a_key_one_is_told_where_to_get_it(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLICKR_API_KEY")
    result = call(*command.split())
    assert result.exit_code == Exit.USAGE
    assert "https://www.flickr.com/services/apps/create/" in result.stderr
    assert list(folder.iterdir()) == []


def test_a_wrong_config_file_is_told_by_every_command(folder: Path) -> None:
    (folder / "harvester.toml").write_text('[limits]\npase = "1/s"\n')
    for command in ("search --tags a", "photos 1", "run", "status x"):
        result = call(*command.split())
        assert result.stderr == "Error: harvester.toml: limits.pase: there is no such setting; did you mean pace?\n"
        assert result.exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyRefused("Flickr refuses the key: get another."), Exit.KEY_REFUSED),
        (CannotWrite("Cannot write out: No space left on device."), Exit.CANNOT_WRITE),
        (Unreachable("Cannot reach Flickr."), Exit.INCOMPLETE),
    ],
)
@pytest.mark.usefixtures("folder")
def test_errors_of_the_run_end_with_their_own_code(
    error: Exception, code: Exit, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, error)
    for options in ([], ["-v"], ["-q"]):
        result = call("search", "--tags", "a", "-o", "out", *options)
        assert (result.exit_code, result.stderr) == (code, f"Error: {error}\n")


@pytest.mark.usefixtures("folder")
def test_an_unexpected_error_is_one_sentence_and_with_v_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ZeroDivisionError("division by zero"))
    result = call("search", "--tags", "a")
    said = "Error: Unexpected ZeroDivisionError: division by zero. Run again with -v for the traceback."
    assert (result.exit_code, result.stderr.strip()) == (Exit.UNEXPECTED, said)
    result = call("search", "--tags", "a", "-v")
    assert result.exit_code == Exit.UNEXPECTED
    assert "Traceback (most recent call last)" in result.stderr


@pytest.mark.parametrize("options", [[], ["-v"], ["--log-format", "json"]])
@pytest.mark.parametrize(
    "secret",
    [
        f"GET https://api.flickr.com/?api_key={KEY}&method=x",
        f"a header with {KEY} in it",
        "https://x/?oauth_token=short&oauth_signature=ab%3D&x=1",
    ],
)
@pytest.mark.usefixtures("folder")
def test_no_secret_is_in_what_is_said(secret: str, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, RuntimeError(secret))
    result = call("search", "--tags", "a", *options)
    assert "***" in result.stderr
    assert not any(part in result.output for part in (KEY, "short", "ab%3D"))


def test_a_secret_of_the_config_file_is_not_said_either(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "harvester.toml").write_text('[flickr]\napi_secret = "fedcba9876543210"\n')
    (folder / "harvester.toml").chmod(0o644)
    fail_with(monkeypatch, RuntimeError("signed with fedcba9876543210"))
    result = call("search", "--tags", "a", "-v")
    assert result.stderr.startswith("Warning: harvester.toml holds a key or secret and others can read it: `chmod 600")
    assert "fedcba9876543210" not in result.output
    assert "Warning" not in call("search", "--tags", "a", "-q").stderr


@pytest.mark.usefixtures("folder")
def test_in_json_errors_are_objects_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, code in (
        ("search --log-format json --tags a --quota foo", Exit.USAGE),
        ("search --log-format json --tagz", Exit.USAGE),
        ("search --log-format json --tags a", Exit.KEY_REFUSED),
    ):
        fail_with(monkeypatch, KeyRefused("Flickr refuses the key."))
        (line,) = call(*arguments.split()).stderr.splitlines()
        event = json.loads(line)
        assert (event["event"], event["exit_code"]) == ("error", code)
        assert event["time"].endswith("Z")
        assert event["sentence"]


@pytest.mark.usefixtures("folder")
def test_a_disk_that_is_full_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, OSError(28, "No space left on device", "state.sqlite"))
    result = call("search", "--tags", "a")
    assert (result.exit_code, result.stderr) == (
        Exit.CANNOT_WRITE,
        "Error: Cannot write state.sqlite: No space left on device.\n",
    )


@pytest.mark.usefixtures("folder")
def test_an_error_that_should_have_been_caught_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, Refused(1, "Photo not found"))
    result = call("search", "--tags", "a")
    assert result.exit_code == Exit.UNEXPECTED
    assert "Flickr refuses: Photo not found (code 1)." in result.stderr


@pytest.mark.usefixtures("folder")
def test_the_keyboard_ends_it_quietly_before_the_run_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "run_job", interrupt)
    result = call("search", "--tags", "a")
    assert (result.exit_code, result.stderr.strip()) == (Exit.INTERRUPTED, STOPPED)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--foo", "No such option '--foo'. See"),
        ("search --foo", "No such option '--foo'. See"),
        ("search --tag x", "No such option '--tag'. Did you mean --tags? See"),
        ("search --min-date 2009", "Did you mean --min-taken-date or --min-upload-date? See"),
        (
            "--tags x search",
            "No such option '--tags'. It stands after a command, as in harvester search",
        ),
        ("--status a", "No such option '--status'. Did you mean status? See"),
        ("search --api-key x", "Keys and secrets are never options: put them into FLICKR_API_KEY"),
        ("plan serch", "No such command 'serch'. Did you mean 'search'? See"),
        ("status", "Missing argument 'DIR...'. See"),
        ("demo a b", "Got unexpected extra argument (b). See"),
    ],
)
def test_what_is_not_there_is_told_with_what_may_be_meant(arguments: str, sentence: str, folder: Path) -> None:
    result = call(*arguments.split())
    assert result.exit_code == Exit.USAGE
    assert sentence in result.stderr
    assert "help" in result.stderr.splitlines()[-1]
    assert not list(folder.iterdir())
