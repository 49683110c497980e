"""`harvester repair`: an archive that was damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harvester.cli.options import Command, console_options, find_console
from harvester.cli.show import show_facts, show_lines
from harvester.errors import Exit
from harvester.text.escapes import escape_line
from harvester.text.words import name_count

if TYPE_CHECKING:
    from harvester.archive.repair.run import Report
    from harvester.archive.repair.scan import Found


@click.command(
    cls=Command,
    short_help="Make a damaged archive whole.",
    epilog=(
        "\b\nExamples:\n  harvester repair archives/monkeys --dry-run\n"
        "  harvester repair archives/monkeys; harvester resume archives/monkeys"
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@console_options
def repair(*, folder: Path, dry_run: bool, as_json: bool, **manner: Any) -> Exit:
    """Make an archive whole from whatever is left of it. Makes no call: `resume` then fetches what was lost.

    Every good line is kept. Damaged ones are set aside in damaged.ndjson, the checkpoint and the manifest are made
    anew where they are lost, damaged or older than the files. Exit code 3 says that something was lost and is to be
    fetched again, 0 that nothing was.
    """
    console = find_console(**manner)
    from harvester.archive.repair.run import repair_archive  # noqa: PLC0415
    from harvester.objects.publish.beside import read_published  # noqa: PLC0415

    def tell(name: str, size: int) -> None:
        if size > _WORTH_TELLING:
            console.note(f"Reading {name}, {size / 1e9:.1f} GB.")

    report = repair_archive(folder, dry_run=dry_run, on_file=tell)
    if as_json:
        show_facts(_list_facts(report), as_json=True)
    else:
        show_lines(map(escape_line, tell_report(report)))
    if report.is_needed and not dry_run and (place := read_published(folder)):
        console.warn(f"{place} has the archive as it was: `harvester resume {folder}` publishes it as it is now.")
    is_doubted = report.is_needed and (report.harmed or any(found.doubted for found in report.files))
    return Exit.INCOMPLETE if is_doubted or report.rebuilt.is_left or report.staged is not None else Exit.COMPLETE


_WORTH_TELLING = 500_000_000


def tell_report(report: Report) -> Iterator[str]:
    """A repair in sentences."""
    if not report.is_needed:
        yield f"{report.folder} needs no repair."
        return
    for found in report.files:
        yield f"{found.name}: {_tell_file(found, lost=_count_lost(report, found.name))}."
    if any(found.reordered for found in report.files):
        yield f"No line was changed: manifest.json {'would tell' if report.dry_run else 'tells'} the order of now."
    yield from report.harmed
    yield from _tell_checkpoint(report)
    yield from (_tell_doubted(report.folder, found) for found in report.files if found.doubted)
    if report.staged is not None:
        yield from _tell_staged(report.staged)
    yield from _tell_rest(report)


def _tell_file(found: Found, *, lost: int) -> str:
    told = [f"{name_count(found.kept, 'line')} kept"]
    if found.reordered:
        told.append("they stand in another order than manifest.json says")
    if not found.is_there:
        told.append("the file is missing")
    for count, what in (
        (found.damaged, "damaged, set aside in damaged.ndjson"),
        (found.doubled, "doubled, kept once"),
        (found.reshaped, "brought to the form of an archive (line breaks, spaces)"),
        (lost, "lost, to be fetched again"),
    ):
        if count:
            told.append(f"{count:,} {what}")
    return "; ".join(told)


def _count_lost(report: Report, name: str) -> int:
    from harvester.archive.sinks import PHOTOS  # noqa: PLC0415

    return report.rebuilt.photos if name == PHOTOS else report.rebuilt.lists.get(name, 0)


def _tell_checkpoint(report: Report) -> Iterator[str]:
    if report.checkpoint != "sound":
        kept = "; the damaged one is kept as state.sqlite.damaged" if report.checkpoint == "damaged" else ""
        yield f"state.sqlite was {report.checkpoint}: {_tell_deed('made anew out of the files', report)}{kept}."
    if report.manifest != "sound":
        yield f"manifest.json was {report.manifest}: {_tell_deed('written anew', report)}."
    if report.checkpoint != "sound" and any(found.unproved for found in report.files):
        yield "Without the checkpoint no checksum tells whether a line that can be read was changed."


def _tell_deed(deed: str, report: Report) -> str:
    """What was done, or what would be: `made anew`, `to be made anew`."""
    return f"to be {deed}" if report.dry_run else deed


def _tell_doubted(folder: Path, found: Found) -> str:
    return (
        f"{found.name}: its sha256 is not that of manifest.json, although every line can be read: at least one was "
        f"changed, and nothing tells which. If there is another copy of {folder}, "
        "repair that one instead; else harvest anew into another folder, and compare."
    )


def _tell_staged(staged: Report) -> Iterator[str]:
    """The update that is under way, whose files are those of `.update`."""
    for found in staged.files:
        yield f"{staged.folder.name}/{found.name}: {_tell_file(found, lost=_count_lost(staged, found.name))}."
    if staged.checkpoint != "sound":
        yield f"{staged.folder.name}/state.sqlite was {staged.checkpoint}: the update lists everything again."


def _tell_rest(report: Report) -> Iterator[str]:
    if report.dry_run:
        yield f"Nothing was changed yet: harvester repair {report.folder} does what is said here."
    elif report.job is None:
        yield (
            f"What was asked is lost with checkpoint and manifest: give the command that began {report.folder} "
            "again, and it takes the archive up and fetches what is missing."
        )
    elif report.staged is not None and not report.rebuilt.is_left:
        yield f"Go on with harvester resume {report.folder}, which ends the update."
    elif report.is_whole:
        yield f"{report.folder} is complete."
    elif not report.rebuilt.is_left:
        yield f"Nothing is lost: go on with harvester resume {report.folder}."
    elif report.rebuilt.lists_all:
        yield f"Go on with harvester resume {report.folder}, which reads the listing again and fetches what is missing."
    else:
        yield f"Go on with harvester resume {report.folder}, which fetches what was lost."


def _list_facts(report: Report) -> dict[str, Any]:
    return {
        "archive": str(report.folder),
        "needed": report.is_needed,
        "complete": report.is_whole,
        "dry_run": report.dry_run,
        "checkpoint": report.checkpoint,
        "manifest": report.manifest,
        "files": [{**asdict(found), "lost": _count_lost(report, found.name)} for found in report.files],
        "harmed": list(report.harmed),
        "listing_again": report.rebuilt.lists_all,
        "knows_job": report.job is not None,
        **({"update": _list_facts(report.staged)} if report.staged is not None else {}),
    }
