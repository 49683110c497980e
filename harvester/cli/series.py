"""Several harvests one after the other: each its own, the worst end of all the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harvester.cli.console import Console
from harvester.cli.options import Setup
from harvester.cli.session import run_harvest
from harvester.config.settings import Settings
from harvester.errors import Exit, StopRun
from harvester.jobs.model import Job

if TYPE_CHECKING:
    from harvester.engine.run import Output

_WORSE = (
    Exit.COMPLETE,
    Exit.INCOMPLETE,
    Exit.UNEXPECTED,
    Exit.USAGE,
    Exit.CANNOT_WRITE,
    Exit.KEY_REFUSED,
    Exit.TERMINATED,
    Exit.INTERRUPTED,
)
_SIGNALLED = (Exit.TERMINATED, Exit.INTERRUPTED)
_WORDS = {
    Exit.COMPLETE: "complete",
    Exit.INCOMPLETE: "incomplete",
    Exit.USAGE: "refused",
    Exit.CANNOT_WRITE: "not readable or writable",
    Exit.KEY_REFUSED: "key or login refused",
    Exit.TERMINATED: "stopped",
    Exit.INTERRUPTED: "stopped",
    Exit.UNEXPECTED: "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One harvest of a series. `title` announces it where there are others."""

    title: str
    job: Job
    output: Output
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A harvest of a series, and the settings that hold for it alone."""

    turn: Turn
    settings: Settings
    limits: Mapping[str, str]
    """Those of its own, as the config file has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step of a series. `title` says what it is about."""

    title: str
    start: Callable[[], Exit]
    key: str = ""
    """What names the key that it works with: a refused one ends all of its tasks."""


@dataclass(frozen=True, slots=True)
class End:
    """How one ended, and why it was refused where it was: what is to be fixed stands at the end of a long run, too."""

    code: Exit
    why: str = ""


def harvest_all(turns: Sequence[Turn], settings: Settings, *, setup: Setup) -> Exit:
    """Harvest one after the other."""
    tasks = [Task(title=turn.title, start=partial(harvest_turn, turn, settings, setup=setup)) for turn in turns]
    return do_all(tasks, setup.console)


def harvest_turn(turn: Turn, settings: Settings, *, setup: Setup) -> Exit:
    """Harvest one of them."""
    return run_harvest(turn.job, settings, output=turn.output, setup=setup, expected=turn.expected)


def do_all(tasks: Sequence[Task], console: Console, *, is_announced: bool = True) -> Exit:
    """Do one after the other, and say at the end how each ended. Returns the worst end.

    One that ends incomplete or wrong does not keep back the next. A refused key ends all tasks that work with it, and a
    signal the series.
    """
    ends: list[End | None] = []
    refused, is_stopped = set[str](), False
    for task in tasks:
        if is_stopped or task.key in refused:
            ends.append(None)
            continue
        if len(tasks) > 1 and is_announced:
            console.note(f"{task.title}:")
        end = _do_one(task, console, is_alone=len(tasks) == 1)
        ends.append(end)
        if end.code == Exit.KEY_REFUSED:
            refused.add(task.key)
        is_stopped = end.code in _SIGNALLED
    return tell_ends([task.title for task in tasks], ends, console if is_announced else None)


def tell_ends(titles: Sequence[str], ends: Sequence[End | None], console: Console | None) -> Exit:
    """Say in a line each how several have ended; None was not begun. Returns the worst end."""
    if console is not None and len(titles) > 1:
        for line in _list_ends(titles, ends):
            console.note(line)
    return max((end.code for end in ends if end is not None), key=_WORSE.index, default=Exit.COMPLETE)


def read_error(error: StopRun) -> End:
    """The end by an error."""
    return End(error.exit_code, f": {error}" if error.exit_code == Exit.USAGE else "")


def _do_one(task: Task, console: Console, *, is_alone: bool) -> End:
    """Its error is told, where others are to come."""
    try:
        return End(task.start())
    except StopRun as error:
        if is_alone:
            raise
        console.error(str(error), exit_code=error.exit_code)
        return read_error(error)


def _list_ends(titles: Sequence[str], ends: Sequence[End | None]) -> Iterator[str]:
    """A line for each, `title  how it ended`."""
    width = max(map(len, titles))
    for title, end in zip(titles, ends, strict=True):
        yield f"{title:<{width}}  {f'{_WORDS[end.code]}{end.why}' if end is not None else 'not begun'}"
