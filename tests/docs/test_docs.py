"""The documentation: it can be built, it has every command, option and error, and its commands run."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harvester.cli import main
from harvester.errors import Exit
from harvester.export.columns import COLUMNS
from harvester.progress.metrics.names import METRICS
from support.harvest import Opener
from support.project import ROOT
from support.scripts import make_scripts, needs_jq, run_all

PAGES = ROOT / "docs" / "pages"
GUIDE = ("first-harvest", "own-account", "updates", "repair", "parts", "reading", "any-method", "python")
OTHERS = ("recipes", "publishing", "machines")
"""Each is run by a test of its own: test_recipes.py and so on."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a broken link is an error."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    command += ["--config-file", str(ROOT / "docs" / "mkdocs.yml"), "--site-dir", str(target)]
    done = subprocess.run(  # the notice that mkdocs is to be replaced goes to standard error, too
        command, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


def read(site: Path, page: str) -> str:
    """What a page says, without its marks."""
    return html.unescape(re.sub(r"<[^>]+>", "", (site / page).read_text(encoding="utf-8")))


def every_command(group: click.Group, path: tuple[str, ...] = ("harvester",)) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))


@pytest.mark.slow
def test_it_has_every_command_with_its_options(site: Path) -> None:
    text = read(site, "commands.html")
    commands = dict(every_command(main))
    assert {"harvester search", "harvester auth login", "harvester repair"} <= commands.keys()
    for path, command in commands.items():
        assert f"{path}¶" in text, path
        options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
        assert all(max(option.opts, key=len) in text for option in options), path


@pytest.mark.slow
def test_it_has_every_exit_code(site: Path) -> None:
    text = read(site, "commands.html")
    assert all(re.search(rf"^{code.value}$", text, re.MULTILINE) for code in Exit)


@pytest.mark.slow
def test_it_has_every_setting(site: Path) -> None:
    text = read(site, "configuration.html")
    keys = re.findall(r"^#?(\w+) = ", (ROOT / "config.example.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) > 30
    assert all(f"{key} = " in text for key in keys)


@pytest.mark.slow
def test_it_has_every_column_of_an_export(site: Path) -> None:
    text = read(site, "columns.html")
    assert all(f"{column.name}\n" in text and column.meaning.replace("`", "") in text for column in COLUMNS)


@pytest.mark.slow
def test_it_has_every_metric(site: Path) -> None:
    text = read(site, "guide/metrics.html")
    assert all(f"{metric.name}\n" in text and metric.meaning in text for metric in METRICS)


@pytest.mark.slow
def test_it_has_the_sentences_of_errors(site: Path) -> None:
    text = read(site, "sentences.html")
    assert "Not logged in: run `harvester auth login`." in text.replace(
        "harvester auth login", "`harvester auth login`"
    )
    assert text.count("…") > 50


def test_every_page_of_the_guide_is_tried_or_has_no_commands() -> None:
    others = {path.stem for path in (PAGES / "guide").glob("*.md")} - {*GUIDE, *OTHERS}
    assert [name for name in others if make_scripts((PAGES / "guide" / f"{name}.md").read_text(encoding="utf-8"))] == []


@pytest.mark.slow
@needs_jq
async def test_the_commands_of_the_guide_run_in_its_order(sandbox_of: Opener, tmp_path: Path) -> None:
    texts = [(PAGES / "guide" / f"{name}.md").read_text(encoding="utf-8") for name in GUIDE]
    exported = "export FLICKR_API_SECRET=0123456789abcdef\n"
    scripts = [
        script if script.startswith("python") else exported + script for t in texts for script in make_scripts(t)
    ]
    async with sandbox_of(photos=2_000, owners=20, private=0.1) as sandbox:
        await run_all(scripts, sandbox, tmp_path)
    assert len((tmp_path / "again" / "photos.ndjson").read_bytes().splitlines()) == 20
    assert len((tmp_path / "backup" / "photos.ndjson").read_bytes().splitlines()) > 50
