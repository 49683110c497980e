"""Exports of archives, by the program and in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.export.run import Order
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.harvest import KEY
from support.project import ROOT

ALL = ("--quota", "none", "--pace", "none", "-q")


def run(*arguments: str | Path, **given: Any) -> subprocess.CompletedProcess[bytes]:
    """The program, as a process."""
    command = [sys.executable, "-m", "harvester", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FLICKR_API_KEY": KEY}
    return subprocess.run(command, env=environment, capture_output=True, check=False, **given)


def order(folder: Path, output: str | None = "out.parquet", **given: Any) -> Order:
    path = None if output is None else Path(output)
    form: Any = given.pop("format", None) or (path.suffix[1:] if path else "ndjson")
    return Order(folders=[folder], format=form, output=path, **given)


def harvest_archives(place: Path) -> None:
    """Archives to export: `full`, `listed` of the same photos, and `account`."""
    options = SandboxOptions(catalogue=CatalogueOptions(photos=400, owners=3, refused=0.02))
    with pytest.MonkeyPatch.context() as patch, serve_sandbox(options) as url:
        patch.setenv("FLICKR_API_URL", url)
        for name, detail in (("listed", "list"), ("full", "full")):
            done = run("search", "--tags", "sandbox", "--detail", detail, "-o", place / name, *ALL)
            assert done.returncode == 0, done.stderr
        owner = orjson.loads((place / "full" / "photos.ndjson").read_bytes().splitlines()[0])["search"]["owner"]
        done = run("account", owner, "--with", "comments", "-o", place / "account", *ALL)
        assert done.returncode == 0, done.stderr
