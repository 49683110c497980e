"""How much of each photo an archive holds, and whether a command asks for more of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harvester.archive.sinks import PHOTOS
from harvester.checkpoint.state import State
from harvester.errors import UsageError
from harvester.flickr.methods import list_parts
from harvester.jobs.model import Job

DEEPEN = "deepen"
"""Remembered by an archive that is to be deepened: the `detail` and `extras` that are wanted."""
LEAST = "least"
"""Remembered by an archive whose lines differ in depth: the parts that each of them has."""
DEEPENS = "deepens"
"""Remembered by the checkpoint of a deepening in its folder: `detail` and `extras` that it is to bring."""


def name_parts(depth: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of a line at this depth, in their order on the line."""
    return list_parts(depth["detail"], depth["extras"])


def read_depth(job: Mapping[str, Any]) -> dict[str, Any]:
    """The depth in a job's description."""
    return {"detail": job.get("detail", "full"), "extras": list(job.get("with", ()))}


def list_least(archive: State) -> tuple[str, ...]:
    """The parts that each line of an archive has."""
    least: Sequence[str] | None = archive.recall(LEAST)
    return name_parts(read_depth(archive.recall("job"))) if least is None else tuple(least)


def deepen_job(job: Job, state: State) -> Job:
    """The job with the depth that its archive is to have. Photos that are still to be fetched get it at once."""
    wanted = state.recall(DEEPEN)
    return job if wanted is None else replace(job, detail=wanted["detail"], extras=tuple(wanted["extras"]))


def widen_depth(state: State, depth: Mapping[str, Any]) -> None:
    """Have an archive be deepened, or go on with that. Lines that are written from now on have that depth.

    Within a transaction.
    """
    known = state.recall(DEEPEN) or {}
    is_known = bool(known) and name_parts(known) == name_parts(depth)
    lines = known.get("lines") if is_known else state.length(PHOTOS).lines
    state.remember(DEEPEN, {**known, **depth, **({} if lines is None else {"lines": lines})})


def withdraw_depth(state: State, before: Mapping[str, Any] | None) -> None:
    """Have an archive be deepened to no more than it was to be before a command that has come to nothing."""
    if state.recall(DEEPEN) != before:
        with state.changing():
            state.remember(DEEPEN, before)


def split_depth(job: Job, state: State, *, where: Path | None) -> tuple[Job, dict[str, Any] | None]:
    """The job at the archive's own depth, and the depth that is asked for; None where that is not deeper.

    UsageError where it would be less than a deepening under way is to bring, or where a limit is below what is there.
    """
    known = state.recall("job")
    if known is None:
        return job, None
    there, wanted = read_depth(known), state.recall(DEEPEN)
    asked = {"detail": job.detail, "extras": list(job.extras_asked)}
    has, asks = set(name_parts(there)), set(job.parts)
    if not asks > has:
        return job, None
    if wanted is not None and not asks >= set(name_parts(wanted)):
        raise UsageError(
            f"{where} is being deepened to {describe_depth(wanted)}, and this command asks for less: `harvester resume "
            f"{where}` goes on with that."
        )
    lines = state.length(PHOTOS).lines
    if job.limit is not None and job.limit < lines:
        raise UsageError(
            f"{where} holds {lines:,} photos, and deepening it fetches what all of them lack: leave out the limit of "
            f"{job.limit:,}, or choose another folder.",
            field="limit",
        )
    return replace(job, detail=there["detail"], extras=tuple(there["extras"])), asked


def describe_depth(depth: Mapping[str, Any]) -> str:
    """`full with exif`."""
    extras = ", ".join(depth["extras"])
    return f"{depth['detail']} with {extras}" if extras else str(depth["detail"])
