"""`harvester demo`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from harvester.cli.options import Command, Setup, console_options, find_console
from harvester.cli.session import find_loop_factory, run_harvest
from harvester.cli.show import show_lines
from harvester.config.settings import read_folder
from harvester.demo import FAULTS, PHOTOS, build_harvest, build_sandbox, read_first, serve_sandbox
from harvester.errors import Exit

FOLDER = "demo"


@click.command(
    cls=Command,
    short_help="Sandbox, harvest and summary in one go; no key needed.",
    epilog="\b\nExample:\n  harvester demo && jq -r .info.title._content demo/photos.ndjson | head",
)
@click.argument("folder", metavar="[DIR]", default=FOLDER)
@console_options
def demo(*, folder: str, quiet: bool, **manner: Any) -> Exit:
    """Harvest a small made-up Flickr into DIR (./demo), which takes a few seconds and needs no key.

    Done twice, it finds its archive complete and makes no call. It touches nothing but DIR.
    """
    from harvester.engine.run import Output  # noqa: PLC0415

    console = find_console(quiet=quiet, **manner)
    path = read_folder(folder, field="DIR")
    again = (path / "manifest.json").exists()
    setup = Setup(console=console, config_path=None, options={}, progress=None)
    console.note(f"A sandbox with {PHOTOS:,} photos, where {FAULTS:.0%} of all answers fail, as if it were Flickr.")
    with serve_sandbox(build_sandbox(), loop_factory=find_loop_factory()) as url:
        job, settings = build_harvest(url)
        code = run_harvest(job, settings, output=Output(folder=path), setup=setup)
    if code == Exit.COMPLETE and not quiet:
        show_lines(list_next(path, again=again))
    return code


def list_next(path: Path, *, again: bool) -> list[str]:
    """The first record, and what to try next."""
    name = shlex.quote(str(path))
    known = [f"{name} was there already. To see it filled anew, remove it, or name another folder.", ""]
    return [
        *(known if again else []),
        f"The first line of {path / 'photos.ndjson'}, shortened:",
        "",
        read_first(path / "photos.ndjson") or "",
        "",
        "Next:",
        f"  jq -r .info.title._content {shlex.quote(str(path / 'photos.ndjson'))} | head",
        "  export FLICKR_API_KEY=…    # from https://www.flickr.com/services/apps/create/",
        "  harvester search --tags monkey --limit 100 -o monkeys",
    ]
