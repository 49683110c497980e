"""The commands and programs of a text, and what runs them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from harvester.sandbox.server import Sandbox
from support.harvest import KEY
from support.project import BIN, README


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines(text: str = README) -> list[str]:
    return [line for block in blocks("sh", text) for line in block.splitlines() if line.strip()]


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
