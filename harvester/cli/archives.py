"""`harvester resume`, `status`, `verify` and `ids`: an archive that is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harvester.cli.keys import require_keys, take_keys
from harvester.cli.meter import open_meter
from harvester.cli.notifications import Notification
from harvester.cli.options import Command, Setup, console_options, find_console, harvest_options, settings_options
from harvester.cli.output import rotation_options, take_rotation
from harvester.cli.series import Task, do_all
from harvester.cli.session import attend, choose_display
from harvester.cli.show import show_lines, write_json
from harvester.cli.status import keep_showing, list_status, show_status
from harvester.cli.verdict import show_verdict
from harvester.errors import Exit, StopRun, Summary, UsageError
from harvester.events import Observer
from harvester.jobs.rotation import Rotation
from harvester.progress.gauge import Limits

if TYPE_CHECKING:
    from harvester.config.settings import Settings
    from harvester.verify.verdict import Verdict

IDS_AT_ONCE = 1000
_Place = TypeVar("_Place", Path, str)

folders_argument = click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.command(
    cls=Command,
    short_help="Go on with a stopped archive.",
    epilog="\b\nExample:\n  harvester resume archives/monkeys",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@rotation_options
@harvest_options
def resume(*, setup: Setup, folder: Path, **given: Any) -> Exit:
    """Go on where a stopped archive stands; what failed is tried again.

    Running the command that began it does the same.
    """
    from harvester.engine.upkeep.deepening import resume_archive  # noqa: PLC0415
    from harvester.objects.publish.beside import read_address, run_and_publish  # noqa: PLC0415

    settings = _load_for(folder, setup, setup.load().settings)
    _rotate(folder, take_rotation(given))
    address = None if setup.publish is None else read_address(setup.publish)

    async def start(observer: Observer, stop: asyncio.Event) -> Summary:
        def run(observer: Observer) -> Awaitable[Summary]:
            return resume_archive(folder, settings, observer=observer, stop=stop)

        return await run_and_publish(run, folder=folder, address=address, observer=observer, stop=stop)

    limits = Limits(quota=settings.quota, pace=settings.pace)
    notice = Notification(settings=settings, archive=folder, console=setup.console)
    return attend(start, choose_display(setup, limits=limits, to_stdout=False), notice)


def _load_for(folder: Path, setup: Setup, settings: Settings) -> Settings:
    """The settings with the key that an archive is harvested with; UsageError where that is not set."""
    from harvester.engine.key_names import read_env_prefix  # noqa: PLC0415

    return require_keys(setup, settings, read_env_prefix(folder), place=str(folder))


def _name_key(folder: Path) -> str:
    """What tells an archive's key from those of others."""
    from harvester.engine.key_names import read_env_prefix  # noqa: PLC0415

    try:
        return read_env_prefix(folder)
    except StopRun:  # told when it is its turn
        return ""


def _rotate(folder: Path, rotation: Rotation | None) -> None:
    """Have the archive closed in parts from now on, where that was asked."""
    from harvester.archive.closing import remember_rotation  # noqa: PLC0415

    if rotation is not None:
        remember_rotation(folder, rotation)


@click.command(
    cls=Command,
    short_help="Only what is new, changed or gone since.",
    epilog="\b\nExample:\n  harvester update archives/monkeys",
)
@folders_argument
@rotation_options
@harvest_options
def update(*, setup: Setup, folders: tuple[Path, ...], **given: Any) -> Exit:
    """Bring a finished archive up to date: a call for each 500 photos, and the calls of those that have changed.

    updates/ gets the new and changed lines, changes.ndjson a line for each photo that has changed, and history/ the
    lines that are superseded. Until the end the archive stays as it was.

    Of several, one that fails does not keep back the next; the exit code is the worst of all.
    """
    from harvester.engine.upkeep.deepening import update_archive  # noqa: PLC0415
    from harvester.objects.publish.beside import read_address, run_and_publish  # noqa: PLC0415

    if setup.publish is not None and len(folders) > 1:
        raise UsageError(f"{len(folders)} archives cannot share one place; name one archive.", field="publish")
    common, rotation = setup.load().settings, take_rotation(given)
    address = None if setup.publish is None else read_address(setup.publish)

    async def start(folder: Path, settings: Settings, observer: Observer, stop: asyncio.Event) -> Summary:
        def run(observer: Observer) -> Awaitable[Summary]:
            return update_archive(folder, settings, observer=observer, stop=stop)

        return await run_and_publish(run, folder=folder, address=address, observer=observer, stop=stop)

    limits = Limits(quota=common.quota, pace=common.pace)

    def begin(folder: Path) -> Exit:
        settings = _load_for(folder, setup, common)
        _rotate(folder, rotation)
        notice = Notification(settings=settings, archive=folder, console=setup.console)
        return attend(partial(start, folder, settings), choose_display(setup, limits=limits, to_stdout=False), notice)

    tasks = [replace(task, key=_name_key(Path(task.title))) for task in _list_tasks(begin, folders)]
    return do_all(tasks, setup.console)


@click.command(
    cls=Command,
    short_help="How far an archive is.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester status archives/monkeys\n"
        "  harvester status archives/* --watch\n"
        "  harvester status archives/monkeys --json | jq .photos"
    ),
)
@folders_argument
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@click.option("--watch", "is_kept", is_flag=True, help="Go on, and say it anew where it has changed; ends with Ctrl-C.")
@settings_options
def status(*, setup: Setup, folders: tuple[Path, ...], as_json: bool, is_kept: bool) -> Exit:
    """Say how far an archive is. Makes no call, and may be asked while a harvest is under way.

    On a terminal, bars show how far the listing is, and how many photos were uploaded in which month.

    Of several, one that fails does not keep back the next; the exit code is the worst of all.
    """
    from harvester.status.inspect import read_status  # noqa: PLC0415

    settings = setup.load().settings

    def choose(folder: Path) -> Settings:
        return take_keys(setup, settings, _name_key(folder) or settings.env_prefix)

    def read() -> list[str]:
        found = [read_status(folder, choose(folder)) for folder in dict.fromkeys(folders)]
        return [line for each in found for line in ([write_json(each)] if as_json else list_status(each))]

    if is_kept:
        keep_showing(read)
        return Exit.COMPLETE

    def show(folder: Path) -> Exit:
        show_status(read_status(folder, choose(folder)), as_json=as_json)
        return Exit.COMPLETE

    return do_all(_list_tasks(show, folders), setup.console, is_announced=False)


@click.command(
    cls=Command,
    short_help="Prove that an archive is whole.",
    epilog=(
        "\b\nExamples:\n  harvester verify archives/monkeys && echo whole\n  harvester verify s3://my-bucket/monkeys"
    ),
)
@click.argument("places", metavar="URL|DIR...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@console_options
def verify(*, places: tuple[str, ...], as_json: bool, **manner: Any) -> Exit:
    """Read an archive through and prove that it is whole; exit code 3 where it is not.

    An archive without state.sqlite, as one that was published, is proved by its manifest alone: in a folder, or at an
    s3://, gs://, az:// or file:// address. While a harvest is under way, what it has written so far is proved, and
    nothing is disturbed.

    Of several, one that fails does not keep back the next; the exit code is the worst of all.
    """
    console = find_console(**manner)
    from harvester.verify.archive import prove_archive  # noqa: PLC0415

    def show(place: str) -> Exit:
        with open_meter(console, noun="byte", has_lines=console.verbose) as tell:
            verdict = _prove_copy(place) if "://" in place else prove_archive(Path(place), tell)
        return show_verdict(verdict, as_json=as_json, is_alone=len(places) == 1)

    return do_all(_list_tasks(show, places), console, is_announced=False)


def _prove_copy(address: str) -> Verdict:
    from harvester.objects import open_store  # noqa: PLC0415
    from harvester.verify.published import prove_published  # noqa: PLC0415

    async def prove() -> Verdict:
        store = open_store(address)
        await store.check()
        return await prove_published(store)

    return asyncio.run(prove())


def _list_tasks(start: Callable[[_Place], Exit], folders: Sequence[_Place]) -> list[Task]:
    """A task for each folder, each once."""
    return [Task(title=str(folder), start=partial(start, folder)) for folder in dict.fromkeys(folders)]


@click.command(
    cls=Command,
    short_help="The ids of an archive's photos.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester ids archives/monkeys > monkeys.txt\n"
        "  harvester ids archives/monkeys | harvester photos --from - --with exif -o monkeys-exif"
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@console_options
def ids(*, folder: Path, **manner: Any) -> Exit:
    """Print the ids of an archive's photos, one a line. Makes no call, and may be asked while a harvest is under way.

    `harvester photos --from` takes them.
    """
    find_console(**manner)
    from harvester.archive.ids import read_ids  # noqa: PLC0415

    found = read_ids(folder)
    while some := list(islice(found, IDS_AT_ONCE)):
        show_lines(some)
    return Exit.COMPLETE
