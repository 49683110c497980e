"""A part of a photo is added in one place: the table of parts."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import orjson
import pytest

from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import KEY
from support.project import ROOT

ADDED = 'Part("flickr.photos.licenses.getInfo", "licenses", "All licences there are.", named=None)'
WITHOUT = ("search", "--tags", "monkey", "--min-upload-date", "2009-12-01", "--limit", "3")
WITH = (*WITHOUT, "--with", "licences")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The program and its documentation, with one more part in the table."""
    for name in ("harvester", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "site"))
    shutil.copy(ROOT / "config.example.toml", tmp_path)
    table = tmp_path / "harvester" / "flickr" / "methods.py"
    text, end = table.read_text("utf-8"), '    }\n)\n"""All that a line can hold of a photo'
    assert text.count(end) == 1
    table.write_text(text.replace(end, f'        "licences": {ADDED},\n{end}'), "utf-8")
    return tmp_path


async def run(copy: Path, *command: str, url: str = "") -> bytes:
    env = {**os.environ, "PYTHONPATH": str(copy), "FLICKR_API_KEY": KEY, "FLICKR_API_URL": url, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=copy, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out


@pytest.mark.slow
async def test_it_is_fetched_and_written(copy: Path, sandbox: Sandbox) -> None:
    await run(copy, "-m", "harvester", *WITH, "-o", "out", url=sandbox.url)
    lines = read_lines(copy / "out" / "photos.ndjson")
    assert len(lines) == 3
    assert all(list(line)[-1] == "licences" and line["licences"]["license"] for line in lines)
    manifest = orjson.loads((copy / "out" / "manifest.json").read_bytes())
    assert manifest["job"]["with"] == ["licences"]
    await run(copy, "-m", "harvester", "verify", "out")


@pytest.mark.slow
async def test_an_archive_is_deepened_by_it(copy: Path, sandbox: Sandbox) -> None:
    await run(copy, "-m", "harvester", *WITHOUT, "-o", "out", url=sandbox.url)
    await run(copy, "-m", "harvester", *WITH, "-o", "out", url=sandbox.url)
    assert all(line["licences"]["license"] for line in read_lines(copy / "out" / "photos.ndjson"))


@pytest.mark.slow
async def test_it_is_planned(copy: Path, sandbox: Sandbox) -> None:
    plans = [
        orjson.loads(await run(copy, "-m", "harvester", "plan", *job, "--json", url=sandbox.url))
        for job in (WITHOUT, WITH)
    ]
    less, more = ([cost["calls"] for cost in plan["costs"]] for plan in plans)
    assert more == [calls + 3 for calls in less]


@pytest.mark.slow
async def test_it_is_offered_and_documented(copy: Path) -> None:
    shown = await run(copy, "-m", "harvester", "search", "--help")
    assert "favorites, licences." in " ".join(shown.decode().split())
    program = (
        "import sys; sys.path.append('docs'); import generate as made;"
        "print(*made.commands(), made.on_page_markdown('<!-- parts -->'), sep='\\n')"
    )
    pages = (await run(copy, "-c", program)).decode()
    assert "favorites, licences." in pages
    assert "| `licences` | `--with licences` | All licences there are. | flickr.photos.licenses.getInfo |" in pages
