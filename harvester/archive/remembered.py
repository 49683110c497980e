"""The job that an archive remembers."""

from __future__ import annotations

from pathlib import Path

from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import STATE
from harvester.errors import CannotWrite, UsageError
from harvester.jobs.model import Job
from harvester.jobs.restore import rebuild_job


def is_job_lost(state: State) -> bool:
    """Whether a repair found nothing that tells what was asked."""
    return state.facts.asked is None and bool(state.facts.repaired)


def restore_job(state: State, *, where: Path) -> Job:
    """The job that an archive remembers, with the limit of its last run."""
    asked = state.facts.asked
    if asked is None:
        why = (
            "what was asked was lost. Give the command that began it again: it takes the archive up"
            if is_job_lost(state)
            else "it was never begun"
        )
        raise UsageError(f"{where} remembers no job: {why}.")
    try:
        return rebuild_job(state.facts.job or {}, asked, limit=state.facts.limit)
    except (UsageError, KeyError, TypeError, ValueError, AttributeError):
        raise CannotWrite(
            f"The checkpoint {where / STATE} is damaged (it remembers a job that none can be): `harvester repair "
            f"{where}` makes a new one out of the files."
        ) from None
