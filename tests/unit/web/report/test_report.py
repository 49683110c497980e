"""Reports: what they say is what is in the archives, however odd, and nothing is written but the page."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.errors import CannotWrite, Exit, UsageError
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from harvester.web.report.anonymous import LEFT_OUT
from harvester.web.report.extras import Exif, read_exif
from harvester.web.report.model import Stretch
from harvester.web.report.reuse import read_terms
from harvester.web.report.run import Order, write_report
from harvester.web.report.survey import tell_refusal
from harvester.web.report.tally import Tally
from harvester.web.report.times import count_taken, count_uploads, read_taken
from harvester.web.report.told import join_stretches, name_archives
from harvester.web.report.total import join_cells
from support.exports import ALL, run
from support.handmade import STAMP, build_info, make_archive, photo

LIMIT = 1_000_000
"""Bytes of a page, whatever the archives."""
LINES = "read_ndjson('{path}', maximum_object_size=10000000, sample_size=-1)"
SIMPLE = f"""SELECT count(*), count(*) FILTER (info.media = 'video'), sum(CAST(info.views AS BIGINT)),
    sum(CAST(search.count_faves AS BIGINT)), count(*) FILTER (CAST(info.location.accuracy AS INT) > 0), count(exif),
    count(info) FROM {LINES}"""  # noqa: S608 - a file of the test's own
TAGS = f"""SELECT coalesce(nullif(tag._content, ''), tag.raw) AS text, count(DISTINCT id) FROM
    (SELECT id, unnest(info.tags.tag) AS tag FROM {LINES}) GROUP BY text"""  # noqa: S608
BY = f"""SELECT {{by}} AS key, count(*) FROM (SELECT info, to_timestamp(CAST(info.dates.posted AS BIGINT)) AT TIME ZONE
    'UTC' AS posted FROM {LINES}) GROUP BY key"""  # noqa: S608
NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the sandbox with EXIF and contexts; beside it `parts`, the same in parts."""
    folder = tmp_path_factory.mktemp("archives") / "sandbox"
    options = SandboxOptions(catalogue=CatalogueOptions(photos=300, owners=5, refused=0.02))
    with pytest.MonkeyPatch.context() as patch, serve_sandbox(options) as url:
        patch.setenv("FLICKR_API_URL", url)
        for path, more in ((folder, ()), (folder.with_name("parts"), ("--rotate", "70"))):
            done = run("search", "--tags", "sandbox", "--with", "exif,contexts", "-o", path, *more, *ALL)
            assert done.returncode == 0, done.stderr
    return folder


def read_page(path: Path) -> Any:
    """What a page says."""
    text = path.read_text("utf-8")
    assert len(text.encode()) < LIMIT
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    return orjson.loads(data)


def report(*folders: Path, to: Path, **given: Any) -> Any:
    """The report of some archives."""
    write_report(Order(folders=folders, output=to, **given))
    return read_page(to)


def ask(query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers."""
    with duckdb.connect() as db:
        return list(db.execute(query).fetchall())


def count_by(by: str, path: Path) -> dict[Any, int]:
    """How many photos DuckDB finds, by an expression."""
    return dict(ask(BY.format(by=by, path=path)))


def read_files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_its_numbers_are_those_that_another_reader_finds(made: Path, tmp_path: Path, workers: int) -> None:
    before = read_files(made)
    found = report(made, to=tmp_path / "out.html", workers=workers)
    assert read_files(made) == before
    path, counts = made / "photos.ndjson", found["counts"]
    simple = ("photos", "videos", "views", "faves", "placed", "with_exif", "with_info")
    assert ask(SIMPLE.format(path=path)) == [tuple(counts[name] for name in simple)]
    months = count_by("strftime(posted, '%Y-%m')", path)
    assert dict(found["uploaded"]["months"]) == months
    hours = count_by("(isodow(posted) - 1) * 24 + hour(posted)", path)
    assert found["uploaded"]["hours"] == [hours.get(hour, 0) for hour in range(168)]
    tags = dict(ask(TAGS.format(path=path)))
    assert found["tags"]["distinct"] == len(tags)
    assert {each["name"]: each["count"] for each in found["tags"]["entries"]} == tags
    owners = count_by("info.owner.nsid", path)
    assert {each["id"]: each["count"] for each in found["owners"]["entries"]} == owners
    licenses = count_by("CAST(info.license AS INT)", path)
    assert {each["id"]: each["count"] for each in found["licenses"]} == licenses


def test_what_the_archive_says_of_itself_is_told(made: Path, tmp_path: Path) -> None:
    found = report(made, to=tmp_path / "out.html")
    (archive,) = found["archives"]
    assert (archive["state"], archive["photos"], archive["claimed"]) == ("complete", 300, 300)
    assert ["tags", "sandbox"] in archive["asked"]
    assert sum(stretch["found"] for stretch in archive["stretches"]) == 300
    assert found["cameras"]["entries"] == [{"name": "Canon EOS 5D", "count": found["counts"]["with_exif"]}]
    refused = Counter(
        part
        for line in (made / "photos.ndjson").read_bytes().splitlines()
        for part in orjson.loads(line).get("errors", ())
    )
    assert {(part, why, count) for part, why, count in map(tuple, found["refusals"])} == {
        (part, "Permission denied (code 2)", count) for part, count in refused.items()
    }
    assert found["albums"]["entries"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_archive_in_parts_has_the_report_of_a_whole_one(made: Path, tmp_path: Path, workers: int) -> None:
    parts = made.with_name("parts")
    assert len(list(parts.glob("photos-*"))) == 4
    one, other = (report(each, to=tmp_path / "out.html", workers=workers) for each in (made, parts))
    for name in set(one) - {"archives", "made", "harvested"}:
        assert one[name] == other[name], name
    assert [archive["photos"] for archive in other["archives"]] == [300]


def test_of_a_photo_in_several_archives_the_newest_counts(tmp_path: Path) -> None:
    old = make_archive(tmp_path / "old", [photo(1, info=build_info(tags=["old"])), photo(2)])
    new = make_archive(
        tmp_path / "new", [photo(1, info=build_info(tags=["new"]), harvested_at="2026-11-28T10:00:00Z"), photo(3)]
    )
    found = report(old, new, to=tmp_path / "out.html")
    assert found["counts"]["photos"] == 3
    assert [each["name"] for each in found["tags"]["entries"]] == ["new"]
    assert [archive["name"] for archive in found["archives"]] == ["old", "new"]


def test_no_path_of_this_machine_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in ("a/monkeys", "b/monkeys", "cats")]
    for folder in folders:
        make_archive(folder, [photo(1)], status="stopped")
    found = report(*folders, to=tmp_path / "out.html")
    assert [archive["name"] for archive in found["archives"]] == ["a/monkeys", "b/monkeys", "cats"]
    assert "`harvester resume cats`" in found["archives"][2]["note"]
    assert str(tmp_path) not in (tmp_path / "out.html").read_text("utf-8")
    monkeypatch.chdir(folders[0])
    assert name_archives([Path()]) == ["monkeys"]


def test_dates_that_are_none_are_unknown_and_none_is_too_early() -> None:
    assert read_taken("1950-00-01 00", 8) == ("1950", None)
    assert read_taken("1950-00-01 00", 0) == ("1950", None)
    assert read_taken("1826-07-04 10", 0) == ("1826-07", 24 + 10)
    assert read_taken("2009-02-30 10", 0) == ("2009-02", None)
    assert read_taken("2009-12-01 00", 4) == ("2009-12", None)
    assert read_taken("2009-01-01 00", 6) == ("2009", None)
    assert read_taken("0000-00-00 00", 0) == ("", None)
    assert read_taken("2009-12-17 99", 0) == ("2009-12", None)
    assert read_taken("soon", 0) == ("", None)
    times = count_taken([("2009-12-17 08:03:40", 0, True), (None, None, None), ("2009-12-17 08:03:40", None, None)])
    assert (dict(times.months), dict(times.hours), times.unknown) == ({"2009-12": 1}, {3 * 24 + 8: 1}, 2)


def test_uploads_are_counted_in_utc_to_the_end_of_the_calendar() -> None:
    times = count_uploads([0, 1261036980, 253_402_300_799, None])
    assert dict(times.months) == {"1970-01": 1, "2009-12": 1, "9999-12": 1}
    assert times.unknown == 1
    assert times.hours[3 * 24] == 1  # 1970 began on a Thursday


pairs = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz")), max_size=60)


@settings(max_examples=60)
@given(st.lists(pairs, max_size=6), st.integers(1, 9))
def test_what_is_put_away_is_counted_as_exactly_as_what_is_not(parts: list[list[tuple[str, str]]], most: int) -> None:
    wanted = Counter[tuple[str, str]]()
    with Tally(at_hand=3) as tally:
        for part in parts:
            tally.add(Counter(part))
            wanted.update(part)
        ranked = tally.rank(most)
    sums: Counter[str] = Counter()
    for (text, _), count in wanted.items():
        sums[text] += count
    assert (ranked.distinct, ranked.total) == (len(sums), sums.total())
    first = sorted(sums.items(), key=lambda each: (-each[1], each[0]))[:most]
    assert [(text, count) for text, count, _ in ranked.most] == first
    for text, _, details in ranked.most:
        assert details == {detail: count for (each, detail), count in wanted.items() if each == text}


@pytest.mark.slow
def test_fifty_thousand_tags_are_counted_right(tmp_path: Path) -> None:
    photos = [
        photo(n, info=build_info(tags=["all", f"tag{n % 25_000}", f"other{n}"][: 1 + 2 * (n < 25_000)]))
        for n in range(30_000)
    ]
    found = report(make_archive(tmp_path / "in", photos), to=tmp_path / "out.html")
    assert (found["tags"]["distinct"], found["tags"]["uses"]) == (50_001, 80_000)
    assert found["tags"]["entries"][:2] == [{"name": "all", "count": 30_000}, {"name": "other0", "count": 1}]
    assert len(found["tags"]["entries"]) == 300


def test_an_archive_without_a_photo_has_a_report(tmp_path: Path) -> None:
    found = report(make_archive(tmp_path / "in", []), to=tmp_path / "out.html")
    assert found["counts"]["photos"] == 0
    assert found["licenses"] == []


def test_odd_members_are_unknown_and_told(tmp_path: Path) -> None:
    photos = [
        {
            "id": "1",
            "harvested_at": STAMP,
            "search": None,
            "info": None,
            "sizes": None,
            "errors": {"info": {"code": 1}},
        },
        photo(
            2, info={"dates": {"posted": "soon", "taken": 7}, "license": "x", "views": [], "owner": "Ann", "tags": 3}
        ),
        photo(3, info={"location": {"latitude": "500", "longitude": "1", "accuracy": "16"}, "media": "hologram"}),
        {"id": "4", "harvested_at": STAMP, "search": {"tags": "a b", "dateupload": "1261036980"}},
        photo(
            5,
            exif={
                "camera": 7,
                "exif": ["x", {"tag": "Lens", "raw": "50 mm"}, {"tag": "Make", "raw": {"_content": "Zorki"}}],
            },
        ),
        photo(6, exif=None, contexts={"set": [{"id": "9", "title": "Best"}, 4]}),
    ]
    found = report(make_archive(tmp_path / "in", photos), to=tmp_path / "out.html")
    assert found["counts"]["photos"] == 6
    assert found["counts"]["misfits"] > 0
    assert found["counts"]["placed"] == 0
    assert found["uploaded"]["unknown"] == 5
    assert [each["name"] for each in found["tags"]["entries"]] == ["a", "b"]
    assert found["licenses"][0]["terms"]["name"] == "not told"
    assert found["cameras"]["entries"] == [{"name": "Zorki", "count": 1}]
    assert found["lenses"]["entries"] == [{"name": "50 mm", "count": 1}]
    assert found["albums"]["entries"] == [{"name": "Best", "count": 1, "id": "9"}]
    assert found["refusals"] == [["info", "refused (code 1)", 1]]


def test_reasons_that_differ_by_an_id_are_one() -> None:
    assert tell_refusal(1, 'Photo "50722074273" not found (invalid ID)') == 'Photo "…" not found (invalid ID) (code 1)'
    assert tell_refusal(None, "12345678@N01 is gone") == "… is gone"


def test_cameras_without_flickrs_name_are_named_by_what_they_wrote() -> None:
    def name(**told: str) -> str:
        exif = [{"tag": tag, "raw": {"_content": text}} for tag, text in told.items()]
        found = read_exif(orjson.dumps({"camera": "", "exif": exif}))
        assert isinstance(found, Exif)
        return found.camera

    assert name(Make="NIKON CORPORATION", Model="NIKON D80") == "NIKON D80"
    assert name(Make="Apple", Model="iPhone 5") == "Apple iPhone 5"
    assert name(Model="X100") == "X100"
    assert name() == ""


def test_the_changes_of_each_update_are_counted(tmp_path: Path) -> None:
    one, other = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"
    changes = [
        {"id": "1", "at": one, "change": "added"},
        {
            "id": "2",
            "at": one,
            "change": "changed",
            "members": ["info.license"],
            "license": {"before": "a", "after": "b"},
        },
        {"id": "2", "at": other, "change": "changed", "members": ["info.title", "info.license"]},
        {"id": "3", "at": other, "change": "removed", "code": 1},
        {"id": "4", "at": other, "change": "unlisted"},
    ]
    folder = make_archive(tmp_path / "in", [photo(1), photo(2)], lists={"changes.ndjson": changes})
    (archive,) = report(folder, to=tmp_path / "out.html")["archives"]
    assert archive["updates"] == [
        {"at": other, "added": 0, "changed": 1, "removed": 1, "other": 1, "licenses": 0},
        {"at": one, "added": 1, "changed": 1, "removed": 0, "other": 0, "licenses": 1},
    ]
    assert archive["members"] == {"info.license": 2, "info.title": 1}


def test_albums_are_those_of_the_list_of_sets(tmp_path: Path) -> None:
    sets = [
        {"id": "7", "photoset": {"title": {"_content": "Holidays"}}, "photo_ids": ["1", "2"]},
        {"id": "8", "photoset": {"title": "Trees"}, "photo_ids": ["1"]},
        {"id": "9", "photoset": None},
    ]
    folder = make_archive(tmp_path / "in", [photo(1), photo(2)], lists={"photosets.ndjson": sets})
    found = report(folder, to=tmp_path / "out.html")
    assert [(each["name"], each["count"]) for each in found["albums"]["entries"]] == [
        ("Holidays", 2),
        ("Trees", 1),
        ("", 0),
    ]


def test_what_is_missing_is_told_with_its_reason(tmp_path: Path) -> None:
    kept = {
        "after": "2014-03-01T12:00:00Z",
        "before": "2014-03-01T12:05:00Z",
        "claimed": 30,
        "found": 20,
        "note": "Why.",
    }
    coverage = [
        {"since": "2004-01-01T00:00:00Z", "until": "2014-01-01T00:00:00Z", "reported": 5, "found": 5, "whole": True},
        {"since": "2014-01-02T00:00:00Z", "until": "2015-01-01T00:00:00Z", "reported": 30, "found": 20, "whole": False},
        "what",
    ]
    folder = make_archive(
        tmp_path / "in", [photo(1)], status="incomplete", coverage=coverage, incomplete_stretches=[kept]
    )
    errors = [{"id": str(n), "part": "info", "message": f"Photo {n}0000 timed out"} for n in range(10, 14)]
    (folder / "errors.ndjson").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in errors))
    (archive,) = report(folder, to=tmp_path / "out.html")["archives"]
    assert archive["state"] == "incomplete"
    assert [(each["claimed"], each["found"], each["is_whole"]) for each in archive["stretches"]] == [
        (5, 5, True),
        (30, 20, False),
    ]
    assert archive["kept_back"][0]["note"] == "Why."
    assert archive["failures"] == [["info", "Photo … timed out", 4]]


def test_many_stretches_become_few_and_what_is_kept_back_stays_told() -> None:
    stretches = [
        Stretch(since=f"{2004 + n:04}", until=f"{2005 + n:04}", claimed=2, found=1 + (n != 7), is_whole=n != 7)
        for n in range(20)
    ]
    joined = join_stretches(stretches, most=5)
    assert [(each.since, each.until, each.claimed, each.found) for each in joined][:2] == [
        ("2004", "2008", 8, 8),
        ("2008", "2012", 8, 7),
    ]
    assert [each.is_whole for each in joined] == [True, False, True, True, True]
    assert join_stretches([]) == []


def test_cells_are_joined_by_their_edges() -> None:
    assert join_cells({(-1, -1): 1, (0, 0): 2, (1, 1): 4, (-2, -2): 8}, 2) == {(-2, -2): 9, (0, 0): 6}


@pytest.mark.parametrize(
    ("license_id", "told"),
    [
        (0, (False, False, False, False, False)),
        (4, (True, True, True, True, False)),
        (15, (True, True, False, True, True)),
        (16, (True, True, False, False, False)),
        (9, (True, False, True, True, False)),
        (99, (None, False, False, False, False)),
        (-1, (None, False, False, False, False)),
    ],
)
def test_a_licence_allows_what_its_text_says(license_id: int, told: tuple[bool | None, ...]) -> None:
    terms = read_terms(license_id)
    assert (terms.is_open, terms.must_attribute, terms.commercially, terms.adapted, terms.alike) == told


def test_no_name_is_in_an_anonymous_report(tmp_path: Path) -> None:
    owner = {"nsid": "12345678@N01", "username": "Ann Nomen", "realname": "Ann Nomen", "path_alias": "nomen"}
    photos = [
        photo(4195976808, info=build_info(owner=owner, title={"_content": "Nomen at home"}, views="9", license="4"))
    ]
    photos[0]["errors"] = {"sizes": {"code": 2, "message": "Ann Nomen says no"}}
    folder = make_archive(
        tmp_path / "nomen",
        photos,
        job={"source": "account", "user": "nomen", "detail": "full"},
        lists={"photosets.ndjson": [{"id": "77", "photoset": {"title": "Nomen's"}, "photo_ids": ["4195976808"]}]},
    )
    (folder / "errors.ndjson").write_bytes(orjson.dumps({"id": "4195976809", "message": "Nomen is away"}) + b"\n")
    found = report(folder, to=tmp_path / "out.html", anonymous=True, pictures=True)
    text = (tmp_path / "out.html").read_text("utf-8")
    for name in ("omen", "12345678", "4195976808", "staticflickr"):
        assert name not in text.partition("<script>")[0], name
    assert found["owners"]["entries"] == [{"name": "Owner 1", "count": 1}]
    assert found["refusals"] == [["sizes", "code 2", 1]]
    assert ["user", LEFT_OUT] in found["archives"][0]["asked"]
    assert ["detail", "full"] in found["archives"][0]["asked"]


def test_pictures_are_linked_only_where_that_is_asked_and_only_flickrs(tmp_path: Path) -> None:
    def size(source: str) -> dict[str, Any]:
        return {"size": [{"label": "Small", "source": source, "width": 240, "height": 180}]}

    good = "https://live.staticflickr.com/65535/1_a_m.jpg"
    bad = [
        "javascript:alert(1)",
        "https://evil.example/live.staticflickr.com/a.jpg",
        "https://live.staticflickr.com@evil.example/a",
    ]
    photos = [photo(n, info=build_info(views=str(n)), sizes=size(source)) for n, source in enumerate([good, *bad], 1)]
    folder = make_archive(tmp_path / "in", photos)
    assert {each["picture"] for each in report(folder, to=tmp_path / "out.html")["viewed"]} == {""}
    assert "img-src" not in (tmp_path / "out.html").read_text("utf-8").partition("<style>")[0]
    found = report(folder, to=tmp_path / "out.html", pictures=True)
    assert [each["picture"] for each in found["viewed"]] == ["", "", "", good]
    assert "img-src https://live.staticflickr.com https://*.staticflickr.com" in (tmp_path / "out.html").read_text(
        "utf-8"
    )


def test_whatever_flickr_says_is_data_to_the_page(tmp_path: Path) -> None:
    owner = {"nsid": NASTY, "username": NASTY, "realname": NASTY, "path_alias": NASTY}
    photos = [
        photo(
            1,
            info=build_info(owner=owner, title={"_content": NASTY}, tags=[NASTY], media=NASTY, views="5", license="4"),
        )
    ]
    report(make_archive(tmp_path / "in", photos, job={"source": "search", "text": NASTY}), to=tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text("utf-8")
    assert text.count("<script") == 2
    assert "<img" not in text
    assert "javascript:" not in text.partition("<script>")[0]


# The command


def test_the_page_is_there_and_the_command_says_so(made: Path, tmp_path: Path) -> None:
    done = run("report", made, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (Exit.COMPLETE, b"", b"report.html: 300 photos.\n")
    assert read_page(tmp_path / "report.html")["counts"]["photos"] == 300


@pytest.mark.slow
def test_standard_output_gets_the_page_and_nothing_else(made: Path, tmp_path: Path) -> None:
    done = run("report", made, "-o", "-", cwd=tmp_path)
    assert done.returncode == Exit.COMPLETE
    assert done.stdout.startswith(b"<!DOCTYPE html>")
    assert done.stdout.endswith(b"</html>\n")
    assert not list(tmp_path.iterdir())
    done = run("report", made, "-o", "-", "--open", cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (Exit.USAGE, 1)


@pytest.mark.parametrize("name", ["nothing", "file", "empty"])
def test_what_is_no_archive_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    done = run("report", name, cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert done.stderr.count(b"\n") == 1, done.stderr
    assert not (tmp_path / "report.html").exists()


def test_a_damaged_line_is_told_with_its_number_and_leaves_the_last_report(tmp_path: Path) -> None:
    folder = make_archive(tmp_path / "in", [photo(n) for n in range(5)])
    (tmp_path / "out.html").write_text("the last one")
    path = folder / "photos.ndjson"
    path.write_bytes(path.read_bytes().replace(b'{"id":"3"', b'{"id"="3"'))
    with pytest.raises(UsageError, match=r"photos\.ndjson line 4 is damaged: harvester repair"):
        report(folder, to=tmp_path / "out.html")
    assert (tmp_path / "out.html").read_text() == "the last one"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in", "out.html"]


def test_nothing_is_written_into_an_archive(made: Path) -> None:
    with pytest.raises(UsageError, match="in which nothing else is written"):
        report(made, to=made / "report.html")


def test_a_page_that_cannot_be_written_is_told(made: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="Cannot write"):
        report(made, to=tmp_path / "missing" / "report.html")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_report_that_is_stopped_leaves_the_last_one_and_no_half_file(tmp_path: Path, workers: int) -> None:
    folder = make_archive(tmp_path / "in", [photo(1)])
    (tmp_path / "out.html").write_text("the last one")

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_report(Order(folders=[folder], output=tmp_path / "out.html", workers=workers), stop)
    assert (tmp_path / "out.html").read_text() == "the last one"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in", "out.html"]


def test_what_a_killed_report_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    folder = make_archive(tmp_path / "in", [photo(1)])
    number = subprocess.Popen([sys.executable, "-c", ""])
    number.wait()
    (tmp_path / f".out.html.{number.pid}-abcd.part").write_text("<!DOCTYPE")
    report(folder, to=tmp_path / "out.html")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in", "out.html"]


def test_a_private_archive_makes_a_private_page(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "in"))
    for path in folder.iterdir():
        path.chmod(0o600)
    report(folder, to=tmp_path / "out.html")
    assert (tmp_path / "out.html").stat().st_mode & 0o077 == 0
