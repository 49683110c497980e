"""Every command of the README runs, in its order, in an empty folder, against a sandbox."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import orjson
import pytest
from conftest import KEY, Opener

from harvester.sandbox.server import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines(text: str = README) -> list[str]:
    return [line for block in blocks("sh", text) for line in block.splitlines() if line.strip()]


def test_its_make_targets_exist() -> None:
    targets = re.findall(r"^make (\w+)", "\n".join(shell_lines()), re.MULTILINE)
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


_CAN_RUN = shutil.which("jq") is not None and (BIN / "harvester").exists()
needs_jq = pytest.mark.skipif(not _CAN_RUN, reason="jq, or harvester beside this Python, is missing")


async def run_all(scripts: list[str], sandbox: Sandbox, folder: Path) -> None:
    """Run scripts for bash in a folder, as somebody would who has a key, a browser, and no quota to keep to."""
    settings = Path(os.environ["XDG_CONFIG_HOME"]) / "harvester" / "harvester.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[limits]\npace = "none"\nquota = "none"\n')
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    browser = f"{sys.executable} -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1]).read()' %s"
    addresses = {"FLICKR_API_URL": sandbox.url, "FLICKR_API_KEY": KEY}
    environment = {**os.environ, "PATH": path, "BROWSER": browser, **addresses}
    for script in scripts:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, cwd=folder, env=environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()


def make_scripts(text: str) -> list[str]:
    """The commands of a text, as one script for bash, and each of its Python programs as one more."""
    lines = [line for line in shell_lines(text) if not line.startswith(("make ", "pip install"))]
    shell = ["\n".join(["set -euo pipefail", *lines])] if lines else []
    return shell + [f"python - <<'END'\n{block}\nEND" for block in blocks("python", text)]


@needs_jq
async def test_its_commands_run(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=2_000, owners=20, private=0.1) as sandbox:
        await run_all(make_scripts(README), sandbox, tmp_path)
    assert len((tmp_path / "monkeys" / "photos.ndjson").read_bytes().splitlines()) == 20
    backup = orjson.loads((tmp_path / "backup" / "manifest.json").read_bytes())
    assert (backup["status"], backup["signed"]) == ("complete", True)
    assert len((tmp_path / "again" / "photos.ndjson").read_bytes().splitlines()) == 5


def test_its_commands_and_options_are_known() -> None:
    from harvester.cli import SECTIONS  # noqa: PLC0415

    known = {name for section in SECTIONS.values() for name in section}
    named = set(re.findall(r"`?harvester ([a-z]+)", "\n".join(shell_lines())))
    assert named <= known
    assert len(named) >= 6


def test_its_table_of_peers_is_that_of_the_bench() -> None:
    peers = (ROOT / "tests" / "bench" / "peers.py").read_text(encoding="utf-8")
    versions = dict(re.findall(r'^    "([\w-]+)": "([\d.]+)"', peers, re.MULTILINE))
    assert len(versions) == 4
    rows = re.findall(r"^\| (\S+) ([\d.]+) \| [\d,]+ \| [\d.]+ \| [\d,]+ \|$", README, re.MULTILINE)
    assert dict(rows) == versions
    assert re.search(r"^bench:", MAKEFILE, re.MULTILINE)
