"""`harvester report`: a page about archives."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import click

from harvester.cli.archives import folders_argument
from harvester.cli.export import follow_rows
from harvester.cli.options import Command, console_options, find_console
from harvester.config.toml_file import expand_home
from harvester.errors import Exit, UsageError
from harvester.text.words import name_count


@click.command(
    cls=Command,
    short_help="A page about archives, to be shown.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester report archives/monkeys --open\n"
        "  harvester report archives/* -o all.html --anonymize"
    ),
)
@folders_argument
@click.option("-o", "--output", default="report.html", metavar="FILE", help="- for standard output.", show_default=True)
@click.option("--open", "to_open", is_flag=True, help="Show it in the browser.")
@click.option(
    "--thumbnails", "pictures", is_flag=True, help="Show pictures; whoever opens the page loads them from Flickr."
)
@click.option("--anonymize", "anonymous", is_flag=True, help="Leave out names of people, albums, photos and folders.")
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", help="Processes.  [default: 1 or 2, by size]")
@click.option("--progress/--no-progress", default=True, help="Say how far it is, every ten seconds.")
@console_options
def report(*, folders: tuple[Path, ...], output: str, to_open: bool, progress: bool, **given: Any) -> Exit:
    """Make one page of HTML about archives: what was asked, how complete it is, and what the photos are like.

    It holds all that it needs, below 1 MB whatever the archives, and loads nothing from anywhere, unless --thumbnails
    is given. Every chart has its table, to be sorted, searched and copied as CSV.

    Makes no call, changes nothing in an archive, and may run beside a harvest: what has been written so far counts. A
    photo that several archives hold counts once. A file of that name is replaced, whole or not at all.
    """
    wished = {name: given.pop(name) for name in ("pictures", "anonymous", "workers")}
    console = find_console(**given)
    path = None if output == "-" else Path(expand_home(output, field="output"))
    if to_open and path is None:
        raise UsageError("standard output cannot be opened: name a file with -o.", field="open")
    from harvester.web.report.run import Order, write_report  # noqa: PLC0415

    order = Order(folders=tuple(dict.fromkeys(folders)), output=path, **wished)
    with follow_rows(console, is_shown=progress) as on_progress:
        made = write_report(order, on_progress)
    if path is None:
        return Exit.COMPLETE
    console.note(f"{path}: {name_count(made.rows, 'photo')}.")
    if to_open and not webbrowser.open(path.resolve().as_uri()):
        console.warn(f"No browser was found to show {path}: open it yourself.")
    return Exit.COMPLETE
