"""`harvester withdraw`: photos are taken down."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harvester.cli.ids import open_ids
from harvester.cli.options import Command, console_options, find_console
from harvester.cli.show import show_lines
from harvester.errors import Exit, UsageError
from harvester.text.words import name_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harvester.curation.withdraw import Withdrawal


@click.command(
    cls=Command,
    short_help="Take photos down, and keep them away.",
    epilog=(
        "\b\nExamples:\n"
        '  harvester withdraw archives/monkeys 4195976808 --reason "asked by the owner, 2026-11-27"\n'
        '  harvester withdraw archives/monkeys --from ids.txt --reason "ticket 42" --dry-run'
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("ids", metavar="[ID...]", nargs=-1)
@click.option("--reason", required=True, metavar="TEXT", help="Kept on the tombstone; nothing of the photo is.")
@click.option("--from", "ids_from", metavar="FILE", help="One photo a line, # for comments; - is standard input.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@console_options
def withdraw(
    *, folder: Path, ids: tuple[str, ...], ids_from: str | None, reason: str, dry_run: bool, **manner: Any
) -> Exit:
    """Take photos down: nothing of them stays in the archive, and no update brings them back. Makes no call.

    Their lines leave photos.ndjson, changes, errors, updates/ and history/, and the lists that hold their titles.
    withdrawn.ndjson gets id, time and reason of each; sets keep the ids of their members. Copies elsewhere, bags
    among them, are not known to it. Killed anywhere, it is run again. Exit code 3 says that some ids were not there.
    """
    console = find_console(**manner)
    from harvester.curation.withdraw import withdraw as take_down  # noqa: PLC0415
    from harvester.jobs.urls import parse_photo  # noqa: PLC0415
    from harvester.objects.publish.beside import read_published  # noqa: PLC0415

    wanted = [parse_photo(text) for text in open_ids(ids, ids_from)]
    if not wanted:
        raise UsageError("Name photos by id or address, or a file of them with --from (- is standard input).")
    if not reason.strip():
        raise UsageError("say why: it is all that will be known of the photo.", field="reason")
    told = take_down(folder, wanted, reason=reason.strip(), now=time.time(), dry_run=dry_run)
    show_lines(_describe(told, folder, dry_run=dry_run))
    for one in told.unknown:
        console.warn(f"Photo {one} is not in {folder}.")
    if not dry_run and (place := read_published(folder)):
        console.warn(f"{place} still has them: `harvester resume {folder}` publishes the archive without them.")
    if (folder / "state.sqlite.damaged").exists():
        console.warn(f"{folder / 'state.sqlite.damaged'}, which a repair has set aside, may tell of them: remove it.")
    return Exit.INCOMPLETE if told.unknown else Exit.COMPLETE


def _describe(told: Withdrawal, folder: Path, *, dry_run: bool) -> Iterator[str]:
    verb = "would be withdrawn" if dry_run else "withdrawn"
    for name, lines in told.files.items():
        yield f"{name}: {name_count(lines, 'line')}."
    if told.again:
        yield f"Withdrawn before: {name_count(len(told.again), 'photo')}."
    yield f"{name_count(len(told.withdrawn), 'photo')} {verb} from {folder}, {told.total:,} in all."
