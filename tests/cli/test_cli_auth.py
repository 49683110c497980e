"""auth login, status and logout as people use them, against a sandbox that checks every signature."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harvester.cli import auth as auth_module
from harvester.errors import Exit
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from harvester.signals import STOPPED
from support.commands import call
from support.harvest import KEY
from support.project import ROOT

SECRET = secret_of(KEY)
MINE = ("search", "--user", "me", "--detail", "list", "--pace", "none")
REVOKED_AT = "https://www.flickr.com/services/auth/list.gne"
_BROWSER = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + {more!r}).read()"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A sandbox where a third of all photos is private."""
    options = SandboxOptions(catalogue=CatalogueOptions(photos=300, owners=3, private=0.3, even=True))
    with serve_sandbox(options) as url:
        yield url


@pytest.fixture(autouse=True)
def config(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config folder; the browser allows whatever it is asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.setenv("FLICKR_API_SECRET", SECRET)
    monkeypatch.setenv("FLICKR_API_URL", address)
    monkeypatch.setenv("HARVESTER_CONFIG_DIR", str(tmp_path / "config"))
    open_with(tmp_path, monkeypatch)
    return tmp_path / "config"


def open_with(folder: Path, monkeypatch: pytest.MonkeyPatch, *, more: str = "") -> None:
    """A browser that opens addresses with something behind them."""
    script = folder / "browser.py"
    script.write_text(_BROWSER.format(more=more))
    monkeypatch.setenv("BROWSER", f"{sys.executable} {script} %s")
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # it looks there once


def owners_in(folder: str) -> set[str]:
    """Whose photos an archive holds."""
    lines = (Path(folder) / "photos.ndjson").read_text().splitlines()
    return {json.loads(line)["search"]["owner"] for line in lines}


def control(address: str, **order: Any) -> dict[str, Any]:
    """Order the sandbox to do something."""
    url = address.replace("/services/rest/", "/__control")
    with urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(order).encode())) as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
    return found


def kept_in(config: Path) -> dict[str, Any]:
    """The one login there is."""
    (path,) = config.glob("login-*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts harvester with pipes; what a test leaves running is ended after it."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "harvester", *arguments],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                encoding="utf-8",
            )
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_a_login_by_browser_its_status_what_it_brings_and_its_end(config: Path, tmp_path: Path) -> None:
    result = call("auth", "login")
    assert result.exit_code == 0, result.output
    assert re.fullmatch(
        r"http://127\.0\.0\.1:\d+/services/oauth/authorize\?oauth_token=\S+&perms=read\n", result.stdout
    )
    login = kept_in(config)
    assert result.stderr.endswith(f"Logged in as {login['username']} ({login['nsid']}).\n")
    (path,) = config.iterdir()
    assert KEY not in path.name
    assert (path.stat().st_mode & 0o777, config.stat().st_mode & 0o777) == (0o600, 0o700)

    status = json.loads(call("auth", "status", "--json").stdout)
    assert status == {
        "logged_in": True,
        **{name: login[name] for name in ("nsid", "username", "fullname", "perms", "granted")},
        "from": str(path),
    }
    assert f"username   {login['username']}\n" in call("auth", "status").stdout

    assert call(*MINE, "-o", "mine").exit_code == 0
    assert call(*MINE, "--user", login["nsid"], "--anonymous", "-o", "public").exit_code == 0
    counts = [len((tmp_path / name / "photos.ndjson").read_bytes().splitlines()) for name in ("mine", "public")]
    assert counts[0] > counts[1] > 0
    manifests = [json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("mine", "public")]
    assert [m["signed"] for m in manifests] == [True, False]
    assert manifests[0]["login"] == {"nsid": login["nsid"], "username": login["username"]}

    result = call("auth", "logout")
    assert result.exit_code == 0
    assert REVOKED_AT in result.stderr
    assert list(config.iterdir()) == []
    result = call("auth", "logout")
    assert (result.exit_code, result.stderr) == (0, "Not logged in: there was nothing to forget.\n")
    result = call("auth", "status")
    assert (result.exit_code, result.stderr) == (4, "Error: Not logged in: run `harvester auth login`.\n")
    assert json.loads(call("auth", "status", "--json").stdout) == {"logged_in": False, "problem": None}
    result = call(*MINE, "-o", "later")
    assert result.exit_code == Exit.USAGE
    assert "--user: `me` needs a login: run `harvester auth login`" in result.stderr


def type_in(process: subprocess.Popen[str], change: Callable[[str], str] = str) -> tuple[int, str]:
    """Allow what a login asks for and type the code that is shown; exit code and what was said."""
    assert process.stdout
    assert process.stdin
    with urllib.request.urlopen(process.stdout.readline().strip()) as page:  # noqa: S310
        found = re.search(r"\d{3}-\d{3}-\d{3}", page.read().decode())
    assert found
    process.stdin.write(change(found[0]) + "\n")
    process.stdin.flush()
    _, said = process.communicate(timeout=30)
    return process.returncode, said


def test_a_login_by_a_typed_code(start: Start, config: Path) -> None:
    code, said = type_in(start("auth", "login", "--no-browser"), lambda code: f"hello\n{code.replace('-', '')}")
    assert code == 0, said
    assert "Then type here the code that Flickr shows:" in said
    assert "This is no code: Flickr's look like 123-456-789." in said
    assert kept_in(config)["username"] in said


def test_a_wrong_code_is_told(start: Start, config: Path) -> None:
    code, said = type_in(start("auth", "login", "--no-browser"), lambda _: "000-000-00x")
    assert code == Exit.KEY_REFUSED
    assert said.endswith(
        "Error: Flickr does not take this code: it is not the one that it showed for this login. "
        "Run `harvester auth login` again.\n"
    )
    assert not list(config.iterdir())


def test_a_denied_login_is_told(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_with(tmp_path, monkeypatch, more="&deny=1")
    result = call("auth", "login")
    assert result.exit_code == Exit.KEY_REFUSED
    assert result.stderr.endswith("Error: The login was refused. Run `harvester auth login` again.\n")
    assert not list(config.iterdir())


def test_where_nobody_answers_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "browser.py").write_text("")
    monkeypatch.setattr("harvester.timers.ALLOW_SECONDS", 0.3)
    result = call("auth", "login")
    assert result.exit_code == Exit.KEY_REFUSED
    assert "Nobody has allowed the login" in result.stderr


def test_where_no_code_can_be_typed_that_is_told(start: Start) -> None:
    process = start("auth", "login", "--no-browser")
    _, said = process.communicate("", timeout=30)
    assert process.returncode == Exit.USAGE
    assert "Error: Standard input has ended without a code" in said


@pytest.mark.slow
def test_the_keyboard_ends_it(start: Start) -> None:
    process = start("auth", "login", "--no-browser")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)  # while standard input is still open
    _, said = process.communicate()
    assert process.returncode == Exit.INTERRUPTED
    assert said.endswith(f"{STOPPED}\n")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "missing", "sentence"),
    [
        ("auth login", "FLICKR_API_SECRET", "Logging in needs the key's secret"),
        ("auth login", "FLICKR_API_KEY", "There is no API key"),
        ("auth logout", "FLICKR_API_KEY", "There is no API key"),
        ("auth status", "FLICKR_API_KEY", "There is no API key"),
        ("auth login --perms all", "", "--perms: 'all' is not known; use read, write, delete."),
        ("auth login --api-url http://127.0.0.1:1/services/rest/", "", ""),
    ],
)
def test_what_keeps_a_login_from_beginning_is_one_sentence(
    arguments: str, missing: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing:
        monkeypatch.delenv(missing)
    result = call(*arguments.split())
    assert result.exit_code == (Exit.USAGE if sentence else Exit.INCOMPLETE)
    assert f"Error: {sentence or 'Logging in failed: Cannot reach Flickr'}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_folder_that_cannot_keep_it_is_told_before_flickr_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARVESTER_CONFIG_DIR", str(tmp_path / "file" / "config"))
    result = call("auth", "login")
    assert result.exit_code == Exit.CANNOT_WRITE
    assert result.stdout == ""


def test_a_given_token_goes_before_the_kept_one(address: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("auth", "login")
    first = kept_in(config)
    call("search", "--tags", "sandbox", *MINE[3:], "-o", "all")
    other = next(iter(owners_in("all") - {first["nsid"]}))
    token, secret = control(address, grant=other)["token"]
    monkeypatch.setenv("FLICKR_OAUTH_TOKEN", token)
    result = call("auth", "status")
    assert result.exit_code == Exit.USAGE
    assert "An OAuth token works with its own secret only" in result.stderr
    monkeypatch.setenv("FLICKR_OAUTH_TOKEN_SECRET", secret)
    status = json.loads(call("auth", "status", "--json").stdout)
    assert (status["nsid"], status["from"]) == (other, "environment or config file")
    call(*MINE, "-o", "mine")
    assert owners_in("mine") == {other}
    assert "FLICKR_OAUTH_TOKEN, or oauth_token in the config file, goes before" in call("auth", "login").stderr
    assert "still logs every harvest in" in call("auth", "logout").stderr


def test_a_login_of_one_service_is_not_used_at_another(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("auth", "login")
    monkeypatch.delenv("FLICKR_API_URL")
    assert call("auth", "status").exit_code == Exit.KEY_REFUSED
    assert len(list(config.iterdir())) == 1


def test_a_kept_login_needs_the_keys_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    call("auth", "login")
    assert call(*MINE, "-o", "mine").exit_code == 0
    monkeypatch.delenv("FLICKR_API_SECRET")
    for command in (("search", "--tags", "monkey"), ("auth", "status")):
        result = call(*command)
        assert result.exit_code == Exit.USAGE
        assert "put it into FLICKR_API_SECRET" in result.stderr
    assert call("search", "--tags", "monkey", "--limit", "1", "--anonymous", "-o", "one").exit_code == 0
    assert call("status", "mine").exit_code == 0


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_login_that_others_can_read_is_warned_of(config: Path) -> None:
    call("auth", "login")
    (path,) = config.iterdir()
    path.chmod(0o640)
    warning = f"Warning: {path} holds a login and others can read it: `chmod 600 {path}` fixes that.\n"
    assert warning in call(*MINE, "-o", "mine").stderr
    assert warning in call("auth", "status").stderr
    call("auth", "login")
    assert "Warning" not in call("auth", "status").stderr


@pytest.mark.parametrize("text", ["", "{}", "[1", '{"nsid": 1}'])
def test_a_damaged_login_is_told_and_can_be_replaced(text: str, config: Path) -> None:
    call("auth", "login")
    (path,) = config.iterdir()
    path.write_text(text)
    for command in ((*MINE, "-o", "mine"), ("auth", "status")):
        result = call(*command)
        assert result.exit_code == Exit.USAGE
        assert result.stderr == f"Error: {path} does not hold a login: run `harvester auth login` again.\n"
    assert call("auth", "login").exit_code == 0
    assert call("auth", "status").exit_code == 0


def test_a_login_taken_back_is_exit_code_4_until_the_next(address: str, config: Path, tmp_path: Path) -> None:
    call("auth", "login")
    control(address, revoke=kept_in(config)["oauth_token"])
    result = call("auth", "status", "--json")
    assert result.exit_code == Exit.KEY_REFUSED
    assert json.loads(result.stdout) == {"logged_in": False, "problem": "token_rejected"}
    assert result.stderr == (
        "Error: Flickr refuses the login (token_rejected): log in again with `harvester auth login`, "
        "then run the same command again.\n"
    )
    result = call(*MINE, "-o", "mine")
    assert result.exit_code == Exit.KEY_REFUSED
    assert "(token_rejected)" in result.stderr
    assert not (tmp_path / "mine").exists()
    call("auth", "login")
    assert call(*MINE, "-o", "mine").exit_code == 0
    assert json.loads((tmp_path / "mine" / "manifest.json").read_text())["signed"] is True


def test_no_secret_is_said_or_kept_elsewhere(address: str, config: Path, tmp_path: Path) -> None:
    said = [call("auth", "login").stderr]
    login = kept_in(config)
    secrets = [KEY, SECRET, login["oauth_token"], login["oauth_token_secret"]]
    commands = (("auth", "status", "-v"), (*MINE, "-o", "mine", "-v"), ("status", "mine"), ("run",))
    said += [call(*command).output for command in commands]
    control(address, revoke=login["oauth_token"])
    said += [call(*command).output for command in (("auth", "status", "-v"), (*MINE, "-o", "again", "-v"))]
    said.append(call("auth", "logout").output)
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and config not in p.parents)
    for secret in secrets:
        assert secret not in "".join(said)
        assert secret.encode() not in written


@pytest.mark.parametrize(
    ("platform", "environ", "there"),
    [
        ("linux", {"BROWSER": "firefox"}, True),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "1.2.3.4 1 5.6.7.8 22"}, False),
    ],
)
def test_a_browser_is_opened_where_it_has_a_window(
    platform: str, environ: dict[str, str], there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert auth_module._has_browser() is there
