"""Archives become a database: every photo, tag, size and set once, keys that hold, words that are found."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import orjson
import pytest

from harvester.errors import CannotWrite, Exit, UsageError
from harvester.export.run import export
from harvester.export.tables import build_collections
from support.archives import read_lines
from support.exports import order, run


def ask(query: str, *given: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("out.sqlite")) as db:
        return db.execute(query, given).fetchall()


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_of_an_account_is_there(archives: Path, workers: int) -> None:
    folder = archives / "account"
    export(order(folder, "out.sqlite", workers=workers))
    assert ask("PRAGMA foreign_key_check") == []
    assert ask("PRAGMA integrity_check") == [("ok",)]
    lines = read_lines(folder / "photos.ndjson")
    assert sorted(ask("SELECT CAST(id AS TEXT) FROM photos")) == sorted((line["id"],) for line in lines)
    tags = sum(len(line["info"]["tags"]["tag"]) for line in lines)
    sizes = sum(len(line["sizes"]["size"]) for line in lines if line["sizes"])
    comments = sum(len(line["comments"].get("comment", ())) for line in lines)
    assert ask("SELECT count(*) FROM photo_tags") == [(tags,)]
    query = "SELECT count(*) FROM photo_sizes WHERE photo_id NOT IN (SELECT photo_id FROM errors)"
    assert ask(query) == [(sizes,)]
    assert ask("SELECT count(*) FROM comments") == [(comments,)]
    assert comments > 0
    for line in lines[:20]:
        raws = ask("SELECT raw FROM photo_tags WHERE photo_id = ? ORDER BY position", int(line["id"]))
        assert raws == [(tag["raw"],) for tag in line["info"]["tags"]["tag"]]
    known = {line["id"] for line in lines}
    for each in read_lines(folder / "photosets.ndjson"):
        query = "SELECT CAST(photo_id AS TEXT) FROM album_photos WHERE album_id = ? ORDER BY position"
        found = ask(query, each["id"])
        assert found == [(photo,) for photo in each["photo_ids"] if photo in known]
    trees = [*build_collections(read_lines(folder / "collections.ndjson"))]
    assert ask("SELECT count(*) FROM collections") == [(sum(table == "collections" for table, _ in trees),)]
    assert ask("SELECT count(*) FROM collection_albums")[0][0] > 0


def test_words_are_found(archives: Path) -> None:
    export(order(archives / "full", "out.sqlite"))
    query = "SELECT count(*) FROM photos_fts WHERE photos_fts MATCH 'sandbox'"
    assert ask(query) == [(400,)]
    export(order(archives / "full", "out.sqlite", search=False))
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        ask(query)


def test_what_is_refused_or_could_not_be_had_is_in_errors(archives: Path) -> None:
    folder = archives / "full"
    (folder / "state.sqlite").unlink()
    failed = {"id": "999", "code": None, "message": "It timed out."}
    (folder / "errors.ndjson").write_bytes(orjson.dumps(failed) + b"\n")
    assert export(order(folder, "out.sqlite")).missing == 1
    refused = sum("errors" in line for line in read_lines(folder / "photos.ndjson"))
    assert ask("SELECT count(*) FROM errors") == [(refused + 1,)]
    assert ask("SELECT reason FROM errors WHERE photo_id = 999") == [("It timed out.",)]


@pytest.mark.slow
def test_a_failure_leaves_the_older_file(archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("export", archives / "listed", "-o", "out.db").returncode == 0
    before = Path("out.db").read_bytes()
    monkeypatch.setattr("harvester.export.sqlite.FINISH", "INSERT INTO absent VALUES(1);")
    with pytest.raises(CannotWrite, match=r"Cannot write out\.db: no such table"):
        export(order(archives / "full", "out.db", format="sqlite"))
    with pytest.raises(UsageError):
        export(order(archives / "full", "nowhere.db/../in/full/x.db", format="sqlite"))
    assert run("export", archives / "full", "-o", "nowhere/x.db").returncode == Exit.CANNOT_WRITE
    assert Path("out.db").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["in", "out.db"]


@pytest.fixture
def datasette(archives: Path) -> Iterator[str]:
    """Datasette with an export, over HTTP."""
    pytest.importorskip("datasette")
    export(order(archives / "account", "out.sqlite"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", "serve", "out.sqlite", "-p", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Uvicorn running" in line:
                break
        yield f"http://127.0.0.1:{port}/out"
    finally:
        process.terminate()
        process.communicate()


def fetch(address: str) -> Any:
    with urlopen(address) as answer:  # noqa: S310
        return orjson.loads(answer.read()) if ".json" in address else answer.read().decode()


def test_datasette_shows_it_with_search_and_foreign_keys(datasette: str) -> None:
    found = fetch(f"{datasette}/photos.json?_search=sandbox&_shape=array&_size=max")
    assert len(found) == ask("SELECT count(*) FROM photos")[0][0]
    assert fetch(f"{datasette}/photos.json?_search=zzzzzz&_shape=array") == []
    page = fetch(f"{datasette}/photo_tags?_size=1")
    assert "/out/photos/" in page
    assert "/out/tags/" in page
    owner = found[0]["owner_id"]
    assert fetch(f"{datasette}/people/{quote(tilde(owner))}.json?_shape=array")[0]["id"] == owner


def tilde(text: str) -> str:
    """As Datasette writes what would be special in an address."""
    return text.replace("@", "~40")
