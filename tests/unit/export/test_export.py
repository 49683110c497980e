"""Archives become tables: equal to what an independent reader finds, whole or not there, and nothing is changed."""

from __future__ import annotations

import csv
import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pandas as pd
import pytest

from harvester.errors import CannotWrite, Exit, UsageError
from harvester.export.columns import COLUMNS, NAMES, choose_columns
from harvester.export.convert import read_text
from harvester.export.lines import LineReader
from harvester.export.row import NoMemberships, Reject, RowMaker
from harvester.export.run import Exported, Order, export
from harvester.export.source import File
from harvester.export.texts import split_texts
from support.archives import read_lines
from support.exports import order, run
from support.project import ROOT, SHARED

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def ask(query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers."""
    with duckdb.connect() as db:
        return list(db.execute(query).fetchall())


def read_files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


INDEPENDENT = """
    SELECT count(*), count(DISTINCT id), sum(CAST(info.views AS BIGINT)), sum(CAST(search.count_faves AS BIGINT)),
        count(*) FILTER (CAST(info.location.accuracy AS INT) > 0), sum(len(info.tags.tag)), sum(len(sizes.size)),
        sum(CAST(info.dates.posted AS BIGINT)), count(*) FILTER (sizes IS NULL),
        count(*) FILTER (info.media = 'video'), count(*) FILTER (info.dates.taken LIKE '%-00 %' OR info.dates.taken
        LIKE '%-00-%')
    FROM read_ndjson('{path}', maximum_object_size=10000000, sample_size=-1)
"""
OURS = """
    SELECT count(*), count(DISTINCT id), sum(count_views), sum(count_faves), count(latitude), sum(len(tags)),
        sum(len(sizes)) FILTER (missing IS NULL), CAST(sum(epoch(date_posted)) AS BIGINT), count(missing),
        count(*) FILTER (media = 'video'), count(*) FILTER (date_taken IS NULL)
    FROM '{path}'
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_parquet_equals_what_duckdb_reads_by_itself(archives: Path, workers: int) -> None:
    before = read_files(archives)
    exported = export(order(archives / "full", workers=workers))
    assert read_files(archives) == before
    assert (exported.rows, exported.expected, exported.rejects, exported.incomplete) == (400, 400, {}, ())
    path = archives / "full" / "photos.ndjson"
    wanted = ask(INDEPENDENT.format(path=path))
    assert ask(OURS.format(path="out.parquet")) == wanted
    ids = [line["id"] for line in read_lines(path)]
    assert pq.read_table("out.parquet", columns=["id"]).column("id").to_pylist() == ids


def test_the_types_are_those_that_are_documented(archives: Path) -> None:
    export(order(archives / "full"))
    schema = pq.read_schema("out.parquet")
    assert schema.names == list(NAMES)
    assert schema.field("date_posted").type == pa.timestamp("us", tz="UTC")
    assert schema.field("date_taken").type == pa.timestamp("us")
    assert (schema.field("license_id").type, schema.field("count_views").type) == (pa.int16(), pa.int64())
    assert pa.types.is_list(schema.field("tags").type)
    assert pa.types.is_struct(schema.field("sizes").type.value_type)
    assert schema.field("title").metadata[b"terms"] == b"dcterms:title dc:title"
    assert [field.nullable for field in schema] == [column.nullable for column in COLUMNS]
    types = {name: str(kind) for name, kind, *_ in ask("DESCRIBE SELECT * FROM 'out.parquet'")}
    assert (types["date_posted"], types["date_taken"]) == ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP")
    frame = pd.read_parquet("out.parquet")
    assert str(frame.dtypes["date_posted"]) == "datetime64[us, UTC]"
    assert str(frame.dtypes["is_public"]) == "bool"


@pytest.mark.slow
def test_polars_reads_it(archives: Path) -> None:
    polars = pytest.importorskip("polars")
    export(order(archives / "full"))
    frame = polars.read_parquet("out.parquet")
    assert (frame.height, frame.width) == (400, len(NAMES))
    assert frame.schema["tags"] == polars.List(polars.String)


def test_row_groups_have_the_size_that_was_asked_for(archives: Path) -> None:
    export(order(archives / "full", group_rows=150))
    metadata = pq.read_metadata("out.parquet")
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [150, 150, 100]
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_parts_by_year(archives: Path) -> None:
    export(order(archives / "full", "parts", format="parquet", by_year=True, group_rows=50))
    query = (
        "SELECT count(*), count(*) FILTER (year = year(date_posted)) "
        "FROM read_parquet('parts/*/*.parquet', hive_partitioning=true)"
    )
    assert ask(query) == [(400, 400)]
    assert not list(Path().glob(".parts*"))
    export(order(archives / "listed", "parts", format="parquet", by_year=True))
    assert ask(query) == [(400, 400)]
    (Path("parts") / "mine.txt").touch()
    with pytest.raises(UsageError, match=r"mine\.txt"):
        export(order(archives / "full", "parts", format="parquet", by_year=True))


def test_rows_of_a_listing_say_the_same_as_those_with_info(archives: Path) -> None:
    common = (
        "id owner_id owner_username title description license_name date_posted date_taken latitude count_views "
        "count_faves media page_url"
    )
    for name in ("full", "listed"):
        export(order(archives / name, f"{name}.parquet", columns=choose_columns(common.replace(" ", ","))))
    assert ask("SELECT count(*) FROM (FROM 'full.parquet' EXCEPT FROM 'listed.parquet')") == [(0,)]


def test_ndjson_has_every_column_of_every_row(archives: Path) -> None:
    done = run("export", archives / "full", "--format", "ndjson", "-o", "-")
    assert done.returncode == 0, done.stderr
    rows = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [tuple(row) for row in rows] == [NAMES] * 400
    assert done.stderr == b"400 photos in standard output.\n"
    assert rows[0]["date_posted"].endswith("Z")
    assert rows[0]["sizes"][0]["label"] == "Square"


def test_csv_is_that_of_rfc_4180(archives: Path) -> None:
    export(order(archives / "full", "out.csv"))
    text = Path("out.csv").read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    lines = read_lines(archives / "full" / "photos.ndjson")
    assert len(rows) == 400
    assert text.count("\r\n") >= 401
    for row, line in zip(rows, lines, strict=True):
        assert row["title"] == line["info"]["title"]["_content"]
        assert row["description"] == line["info"]["description"]["_content"]
        assert split_texts(row["tags_raw"]) == [tag["raw"] for tag in line["info"]["tags"]["tag"]]
        assert row["is_public"] in ("true", "false")


def test_excel_gets_a_byte_order_mark(archives: Path) -> None:
    export(order(archives / "full", "out.csv", excel=True, columns=choose_columns("id,title")))
    assert Path("out.csv").read_bytes().startswith(b"\xef\xbb\xbfid,title\r\n")


def test_albums_and_collections_of_an_account(archives: Path) -> None:
    export(order(archives / "account", "out.ndjson"))
    rows = {row["id"]: row for row in read_lines(Path("out.ndjson"))}
    for line in read_lines(archives / "account" / "photosets.ndjson"):
        assert all(line["id"] in rows[each]["albums"] for each in line["photo_ids"] if each in rows)
    assert any(row["collections"] for row in rows.values())
    export(order(archives / "full", "out.ndjson"))
    assert all(row["albums"] is None for row in read_lines(Path("out.ndjson")))


def test_of_several_archives_the_newest_line_of_a_photo_counts(archives: Path) -> None:
    folders = [archives / name for name in ("listed", "full", "account")]
    newest: dict[str, str] = {}
    for line in (line for folder in folders for line in read_lines(folder / "photos.ndjson")):
        newest[line["id"]] = max(newest.get(line["id"], ""), line["harvested_at"])
    for workers in (1, 2):
        export(Order(folders=folders, format="ndjson", output=Path("out.ndjson"), workers=workers))
        rows = read_lines(Path("out.ndjson"))
        assert {row["id"]: row["harvested_at"] for row in rows} == newest
        assert len(rows) == len(newest)


@pytest.mark.slow
def test_only_what_was_harvested_since(archives: Path) -> None:
    path = archives / "full" / "photos.ndjson"
    stamps = sorted(line["harvested_at"] for line in read_lines(path))
    done = run("export", archives / "full", "-o", "out.ndjson", "--since", stamps[-1])
    assert done.returncode == 0, done.stderr
    assert len(read_lines(Path("out.ndjson"))) == stamps.count(stamps[-1])
    assert run("export", archives / "full", "-o", "out.ndjson", "--since", "soon").returncode == Exit.USAGE


def rewrite(path: Path, number: int, change: Any) -> None:
    """Change a line of an archive so that its length stays what the checkpoint knows."""
    lines = path.read_bytes().splitlines(keepends=True)
    changed = change(lines[number])
    assert len(changed) == len(lines[number])
    lines[number] = changed
    path.write_bytes(b"".join(lines))


@pytest.mark.slow
def test_what_does_not_fit_is_counted_and_kept(archives: Path) -> None:
    path = archives / "full" / "photos.ndjson"
    views = orjson.loads(path.read_bytes().splitlines()[5])["info"]["views"]
    rewrite(path, 5, lambda line: line.replace(f'"views":"{views}"'.encode(), b'"views":"' + b"x" * len(views) + b'"'))
    done = run("export", archives / "full", "-o", "out.ndjson", "--rejects", "rejects.ndjson")
    assert done.returncode == 0
    assert b"1 value did not fit and are null (count_views 1); rejects.ndjson has them." in done.stderr
    (reject,) = read_lines(Path("rejects.ndjson"))
    row = read_lines(Path("out.ndjson"))[5]
    assert reject == {
        "id": row["id"],
        "column": "count_views",
        "value": "x" * len(views),
        "reason": "is no whole number",
    }
    assert row["count_views"] is None
    assert b"--rejects FILE keeps them" in run("export", archives / "full", "-o", "out.ndjson").stderr


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_line_is_refused_and_leaves_no_file(archives: Path, workers: str) -> None:
    rewrite(archives / "full" / "photos.ndjson", 7, lambda line: b"#" * (len(line) - 1) + b"\n")
    done = run("export", archives / "full", "-o", "out.parquet", "--workers", workers)
    assert done.returncode == Exit.USAGE
    assert b"photos.ndjson line 8 is damaged: harvester repair" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert [path.name for path in Path().iterdir()] == ["in"]


def test_a_file_that_was_cut_is_refused(archives: Path) -> None:
    path = archives / "full" / "photos.ndjson"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UsageError, match="harvester repair"):
        export(order(archives / "full"))


def test_what_lies_behind_the_committed_length_is_no_row(archives: Path) -> None:
    with (archives / "full" / "photos.ndjson").open("ab") as file:
        file.write(b'{"id":"1","harves')
    assert export(order(archives / "full", "out.ndjson")).rows == 400


def test_a_published_copy_without_checkpoint(archives: Path) -> None:
    (archives / "full" / "state.sqlite").unlink()
    assert export(order(archives / "full", "out.ndjson")).rows == 400


@pytest.mark.slow
def test_photos_that_could_not_be_had_have_a_row(archives: Path) -> None:
    folder = archives / "full"
    (folder / "state.sqlite").unlink()
    known = read_lines(folder / "photos.ndjson")[0]["id"]
    failed = [{"id": each, "code": None, "message": "It timed out."} for each in ("999", known)]
    (folder / "errors.ndjson").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in failed))
    for form, workers in (("ndjson", 1), ("csv", 1), ("parquet", 2)):
        exported = export(order(folder, f"out.{form}", workers=workers))
        assert (exported.rows, exported.missing, exported.incomplete) == (401, 1, (folder,))
    last = read_lines(Path("out.ndjson"))[-1]
    assert {name: value for name, value in last.items() if value is not None} == {
        "id": "999",
        "missing": "It timed out.",
    }
    assert export(order(folder, "out.ndjson", since="2000-01-01T00:00:00Z")).missing == 0


def test_a_permanent_refusal_is_told_in_its_row(archives: Path) -> None:
    export(order(archives / "full", "out.ndjson"))
    refused = {line["id"] for line in read_lines(archives / "full" / "photos.ndjson") if line.get("errors")}
    assert refused
    told = {
        row["id"] for row in read_lines(Path("out.ndjson")) if row["missing"] == "sizes: Permission denied (code 2)"
    }
    assert told == refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing", "-o", "x.csv"), "is no archive"),
        (("in", "-o", "x.csv"), "is no archive"),
        (("in/full",), "--format: say which: parquet, csv, sqlite, ndjson."),
        (("in/full", "-o", "x.xlsx"), "--format: say which"),
        (
            ("in/full", "-o", "x.csv", "--columns", "id,tilte"),
            "--columns: there is no column 'tilte'. Did you mean title?",
        ),
        (("in/full", "-o", "in/full/x.csv"), "nothing else is written"),
        (("in/full", "-o", "in/full/photos.ndjson"), "nothing else is written"),
        (("in/full", "-o", "in/listed/x.csv"), "nothing else is written"),
        (("in/full", "-o", "x.csv", "--rejects", "in/full/errors.ndjson"), "--rejects: "),
        (("in/full", "--format", "csv", "-o", "in"), "is a folder"),
        (("in/full", "--format", "parquet", "-o", "-"), "name one with -o"),
        (("in/full", "-o", "x.csv", "--partition", "year"), "--partition: it is for --format parquet only."),
        (("in/full", "--format", "sqlite", "-o", "-"), "name one with -o"),
        (("in/full", "-o", "x.db", "--columns", "id"), "--columns: a database always has all of them."),
        (("in/full", "-o", "x.csv", "--no-search"), "--search: it is for --format sqlite only."),
        (("in/full", "-o", "x.ndjson", "--excel"), "--excel: it is for --format csv only."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(archives: Path, arguments: tuple[str, ...], told: str) -> None:
    before = sorted(path for path in archives.rglob("*"))
    done = run("export", *arguments)
    assert (done.returncode, told in done.stderr.decode()) == (Exit.USAGE, True), done.stderr
    assert done.stderr.count(b"\n") == 1
    assert sorted(path for path in archives.rglob("*")) == before


def test_a_folder_that_is_not_there_cannot_be_written_to(archives: Path) -> None:
    done = run("export", archives / "full", "-o", "nowhere/x.csv")
    assert done.returncode == Exit.CANNOT_WRITE
    assert done.stderr.startswith(b"Error: Cannot write nowhere/x.csv: No such file or directory.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_full_disk_at_standard_output(archives: Path, form: str) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "harvester", "export", str(archives / "full"), "--format", form, "-o", "-"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == Exit.CANNOT_WRITE
    assert done.stderr.startswith(b"Error: Cannot write to standard output: No space left on device.")


@pytest.mark.parametrize(("form", "by_year"), [("csv", False), ("parquet", False), ("parquet", True)])
def test_a_full_disk_leaves_nothing(
    archives: Path, monkeypatch: pytest.MonkeyPatch, form: str, by_year: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("harvester.export.target.sync_file", fail)
    with pytest.raises(CannotWrite, match="No space left on device"):
        export(order(archives / "full", "out", format=form, by_year=by_year))
    assert [path.name for path in Path().iterdir()] == ["in"]
    assert capfd.readouterr().err == ""


def test_an_older_export_stays_until_the_new_one_is_whole(archives: Path) -> None:
    Path("out.parquet").write_bytes(b"old")
    rewrite(archives / "full" / "photos.ndjson", 399, lambda line: b"#" * (len(line) - 1) + b"\n")
    with pytest.raises(UsageError):
        export(order(archives / "full"))
    assert Path("out.parquet").read_bytes() == b"old"


@pytest.fixture(scope="module")
def large(harvested: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of 24,000 photos, which nobody is to write to."""
    folder = tmp_path_factory.mktemp("large") / "full"
    shutil.copytree(harvested / "full", folder)
    (folder / "state.sqlite").unlink()
    (folder / "manifest.json").unlink()
    data = (folder / "photos.ndjson").read_bytes()
    with (folder / "photos.ndjson").open("wb") as file:
        for n in range(1000, 1060):
            file.write(data.replace(b'{"id":"', b'{"id":"%d' % n))
    assert run("repair", folder).returncode in (Exit.COMPLETE, Exit.INCOMPLETE)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_in_the_middle_there_is_no_half_file(
    large: Path, how: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "harvester", "export", str(large), "-o", "out.parquet", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    while not list(Path().glob(".out.parquet.*.part")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate()
    assert process.returncode in (-how, 128 + how)
    assert not Path("out.parquet").exists()
    assert export(order(large)).rows == 24_000
    assert [path.name for path in sorted(Path().iterdir())] == ["out.parquet"]
    assert pq.read_metadata("out.parquet").num_rows == 24_000


def test_what_is_no_regular_file_is_written_to_and_stays_what_it_is(archives: Path) -> None:
    plain = archives / "plain.csv"
    export(order(archives / "full", str(plain)))
    os.mkfifo("pipe.csv")
    with Path("got").open("wb") as got, subprocess.Popen(["cat", "pipe.csv"], stdout=got):
        export(order(archives / "full", "pipe.csv"))
    assert Path("got").read_bytes() == plain.read_bytes()
    assert Path("pipe.csv").is_fifo()
    with pytest.raises(UsageError, match=r"pipe\.csv is no file, and parquet needs one"):
        export(order(archives / "full", "pipe.csv", format="parquet"))
    Path("full").symlink_to("/dev/full")
    done = run("export", archives / "full", "--format", "csv", "-o", "full")
    assert done.returncode == Exit.CANNOT_WRITE
    assert Path("/dev/full").is_char_device()


def test_a_link_is_followed(archives: Path) -> None:
    for name in ("real.csv", "parts"):
        Path(f"link-{name}").symlink_to(name)
    Path("real.csv").write_text("old")
    export(order(archives / "full", "link-real.csv", format="csv"))
    assert len(Path("real.csv").read_text("utf-8").splitlines()) > 400
    Path("parts").mkdir()
    for _ in range(2):
        export(order(archives / "full", "link-parts", format="parquet", by_year=True))
        assert any(Path("parts").glob("year=*/photos.parquet"))
    assert {path.name for path in Path().iterdir()} == {"in", "link-real.csv", "link-parts", "parts", "real.csv"}
    assert Path("link-real.csv").is_symlink()
    assert Path("link-parts").is_symlink()


@pytest.mark.parametrize("place", ["year=2020/mine.txt", "year=notes.txt"])
def test_parts_take_no_place_of_files_that_are_none(place: str, archives: Path) -> None:
    mine = Path("parts") / place
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(UsageError, match="which is no part of an export"):
        export(order(archives / "full", "parts", format="parquet", by_year=True))
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("names", [("0a1b2c3d", "4e5f6a7b"), ("4e5f6a7b", "0a1b2c3d")])
def test_the_last_folder_that_a_killed_export_has_moved_away_comes_back(names: tuple[str, str], archives: Path) -> None:
    export(order(archives / "full", "parts", format="parquet", by_year=True))
    before = read_files(Path("parts"))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    last, older = (Path(f".parts.{gone.pid}-{name}.old") for name in names)
    Path("parts").rename(last)
    older.mkdir()
    os.utime(older, ns=(0, last.stat().st_mtime_ns - 1))
    rewrite(archives / "listed" / "photos.ndjson", 399, lambda line: b"#" * (len(line) - 1) + b"\n")
    with pytest.raises(UsageError, match="is damaged"):
        export(order(archives / "listed", "parts", format="parquet", by_year=True))
    assert [path.name for path in sorted(Path().iterdir())] == ["in", "parts"]
    assert read_files(Path("parts")) == before


def test_parts_of_a_private_archive_are_private(archives: Path) -> None:
    for path in (archives / "full", *(archives / "full").rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    export(order(archives / "full", "parts", format="parquet", by_year=True))
    assert Path("parts").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in Path("parts").rglob("*.parquet")} == {0o600}


def test_two_exports_with_one_target_do_not_touch_each_others_files(archives: Path) -> None:
    seen: list[Exported] = []

    def meet(exported: Exported) -> None:
        if not seen:
            seen.append(exported)
            export(order(archives / "listed", "both.ndjson"))

    export(order(archives / "full", "both.ndjson"), meet)
    assert len(read_lines(Path("both.ndjson"))) == seen[0].rows + seen[0].missing
    assert [path.name for path in sorted(Path().iterdir())] == ["both.ndjson", "in"]


def test_rejects_do_not_go_where_the_table_goes(archives: Path) -> None:
    Path("keep.csv").write_text("keep")
    with pytest.raises(UsageError, match=r"keep\.csv is where the table goes"):
        export(order(archives / "full", "keep.csv", rejects=Path("in/../keep.csv")))
    assert Path("keep.csv").read_text() == "keep"
    done = run("export", archives / "full", "-o", "out.csv", "--rejects", "-")
    assert (done.returncode, Path("out.csv").exists()) == (Exit.USAGE, False)


def test_a_whole_archive_is_whole_without_its_manifest_too(archives: Path) -> None:
    (archives / "full" / "manifest.json").unlink()
    assert export(order(archives / "full", "out.csv")).incomplete == ()


def test_another_format_is_a_sentence(archives: Path) -> None:
    with pytest.raises(UsageError, match="'xls' is none of parquet, csv"):
        export(order(archives / "full", "out.xls"))


def test_a_reader_that_goes_away_is_no_error(archives: Path) -> None:
    command = f"{sys.executable} -m harvester export {archives / 'full'} --format ndjson -o - | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


def test_without_pyarrow_a_sentence_says_what_to_install(archives: Path, tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "harvester", "export", str(archives / "full"), "-o", "x.parquet"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == Exit.USAGE
    assert b'pip install "flickr-harvester[parquet]"' in done.stderr


@pytest.mark.parametrize("more", [(), ("--partition", "year")])
def test_the_command_leaves_pandas_alone_which_would_take_its_time(archives: Path, more: tuple[str, ...]) -> None:
    arguments = ["harvester", "export", str(archives / "full"), "--format", "parquet", "-o", "out", *more]
    code = f"import sys; sys.argv = {arguments!r}\nfrom harvester.cli import main\n"
    code += "try:\n    main()\nfinally:\n    print('pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, done.stdout) == (0, b"False\n"), done.stderr


def test_help_imports_no_arrow() -> None:
    code = (
        "import sys; sys.argv = ['harvester', 'export', '--help']\n"
        "from harvester.launch import run\n"
        "try:\n    run()\n"
        "finally:\n    print('pyarrow' in sys.modules, 'harvester.export.run' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == b"False False"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["record", "row"])
def test_schemas_have_an_id_that_stays(what: str) -> None:
    done = run("schema", what)
    schema = orjson.loads(done.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:flickr-harvester:{what}:1"
    assert orjson.loads(run("schema", what, "--version", "1").stdout) == schema
    assert run("schema", what, "--version", "9").returncode == Exit.USAGE
    if what == "row":
        assert tuple(schema["properties"]) == NAMES
    else:
        assert {"id", "harvested_at", "search", "info", "sizes", "errors"} <= schema["properties"].keys()


@pytest.mark.slow
@pytest.mark.parametrize("stretch", [1, 700, 5000, 1 << 20])
def test_stretches_of_any_length_have_each_line_once(archives: Path, stretch: int) -> None:
    lines = (archives / "full" / "photos.ndjson").read_bytes().splitlines(keepends=True)[:20]
    path = Path("few.ndjson")
    path.write_bytes(b"".join(lines))
    found = path.stat()
    file = File(path, found.st_size, (found.st_dev, found.st_ino))
    reader, read = LineReader(), list[bytes]()
    for start in range(0, file.bytes, stretch):
        read += [bytes(line) + b"\n" for line in reader.read(file, start, min(start + stretch, file.bytes))]
    assert read == lines
    path.write_bytes(b"".join(lines)[:-1])
    with pytest.raises(UsageError, match="harvester repair"):
        reader.read(file, 0, file.bytes)


@pytest.mark.skipif(not (SHARED / "flickr-recordings").is_dir(), reason="no recordings are there")
def test_what_flickr_really_answered_becomes_rows() -> None:
    """Each recorded photo, alone and with the sizes that were recorded of it."""
    sizes: dict[str, Any] = {}
    infos: list[dict[str, Any]] = []
    for path in (*(SHARED / "flickr-commons").glob("*-[is].json"), *(SHARED / "flickr-recordings").rglob("*.json")):
        try:
            answer = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError:
            continue
        if not isinstance(answer, dict) or answer.get("stat", "ok") != "ok":
            continue
        if "sizes" in answer:
            sizes[path.name.removesuffix("-s.json")] = answer["sizes"]
        elif isinstance(answer.get("photo"), dict) and "dates" in answer["photo"]:
            infos.append(answer["photo"])
    assert len(infos) > 40
    rejects: list[Reject] = []
    maker = RowMaker(NoMemberships(), rejects.append)
    for info in infos:
        line = {"id": str(info["id"]), "harvested_at": "2026-11-23T22:30:05Z", "search": None, "info": info}
        for each in (None, sizes.get(str(info["id"]))):
            row = maker.make_row(orjson.dumps({**line, "sizes": each}))
            assert row.title == read_text(info["title"])
            assert row.tags_raw == [tag["raw"] for tag in info["tags"]["tag"]]
            assert str(row.count_views) == str(info.get("views", None))
            assert row.date_taken_text == info["dates"]["taken"]
            assert (row.attribution is None) == (row.owner_id is None)
            assert each is None or (row.url is not None and row.width is not None)
    assert rejects == []
