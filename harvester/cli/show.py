"""Facts as aligned lines, for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from harvester.text.escapes import escape_line
from harvester.text.streams import CleanStream
from harvester.text.words import name_count, name_duration


def show_facts(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Facts on standard output: for people as aligned lines, for machines as one JSON object."""
    show_lines([write_json(facts)] if as_json else list_facts(facts))


def write_json(facts: Mapping[str, Any]) -> str:
    """Facts as one JSON object in a line."""
    return json.dumps(facts, ensure_ascii=False, default=str)


def show_lines(lines: Iterable[str]) -> None:
    """Lines on standard output. CannotWrite where that is full or closed."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def show_bytes(data: bytes) -> None:
    """Bytes on standard output as they are, without secrets; on a terminal as a line that it does not obey."""
    if sys.stdout.isatty():
        show_lines([data.decode("utf-8", "replace")])
        return
    cast("CleanStream", sys.stdout).write_bytes(data)
    sys.stdout.flush()


def list_facts(facts: Mapping[str, Any], *, indent: str = "") -> Iterator[str]:
    """A line for each fact, `name  value`. Facts within facts are indented, rows of them make a table."""
    width = max((len(_title(name)) for name in facts), default=0)
    for name, value in facts.items():
        title = f"{indent}{_title(name):<{width}}"
        if isinstance(value, Mapping):
            yield title.rstrip()
            yield from list_facts(value, indent=indent + "  ")
        elif isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            yield title.rstrip()
            yield from _list_rows(value, indent=indent + "  ")
        else:
            yield f"{title}  {_word(name, value)}"


def _list_rows(rows: Sequence[Mapping[str, Any]], *, indent: str) -> Iterator[str]:
    """A table with its heads; numbers are flush right."""
    heads = list(rows[0])
    table = [[_title(head) for head in heads], *([_word(head, row.get(head)) for head in heads] for row in rows)]
    widths = [max(len(line[n]) for line in table) for n in range(len(heads))]
    numeric = [any(isinstance(row.get(head), int) for row in rows) for head in heads]
    for line in table:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        yield indent + "  ".join(cells).rstrip()


def _title(name: str) -> str:
    return escape_line(name.replace("seconds", "time").replace("_", " "))


def _word(name: str, value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int() | float() if "seconds" in name:
            return name_duration(value)
        case int():
            return name_count(value)
        case list() | tuple():
            return ", ".join(_word(name, item) for item in value) or "-"
        case _:
            return escape_line(str(value))
