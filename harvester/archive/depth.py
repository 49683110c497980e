"""How much of each photo an archive holds, and whether a command asks for more of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from harvester.archive.checkpoint.facts import Depth
from harvester.archive.checkpoint.state import State
from harvester.errors import UsageError
from harvester.flickr.methods import covers
from harvester.jobs.model import Job


def read_depth(job: Mapping[str, Any]) -> Depth:
    """The depth in a job's description."""
    return Depth(detail=job.get("detail", "full"), extras=tuple(job.get("with", ())), sizes=job.get("sizes", "call"))


def list_least(archive: State) -> tuple[str, ...]:
    """The parts that each line of an archive has."""
    known = archive.facts
    return read_depth(known.job or {}).parts if known.least_parts is None else tuple(known.least_parts)


def deepen_job(job: Job, state: State) -> Job:
    """The job with the depth that its archive is to have. Photos that are still to be fetched get it at once."""
    wanted = state.facts.wanted_depth
    return job if wanted is None else wanted.deepen(job)


def widen_depth(state: State, depth: Depth) -> None:
    """Have an archive be deepened, or go on with that. Lines that are written from now on have that depth.

    Within a transaction.
    """
    known = state.facts.wanted_depth
    is_known = known is not None and known.parts == depth.parts
    lines = known.lines if known is not None and is_known else state.count_photos()
    base = known or depth
    wanted = structs.replace(base, detail=depth.detail, extras=depth.extras, sizes=depth.sizes, lines=lines)
    state.note(replace(state.facts, wanted_depth=wanted))


def withdraw_depth(state: State, before: Depth | None) -> None:
    """Have an archive be deepened to no more than it was to be before a command that has come to nothing."""
    if state.facts.wanted_depth != before:
        with state.changing():
            state.note(replace(state.facts, wanted_depth=before))


def split_depth(job: Job, state: State, *, where: Path | None) -> tuple[Job, Depth | None]:
    """The job at the archive's own depth, and the depth that is asked for; None where that is not deeper.

    UsageError where it would be less than a deepening under way is to bring, or where a limit is below what is there.
    """
    known = state.facts.job
    if known is None:
        return job, None
    there, wanted = read_depth(known), state.facts.wanted_depth
    asked = Depth(detail=job.detail, extras=job.extras_asked, sizes=job.sizes)
    if not covers(job.parts, there.parts) or covers(there.parts, job.parts):
        return job, None
    if wanted is not None and not covers(job.parts, wanted.parts):
        raise UsageError(
            f"{where} is being deepened to {wanted}, and this command asks for less: `harvester resume "
            f"{where}` goes on with that."
        )
    lines = state.count_photos()
    if job.limit is not None and job.limit < lines:
        raise UsageError(
            f"{where} holds {lines:,} photos, and deepening it fetches what all of them lack: leave out the limit of "
            f"{job.limit:,}, or choose another folder.",
            field="limit",
        )
    return there.deepen(job), asked
