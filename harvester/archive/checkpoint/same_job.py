"""Whether a checkpoint was begun with the job that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harvester.archive.checkpoint.state import State
from harvester.errors import UsageError
from harvester.jobs.rotation import Rotation
from harvester.jobs.sameness import Difference, is_open, leave_out_same_people, list_differences


def settle_letters(state: State, *, unescape: bool, is_new: bool, where: Path | None) -> None:
    """Remember whether lines are written with letters in place of escapes; UsageError where they were begun without.

    Within a transaction. An update remembers it from its archive.
    """
    if is_new and state.facts.unescape is None:
        state.note(replace(state.facts, unescape=unescape))
    elif unescape and not state.facts.unescape:
        raise UsageError(
            f"{where} was begun without it: its text is written as Flickr sends it. Leave it out, or choose another "
            "folder.",
            field="unescape",
        )


def check_same_job(state: State, job: dict[str, Any], *, where: Path | None) -> bool:
    """Whether the checkpoint has begun this job before; UsageError where it has begun another.

    Names that may stand for the same person are passed over: `confirm_names` asks Flickr about them.
    """
    known = state.facts.job
    if known is None:
        return False
    differences = leave_out_same_people(list_differences(known, job), state.facts.arguments or {})
    if not all(map(is_open, differences)):
        raise tell_other_job(differences, where=where)
    return True


def tell_other_job(differences: Sequence[Difference], *, where: Path | None) -> UsageError:
    """The error for a job that is not the one that the archive was begun with."""
    *most, last = map(str, differences)
    told = f"{', '.join(most)} and {last}" if most else last
    return UsageError(
        f"{where} was begun with another query, which differs in {told}: choose another folder, or use the first query."
    )


def settle_rotation(state: State, rotation: Rotation | None) -> None:
    """When parts are closed from now on: as is given, else as before. Those that are closed stay as they are."""
    if rotation is not None and rotation != state.facts.rotation:
        state.note(replace(state.facts, rotation=rotation))
