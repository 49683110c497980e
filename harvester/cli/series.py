"""Several harvests one after the other: each its own, the worst end of all the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
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
_LAST = (Exit.KEY_REFUSED, Exit.TERMINATED, Exit.INTERRUPTED)
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
class Task:
    """One step of a series. `title` says what it is about."""

    title: str
    start: Callable[[], Exit]


@dataclass(frozen=True, slots=True)
class _End:
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

    One that ends incomplete or wrong does not keep back the next. A refused key and a signal end the series.
    """
    ends: list[_End] = []
    for task in tasks:
        if len(tasks) > 1 and is_announced:
            console.note(f"{task.title}:")
        ends.append(_do_one(task, console, is_alone=len(tasks) == 1))
        if ends[-1].code in _LAST:
            break
    if len(tasks) > 1 and is_announced:
        for line in _list_ends(tasks, ends):
            console.note(line)
    return max((end.code for end in ends), key=_WORSE.index, default=Exit.COMPLETE)


def _do_one(task: Task, console: Console, *, is_alone: bool) -> _End:
    """Its error is told, where others are to come."""
    try:
        return _End(task.start())
    except StopRun as error:
        if is_alone:
            raise
        console.error(str(error), exit_code=error.exit_code)
        return _End(error.exit_code, f": {error}" if error.exit_code == Exit.USAGE else "")


def _list_ends(tasks: Sequence[Task], ends: Sequence[_End]) -> Iterator[str]:
    """A line for each, `title  how it ended`."""
    width = max(len(task.title) for task in tasks)
    for task, end in zip_longest(tasks, ends):
        yield f"{task.title:<{width}}  {f'{_WORDS[end.code]}{end.why}' if end is not None else 'not begun'}"
