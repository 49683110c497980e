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

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def shell_lines() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


def test_its_make_targets_exist() -> None:
    targets = re.findall(r"^make (\w+)", "\n".join(shell_lines()), re.MULTILINE)
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.skipif(shutil.which("jq") is None, reason="the README's commands use jq")
@pytest.mark.skipif(not (BIN / "harvester").exists(), reason="harvester is not installed beside this Python")
async def test_its_commands_run(sandbox_of: Opener, tmp_path: Path) -> None:
    settings = Path(os.environ["XDG_CONFIG_HOME"]) / "harvester" / "harvester.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[limits]\npace = "none"\nquota = "none"\n')
    lines = [line for line in shell_lines() if not line.startswith(("make ", "pip install"))]
    scripts = ["\n".join(["set -euo pipefail", *lines])]
    scripts += [f"python - <<'END'\n{block}\nEND" for block in blocks("python")]
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    browser = f"{sys.executable} -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1]).read()' %s"
    async with sandbox_of(photos=2_000, owners=20, private=0.1) as sandbox:
        addresses = {"FLICKR_API_URL": sandbox.url, "FLICKR_API_KEY": KEY}
        environment = {**os.environ, "PATH": path, "BROWSER": browser, **addresses}
        for script in scripts:
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                "bash", "-c", script, cwd=tmp_path, env=environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
            )
            said, _ = await process.communicate()
            assert process.returncode == 0, said.decode()
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
