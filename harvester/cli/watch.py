"""`harvester watch`: a live page about harvests, or the same as lines."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harvester.cli.archives import folders_argument
from harvester.cli.options import Command, Setup, option, settings_options
from harvester.cli.session import find_loop_factory
from harvester.cli.show import show_lines
from harvester.errors import CannotWrite, Exit, UsageError
from harvester.text.bars import can_draw

if TYPE_CHECKING:
    from harvester.config.settings import Settings
    from harvester.web.watch.watched import Watcher


@click.command(
    cls=Command,
    short_help="A live page about a harvest.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester watch archives/monkeys --open\n"
        "  harvester watch archives/* --port 9480\n"
        "  harvester watch archives/monkeys --once"
    ),
)
@folders_argument
@option("Page", "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Else any that is free.")
@option("Page", "--open", "is_opened", is_flag=True, help="Open it in the browser.")
@option("Page", "--once", is_flag=True, help="No page: print the same, once.")
@option("Page", "--json", "as_json", is_flag=True, help="With --once, for machines: one JSON object a line.")
@settings_options
def watch(*, setup: Setup, folders: tuple[Path, ...], port: int, is_opened: bool, once: bool, as_json: bool) -> Exit:
    """Show archives on a page that follows them, be a run at work in them or not.

    The page is at an address of this machine, which is printed; whoever has the address sees it, nobody else does.
    From it a run on this machine can be paused, let go on, and stopped. A pause lasts no longer than this command.
    Makes no call and writes nothing; runs are not slowed. /metrics has the numbers for Prometheus. Ends with Ctrl-C.
    """
    if as_json and not once:
        raise UsageError("this is for --once.", field="as_json")
    settings = setup.load().settings
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder.")
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        if once:
            return runner.run(_show_once(_build(folders, settings), as_json=as_json))
        return runner.run(_serve(_build(folders, settings), setup, port=port, is_opened=is_opened))


def _build(folders: tuple[Path, ...], settings: Settings) -> Watcher:
    from harvester.quota.counting import state_folder  # noqa: PLC0415 - help can do without
    from harvester.web.watch.watched import Watched, Watcher  # noqa: PLC0415

    try:
        state = state_folder()
    except CannotWrite:
        state = None
    each = enumerate(dict.fromkeys(folders), 1)
    return Watcher([Watched(folder, number, settings, state=state) for number, folder in each])


async def _show_once(watcher: Watcher, *, as_json: bool) -> Exit:
    import msgspec  # noqa: PLC0415

    from harvester.web.watch.once import list_lines  # noqa: PLC0415

    found = await watcher.look()
    watcher.close()
    width, is_plain = shutil.get_terminal_size().columns, not can_draw(sys.stdout.encoding)
    for n, facts in enumerate(found):
        if as_json:
            show_lines([msgspec.json.encode(facts).decode()])
        else:
            show_lines([*([""] if n else []), *list_lines(facts, width=width, is_plain=is_plain)])
    is_read = all(facts.contents.report is not None for facts in found)
    return Exit.COMPLETE if is_read else Exit.USAGE


async def _serve(watcher: Watcher, setup: Setup, *, port: int, is_opened: bool) -> Exit:
    from harvester.web.watch.server import open_site  # noqa: PLC0415

    stop = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        if number := getattr(signal, name, None):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_site(watcher, port=port) as address:
        show_lines([address])
        setup.console.note("The page is at this address. Ctrl-C ends it; a run goes on without it.")
        if is_opened:
            click.launch(address)
        await stop.wait()
    return Exit.COMPLETE
