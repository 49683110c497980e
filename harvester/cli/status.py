"""How `harvester status` tells how an archive stands: facts, and on a terminal small drawings of its listing."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harvester.cli.show import list_facts, show_facts, show_lines
from harvester.text.bars import can_draw, draw_bar, draw_spark, draw_strip
from harvester.text.words import name_count

if TYPE_CHECKING:
    from harvester.web.watch.timeline import Timeline

EVERY = 2.0
"""Seconds between two looks of --watch."""
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
_WIDEST = 100
_HEAD = 9
_BAR = 16
_MOST_ROWS = 12


def show_status(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Show an archive's status: as JSON all facts, else as lines those that have a value, and drawings."""
    if as_json:
        show_facts(facts, as_json=True)
    else:
        show_lines(list_status(facts))


def list_status(facts: Mapping[str, Any]) -> list[str]:
    """An archive's status in lines; on a terminal with drawings."""
    return [*list_facts(_choose(facts)), *(_list_drawings(facts) if sys.stdout.isatty() else ())]


def _choose(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that have something to say."""
    known = {name: value for name, value in facts.items() if value or name not in _WHERE_KNOWN}
    known = {name: value for name, value in known.items() if name != "read_from" or value == "manifest"}
    if "running_pid" in known:
        known["running_pid"] = str(known["running_pid"])  # a number of no amount
    return known


def _list_drawings(facts: Mapping[str, Any]) -> list[str]:
    """Drawings of an archive's listing; none where it has no checkpoint to tell of it."""
    if facts["read_from"] != "checkpoint":
        return []
    from harvester.web.watch.contents import read_listing  # noqa: PLC0415 - a terminal alone needs it

    timeline, months = read_listing(Path(facts["archive"]), now=int(time.time()))
    width = max(min(shutil.get_terminal_size().columns, _WIDEST), 40)
    stretches = facts["incomplete_stretches"]
    return list(draw_listing(timeline, months, stretches, width=width, is_plain=not can_draw(sys.stdout.encoding)))


def draw_listing(
    timeline: Timeline | None,
    months: Mapping[str, int],
    stretches: Sequence[Mapping[str, Any]],
    *,
    width: int,
    is_plain: bool,
) -> Iterator[str]:
    """The listing as a strip, a bar for each stretch that is not read or not complete, the uploads as a sparkline."""
    room = width - _HEAD - 2
    if timeline is not None and timeline.to_read:
        yield f"{'listing':<{_HEAD}}[{draw_strip(timeline.read, width=room, is_plain=is_plain)}]"
        open_rows = [row for row in timeline.rows if row.read < 1]
        for row in open_rows[:_MOST_ROWS]:
            bar = draw_bar(row.read, width=_BAR, is_plain=is_plain)
            yield f"  {row.when:<{_HEAD - 2}}[{bar}] {int(row.read * 100):>3} % read, {name_count(row.photos, 'photo')}"
        if len(open_rows) > _MOST_ROWS:
            yield f"  and {len(open_rows) - _MOST_ROWS} more"
    for stretch in stretches[:_MOST_ROWS]:
        yield _draw_stretch(stretch, is_plain=is_plain)
    if len(months) > 1:
        from harvester.web.watch.once import fill_months  # noqa: PLC0415

        yield f"{'uploads':<{_HEAD}}[{draw_spark(fill_months(months), width=room, is_plain=is_plain)}]"
        yield f"{'':<{_HEAD}} {min(months)} to {max(months)}, photos by month"


def _draw_stretch(stretch: Mapping[str, Any], *, is_plain: bool) -> str:
    """A stretch of which photos are missing: how many of those that Flickr claims are there."""
    found, claimed = stretch["found"], stretch["claimed"] or 0
    bar = draw_bar(found / claimed if claimed else 0, width=_BAR, is_plain=is_plain)
    claim = f" of {name_count(claimed)}" if claimed else ""
    return (
        f"{'missing':<{_HEAD}}[{bar}] {name_count(found)}{claim}, {stretch['after'][:10]} to {stretch['before'][:10]}"
    )


def keep_showing(read: Callable[[], list[str]]) -> None:
    """Show lines, and show them anew where they have changed, until somebody ends it.

    A terminal gets them in their place, whatever else reads them one after the other.
    """
    with asyncio.Runner() as runner:
        runner.run(_keep_showing(read))


async def _keep_showing(read: Callable[[], list[str]]) -> None:
    stop = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):  # before anything is drawn: whatever ends it shows the cursor again
        if number := getattr(signal, name, None):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _draw() if sys.stdout.isatty() else nullcontext(show_lines) as show:
        known: list[str] = []
        while not stop.is_set():
            if (now := read()) != known:
                show(now)
                known = now
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await stop.wait()


@contextmanager
def _draw() -> Iterator[Callable[[list[str]], None]]:
    """Shows lines in the place of those before, in as many rows as the terminal has."""
    from rich.live import Live  # noqa: PLC0415 - a tenth of a second
    from rich.text import Text  # noqa: PLC0415

    from harvester.progress.live import open_console  # noqa: PLC0415

    console = open_console(sys.stdout)
    with Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        yield lambda lines: live.update(Text("\n".join(lines)), refresh=True)
