"""`harvester search`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from harvester.cli.options import Command, Names, Setup, build_job, decorate, harvest_options, job_options, option
from harvester.cli.output import cluster_options, output_options, read_output, take_rotation, update_option
from harvester.cli.session import run_harvest
from harvester.cli.sources import JOB_FIELDS
from harvester.errors import Exit, UsageError, show
from harvester.jobs.filters import FILTERS, Filter
from harvester.jobs.search import EXTRAS_PARAM, Search


def _declare(name: str, found: Filter) -> Callable[[Any], Any]:
    """The option of a filter."""
    given: dict[str, Any] = {
        "multiple": found.is_list or None,
        "metavar": found.metavar,
        "type": Names(found.choices) if found.choices else None,
    }
    known: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if found.flags:
        known["default"] = None
    return option("Filters", found.flags or f"--{name}".replace("_", "-"), help=found.help, **known)


search_options = decorate(
    *(_declare(name, found) for name, found in FILTERS.items()),
    option(
        "Filters",
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
@cluster_options
@update_option
@job_options
@harvest_options
def search(*, setup: Setup, output: str | None, state: str | None, unescape: bool, update: bool, **given: Any) -> Exit:
    """Harvest everything that matches a search, however much it is.

    Running the same command again goes on where a stopped archive stands; with more --detail or --with it fetches just
    what the archive lacks.
    """
    wanted = {name: given.pop(name) for name in JOB_FIELDS}
    rotation = take_rotation(given, has_archive=output is not None)
    job = build_job(build_search(given), wanted)
    where = read_output(output, state, unescape=unescape, update=update, rotation=rotation)
    return run_harvest(job, setup.load().settings, output=where, setup=setup)


def build_search(given: Mapping[str, Any]) -> Search:
    """The search of the filters that were given."""
    filters = {name: value for name, value in given.items() if value not in (None, ())}
    filters |= {
        name: ",".join(value) for name, value in filters.items() if isinstance(value, tuple) and name in FILTERS
    }
    return Search(**{**filters, "params": _read_params(given["params"])})


def _read_params(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{show(text)} is no argument; write NAME=VALUE, as is_commons=1.", field="params")
        if name == EXTRAS_PARAM:
            value = ",".join(filter(None, (found.get(name), value)))
        elif name in found:
            raise UsageError(f"{show(name)} is given twice; Flickr takes one value.", field="params")
        found[name] = value
    return found
