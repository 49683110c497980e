"""`harvester bag`: an archive to be handed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harvester.cli.meter import open_meter
from harvester.cli.options import Command, console_options, find_console
from harvester.errors import Exit
from harvester.text.words import name_count


@click.command(
    cls=Command,
    short_help="An archive as a bag (BagIt), to be handed over.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester bag archives/monkeys -o bags/monkeys-2026\n"
        '  harvester bag archives/monkeys -o bags/monkeys --ro-crate --source-organization "City Archive"'
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, metavar="BAG", type=click.Path(path_type=Path), help="A new folder.")
@click.option("--source-organization", "organization", default="", metavar="TEXT", help="Who hands it over.")
@click.option("--description", default="", metavar="TEXT", help="In place of what the archive says of itself.")
@click.option("--ro-crate", "with_crate", is_flag=True, help="Describe it by ro-crate-metadata.json, too.")
@click.option(
    "--with-checkpoint", is_flag=True, help="Take state.sqlite too, so that the copy can be brought up to date."
)
@click.option("--link", is_flag=True, help="Link files in place of copying them; only of a complete archive.")
@console_options
def bag(*, folder: Path, output: Path, **given: Any) -> Exit:
    """Make a bag of an archive by RFC 8493. Makes no call, and changes nothing in the archive.

    It holds the archive's files under data/, the sha256 of each, and what was asked, when, and how complete it is. Each
    file is held against the archive's manifest while it is copied. The bag appears whole or not at all.

    An archive in which a harvester is at work is refused. One that is incomplete is bagged; bag-info.txt says so, and
    the exit code is 3. Linked files are the archive's own: what changes them there changes them in the bag.
    """
    names = ("organization", "description", "with_crate", "with_checkpoint", "link")
    wished = {name: given.pop(name) for name in names}
    console = find_console(**given)
    from harvester.curation.bag import BagOptions, make_bag  # noqa: PLC0415

    with open_meter(console, noun="byte", has_lines=console.verbose) as tell:
        made = make_bag(folder, output, BagOptions(**wished), tell)
    told = f"{name_count(made.photos, 'photo')} in {name_count(len(made.files), 'file')}, {made.bytes:,} bytes"
    console.note(f"{output}: {told}.")
    for gap in made.gaps:
        console.warn(f"The archive is incomplete, as bag-info.txt says: {gap}")
    return Exit.INCOMPLETE if made.gaps else Exit.COMPLETE
