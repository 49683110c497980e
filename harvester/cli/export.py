"""`harvester export` and `schema`: flat, typed tables out of archives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from harvester.cli.archives import folders_argument
from harvester.cli.console import Console
from harvester.cli.meter import open_meter
from harvester.cli.options import Command, console_options, find_console, option
from harvester.cli.show import show_lines
from harvester.config.toml_file import expand_home
from harvester.errors import Exit, UsageError
from harvester.progress.meter import ignore
from harvester.text.words import name_count

if TYPE_CHECKING:
    from harvester.export.run import Exported, Order

FORMATS = ("parquet", "csv", "sqlite", "ndjson")


@click.command(
    cls=Command,
    short_help="A flat, typed table of photos.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester export archives/monkeys -o monkeys.parquet\n"
        "  harvester export archives/monkeys --format csv --columns id,title,date_taken,url -o - | head -3\n"
        "  harvester export archives/* --format parquet --partition year -o tables/photos"
    ),
)
@folders_argument
@option("Output", "--format", "kind", type=click.Choice(FORMATS), metavar="|".join(FORMATS), help="Else that of -o.")
@option("Output", "-o", "--output", metavar="FILE", help="Else photos.FORMAT; - for standard output.")
@option("Output", "--columns", metavar="A,B", help="These, in this order; else all.")
@option("Output", "--since", metavar="TIME", help="Only photos harvested since then.")
@option("Output", "--rejects", metavar="FILE", help="Each value that did not fit its column, as a line of JSON.")
@option("Output", "--excel", is_flag=True, help="CSV: a byte order mark, and no cell that is a formula.")
@option("Output", "--search/--no-search", default=True, help="SQLite: an index of words.  [default: search]")
@option("Output", "--partition", type=click.Choice(["year"]), metavar="year", help="Parquet: a part for each year.")
@option(
    "Output",
    "--row-group-size",
    "group_rows",
    type=click.IntRange(1),
    metavar="N",
    help="Parquet: rows.  [default: 20000]",
)
@option("Output", "--workers", type=click.IntRange(1, 64), default=1, metavar="N", help="Processes.  [default: 1]")
@option("Messages", "--progress/--no-progress", default=True, help="Say how far it is, every ten seconds.")
@console_options
def export(*, folders: tuple[Path, ...], progress: bool, **given: Any) -> Exit:
    """Write one row for each photo of the archives: flat, typed, the same whatever was harvested of it.

    Makes no call, changes nothing in an archive, and may run beside a harvest: what has been written so far counts. A
    photo that several archives hold has one row, the newest. The file is there whole or not at all. An archive that is
    not complete yet is told as such, and is no error: the exit code is that of the export. `harvester schema row` tells
    the columns.
    """
    console = find_console(**{name: given.pop(name) for name in ("log_format", "log_file", "verbose", "quiet")})
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others keep a third more than they need
    from harvester.export.run import export as run  # noqa: PLC0415

    order = _build_order(folders, **given)
    if order.format == "parquet":
        with suppress(ImportError):  # told in a sentence by the export
            from harvester.export.arrow import forgo_pandas  # noqa: PLC0415

            forgo_pandas()
    with follow_rows(console, is_shown=progress) as on_progress:
        exported = run(order, on_progress)
    for sentence in _tell(exported, order):
        console.note(sentence)
    return Exit.COMPLETE


def _build_order(
    folders: tuple[Path, ...],
    *,
    kind: str | None,
    output: str | None,
    columns: str | None,
    since: str | None,
    rejects: str | None,
    partition: str | None,
    **rest: Any,
) -> Order:
    from harvester.export.columns import choose_columns  # noqa: PLC0415
    from harvester.export.run import Order, read_since  # noqa: PLC0415

    path = None if output in (None, "-") else Path(expand_home(str(output), field="output"))
    form: Any = kind or _guess_format(path)
    if output is None:
        path = Path("photos" if partition else f"photos.{form}")
    return Order(
        folders=tuple(dict.fromkeys(folders)),
        format=form,
        output=path,
        columns=choose_columns(columns),
        since=read_since(since),
        rejects=None if rejects is None else _name_rejects(rejects),
        by_year=partition is not None,
        **rest,
    )


def _guess_format(path: Path | None) -> str:
    form = "" if path is None else path.suffix.lower().removeprefix(".")
    form = {"jsonl": "ndjson", "db": "sqlite"}.get(form, form)
    if form not in FORMATS:
        raise UsageError(f"say which: {', '.join(FORMATS)}.", field="format")
    return form


def _name_rejects(text: str) -> Path:
    if text == "-":
        raise UsageError("rejects go into a file, not to standard output: name one.", field="rejects")
    return Path(expand_home(text, field="rejects"))


class Counted(Protocol):
    """How many photos are done, of how many."""

    rows: int
    expected: int


@contextmanager
def follow_rows(console: Console, *, is_shown: bool) -> Iterator[Callable[[Counted], None]]:
    """What is to be told how far an export is; it shows that, or not."""
    with open_meter(console, noun="photo", has_lines=True) if is_shown else nullcontext(ignore) as tell:

        def follow(counted: Counted) -> None:
            tell(counted.rows, counted.expected)

        yield follow


def _tell(exported: Exported, order: Order) -> Iterator[str]:
    """What came of it, in sentences."""
    where = "standard output" if order.output is None else str(order.output)
    yield f"{name_count(exported.rows, 'photo')} in {where}."
    if exported.missing:
        yield f"Of {name_count(exported.missing, 'photo')} only the id is known: they could not be had so far."
    if exported.rejects:
        columns = ", ".join(f"{name} {name_count(count)}" for name, count in sorted(exported.rejects.items()))
        place = f"{order.rejects} has them" if order.rejects else "--rejects FILE keeps them"
        yield f"{name_count(sum(exported.rejects.values()), 'value')} did not fit and are null ({columns}); {place}."
    for folder in exported.incomplete:
        yield f"{folder} is not complete: what it has so far was exported."


@click.command(
    cls=Command,
    short_help="The form of a line, of a row.",
    epilog="\b\nExample:\n  harvester schema row | jq -r '.properties | keys_unsorted[]'",
)
@click.argument("what", type=click.Choice(["record", "row"]), metavar="record|row")
@click.option("--version", type=int, metavar="N", help="That version; else the newest.")
@console_options
def schema(*, what: str, version: int | None, **manner: Any) -> Exit:
    """Print the JSON Schema (2020-12) of a line of photos.ndjson, or of a row of `harvester export`."""
    find_console(**manner)
    from harvester.export.schemas import build_schema  # noqa: PLC0415

    show_lines([json.dumps(build_schema(what, version=version), ensure_ascii=False, indent=2)])
    return Exit.COMPLETE
