"""`harvester demo`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click

from harvester.cli.options import Command, Setup, console_options, find_console
from harvester.cli.session import find_loop_factory, run_harvest
from harvester.cli.show import show_lines
from harvester.config.settings import Settings, read_folder
from harvester.errors import Exit
from harvester.jobs.model import Job, Search
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox

FOLDER = "demo"
PHOTOS = 1000
FAULTS = 0.02
KEY = "0123456789abcdef0123456789abcdef"
LONGEST = 48
"""Texts of a shown record are cut to so many characters."""
MOST = 4
"""Of an object in it so many members are shown."""
_TELLING = {
    "search": ("owner", "title", "datetaken", "tags"),
    "info": ("title", "owner", "dates", "views"),
    "sizes": ("size",),
}


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


def build_sandbox(photos: int = PHOTOS) -> SandboxOptions:
    """The demo's sandbox: now and then it fails, as Flickr does."""
    return SandboxOptions(catalogue=CatalogueOptions(photos=photos), faults=Faults(any=FAULTS))


def build_harvest(url: str) -> tuple[Job, Settings]:
    """The demo's job: all photos at full detail. It has no quota, so no ledger of the user is changed."""
    job = Job(source=Search(min_upload_date="2004-01-01"))
    return job, Settings(api_key=KEY, api_url=url, quota=None, pace=None, direct=True)


def read_first(path: Path) -> str | None:
    """The first record of an archive, cut to a size that can be looked at; None where there is none."""
    with path.open(encoding="utf-8") as file:
        line = next(islice(file, 1), None)
    return None if line is None else json.dumps(shorten(json.loads(line)), ensure_ascii=False, indent=2)


def shorten(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its telling members only, and a count of the rest."""
    found = {}
    for name, value in record.items():
        if name in _TELLING and isinstance(value, Mapping):
            told = {key: _cut(value[key]) for key in _TELLING[name] if key in value}
            found[name] = {**told, "…": f"{len(value) - len(told)} more"} if len(told) < len(value) else told
        else:
            found[name] = value
    return found


def _cut(value: Any) -> Any:
    """Texts cut to a length, lists to their last item, objects to their first members that are plain."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    if isinstance(value, Mapping):
        plain = {key: _cut(member) for key, member in value.items() if not isinstance(member, Mapping | list)}
        return dict(islice(plain.items(), MOST))
    if isinstance(value, list):
        return ["…", _cut(value[-1])] if len(value) > 1 else [_cut(item) for item in value]
    return value
