"""Text from elsewhere is shown, not obeyed; no stream refuses it; no secret is in it."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TextIO, cast
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harvester.cli import main
from harvester.cli.show import show_facts
from harvester.errors import CannotWrite, Exit
from harvester.events import Noticed, Started, Tally
from harvester.progress.display import DisplayOptions, open_progress
from harvester.text.escapes import escape_controls, escape_line, fit_encoding, unescape_json
from harvester.text.redactor import Redactor
from harvester.text.streams import CleanStream
from support.archives import read_lines
from support.harvest import KEY

SECRET = "fedcba9876543210"
HOSTILE = "\x1b]0;owned\x07 \x1b[2J \x9b31m red\r\x7f \u202eevil\u2066 \u200f\u061c end"
OBEYED = frozenset(HOSTILE) - set("]0;owned [2J31m red evil end")


def answer_search(hostile: str) -> dict[str, object]:
    row = {"id": "7", "dateupload": "1260000000", "title": hostile}
    return {"photos": {"page": 1, "pages": 1, "perpage": 500, "total": 1, "photo": [row]}, "stat": "ok"}


@contextmanager
def serve_hostile(codes: dict[str, int], message: str) -> Iterator[str]:
    """A server whose refusals, by method, say `message` and repeat the address that was asked."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            method = parse_qs(urlsplit(self.path).query)["method"][0].removeprefix("flickr.photos.")
            refusal = {"stat": "fail", "code": codes.get(method, 0), "message": f"{message} {self.path}"}
            good = answer_search(message) if method == "search" else {"photo": {"id": "7"}, "stat": "ok"}
            body = json.dumps(refusal if method in codes else good, ensure_ascii="М" in message).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/rest/"
    finally:
        server.shutdown()
        server.server_close()


def harvest(tmp_path: Path, url: str, *options: str) -> tuple[int, str, str]:
    arguments = ["search", "--tags", "x", "-o", str(tmp_path / "a"), "--api-url", url, "--quota", "none", *options]
    ran = CliRunner().invoke(main, arguments, env={"FLICKR_API_KEY": KEY, "FLICKR_API_SECRET": SECRET})
    return ran.exit_code, ran.stdout, ran.stderr


@pytest.mark.parametrize("options", [[], ["-v"], ["-q"], ["--log-format", "json", "-v"]])
def test_what_flickr_says_is_escaped_in_every_form_of_the_log(options: list[str], tmp_path: Path) -> None:
    with serve_hostile({"search": 100}, HOSTILE) as url:
        code, _, said = harvest(tmp_path, url, *options)
    assert code == Exit.KEY_REFUSED
    assert not OBEYED & set(said)
    if "json" in options:
        told = [json.loads(line) for line in said.splitlines()][-1]["sentence"]
        assert "\\u202eevil" in told or "\u202eevil" in told
    else:
        assert "\\u001b[2J" in said


def test_what_flickr_says_is_kept_as_sent_in_the_data_and_no_key_with_it(tmp_path: Path) -> None:
    with serve_hostile({"getSizes": 2}, HOSTILE) as url:
        code, *said = harvest(tmp_path, url, "-v")
    assert code == Exit.COMPLETE
    [line] = read_lines(tmp_path / "a" / "photos.ndjson")
    assert line["search"]["title"] == HOSTILE
    assert line["errors"]["sizes"]["message"].startswith(f"{HOSTILE} /services/rest/?api_key=***&format=json")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY.encode() not in written
    assert KEY not in "".join(said)


def test_a_message_that_repeats_the_address_brings_no_key_into_the_report_of_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.transport.client.TRIES", 1)
    with serve_hostile({"getSizes": 105}, "no") as url:
        code, *said = harvest(tmp_path, url, "-v")
    assert code == Exit.INCOMPLETE
    [failure] = read_lines(tmp_path / "a" / "errors.ndjson")
    assert "api_key=***" in failure["message"]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY.encode() not in written
    assert KEY not in "".join(said)


@given(st.text())
def test_a_line_shown_is_one_line_without_controls(text: str) -> None:
    shown = escape_line(text)
    assert len(shown.splitlines()) <= 1
    assert not OBEYED & set(shown)
    shown.encode()  # no lone surrogates are left


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_escaped_line_of_json_is_the_same_json(text: str) -> None:
    assert json.loads(escape_line(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize("text", ["Москва\t東京 🐒\n", "‌‍نیم‌فاصله", "e\u0301"])
def test_text_that_no_terminal_obeys_stays_as_it_is(text: str) -> None:
    assert escape_controls(text) == text


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8", "cp932", "utf-16"])
@given(st.text())
def test_no_encoding_refuses_a_text(encoding: str, text: str) -> None:
    fit_encoding(text, encoding).encode(encoding)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("cp1252", "\\u0410 é"), ("ascii", "\\u0410 \\u00e9"), ("utf-8", "А é"), ("ascii", "\\ud83d\\udc12")],
)
def test_what_has_no_place_in_an_encoding_is_escaped(encoding: str, shown: str) -> None:
    text = "🐒" if "ud83d" in shown else "А é"
    file = io.TextIOWrapper(buffer := io.BytesIO(), encoding=encoding)
    stream = CleanStream(file, str)
    stream.write(text)
    stream.flush()
    assert buffer.getvalue().decode(encoding) == shown


class Full(io.StringIO):
    """A stream whose disk is full."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_stream_is_passed_over_where_it_is_optional() -> None:
    assert CleanStream(Full(), str, is_optional=True).write("words") == 5
    with pytest.raises(CannotWrite, match="Cannot write to standard output: No space left"):
        CleanStream(Full(), str).write("words")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_the_live_display_moves_the_cursor_and_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    tally = Tally(expected=9, doing=HOSTILE)
    async with open_progress(DisplayOptions(form="live"), out=cast("TextIO", CleanStream(out, str))) as progress:
        progress(Started(job={"source": HOSTILE}, output=Path(HOSTILE), resumed=0, tally=tally))
        progress(Noticed(sentence=HOSTILE))
        progress.show()
        progress.say(HOSTILE)
    shown = out.getvalue()
    assert "\x1b[?25h" in shown  # its own
    assert not OBEYED & set(shown.replace("\r", "").replace("\x1b", ""))
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown


def test_tables_show_what_they_are_given_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_facts({f"na{HOSTILE}me": f"a\n{HOSTILE}", "rows": [{"head\n": "cell\n"}]}, as_json=False)
    shown = capsys.readouterr().out
    assert not OBEYED & set(shown)
    assert shown.count("\n") == 4


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8"])
def test_an_archives_facts_are_told_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    folder = tmp_path / "архив"
    with serve_hostile({}, "x") as url:
        harvest(tmp_path, url, "--detail", "list", "-o", str(folder))
    for command in ("status", "verify"):
        ran = CliRunner(charset=encoding).invoke(main, [command, str(folder)])
        assert ran.exit_code == Exit.COMPLETE
        assert ("архив" if encoding == "utf-8" else "\\u0430\\u0440\\u0445") in ran.stdout


LETTERS = r'{"a":"\u041c\u043e \ud83d\udc12 \u0022\u005c \u001b\u202e \ud800 \\u0041 \\\u0041 \/ \n"}'
WRITTEN = r'{"a":"Мо 🐒 \u0022\u005c \u001b\u202e \ud800 \\u0041 \\A \/ \n"}'


def test_letters_stand_for_their_escapes_and_nothing_else_changes() -> None:
    assert unescape_json(LETTERS.encode()).decode() == WRITTEN
    assert json.loads(LETTERS) == json.loads(WRITTEN)


@given(st.dictionaries(st.text(), st.text()))
def test_unescaped_json_is_the_same_json(value: dict[str, str]) -> None:
    line = json.dumps(value).encode()
    assert json.loads(unescape_json(line)) == value


def test_an_archive_begun_with_letters_keeps_them_when_resumed(tmp_path: Path) -> None:
    with serve_hostile({}, "Москва") as url:
        code, _, said = harvest(tmp_path, url, "--unescape", "--detail", "list")
        assert code == Exit.COMPLETE, said
        assert "Москва".encode() in (tmp_path / "a" / "photos.ndjson").read_bytes()
        assert json.loads((tmp_path / "a" / "manifest.json").read_bytes())["unescape"] is True
        assert harvest(tmp_path, url, "--detail", "list")[0] == Exit.COMPLETE
        code, _, said = harvest(tmp_path, url, "--detail", "list", "-o", str(tmp_path / "b"))
        assert rb"\u041c\u043e" in (tmp_path / "b" / "photos.ndjson").read_bytes()
        code, _, said = harvest(tmp_path, url, "--detail", "list", "-o", str(tmp_path / "b"), "--unescape")
    assert code == Exit.USAGE
    assert "--unescape: " in said
    assert "was begun without it: its text is written as Flickr sends it." in said


ODD = "key/with+odd=signs&more"


@pytest.mark.parametrize(
    "text",
    [
        f"no: GET /rest/?api_key={SECRET}&format=json",
        f"oauth_problem=signature_invalid&debug_sbs=GET&https%3A%2F%2Fx&oauth_token%3D{SECRET}%26x",
        f'Authorization: OAuth oauth_consumer_key="{SECRET}", oauth_signature="c2lnbmF0dXJlPQ%3D%3D"',
        f"the key {SECRET.upper()} is odd",
        f"the key {ODD} is odd",
        f"the key {quote(ODD, safe='')} is odd",
        f"the key {quote(quote(ODD, safe=''), safe='')} is odd",
        f"the key {ODD.replace('&', '&amp;')} is odd",
    ],
)
def test_a_known_secret_is_hidden_however_it_is_written(text: str) -> None:
    told = Redactor([SECRET, ODD])(text)
    assert "***" in told
    for secret in (SECRET, "with", "signs", "c2ln"):
        assert secret not in told.lower()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("?api_key=abc&format=json", "?api_key=***&format=json"),
        ("?x=1&oauth_token_secret=abc more", "?x=1&oauth_token_secret=*** more"),
        ("GET&https%3A%2F%2Fx&api_key%3Dabc%26format%3Djson", "GET&https%3A%2F%2Fx&api_key%3D***%26format%3Djson"),
        ("a%2526api_key%253Dabc%2526format", "a%2526api_key%253D***%2526format"),
        ('{"oauth_verifier": "abc", "x": 1}', '{"oauth_verifier": "***", "x": 1}'),
        ("flickr.api_key: this is not a key.", "flickr.api_key: this is not a key."),
        ("as api_key under [flickr]", "as api_key under [flickr]"),
    ],
)  # fmt: skip
def test_secrets_nobody_knows_of_are_found_by_their_names(text: str, told: str) -> None:
    assert Redactor()(text) == told


def test_a_log_file_gets_what_is_said_with_the_day_and_without_secrets(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with serve_hostile({"getSizes": 2}, HOSTILE) as url:
        code, _, said = harvest(tmp_path, url, "-q", "--log-file", str(log))
        assert (code, said) == (Exit.COMPLETE, "")
        code, _, said = harvest(tmp_path, url, "--log-file", str(log), "--limit", "x")
        assert code == Exit.USAGE
    lines = log.read_text("utf-8").splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} Harvesting search tags=x", lines[0])
    assert lines[1].startswith("Complete: 1 photo in ")
    assert re.match(r"\S+ Error: Invalid value for '--limit'", lines[-1])
    assert said.splitlines()[-1].startswith("Error: Invalid value")
    assert KEY not in log.read_text()


def test_a_log_file_is_no_file_of_an_archive(tmp_path: Path) -> None:
    with serve_hostile({"getSizes": 2}, HOSTILE) as url:
        assert harvest(tmp_path, url)[0] == Exit.COMPLETE
        folder = next(path.parent for path in tmp_path.rglob("photos.ndjson"))
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        for name in ("photos.ndjson", "errors.ndjson", "manifest.json"):
            code, _, said = harvest(tmp_path, url, "--log-file", str(folder / name))
            assert (code, said.splitlines()[-1]) == (
                Exit.USAGE,
                f"Error: log_file: {folder / name} is a file of an archive: name another.",
            )
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_log_file_is_json_where_the_log_is(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with serve_hostile({"search": 100}, HOSTILE) as url:
        _, _, said = harvest(tmp_path, url, "--log-format", "json", "--log-file", str(log))
    told = [json.loads(line)["event"] for line in log.read_text("utf-8").splitlines()]
    assert told == ["started", "error"] == [json.loads(line)["event"] for line in said.splitlines()]


def test_a_log_file_that_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    code, _, said = harvest(tmp_path, "http://127.0.0.1:9", "--log-file", str(tmp_path))
    assert code == Exit.CANNOT_WRITE
    assert said == f"Error: Cannot write {tmp_path}: Is a directory. Name another file with --log-file.\n"
    assert not (tmp_path / "a").exists()
