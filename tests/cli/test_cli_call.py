"""`harvester call` as people use it, against a sandbox."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harvester.cli import main
from harvester.errors import Exit
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.harvest import KEY
from support.project import ROOT

SECRET = secret_of(KEY)
SEARCH = "flickr.photos.search"
HOLDS_CONTROLS = "\x1b]0;owned\x07 \x9b31m \u202e"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=4_700, owners=5, even=True))) as url:
        yield url


@pytest.fixture(autouse=True)
def _settings(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No quota and no pace; a browser that allows whatever it is asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.setenv("FLICKR_API_SECRET", SECRET)
    monkeypatch.setenv("FLICKR_API_URL", address)
    monkeypatch.setenv("HARVESTER_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "harvester.toml").write_text('[limits]\npace = "none"\nquota = "none"\n')
    browser = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
    (tmp_path / "browser.py").write_text(browser)
    monkeypatch.setenv("BROWSER", f"{sys.executable} {tmp_path / 'browser.py'} %s")
    monkeypatch.setattr("webbrowser._tryorder", None)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["call", *arguments])


def ask(address: str, path: str, order: dict[str, Any] | None = None) -> Any:
    """What a page of the sandbox's own says."""
    url = address.replace("/services/rest/", path)
    data = None if order is None else json.dumps(order).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data)) as answer:  # noqa: S310
        return json.loads(answer.read())


def count_calls(address: str) -> int:
    return int(ask(address, "/__stats")["calls"])


def fetch(address: str, **arguments: str) -> bytes:
    """What the sandbox sends for a call of somebody else's."""
    query = urllib.parse.urlencode({"api_key": KEY, "format": "json", "nojsoncallback": "1", **arguments})
    with urllib.request.urlopen(f"{address}?{query}") as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


@pytest.fixture
def photo_id(address: str) -> str:
    found = json.loads(fetch(address, method=SEARCH, tags="sandbox", per_page="1"))
    return str(found["photos"]["photo"][0]["id"])


def run_in(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """The program as a process, with a pipe for its output."""
    command = [sys.executable, "-m", "harvester", "call", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=60)


def test_an_answer_is_one_line_of_json_with_all_that_flickr_sent(address: str, photo_id: str) -> None:
    result = call("flickr.photos.getInfo", f"photo_id={photo_id}")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout) == json.loads(fetch(address, method="flickr.photos.getInfo", photo_id=photo_id))
    assert "\\/" not in result.stdout


def test_letters_stand_as_letters() -> None:
    result = call("flickr.test.echo", "text=Обезьяна 🐒 = é")
    assert '"text":{"_content":"Обезьяна 🐒 = é"}' in result.stdout


@pytest.mark.slow
def test_raw_is_the_bytes_as_sent(address: str, photo_id: str, tmp_path: Path) -> None:
    done = run_in(tmp_path, "flickr.photos.getInfo", f"photo_id={photo_id}", "--raw")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == fetch(address, method="flickr.photos.getInfo", photo_id=photo_id)


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--raw",)])
def test_no_secret_is_shown(more: tuple[str, ...], tmp_path: Path) -> None:
    CliRunner().invoke(main, ["auth", "login"])
    (path,) = (tmp_path / "config").glob("login-*.json")
    login = json.loads(path.read_text())
    done = run_in(tmp_path, "flickr.test.echo", "hello=world", "-v", *more)
    assert json.loads(done.stdout)["oauth_token"] == {"_content": "***"}
    for secret in (KEY, SECRET, login["oauth_token"], login["oauth_token_secret"]):
        assert secret.encode() not in done.stdout + done.stderr


@pytest.mark.parametrize("more", [(), ("--raw",)])
def test_a_terminal_obeys_nothing_of_an_answer(more: tuple[str, ...], tmp_path: Path) -> None:
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "harvester", "call", "flickr.test.echo", f"text={HOLDS_CONTROLS}", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    subprocess.run(command, cwd=tmp_path, env=environment, stdout=child, stderr=child, check=True, timeout=60)
    os.close(child)
    shown = os.read(parent, 65_536).decode()
    assert json.loads(shown)["text"]["_content"] == HOLDS_CONTROLS
    assert not set(shown) & set("\x1b\x07\x9b\u202e")
    assert ("\n  " in shown) == (not more)  # indented, but for the raw bytes


def test_all_is_a_row_a_line(address: str) -> None:
    before = count_calls(address)
    result = call(SEARCH, "tags=monkey", "extras=date_upload", "--all")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    truth = ask(address, "/__truth?tags=monkey")
    assert (result.exit_code, result.stderr) == (0, "")
    assert {row["id"] for row in rows} == set(truth)
    assert len(rows) == len(truth) > 200
    assert all("dateupload" in row for row in rows)
    assert count_calls(address) - before == len(truth) // 500 + 1


@pytest.mark.parametrize(
    ("method", "arguments", "name"),
    [
        ("flickr.people.getPublicPhotos", ["user_id=USER"], "id"),
        ("flickr.photosets.getList", ["user_id=USER"], "id"),
        ("flickr.collections.getTree", ["user_id=USER"], "id"),
        ("flickr.contacts.getPublicList", ["user_id=USER", "per_page=2"], "nsid"),
        ("flickr.people.getPublicGroups", ["user_id=USER"], "nsid"),
        ("flickr.galleries.getList", ["user_id=USER"], "id"),
        ("flickr.favorites.getPublicList", ["user_id=USER", "per_page=50"], "id"),
        ("flickr.photos.getFavorites", ["photo_id=PHOTO"], "nsid"),
        ("flickr.photos.licenses.getInfo", [], "id"),
        ("flickr.photos.getSizes", ["photo_id=PHOTO"], "label"),
    ],
)
def test_lists_of_all_shapes_are_paged_through(
    method: str, arguments: list[str], name: str, address: str, photo_id: str
) -> None:
    """Some people have none of a kind."""
    shown = json.loads(fetch(address, method=SEARCH, tags="sandbox", per_page="500"))["photos"]["photo"]
    counts = []
    for user in sorted({row["owner"] for row in shown}):
        given = [text.replace("USER", user).replace("PHOTO", photo_id) for text in arguments]
        result = call(method, *given, "--all")
        assert (result.exit_code, result.stderr) == (0, "")
        keys = [json.loads(line)[name] for line in result.stdout.splitlines()]
        assert len(keys) == len(set(keys))
        counts.append(len(keys))
    assert sum(counts) > 0


def test_a_search_beyond_what_flickr_shows_says_so(address: str) -> None:
    before = count_calls(address)
    result = call(SEARCH, "tags=sandbox", "--all")
    assert result.exit_code == Exit.INCOMPLETE
    assert len(result.stdout.splitlines()) == 4_000
    assert result.stderr == (
        "Error: flickr.photos.search ended after page 8 with 4,000 rows of 4,700 that Flickr claims: it shows at most "
        "4,000 results of a search. `harvester search` finds all.\n"
    )
    assert count_calls(address) - before == 8


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["flickr.photos.serach"], 2, "Flickr's list of methods has no 'flickr.photos.serach': did you mean"),
        (["flickr.photos.getInfo", "4195976808"], 2, "'4195976808' is no argument: write NAME=VALUE"),
        (["flickr.photos.getInfo", "photo_id=1", "photo_id=2"], 2, "'photo_id' is given twice"),
        (["flickr.photos.getInfo", "photo_id=1", "api_key=2"], 2, "'api_key' is no argument to give"),
        ([SEARCH, "tags=a", "--all", "page=2"], 2, "--all: all pages are asked for, so leave the argument `page` out."),
        ([SEARCH, "tags=a", "--all", "--raw"], 2, "--raw: the bytes of one answer are no rows: leave out --all"),
        (["flickr.favorites.add", "photo_id=1"], 2, "flickr.favorites.add changes what is at Flickr: say --write"),
        (
            ["flickr.favorites.add", "photo_id=1", "--write"],
            4,
            "needs a login: run `harvester auth login --perms write`",
        ),
        (["flickr.favorites.add", "--write", "--all"], 2, "--all: flickr.favorites.add writes, so it answers no list."),
        (["flickr.people.getLimits"], 4, "flickr.people.getLimits needs a login: run `harvester auth login`."),
        (["flickr.photos.polish", "--unlisted"], 2, "flickr.photos.polish may change what is at Flickr: say --write"),
        (["flickr.photos.polish", "--unlisted", "--write"], 4, "flickr.photos.polish needs a login"),
        (["flickr.auth.getFrob", "--unlisted"], 2, "'flickr.auth.getFrob' is about logins"),
        ([], 2, "Missing argument 'METHOD'."),
    ],
)
def test_what_cannot_be_meant_costs_no_call(arguments: list[str], code: int, sentence: str, address: str) -> None:
    before = count_calls(address)
    result = call(*arguments)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert (result.stdout, count_calls(address)) == ("", before)


@pytest.mark.parametrize("more", [(), ("--raw",)])
def test_a_refusal_is_told_with_its_code(more: tuple[str, ...]) -> None:
    result = call("flickr.photos.getSizes", "photo_id=1", *more)
    assert (result.exit_code, result.stdout) == (Exit.USAGE, "")
    assert result.stderr == "Error: Flickr refused flickr.photos.getSizes: Photo not found (code 1).\n"


def test_a_method_that_the_server_lacks_has_flickrs_code() -> None:
    result = call("flickr.photos.getThing", "--unlisted")
    assert (result.exit_code, result.stdout) == (Exit.USAGE, "")
    assert 'Method "flickr.photos.getThing" not found (code 112).' in result.stderr


def test_an_answer_that_is_no_list_is_told() -> None:
    result = call("flickr.test.echo", "--all")
    assert (result.exit_code, result.stdout) == (Exit.USAGE, "")
    assert result.stderr == "Error: --all: flickr.test.echo answers no list.\n"


def test_the_methods_can_be_listed(address: str) -> None:
    before = count_calls(address)
    result = call("--list", "photos.geo.get")
    assert result.stdout == "flickr.photos.geo.getLocation  none\nflickr.photos.geo.getPerms     read\n"
    assert len(call("--list").stdout.splitlines()) == 218
    assert count_calls(address) == before


@pytest.mark.slow
def test_calls_keep_within_the_quota() -> None:
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=70, owners=2))) as url:
        result = call(SEARCH, "tags=sandbox", "--all", "per_page=6", "--quota", "5/s", "--api-url", url)
        assert len(result.stdout.splitlines()) == 70
        stats = ask(url, "/__stats?period=1")
        assert (stats["calls"], stats["worst_window"]) == (12, 5)


def test_a_reader_that_leaves_is_an_end(tmp_path: Path) -> None:
    script = f"{sys.executable} -m harvester call {SEARCH} tags=sandbox --all | head -3; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    *rows, code = done.stdout.splitlines()
    assert (len(rows), code) == (3, b"0")


def log_in(perms: str) -> None:
    assert CliRunner().invoke(main, ["auth", "login", "--perms", perms]).exit_code == 0


def test_a_method_that_writes(address: str, tmp_path: Path) -> None:
    log_in("write")
    (path,) = (tmp_path / "config").glob("login-*.json")
    me = json.loads(path.read_text())
    assert me["perms"] == "write"
    rows = json.loads(fetch(address, method=SEARCH, tags="sandbox", per_page="500"))["photos"]["photo"]
    favorites = [json.loads(line)["id"] for line in call("flickr.favorites.getList", "--all").stdout.splitlines()]
    other = next(row["id"] for row in rows if row["owner"] != me["nsid"] and row["id"] not in favorites)
    result = call("flickr.favorites.add", f"photo_id={other}", "--write")
    assert (result.exit_code, result.stdout, result.stderr) == (0, '{"stat":"ok"}\n', "")
    now = [json.loads(line)["id"] for line in call("flickr.favorites.getList", "--all").stdout.splitlines()]
    assert now == [other, *favorites]
    result = call("flickr.favorites.add", f"photo_id={other}", "--write")
    assert result.exit_code == Exit.USAGE
    assert result.stderr == "Error: Flickr refused flickr.favorites.add: Photo is already in favorites (code 3).\n"
    result = call("flickr.favorites.remove", f"photo_id={other}", "--write")
    assert result.exit_code == 0


def test_a_login_that_may_only_read_writes_nothing(
    address: str, photo_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in("read")
    before = count_calls(address)
    add = ("flickr.favorites.add", f"photo_id={photo_id}", "--write")
    result = call(*add)
    assert result.exit_code == Exit.KEY_REFUSED
    assert result.stderr == (
        "Error: flickr.favorites.add needs a login that may write, and this one may read: run "
        "`harvester auth login --perms write`.\n"
    )
    assert count_calls(address) == before
    (path,) = (tmp_path / "config").glob("login-*.json")
    login = json.loads(path.read_text())
    path.unlink()
    for name in ("oauth_token", "oauth_token_secret"):
        monkeypatch.setenv(f"FLICKR_{name.upper()}", login[name])
    result = call(*add)
    assert result.exit_code == Exit.KEY_REFUSED
    assert "Method requires write privileges; read granted. (code 99)" in result.stderr
    assert "Log in with `harvester auth login --perms write`" in result.stderr


def test_what_login_may_is_told_when_it_is_asked_for() -> None:
    said = CliRunner().invoke(main, ["auth", "login", "--perms", "delete"]).stderr
    assert "Allow harvester to read, change and delete your photos and all else of yours, at this address:" in said
    assert json.loads(CliRunner().invoke(main, ["auth", "status", "--json"]).stdout)["perms"] == "delete"


@pytest.fixture
def slow() -> Iterator[str]:
    """A sandbox that takes its time."""
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=3_000, owners=2), latency=0.1)) as url:
        yield url


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "harvester", "call", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=pipe, stderr=pipe)


@pytest.mark.slow
@pytest.mark.parametrize("limits", [(), ("--quota", "2/h")])
def test_a_signal_ends_a_list_with_what_has_come(limits: tuple[str, ...], slow: str, tmp_path: Path) -> None:
    """Between two pages, and while the quota is waited for."""
    process = start(tmp_path, SEARCH, "tags=sandbox", "per_page=5", "--all", "--api-url", slow, *limits)
    assert process.stdout
    first = [process.stdout.readline() for _ in range(10)]
    process.send_signal(signal.SIGINT)
    rest, said = process.communicate(timeout=30)
    rows = len(first) + len(rest.splitlines())
    assert process.returncode == Exit.INTERRUPTED
    assert rows % 5 == 0
    assert f"Stopped before page {rows // 5 + 1}, with {rows} rows.\n" in said.decode()
    assert "Traceback" not in said.decode()


@pytest.mark.slow
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    for more in ((), ("--raw",)):
        with Path("/dev/full").open("wb") as full:
            command = [sys.executable, "-m", "harvester", "call", "flickr.test.echo", *more]
            done = subprocess.run(
                command,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert done.returncode == Exit.CANNOT_WRITE
        assert done.stderr == b"Error: Cannot write to standard output: No space left on device.\n"
