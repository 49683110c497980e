"""How `harvester status` tells how an archive stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvester.cli.show import show_facts

_WHERE_KNOWN = (
    "note",
    "running_pid",
    "running_host",
    "running_since",
    "brought_up_to_date",
    "difference",
    "incomplete_stretches",
    "withdrawn",
    "lists",
)
"""Lines that people are spared where there is nothing to say."""


def show_status(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Show an archive's status: as JSON all facts, else as lines those that have a value."""
    if not as_json:
        facts = {name: value for name, value in facts.items() if value or name not in _WHERE_KNOWN}
        facts = {name: value for name, value in facts.items() if name != "read_from" or value == "manifest"}
        if "running_pid" in facts:
            facts["running_pid"] = str(facts["running_pid"])  # a number of no amount
    show_facts(facts, as_json=as_json)
