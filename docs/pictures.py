"""The README's pictures: the pages of a harvest from a sandbox, as a browser shows them, light and dark."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from playwright.sync_api import sync_playwright

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox

HERE = Path(__file__).parent / "pages" / "pictures"
NAME = "monkeys"
SEARCH = ("search", "--tags", "monkey,chimp", "--with", "exif", "-o", NAME, "--pace", "120/s", "-q")
COLORS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTH = 1100
REPORT, WATCH = 1700, 1000
"""How much of each page is shown, from its top."""
AFTER = 20_000
"""Milliseconds after which the live page has something to show."""


def main() -> None:
    """Make them all."""
    HERE.mkdir(exist_ok=True)
    options = SandboxOptions(catalogue=CatalogueOptions(photos=11_000, owners=60, even=True))
    with TemporaryDirectory() as place, serve_sandbox(options) as url, open_browser() as browser:
        environment = {**os.environ, "FLICKR_API_KEY": "0" * 32, "FLICKR_API_URL": url, "HARVESTER_STATE_DIR": place}
        (Path(place) / NAME).mkdir()
        with start(place, environment, "watch", NAME) as watching:
            address = read_address(watching)
            with start(place, environment, *SEARCH) as harvest:
                take(browser, address, "watch", height=WATCH, wait=AFTER)
                harvest.wait()
        with start(place, environment, "report", NAME) as reporting:
            reporting.wait()
        take(browser, (Path(place) / "report.html").as_uri(), "report", height=REPORT, wait=1000)


@contextmanager
def start(place: str, environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program under way in a folder; ended with the block."""
    command = [sys.executable, "-m", "harvester", *arguments]
    with subprocess.Popen(  # noqa: S603 - the program itself
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_address(process: subprocess.Popen[str]) -> str:
    """The address that a live page is at, which is told first."""
    for line in process.stdout or ():
        if found := re.search(r"http://\S+", line):
            return found[0].rstrip(".")
    raise RuntimeError("harvester watch has told no address")


@contextmanager
def open_browser() -> Iterator[Any]:
    """The Chromium of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def take(browser: Any, address: str, name: str, *, height: int, wait: int) -> None:
    """Pictures of a page in each of the colours."""
    pages = [browser.new_page(color_scheme=colors, viewport={"width": WIDTH, "height": height}) for colors in COLORS]
    for page in pages:
        page.goto(address)
    pages[0].wait_for_timeout(wait)
    for page, colors in zip(pages, COLORS, strict=True):
        page.screenshot(path=HERE / f"{name}-{colors}.png")
        page.close()


if __name__ == "__main__":
    main()
