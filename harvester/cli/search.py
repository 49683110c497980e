"""`harvester search`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, get_args

import click

from harvester.cli.options import (
    Command,
    Names,
    Setup,
    build_job,
    decorate,
    job_options,
    option,
    output_options,
    read_output,
    settings_options,
    update_option,
)
from harvester.cli.session import harvest
from harvester.errors import Exit, UsageError, show
from harvester.flickr.codes import CONTENT_TYPES, SAFE_SEARCH
from harvester.jobs.model import EXTRAS, Media, Search, Sort, TagMode

_LISTS = ("tags", "machine_tags", "license", "content_types")
_filter = partial(option, "Filters")

search_options = decorate(
    _filter("--tags", multiple=True, metavar="A,B", help="With any of these tags, or all: see --tag-mode."),
    _filter("--tag-mode", type=Names(get_args(TagMode)), help="[default: any]"),
    _filter("--text", metavar="WORDS", help="In title, description or tags."),
    _filter("--user", metavar="USER", help="NSID, user name, path alias, flickr.com address or me."),
    _filter("--group", metavar="GROUP", help="Id or flickr.com address of a group."),
    _filter(
        "--min-upload-date",
        metavar="DATE",
        help="2009-12-01, 20091201, 2009-12, 2009, 2009-12-01T08:30:00, a Unix time from 2004 on, or today, yesterday, "
        "7 days ago, -30d. In UTC; inclusive.",
    ),
    _filter(
        "--max-upload-date", metavar="DATE", help="Without a time, to the end of the day, month or year; inclusive."
    ),
    _filter("--min-taken-date", metavar="DATE", help="The same forms, in the owner's local time."),
    _filter("--max-taken-date", metavar="DATE", help="To its end, as --max-upload-date."),
    _filter("--license", multiple=True, metavar="A,B", help="Ids or names, such as cc-by,cc0."),
    _filter("--media", type=Names(get_args(Media)), help="[default: all]"),
    _filter(
        "--content-types",
        multiple=True,
        type=Names(tuple(CONTENT_TYPES)),
        metavar="A,B",
        help=f"Any of {', '.join(CONTENT_TYPES)}.",
    ),
    _filter(
        "--bbox",
        metavar="W,S,E,N",
        help="Within a box, in degrees, such as -0.6,51.2,0.4,51.8, or across the date line 177,-20,-178,-15.",
    ),
    _filter("--has-geo/--no-geo", default=None, help="With a place, or without."),
    _filter("--machine-tags", multiple=True, metavar="A,B", help="Such as dc:title=rivers."),
    _filter(
        "--safe-search", type=Names(tuple(SAFE_SEARCH)), metavar="LEVEL", help=f"Up to {' or '.join(SAFE_SEARCH)}."
    ),
    _filter(
        "--sort",
        type=Names(get_args(Sort)),
        metavar="ORDER",
        help="By date-posted, date-taken or interestingness, each with -asc or -desc, or by relevance.  "
        "[default: date-posted-desc]",
    ),
    _filter(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other argument of flickr.photos.search; extras=NAME adds to the extras.",
    ),
)
"""All filters of a search; the command gets them by the names of Search."""


@click.command(
    cls=Command,
    short_help="Everything that matches a search.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester search --tags monkey,chimp --min-upload-date 2009-12-01 -o monkeys\n"
        "  harvester search --user britishlibrary --detail info | jq -r .info.title._content\n"
        '  harvester search --text "new york" --license cc-by,cc0 --limit 1000 -o new-york'
    ),
)
@search_options
@output_options
@update_option
@job_options
@settings_options
def search(*, setup: Setup, output: str | None, state: str | None, unescape: bool, update: bool, **given: Any) -> Exit:
    """Harvest everything that matches a search, however much it is.

    Running the same command again goes on where a stopped archive stands; with more --detail or --with it fetches just
    what the archive lacks.
    """
    wanted = {name: given.pop(name) for name in ("detail", "extras", "limit")}
    job = build_job(build_search(given), wanted)
    where = read_output(output, state, unescape=unescape, update=update)
    return harvest(job, setup.load().settings, output=where, setup=setup)


def build_search(given: Mapping[str, Any]) -> Search:
    """The search of the filters that were given."""
    filters = {name: value for name, value in given.items() if value not in (None, ())}
    filters |= {name: ",".join(filters[name]) for name in _LISTS if name in filters}
    return Search(**{**filters, "params": _read_params(given["params"])})


def _read_params(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{show(text)} is no argument; write NAME=VALUE, as is_commons=1.", field="params")
        if name == EXTRAS:
            value = ",".join(filter(None, (found.get(name), value)))
        elif name in found:
            raise UsageError(f"{show(name)} is given twice; Flickr takes one value.", field="params")
        found[name] = value
    return found
