"""Several harvests one after the other: each its own, the worst end of all the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harvester.cli.options import Setup
from harvester.cli.session import harvest
from harvester.config import Settings
from harvester.errors import Exit, KeyRefused, StopRun
from harvester.model import Job

if TYPE_CHECKING:
    from harvester.engine import Output

_WORSE = (
    Exit.COMPLETE,
    Exit.INCOMPLETE,
    Exit.USAGE,
    Exit.CANNOT_WRITE,
    Exit.KEY_REFUSED,
    Exit.TERMINATED,
    Exit.INTERRUPTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One harvest of a series. `title` announces it where there are others."""

    title: str
    job: Job
    output: Output
    expected: int | None = None


def harvest_all(turns: Sequence[Turn], settings: Settings, *, setup: Setup) -> Exit:
    """Harvest one after the other. One that ends incomplete or wrong does not keep back the next."""
    worst = Exit.COMPLETE
    for turn in turns:
        if len(turns) > 1:
            setup.voice.note(f"{turn.title}:")
        worst = max(worst, _harvest_one(turn, settings, setup), key=_WORSE.index)
        if worst in (Exit.INTERRUPTED, Exit.TERMINATED):
            break
    return worst


def _harvest_one(turn: Turn, settings: Settings, setup: Setup) -> Exit:
    """Its error is told, and is the next one's business only where the key is refused."""
    try:
        return harvest(turn.job, settings, output=turn.output, setup=setup, expected=turn.expected)
    except KeyRefused:
        raise
    except StopRun as error:
        setup.voice.error(str(error), exit_code=error.exit_code)
        return error.exit_code
