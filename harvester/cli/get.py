"""`harvester get`: addresses of every kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from harvester.cli.options import Command, Setup, build_job, harvest_options, job_options
from harvester.cli.output import check_output, output_options, read_output, take_rotation, update_option
from harvester.cli.series import Turn, harvest_all
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Photos, Source
from harvester.jobs.urls import read_url


@click.command(
    cls=Command,
    short_help="Whatever an address of Flickr's means.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester get https://www.flickr.com/photos/NAME/albums/72157628959784871 -o trip\n"
        "  harvester get 'https://www.flickr.com/search/?text=snow&license=4%2C5' --detail info -o snow\n"
        "  harvester get https://flic.kr/p/7oMtHJ https://flic.kr/s/aHsjybZ5ZD > both.ndjson"
    ),
)
@click.argument("url", nargs=-1, required=True)
@output_options
@update_option
@job_options
@harvest_options
def get(
    *,
    setup: Setup,
    url: tuple[str, ...],
    output: str | None,
    state: str | None,
    unescape: bool,
    update: bool,
    **given: Any,
) -> Exit:
    """Harvest what an address of flickr.com or flic.kr means, or a photo by its id.

    Photos, photostreams, people, albums, galleries, groups, favourites, tags, archives, searches and images are
    known. Photos are harvested together, all else one after the other; an archive holds one of them.
    """
    sources, rotation = gather_sources(url), take_rotation(given, has_archive=output is not None)
    where = read_output(output, state, unescape=unescape, update=update, rotation=rotation)
    if len(sources) > 1 and (output or state):
        raise UsageError(
            f"these addresses are {len(sources)} sources, and an archive holds one: give each its own run, or write "
            "their records to standard output.",
            field="state" if output is None else "output",
        )
    turns = []
    for title, source in sources:
        job = build_job(source, given)
        check_output(job, where)
        expected = len(source.listed) if isinstance(source, Photos) else None
        turns.append(Turn(title=title, job=job, output=where, expected=expected))
    settings = setup.load().settings
    settings.require_key()
    return harvest_all(turns, settings, setup=setup)


def gather_sources(urls: Iterable[str]) -> list[tuple[str, Source]]:
    """What they mean, each once, with an address to know it by. All photos are one source, where the first stood."""
    photos: dict[str, None] = {}
    found: list[tuple[str, Source]] = []
    for url in urls:
        source = read_url(url)
        if isinstance(source, Photos):
            if not photos:
                found.append((url, source))
            photos |= dict.fromkeys(source.listed)
        elif all(source != other for _, other in found):
            found.append((url, source))
    return [(url, Photos(ids=tuple(photos)) if isinstance(source, Photos) else source) for url, source in found]
