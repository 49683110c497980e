"""Pages that lie on the disk, looked at in a headless Chromium from a test that has no event loop."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from support.browser import AXE

LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1200),
    ("dark", 1200),
    ("light", 360),
    ("dark", 360),
)
"""Colours and widths in which a page is looked at."""


class Look:
    """A page that was opened. `said` are its errors and warnings, `asked` the addresses that it has asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console", lambda message: self.said.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def find_violations(self) -> list[tuple[str, str]]:
        """What axe-core finds: the rule, and the first element that breaks it."""
        if not AXE.is_file():
            pytest.skip("needs axe-core: make vendor installs it")
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("axe.run().then(({violations}) => violations.map(v => [v.id, v.nodes[0].html]))")
        return [(rule, html) for rule, html in found]

    def is_too_wide(self) -> bool:
        """Whether it has to be moved from side to side."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return wide


@contextmanager
def open_browser() -> Iterator[Any]:
    """Debian's Chromium; skips where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Any, address: str, *, colors: str = "light", width: int = 1200) -> Iterator[Look]:
    """A page as somebody sees it who prefers such colours on a screen so wide."""
    context = browser.new_context(
        color_scheme=colors, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())  # nothing leaves this machine
    try:
        look = Look(context.new_page())
        look.page.goto(address)
        yield look
    finally:
        context.close()
