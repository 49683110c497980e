"""`harvester urls`: which size of a photo is meant, and what a downloader gets."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from harvester.cli import main
from harvester.errors import Exit, UsageError
from harvester.export.pictures.sizes import Size, list_sizes, read_choice
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import harvest_into

SEARCH = Search(min_upload_date="2004-01-01")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["urls", *map(str, arguments)])


@pytest.fixture
async def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    """An archive of 40 photos."""
    await harvest_into(tmp_path / "a", sandbox, Job(source=SEARCH, limit=40))
    return tmp_path / "a"


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def find_originals(folder: Path) -> dict[str, str]:
    found = {}
    for record in read_lines(folder / "photos.ndjson"):
        labels = {size["label"]: size["source"] for size in record["sizes"]["size"]}
        if source := labels.get("Video Original") or labels.get("Original"):
            found[record["id"]] = source
    return found


def test_plain_addresses_one_a_line_and_the_others_are_counted(folder: Path) -> None:
    before, originals = read_all(folder), find_originals(folder)
    result = call(folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [*originals.values()]
    without = 40 - len(originals)
    assert without > 1
    assert result.stderr == f"Left out: {without} photos without this size, or with no address of it in the archive.\n"
    assert read_all(folder) == before


def test_aria2_gets_names_made_of_id_and_size(folder: Path) -> None:
    lines = call(folder, "--format", "aria2").stdout.splitlines()
    originals = find_originals(folder)
    assert lines[::2] == [*originals.values()]
    names = [
        f"  out={photo_id}_{'o.jpg' if address.endswith('.jpg') else 'video.mp4'}"
        for photo_id, address in originals.items()
    ]
    assert lines[1::2] == names


def test_img2dataset_gets_ndjson_or_csv(folder: Path) -> None:
    rows = [orjson.loads(line) for line in call(folder, "--format", "img2dataset").stdout.splitlines()]
    records = {record["id"]: record for record in read_lines(folder / "photos.ndjson")}
    assert {row["id"]: row["url"] for row in rows} == find_originals(folder)
    assert all(row["caption"] == str(records[row["id"]]["info"]["title"]["_content"]) for row in rows)
    assert "cc-by-2.0" in {row["license"] for row in rows}
    table = [*csv.DictReader(io.StringIO(call(folder, "--format", "csv").stdout))]
    assert [(row["url"], row["license"]) for row in table] == [(row["url"], row["license"]) for row in rows]
    assert list(table[0]) == ["url", "id", "caption", "license"]


async def test_a_listing_alone_has_addresses_too(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path / "b", sandbox, Job(source=SEARCH, limit=40, detail="list"))
    rows = [record["search"] for record in read_lines(tmp_path / "b" / "photos.ndjson")]
    assert call(tmp_path / "b").stdout.splitlines() == [row["url_o"] for row in rows if "url_o" in row]
    assert call(tmp_path / "b", "--size", "k").stdout.splitlines() == [row["url_k"] for row in rows if "url_k" in row]


def test_a_photo_of_two_archives_is_printed_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    for name in ("photos.ndjson", "manifest.json"):  # a published copy has no checkpoint
        (tmp_path / "copy" / name).write_bytes((folder / name).read_bytes())
    result = call(folder, tmp_path / "copy", "--size", "largest")
    assert len(result.stdout.splitlines()) == 40
    assert result.stderr == "Left out: 40 photos that an earlier archive has.\n"
    assert call(tmp_path / "copy").stdout == call(folder).stdout


def rewrite(folder: Path, change: dict[str, Any]) -> None:
    """Change the first photo; the rest stays away."""
    record = read_lines(folder / "photos.ndjson")[0] | change
    (folder / "photos.ndjson").write_bytes(orjson.dumps(record) + b"\n")
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    size = (folder / "photos.ndjson").stat().st_size
    manifest = {**manifest, "format": 1, "files": {"photos.ndjson": {"bytes": size, "lines": 1}}}
    manifest.pop("checksum")
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    (folder / "state.sqlite").unlink()


@pytest.mark.parametrize(
    "source",
    ["ftp://x.org/a.jpg", "file:///etc/passwd", "https://x.org/a b", "https://x.org/a\n  dir=/etc", "", 7, None, {}],
)
def test_what_is_no_address_of_the_web_is_not_printed(source: object, folder: Path) -> None:
    size = {"label": "Original", "width": 1, "height": 1, "source": source, "media": "photo"}
    rewrite(folder, {"sizes": {"size": [size]}})
    result = call(folder, "--format", "aria2")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Left out: 1 photo whose address is none of the web's.\n"


def test_nothing_of_flickrs_text_reaches_a_name() -> None:
    evil = Size("../../etc/passwd", 9000, 6000, "https://x.org/..%2f.jpg/../x.sh?.exe")
    assert evil.name_file("42") == "42_9000.jpg"
    assert Size("Large 2048", 2048, 1536, "https://x.org/42_k.PNG?x").name_file("42") == "42_k.png"
    assert Size("720p", 0, 0, "https://x.org/play/720p/", is_video=True).name_file("42") == "42_video.mp4"


def test_csv_cells_stay_on_their_line(folder: Path) -> None:
    rewrite(folder, {"info": {"title": {"_content": 'a "b",\r\nc\u2028d'}, "license": "99"}})
    lines = call(folder, "--format", "csv", "--size", "largest").stdout.splitlines()
    assert lines[1].endswith(',"a ""b"", c d",99')


def test_a_broken_line_names_the_repair(folder: Path) -> None:
    path = folder / "photos.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"search":{', b'"search":[', 1)
    path.write_bytes(b"".join(lines))
    result = call(folder, "--size", "largest")
    assert result.exit_code == Exit.USAGE
    assert f"line 3 is damaged: harvester repair {folder} sets it right." in result.stderr


def test_what_is_no_size_or_no_archive_is_told(folder: Path, tmp_path: Path) -> None:
    assert "--size: 'larg' is no size: did you mean 'Large'?" in call(folder, "--size", "larg").stderr
    assert "--format: 'pdf' is none of plain, aria2" in call(folder, "--format", "pdf").stderr
    assert "is no archive" in call(tmp_path / "nothing").stderr


SIZES = [
    {"label": "Large Square", "width": "150", "height": 150, "source": "https://x/q.jpg"},
    {"label": "Medium", "width": 375, "height": "500", "source": "https://x/m.jpg"},
    {"label": "Large", "width": "768", "height": 1024, "source": "https://x/b.jpg"},
]


@pytest.mark.parametrize(
    ("size", "label"),
    [("150", "Medium"), ("500", "Medium"), ("501", "Large"), ("2000", None), ("original", None), ("largest", "Large"),
     ("q", "Large Square"), ("LARGE  square", "Large Square"), ("Large 2048", None)],
)  # fmt: skip
def test_a_size_is_meant_by_its_longer_side_its_label_or_its_letter(size: str, label: str | None) -> None:
    found = read_choice(size)(list_sizes({"sizes": {"size": SIZES}}))
    assert (found and found.label) == label


@pytest.mark.parametrize("told", [None, [], {}, {"size": None}, {"size": [None, 7, {}]}])
def test_parts_of_strange_shapes_have_no_address(told: object) -> None:
    assert not [size for size in list_sizes({"sizes": told, "search": told}) if size.is_address]


def test_the_largest_of_a_video_is_a_video() -> None:
    stream = {"label": "720p", "width": "", "height": "", "source": "https://x/720p/", "media": "video"}
    found = read_choice("largest")(list_sizes({"sizes": {"size": [*SIZES, stream]}}))
    assert found is not None
    assert found.label == "720p"


def test_more_digits_than_a_picture_has_are_no_size() -> None:
    with pytest.raises(UsageError):
        read_choice("1" * 40)


def test_a_link_in_the_place_of_the_photos_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "photos.ndjson").rename(tmp_path / "elsewhere")
    (folder / "photos.ndjson").symlink_to(tmp_path / "elsewhere")
    for name in ("", "state.sqlite"):
        if name:
            (folder / name).unlink()
        result = call(folder)
        assert (result.exit_code, result.stdout) == (Exit.CANNOT_WRITE, "")
        assert "is a symbolic link" in result.stderr
