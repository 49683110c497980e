"""`harvester plan`: what a harvest would find, cost and take."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from harvester.cli.get import gather_sources
from harvester.cli.options import Command, Setup, build_job, decorate, job_options, settings_options
from harvester.cli.search import build_search, search_options
from harvester.cli.session import find_loop_factory
from harvester.cli.show import show_facts
from harvester.cli.sources import JOB_FIELDS, NAMED_SOURCES, Named, show_examples
from harvester.errors import Exit, UsageError
from harvester.events import Event, Noticed, Observer, Waiting
from harvester.jobs.model import Source
from harvester.text.bars import can_draw, draw_bar

_BAR = 24


@click.group(
    short_help="What a harvest would find, cost and take.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester plan search --tags monkey,chimp\n"
        "  harvester plan account britishlibrary --skip contacts"
    ),
)
def plan() -> None:
    """Say what a harvest would find, how many calls it costs and how long it takes; a handful of calls, no harvest."""


plan_options = decorate(
    job_options,
    click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object."),
    click.option(
        "-o",
        "--output",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="What going on with this archive, or deepening it, would cost.",
    ),
    # So that `plan` can be put before a whole command.
    click.option("--state", hidden=True, expose_value=False),
    click.option("--unescape", is_flag=True, hidden=True, expose_value=False),
    click.option("--update", is_flag=True, hidden=True, expose_value=False),
    click.option("--rotate", hidden=True, expose_value=False),
    click.option("--compress", hidden=True, expose_value=False),
    click.option("--publish", hidden=True, expose_value=False),
    click.option("--dask", hidden=True, expose_value=False),
    click.option("--store", hidden=True, expose_value=False),
    click.option("--on-complete", hidden=True, expose_value=False),
    click.option("--on-trouble", hidden=True, expose_value=False),
    click.option("--metrics", hidden=True, expose_value=False),
    click.option("--metrics-file", hidden=True, expose_value=False),
    settings_options,
)


@plan.command(
    cls=Command,
    short_help="Of a search.",
    epilog="\b\nExample:\n  harvester plan search --tags monkey,chimp --detail full",
)
@search_options
@plan_options
def search(*, setup: Setup, as_json: bool, output: Path | None, **given: Any) -> Exit:
    """Plan a search; the filters are those of `harvester search`."""
    wanted = {name: given.pop(name) for name in JOB_FIELDS}
    return show_plan(build_search(given), wanted, setup=setup, as_json=as_json, output=output)


def _build_command(kind: Named) -> click.Command:
    @click.command(
        kind.name,
        cls=Command,
        short_help=f"Of {kind.short_help[0].lower()}{kind.short_help[1:]}",
        help=f"Plan what `harvester {kind.name}` would do; the arguments are the same.",
        epilog=show_examples([kind.examples[0].replace("harvester", "harvester plan").partition(" -o")[0]]),
    )
    @kind.arguments
    @plan_options
    def command(*, setup: Setup, named: str, as_json: bool, output: Path | None, **given: Any) -> Exit:
        return show_plan(kind.build(named, given), given, setup=setup, as_json=as_json, output=output)

    return command


for _kind in NAMED_SOURCES:
    plan.add_command(_build_command(_kind))


@plan.command(
    cls=Command,
    short_help="Of whatever an address means.",
    epilog="\b\nExample:\n  harvester plan get https://www.flickr.com/photos/NAME/albums/72157628959784871",
)
@click.argument("url", nargs=-1, required=True)
@plan_options
def get(*, setup: Setup, url: tuple[str, ...], as_json: bool, output: Path | None, **given: Any) -> Exit:
    """Plan what `harvester get` would do with an address."""
    sources = gather_sources(url)
    if len(sources) > 1:
        raise UsageError(f"these addresses are {len(sources)} sources: plan one at a time.")
    return show_plan(sources[0][1], given, setup=setup, as_json=as_json, output=output)


def show_plan(
    source: Source, given: dict[str, Any], *, setup: Setup, as_json: bool, output: Path | None = None
) -> Exit:
    """Print the plan of a source and the job's options."""
    from harvester.engine.estimate import estimate_job  # noqa: PLC0415
    from harvester.engine.upkeep.deepening_cost import estimate_deepening  # noqa: PLC0415

    job = build_job(source, given)
    settings = setup.load().settings
    settings.require_key()
    for sentence in job.warnings:
        setup.console.warn(sentence)
    if output is not None and (facts := estimate_deepening(job, output, settings)) is not None:
        show_facts(facts, as_json=as_json)
        return Exit.COMPLETE
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        facts = runner.run(estimate_job(job, settings, observer=tell_to(setup)))
    show_facts(facts if as_json else _draw_costs(facts), as_json=as_json)
    return Exit.COMPLETE


def _draw_costs(facts: dict[str, Any]) -> dict[str, Any]:
    """The same with a bar for each cost, where there is a terminal."""
    most = max((cost["calls"] for cost in facts["costs"]), default=0)
    if not sys.stdout.isatty() or not most:
        return facts
    is_plain = not can_draw(sys.stdout.encoding)
    bars = [draw_bar(cost["calls"] / most, width=_BAR, is_plain=is_plain) for cost in facts["costs"]]
    return {**facts, "costs": [{**cost, "": bar} for cost, bar in zip(facts["costs"], bars, strict=True)]}


def tell_to(setup: Setup) -> Observer:
    """Says what a person should know while a plan is made: why it waits, and what is odd."""
    from harvester.text.words import name_duration  # noqa: PLC0415

    def tell(event: Event) -> None:
        if isinstance(event, Noticed):
            setup.console.note(event.sentence)
        elif isinstance(event, Waiting):
            setup.console.note(f"Waiting for {name_duration(event.seconds)}: {event.why}.")

    return tell
