"""`harvester plan`: what a harvest would find, cost and take."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from harvester.cli.options import Command, Setup, build_job, job_options, settings_options
from harvester.cli.search import build_search, search_options
from harvester.cli.session import find_loop_factory
from harvester.cli.show import list_facts
from harvester.errors import Exit


@click.group(
    short_help="What a harvest would find, cost and take.",
    epilog="\b\nExample:\n  harvester plan search --tags monkey,chimp",
)
def plan() -> None:
    """Say what a harvest would find, how many calls it costs and how long it takes; a handful of calls, no harvest."""


@plan.command(
    cls=Command,
    short_help="Of a search.",
    epilog="\b\nExample:\n  harvester plan search --tags monkey,chimp --detail full",
)
@search_options
@job_options
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@settings_options
def search(*, setup: Setup, as_json: bool, **given: Any) -> Exit:
    """Plan a search; the filters are those of `harvester search`."""
    from harvester.plan import plan_job  # noqa: PLC0415

    wanted = {name: given.pop(name) for name in ("detail", "extras", "limit")}
    job = build_job(build_search(given), wanted)
    settings = setup.load().settings
    settings.require_key()
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        facts = runner.run(plan_job(job, settings))
    click.echo(json.dumps(facts, ensure_ascii=False, default=str) if as_json else "\n".join(list_facts(facts)))
    return Exit.COMPLETE
