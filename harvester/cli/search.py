"""`harvester search`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import click

from harvester.cli.options import (
    Command,
    Names,
    Setup,
    build_job,
    job_options,
    output_options,
    read_output,
    settings_options,
)
from harvester.cli.session import harvest
from harvester.errors import Exit, UsageError
from harvester.model import CONTENT_TYPES, SAFE_SEARCH, Media, Search, Sort, TagMode

_LISTS = ("tags", "machine_tags", "license", "content_types")
_DATE = "DATE"

search_options = [
    click.option("--tags", multiple=True, metavar="A,B", help="With any of these tags, or all: see --tag-mode."),
    click.option("--tag-mode", type=Names(get_args(TagMode)), help="Any of the tags, or all.  [default: any]"),
    click.option("--text", metavar="WORDS", help="In title, description or tags."),
    click.option("--user", metavar="USER", help="NSID, user name, path alias, flickr.com address or me."),
    click.option("--group", metavar="GROUP", help="Id or address of a group."),
    click.option("--min-upload-date", metavar=_DATE, help="ISO date or time (UTC), or Unix time; inclusive."),
    click.option("--max-upload-date", metavar=_DATE),
    click.option("--min-taken-date", metavar=_DATE, help="In the owner's local time."),
    click.option("--max-taken-date", metavar=_DATE),
    click.option("--license", multiple=True, metavar="A,B", help="Ids or names, as cc-by,cc0."),
    click.option("--media", type=Names(get_args(Media)), help="[default: all]"),
    click.option("--content-types", multiple=True, type=Names(tuple(CONTENT_TYPES)), help="Any of these kinds."),
    click.option("--bbox", metavar="W,S,E,N", help="Within a box, in degrees, as -0.6,51.2,0.4,51.8."),
    click.option("--has-geo/--no-geo", default=None, help="With a place, or without."),
    click.option("--machine-tags", multiple=True, metavar="A,B", help="As dc:title=rivers."),
    click.option("--safe-search", type=Names(tuple(SAFE_SEARCH)), help="Up to this level."),
    click.option("--sort", type=Names(get_args(Sort)), help="[default: date-posted-desc]"),
    click.option(
        "--param", "params", multiple=True, metavar="NAME=VALUE", help="Any other argument of flickr.photos.search."
    ),
]


def with_search_options(function: Any) -> Any:
    """All filters of a search; the command gets them by the names of Search."""
    for option in reversed(search_options):
        function = option(function)
    return function


@click.command(
    cls=Command,
    short_help="Everything that matches a search.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester search --tags monkey,chimp --min-upload-date 2009-12-01 -o monkeys\n"
        "  harvester search --user me --detail info | jq -r .info.title._content\n"
        '  harvester search --text "new york" --license cc-by,cc0 --limit 1000 -o new-york'
    ),
)
@with_search_options
@output_options
@job_options
@settings_options
def search(*, setup: Setup, output: str | None, state: str | None, **given: Any) -> Exit:
    """Harvest everything that matches a search, however much it is.

    Running the same command again goes on where a stopped archive stands.
    """
    wanted = {name: given.pop(name) for name in ("detail", "extras", "limit")}
    job = build_job(build_search(given), wanted)
    where = read_output(output, state)
    return harvest(job, setup.load().settings, output=where, setup=setup)


def build_search(given: Mapping[str, Any]) -> Search:
    """The search of the filters that were given."""
    filters = {name: value for name, value in given.items() if value not in (None, ())}
    filters |= {name: ",".join(filters[name]) for name in _LISTS if name in filters}
    return Search(**{**filters, "params": _read_params(given["params"])})


def _read_params(texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{text!r} is no argument; write NAME=VALUE, as is_commons=1.", field="params")
        found[name] = value
    return found
