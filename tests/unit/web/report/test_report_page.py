"""The page of a report in a browser: it shows what it holds, asks for nothing, and whatever Flickr says is text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import expect

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from harvester.web.report.run import Order, write_report
from support.exports import ALL, run
from support.handmade import STAMP, build_info, make_archive, photo
from support.looks import LOOKS, open_browser, open_page

pytestmark = pytest.mark.slow
SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
NASTY = f"{SCRIPT} ' \" ` ${{alert(1)}} &lt; \u202eevil \u2028"
ALERT = "javascript:alert(1)"
FIGURES = (
    "Uploaded",
    "Taken",
    "The world",
    "Most used",
    "Over the years of upload",
    "By year of upload",
    "Photos by views",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    """An archive of the sandbox."""
    options = SandboxOptions(catalogue=CatalogueOptions(photos=300, owners=5, refused=0.02))
    with pytest.MonkeyPatch.context() as patch, serve_sandbox(options) as url:
        patch.setenv("FLICKR_API_URL", url)
        done = run("search", "--tags", "sandbox", "--with", "exif", "-o", place / "sandbox", *ALL)
        assert done.returncode == 0, done.stderr
    return place / "sandbox"


def write(*folders: Path, **given: Any) -> str:
    """A report beside the first of its archives; its address."""
    path = folders[0].with_suffix(".html")
    write_report(Order(folders=folders, output=path, **given))
    return path.as_uri()


def wait_for_charts(page: Any) -> None:
    """Charts are drawn when the page has its width."""
    expect(page.locator(".chart:empty:visible")).to_have_count(0, timeout=30_000)


def make_hostile(folder: Path) -> Path:
    """An archive in which every text is an attack."""
    owner = dict.fromkeys(("nsid", "username", "realname", "path_alias"), NASTY)
    info = build_info(
        owner=owner,
        title={"_content": NASTY},
        description={"_content": NASTY},
        tags=[NASTY, ALERT],
        views="7",
        license="4",
        media=NASTY,
        originalformat=NASTY,
        location={"latitude": "1", "longitude": "1", "accuracy": "16", "country": {"_content": NASTY}},
        urls={"url": [{"type": "photopage", "_content": ALERT}]},
    )
    sizes = {"size": [{"label": NASTY, "source": ALERT, "url": ALERT, "width": 3000, "height": 2000}]}
    exif = {"camera": NASTY, "exif": [{"tag": "LensModel", "raw": {"_content": NASTY}}]}
    refused = {NASTY: {"code": NASTY, "message": NASTY}}
    photos = [
        photo(1, info=info, sizes=sizes, exif=exif, contexts={"set": [{"id": ALERT, "title": NASTY}]}, errors=refused)
    ]
    changes = [{"id": "1", "at": NASTY, "change": NASTY, "members": [NASTY], "license": NASTY}]
    coverage = [{"since": NASTY, "until": NASTY, "reported": 1, "found": 1, "whole": False, "note": NASTY}]
    made = make_archive(
        folder,
        photos,
        status="incomplete",
        job={"source": "search", "text": NASTY, "tags": [ALERT]},
        begun=NASTY,
        coverage=coverage,
        lists={
            "changes.ndjson": changes,
            "photosets.ndjson": [{"id": ALERT, "photoset": {"title": NASTY}, "photo_ids": ["1"]}],
        },
    )
    (made / "errors.ndjson").write_bytes(orjson.dumps({"id": "2", "part": NASTY, "message": NASTY}) + b"\n")
    return made


@pytest.mark.parametrize(("colors", "width"), LOOKS)
def test_it_is_readable_in_both_colours_and_on_a_telephone(made: Path, browser: Any, colors: str, width: int) -> None:
    with open_page(browser, write(made), colors=colors, width=width) as look:
        wait_for_charts(look.page)
        assert not look.is_too_wide()
        look.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert not look.is_too_wide()
        assert look.said == []
        assert look.find_violations() == []
        look.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = false")
        assert look.find_violations() == []


def test_every_chart_has_marks_a_text_and_a_table(made: Path, browser: Any) -> None:
    with open_page(browser, write(made)) as look:
        wait_for_charts(look.page)
        titles = look.page.locator("figcaption h3").all_inner_texts()
        assert set(FIGURES) <= set(titles)
        for figure in look.page.locator("figure").all():
            drawn = figure.locator("svg[role=img]")
            assert len(drawn.get_attribute("aria-label")) > 20
            assert drawn.locator("rect, circle, path").count() > 0
        tables = look.page.locator("details table").count()
        assert tables >= len(titles) - 1


def test_it_asks_for_nothing_but_itself(made: Path, browser: Any) -> None:
    address = write(made)
    with open_page(browser, address) as look:
        wait_for_charts(look.page)
        assert look.asked == [address]
        assert look.said == []


def read_table(page: Any, caption: str) -> list[list[str]]:
    rows: list[list[str]] = page.evaluate(
        """caption => {
            const table = [...document.querySelectorAll("table")].find(each => each.caption.textContent === caption);
            return [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent));
        }""",
        caption,
    )
    return rows


def test_its_tables_hold_the_archives_numbers(made: Path, browser: Any) -> None:
    lines = [orjson.loads(line) for line in (made / "photos.ndjson").read_bytes().splitlines()]
    with open_page(browser, write(made)) as look:
        assert look.page.locator(".tiles strong").first.inner_text() == "300"
        owners = {row[0]: row[1] for row in read_table(look.page, "Owner")}
        told = [line["info"]["owner"]["username"] for line in lines]
        assert owners == {name: str(told.count(name)) for name in told}
        shown = read_table(look.page, "Photos uploaded, by month")
        assert sum(int(count) for _, count in shown) == 300
        tags = {row[0]: row[1] for row in read_table(look.page, "Tag")}
        assert tags["sandbox"] == "300"


def test_a_table_is_sorted_searched_and_copied(made: Path, browser: Any) -> None:
    with open_page(browser, write(made)) as look:
        page = look.page
        page.locator("summary", has_text="Table: tags").first.click()
        box = page.locator("details", has=page.locator("caption", has_text=re.compile("^Tag$"))).last
        name, photos = (box.locator("thead button", has_text=text) for text in ("Tag", "Photos"))
        first = box.locator("tbody tr").first.locator("th")
        name.click()
        assert box.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
        assert first.inner_text() != "sandbox"
        photos.focus()
        page.keyboard.press("Enter")
        assert box.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
        assert first.inner_text() == "sandbox"
        box.locator("input[type=search]").fill("SANDBOX")
        assert box.locator("tbody tr").count() == 1
        assert box.locator("[role=status]").inner_text().startswith("1 of ")
        box.locator("button", has_text="Copy as CSV").click()
        page.get_by_text("Copied.").first.wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert list(csv.reader(io.StringIO(copied))) == [["Tag", "Photos", "Share"], ["sandbox", "300", "1"]]
        assert look.said == []


@pytest.mark.parametrize("option", ["", "pictures", "anonymous"])
def test_whatever_flickr_says_is_shown_as_text(place: Path, browser: Any, option: str) -> None:
    address = write(make_hostile(place / f"hostile-{option}"), **({option: True} if option else {}))
    with open_page(browser, address) as look:
        wait_for_charts(look.page)
        look.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert look.page.locator("main script, main img[src=x], [onerror]").count() == 0
        links = look.page.eval_on_selector_all("a", "links => links.map(link => link.getAttribute('href'))")
        assert all(link.startswith(("#", "https://www.flickr.com/photos/")) for link in links), links
        assert look.asked == [address]
        assert look.said == []
        assert option == "anonymous" or SCRIPT in look.page.inner_text("main")
        assert look.find_violations() == []


def test_pictures_are_asked_of_flickrs_hosts_alone(made: Path, browser: Any) -> None:
    address = write(made, pictures=True)
    with open_page(browser, address) as look:
        wait_for_charts(look.page)
        expect(look.page.locator(".gallery img")).to_have_count(24)
        with look.page.expect_request(re.compile("staticflickr")):
            look.page.locator(".gallery").scroll_into_view_if_needed()
        pictures = [asked for asked in look.asked if asked != address]
        assert pictures
        assert all(asked.startswith("https://live.staticflickr.com/") for asked in pictures)
        assert all("Failed to load" in said for said in look.said), look.said
        assert look.find_violations() == []


def test_a_formula_is_none_to_a_spreadsheet(place: Path, browser: Any) -> None:
    folder = make_archive(place / "formula", [photo(1, info=build_info(tags=['=cmd|"/c calc"!A1']))])
    with open_page(browser, write(folder)) as look:
        look.page.locator("summary", has_text="Table: tags").first.click()
        look.page.locator("details[open] button", has_text="Copy as CSV").click()
        look.page.get_by_text("Copied.").first.wait_for()
        assert look.page.evaluate("navigator.clipboard.readText()").splitlines()[1] == '"\'=cmd|""/c calc""!A1",1,1'


NO_DATE = {"dates": {"posted": "", "taken": "0000-00-00 00:00:00"}}
ODD: Mapping[str, list[dict[str, Any]]] = {
    "none": [],
    "one": [photo(1, info=build_info(tags=["a"]))],
    "undated": [photo(n, info=NO_DATE) for n in range(5)],
    "bare": [{"id": "1", "harvested_at": STAMP, "search": None, "info": None, "sizes": None}],
    "old": [
        photo(n, info=build_info(taken=f"{year}-01-01 00:00:00")) for n, year in enumerate((1, 1826, 1969, 2030, 9999))
    ],
    "many": [
        photo(n, info=build_info(tags=[f"tag{n}-{k}" for k in range(25)], posted=n * 400_000)) for n in range(2000)
    ],
}
"""Archives of unusual photos."""


@pytest.mark.parametrize("name", ODD)
def test_unusual_archives_have_a_good_page(place: Path, browser: Any, name: str) -> None:
    address = write(make_archive(place / name, ODD[name]))
    with open_page(browser, address, width=360) as look:
        wait_for_charts(look.page)
        text = look.page.inner_text("body")
        assert not re.search(r"NaN|undefined|Infinity|Invalid|null|\[object", text), text
        assert look.page.locator("svg").count() >= (0 if name in ("none", "bare", "undated") else 3)
        assert not re.search("NaN|Infinity|undefined", look.page.inner_html("main"))
        assert not look.is_too_wide()
        assert (look.said, look.asked) == ([], [address])
        assert look.find_violations() == []


def test_several_archives_are_told_apart(made: Path, place: Path, browser: Any) -> None:
    other = make_archive(place / "other", [photo(1)], status="incomplete")
    with open_page(browser, write(other, made)) as look:
        wait_for_charts(look.page)
        assert [row[1] for row in read_table(look.page, "Archives")] == [
            "Ended, and something could not be had",
            "Complete",
        ]
        assert look.page.locator("h1").inner_text() == "other, sandbox"
        assert look.find_violations() == []


def test_on_paper_several_archives_have_their_names(made: Path, place: Path, browser: Any) -> None:
    other = make_archive(place / "second", [photo(1)])
    with open_page(browser, write(other, made)) as look:
        look.page.emulate_media(media="print")
        assert look.page.locator("summary:visible").all_inner_texts() == ["second", "sandbox"]


def test_an_empty_archive_has_links_to_what_is_there(place: Path, browser: Any) -> None:
    with open_page(browser, write(make_archive(place / "empty", []))) as look:
        links = look.page.eval_on_selector_all("nav a", "links => links.map(link => link.getAttribute('href'))")
        assert links == ["#complete", "#changes"]
        assert all(look.page.locator(link).count() == 1 for link in links)


def test_few_photos_have_an_axis_of_whole_numbers(place: Path, browser: Any) -> None:
    with open_page(browser, write(make_archive(place / "single", ODD["one"]))) as look:
        wait_for_charts(look.page)
        chart = look.page.locator("figure", has=look.page.get_by_text("Uploaded", exact=True)).locator("svg")
        numbers = [text for text in chart.locator("text").all_text_contents() if re.fullmatch(r"[\d.]+m?", text)]
        assert numbers[:2] == ["0", "1"]
        assert not any("." in text or "m" in text for text in numbers)


def test_on_a_telephone_no_word_of_a_table_is_broken(made: Path, place: Path, browser: Any) -> None:
    other = make_archive(place / "third", [photo(1)])
    with open_page(browser, write(other, made), width=360) as look:
        cells = look.page.locator("table", has=look.page.get_by_text("Archives", exact=True)).locator("td")
        state = cells.filter(has_text="Complete").first
        find_lines = """cell => {
            const all = new Range();
            all.selectNodeContents(cell);
            return new Set([...all.getClientRects()].map(({bottom}) => Math.round(bottom / 8))).size;
        }"""
        assert state.evaluate(find_lines) == 1


def test_on_paper_there_are_charts_and_nothing_to_click(made: Path, browser: Any) -> None:
    with open_page(browser, write(made)) as look:
        wait_for_charts(look.page)
        look.page.emulate_media(media="print")
        assert look.page.locator("nav").is_hidden()
        assert look.page.locator("summary").first.is_hidden()
        assert look.page.locator("figure svg").first.is_visible()
        assert look.page.pdf(format="A4").startswith(b"%PDF")
