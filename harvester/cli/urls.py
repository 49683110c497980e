"""`harvester urls`: the addresses of the pictures."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import click

from harvester.cli.options import Command, Names, console_options, find_console
from harvester.cli.show import show_lines
from harvester.errors import Exit, UsageError, show

_AT_ONCE = 500
_FORMS = ("plain", "aria2", "img2dataset", "csv")


@click.command(
    cls=Command,
    short_help="The addresses of an archive's pictures.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester urls archives/monkeys --size largest > urls.txt\n"
        "  harvester urls archives/monkeys --format aria2 | aria2c -i - -d pictures -j 2 -c\n"
        "  harvester urls archives/monkeys --size 1024 --format img2dataset > pictures.jsonl"
    ),
)
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--size",
    default="original",
    show_default=True,
    metavar="original|largest|LABEL|PIXELS",
    help="LABEL as Flickr says (Large 1600, or k); PIXELS: the smallest whose longer side has so many at least.",
)
@click.option("--format", "form", type=Names(_FORMS), default="plain", show_default=True, help="Who is to read it.")
@console_options
def urls(*, folders: tuple[Path, ...], size: str, form: str, **manner: Any) -> Exit:
    """Print the addresses of the pictures in archives, for a downloader. Makes no call, and changes nothing.

    aria2 gets a file name besides, of the photo's id and the size; img2dataset gets NDJSON with url, id, caption and
    license, csv the same as a table. Photos that have no such size are counted on standard error. Flickr slows down
    those who fetch too fast: two at a time do.
    """
    console = find_console(**manner)
    from harvester.export.pictures.forms import FORMS, HEADS  # noqa: PLC0415
    from harvester.export.pictures.read import Counts, read_addresses  # noqa: PLC0415
    from harvester.export.pictures.sizes import read_choice  # noqa: PLC0415

    if form not in FORMS:
        raise UsageError(f"{show(form)} is none of {', '.join(_FORMS)}.", field="format")
    counts = Counts()
    unique = [*dict.fromkeys(folders)]
    found = read_addresses(unique, choose=read_choice(size), write=FORMS[form], counts=counts)
    show_lines([HEADS[form]] if form in HEADS else [])
    while some := list(islice(found, _AT_ONCE)):
        show_lines(some)
    for count, what in (
        (counts.without, "without this size, or with no address of it in the archive"),
        (counts.strange, "whose address is none of the web's"),
        (counts.doubled, "that an earlier archive has"),
    ):
        if count:
            console.note(f"Left out: {count:,} {'photo' if count == 1 else 'photos'} {what}.")
    return Exit.COMPLETE
