"""Facts as aligned lines, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harvester.progress.words import name_count


def list_facts(facts: Mapping[str, Any], *, indent: str = "") -> Iterator[str]:
    """A line for each fact, `name  value`; facts within facts are indented, rows of facts are in a line each."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        title = f"{indent}{name.replace('_', ' '):<{width}}"
        if isinstance(value, Mapping):
            yield title.rstrip()
            yield from list_facts(value, indent=indent + "  ")
        elif isinstance(value, list | tuple) and any(isinstance(row, Mapping) for row in value):
            yield title.rstrip()
            yield from (f"{indent}  {_join(row)}" for row in value)
        else:
            yield f"{title}  {_word(value)}"


def _join(row: object) -> str:
    if not isinstance(row, Mapping):
        return _word(row)
    return ", ".join(f"{name.replace('_', ' ')} {_word(value)}" for name, value in row.items())


def _word(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return name_count(value)
        case list() | tuple():
            return ", ".join(_word(item) for item in value) or "-"
        case _:
            return str(value)
