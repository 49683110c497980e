"""The last photos are read from the end of whatever they stand in, and no line of it can do any harm."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from harvester.archive.checkpoint.state import Length
from harvester.archive.pieces import Pieces, read_pieces
from harvester.engine.run import Output, run_job
from harvester.jobs.model import Job
from harvester.jobs.rotation import read_rotation
from harvester.jobs.search import Search
from harvester.web.watch.latest import MOST, describe_photo, read_latest
from support.archives import ids_of
from support.harvest import Opener, settings_for


def write(path: Path, ids: range, *, padding: int = 0) -> Pieces:
    lines = [orjson.dumps({"id": str(i), "info": {"title": {"_content": f"t{i}"}}, "x": "x" * padding}) for i in ids]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return Pieces(path.parent, (), path, Length(path.stat().st_size, len(lines)))


def test_the_newest_comes_first_and_only_what_was_committed_counts(tmp_path: Path) -> None:
    pieces = write(tmp_path / "photos.ndjson", range(100, 150))
    with pieces.tail.open("ab") as file:
        file.write(b'{"id":"999"}\n{"id":"99')
    found = read_latest(pieces)
    assert [photo.id for photo in found] == [str(i) for i in range(149, 149 - MOST, -1)]
    assert found[0].title == "t149"


def test_of_long_lines_fewer_are_told(tmp_path: Path) -> None:
    pieces = write(tmp_path / "photos.ndjson", range(100, 110), padding=200_000)
    assert [photo.id for photo in read_latest(pieces)] == ["109", "108"]


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert read_latest(Pieces(tmp_path, (), tmp_path / "photos.ndjson", Length())) == []


@pytest.mark.parametrize("line", [b"", b"[]", b"nonsense", b"7"])
def test_what_is_no_photo_is_left_out(line: bytes) -> None:
    assert describe_photo(line) is None


def test_a_photo_has_the_words_of_its_info_or_of_its_listing() -> None:
    line = {
        "id": "1",
        "harvested_at": "now",
        "search": {"title": "listed", "ownername": "o", "datetaken": "2020-01-01 00:00:00"},
        "info": None,
    }
    found = describe_photo(orjson.dumps(line))
    assert found
    assert (found.title, found.owner, found.taken) == ("listed", "o", "2020-01-01 00:00:00")
    odd = describe_photo(orjson.dumps({"id": 7, "info": {"title": [], "owner": "x"}, "search": "y"}))
    assert odd
    assert (odd.id, odd.title, odd.owner) == ("", "", "")
    long = describe_photo(orjson.dumps({"id": "1", "info": {"title": {"_content": "a" * 9999}}}))
    assert long
    assert len(long.title) < 220


async def test_where_the_file_is_short_the_last_part_is_read(sandbox_of: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    async with sandbox_of(photos=25) as sandbox:
        job = Job(source=Search(min_upload_date="2004-01-01"))
        await run_job(job, settings_for(sandbox), output=Output(folder=folder, rotation=read_rotation("10")))
    assert len(ids_of(folder)) == 5
    found = read_latest(read_pieces(folder))
    assert len(found) == MOST
    assert [photo.id for photo in found[:5]] == ids_of(folder)[::-1]
    assert len({photo.id for photo in found}) == MOST
