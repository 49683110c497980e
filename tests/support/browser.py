"""A headless Chromium that is on this machine, and what axe-core says of a page."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from support.project import ROOT

expect.set_options(timeout=30_000)  # a machine with much else to do takes its time
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A browser; without one on this machine the test is skipped."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


class Visit:
    """A page that is opened, and all that it says and asks for meanwhile."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))


@asynccontextmanager
async def visit(browser: Browser, *, width: int = 1200, scheme: Any = "light") -> AsyncIterator[Visit]:
    """A new page of this width in this colour scheme."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        yield Visit(await context.new_page())
    finally:
        await context.close()


async def find_violations(page: Page) -> list[str]:
    """What axe-core finds wrong, in words. Without axe-core the test is skipped."""
    if not AXE.is_file():
        pytest.skip("needs axe-core: make vendor installs it")
    script = AXE.read_text("utf-8")
    found = await page.evaluate(f"{script}; axe.run().then(({{violations}}) => violations)")
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
