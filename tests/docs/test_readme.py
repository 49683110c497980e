"""Every command of the README runs, in its order, in an empty folder, against a sandbox."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from support.harvest import Opener
from support.project import README, ROOT
from support.scripts import make_scripts, needs_jq, run_all, shell_lines

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_its_make_targets_exist() -> None:
    targets = re.findall(r"^make (\w+)", "\n".join(shell_lines()), re.MULTILINE)
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.slow
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
