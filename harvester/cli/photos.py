"""`harvester photos`."""

from __future__ import annotations

from typing import Any

import click

from harvester.cli.ids import open_ids
from harvester.cli.options import Command, Setup, build_job, harvest_options, option, photo_job_options
from harvester.cli.output import cluster_options, output_options, read_output, take_rotation
from harvester.cli.session import run_harvest
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Photos
from harvester.jobs.urls import parse_photo


@click.command(
    cls=Command,
    short_help="Photos given by id or address.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester photos 4195976808 https://flic.kr/p/7oMtHJ\n"
        "  harvester photos --from ids.txt --with exif -o photos\n"
        "  sqlite3 my.db 'select id from photos' | harvester photos --from - > photos.ndjson"
    ),
)
@click.argument("photo", nargs=-1)
@option("Options", "--from", "ids_from", metavar="FILE", help="One photo a line, # for comments; - is standard input.")
@output_options
@cluster_options
@photo_job_options
@harvest_options
def photos(
    *,
    setup: Setup,
    photo: tuple[str, ...],
    ids_from: str | None,
    output: str | None,
    state: str | None,
    unescape: bool,
    **given: Any,
) -> Exit:
    """Harvest photos given by id or address: pages, flic.kr, image addresses."""
    if "-" in photo and ids_from is None:
        photo, ids_from = tuple(text for text in photo if text != "-"), "-"
    if not photo and ids_from is None:
        raise UsageError("Name photos by id or address, or a file of them with --from (- is standard input).")
    ids = [parse_photo(text) for text in photo]
    rotation = take_rotation(given, has_archive=output is not None)
    job = build_job(Photos(ids=open_ids(ids, ids_from)), given)
    where = read_output(output, state, unescape=unescape, rotation=rotation)
    expected = len(set(ids)) if ids_from is None else None
    return run_harvest(job, setup.load().settings, output=where, setup=setup, expected=expected)
