"""The page in a browser: its numbers are the archive's, nothing leaves its origin, nothing of Flickr's is obeyed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page, Route, expect

from harvester.config.settings import Settings
from harvester.errors import Exit
from harvester.jobs.model import Job
from harvester.jobs.search import Search
from harvester.quota.counting import state_folder
from harvester.web.watch.server import open_site
from harvester.web.watch.watched import Watched, Watcher
from support.archives import read_lines
from support.browser import find_violations, open_browser, visit
from support.harvest import KEY, Opener, harvest_into
from support.processes import start_quietly

HOSTILE = '<img src=x onerror="window.hit=1"></script><script>window.hit=1</script>javascript:alert(1)\u202e'
ALL = Job(source=Search(min_upload_date="2004-01-01"))


@asynccontextmanager
async def watching(*folders: Path) -> AsyncIterator[str]:
    """The address of a page about archives."""
    settings = Settings(api_key=KEY)
    state = state_folder()
    watched = [Watched(folder, number, settings, state=state) for number, folder in enumerate(folders, 1)]
    async with open_site(Watcher(watched), port=0) as address:
        yield address


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


async def read_rows(page: Page, caption: str) -> list[list[str]]:
    """The cells of a table, whether it is shown or not."""
    table = page.locator("table", has=page.locator("caption", has_text=caption))
    rows = await table.locator("tbody tr").all()
    return [[text or "" for text in await row.locator("th,td").all_text_contents()] for row in rows]


@pytest.mark.slow
async def test_an_archive_at_rest_is_shown_as_it_is(
    sandbox_of: Opener, tmp_path: Path, browser: Browser, time_limit: None
) -> None:
    assert time_limit is None
    folder = tmp_path / "out"
    async with sandbox_of(photos=120) as sandbox:
        await harvest_into(folder, sandbox, ALL)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    async with watching(folder) as address, visit(browser) as seen:
        await seen.page.goto(address)
        await expect(seen.page.locator(".badge")).to_have_text("complete")
        await expect(seen.page.locator(".large")).to_have_text("120 of about 120 photos")
        listed = await read_rows(seen.page, "Listed by time of upload")
        assert sum(int(photos) for _, photos, _ in listed) == 120
        assert {share for *_, share in listed} == {"100 %"}
        latest = await read_rows(seen.page, "Last photos")
        lines = read_lines(folder / "photos.ndjson")[:-13:-1]
        assert [row[0] for row in latest] == [line["id"] for line in lines]
        titles = [line["info"]["title"]["_content"] for line in lines]
        assert [row[1] for row in latest] == [title.strip() or "(no title)" for title in titles]
        drawn = "document.querySelectorAll('canvas').length"
        assert await seen.page.evaluate(drawn) > 0
        assert not await seen.page.get_by_role("button", name="Pause").is_visible()
        assert seen.said == []
        assert all(asked.startswith(address) for asked in seen.asked)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
async def test_everybody_can_use_it(sandbox_of: Opener, tmp_path: Path, browser: Browser) -> None:
    """In light and dark, and on the narrowest telephone, with all tables open."""
    async with sandbox_of(photos=40) as sandbox:
        for name in ("one", "two"):
            await harvest_into(tmp_path / name, sandbox, ALL)
    async with watching(tmp_path / "one", tmp_path / "two") as address:
        for scheme, width in (("light", 1200), ("dark", 1200), ("light", 360)):
            async with visit(browser, width=width, scheme=scheme) as seen:
                await seen.page.goto(address)
                await expect(seen.page.locator("article")).to_have_count(2)
                for summary in await seen.page.locator("summary").all():
                    if await summary.is_visible():
                        await summary.click()
                assert await find_violations(seen.page) == []
                assert await seen.page.evaluate("document.documentElement.scrollWidth") == width
                assert seen.said == []


async def end(process: asyncio.subprocess.Process) -> None:
    """Whatever a test has come to."""
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.mark.slow
async def test_a_run_is_paused_let_go_on_and_stopped_from_the_page(
    sandbox_of: Opener, tmp_path: Path, browser: Browser, time_limit: None
) -> None:
    assert time_limit is None
    folder = tmp_path / "out"
    options = ("search", "--min-upload-date", "2004-01-01", "--pace", "20/s", "-o", str(folder))
    async with sandbox_of(photos=2000) as sandbox, AsyncExitStack() as stack:
        process = await start_quietly(sandbox.url, *options)
        stack.push_async_callback(end, process)
        while not (folder / "state.sqlite").exists():
            await asyncio.sleep(0.05)
        async with watching(folder) as address, visit(browser) as seen:
            await seen.page.goto(address)
            await seen.page.get_by_role("button", name="Pause").click(timeout=30_000)
            await expect(seen.page.locator(".badge")).to_have_text("paused")
            await expect(seen.page.locator(".wait")).to_contain_text("Paused as `harvester watch` was asked")
            await asyncio.sleep(0.5)
            calls = sandbox.stats.calls
            await asyncio.sleep(1.5)
            assert sandbox.stats.calls == calls
            assert await find_violations(seen.page) == []
            await seen.page.get_by_role("button", name="Go on").click()
            await expect(seen.page.locator(".badge")).to_have_text("running")
            await expect(seen.page.locator(".wait")).to_be_hidden()
            rows = await read_rows(seen.page, "Calls by method and outcome")
            assert {(method, outcome) for method, outcome, _ in rows} >= {("flickr.photos.search", "ok")}
            await seen.page.get_by_role("button", name="Stop …").click()
            assert await find_violations(seen.page) == []
            await seen.page.get_by_role("button", name="Stop it").click()
            assert await process.wait() == Exit.TERMINATED
            await expect(seen.page.locator(".badge")).to_have_text("unfinished", timeout=10_000)
            await expect(seen.page.locator("article")).to_contain_text(f"harvester resume {folder}")
            assert seen.said == []


async def test_a_page_whose_server_has_gone_says_so(sandbox_of: Opener, tmp_path: Path, browser: Browser) -> None:
    async with sandbox_of(photos=10) as sandbox:
        await harvest_into(tmp_path / "out", sandbox, ALL)
    async with visit(browser) as seen:
        async with watching(tmp_path / "out") as address:
            await seen.page.goto(address)
            await expect(seen.page.locator("header [role=status]")).to_contain_text("Live")
        await expect(seen.page.locator("header [role=status]")).to_contain_text("Not connected")


def poison(value: Any) -> Any:
    """The same facts, every text of which is hostile."""
    match value:
        case str():
            return HOSTILE
        case list():
            return [poison(each) for each in value] or []
        case dict():
            return {name: poison(each) for name, each in value.items()}
        case _:
            return value


async def test_whatever_stands_in_a_text_is_a_text(sandbox_of: Opener, tmp_path: Path, browser: Browser) -> None:
    folder = tmp_path / "out"
    async with sandbox_of(photos=20) as sandbox:
        await harvest_into(folder, sandbox, ALL)
    settings = Settings()
    watcher = Watcher([Watched(folder, 1, settings, state=None)])
    (facts,) = msgspec.to_builtins(await watcher.look())
    bad = poison(facts)
    bad["contents"] |= {"months": facts["contents"]["months"], "failures": [{"what": HOSTILE, "why": HOSTILE}]}
    bad["run"] = {
        "pid": 1, "began": 1, "reading": None, "reason": HOSTILE, "is_paused": False, "frees_in": 0,
        "numbers": {"calls": [[HOSTILE, HOSTILE, 3]], "waited": {HOSTILE: 1}, "retries": {HOSTILE: 2}},
        "incidents": [{"at": 1, "what": HOSTILE, "why": HOSTILE}],
    }  # fmt: skip

    async def answer(route: Route) -> None:
        await route.fulfill(body=f"data: {json.dumps([bad])}\n\n", content_type="text/event-stream")

    async with watching(folder) as address, visit(browser) as seen:
        await seen.page.route("**/events", answer)
        await seen.page.goto(address)
        await expect(seen.page.locator("h2")).to_have_text(HOSTILE)
        assert (await read_rows(seen.page, "Last photos"))[0] == [HOSTILE, HOSTILE, HOSTILE, HOSTILE[:10]]
        assert await seen.page.evaluate("window.hit") is None
        assert await seen.page.locator("article img, article script, article a").count() == 0
        assert seen.said == []
        assert all(asked.startswith(address) for asked in seen.asked)
