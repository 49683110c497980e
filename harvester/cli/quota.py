"""`harvester quota`: what is left of the key's calls."""

from __future__ import annotations

import asyncio

import click

from harvester.cli.options import Command, Setup, settings_options
from harvester.cli.show import show_facts
from harvester.errors import Exit
from harvester.text.words import name_duration


@click.command(
    cls=Command,
    short_help="What is left of the key's calls.",
    epilog=(
        "\b\nExamples:\n  harvester quota\n  harvester quota --quota-ledger redis://quota.example.org:6379/0 --json"
    ),
)
@click.option("--begin", is_flag=True, help="Count from zero at the server: there were no calls in the last period.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@settings_options
def quota(*, setup: Setup, begin: bool, as_json: bool) -> Exit:
    """Say how many calls the key has had within the last hour, and when the next may go. Makes no call.

    With --quota-ledger the calls of all machines are counted at a Redis server. One that does not know what was spent
    before counts as full for one period; --begin says that nothing was.
    """
    from harvester.status.quota import read_quota  # noqa: PLC0415

    facts = asyncio.run(read_quota(setup.load().settings, begin=begin))
    if not as_json:
        wait = facts["next_call"]
        facts["next_call"] = f"in {name_duration(wait)}" if wait else "now"
    show_facts(facts, as_json=as_json)
    return Exit.COMPLETE
