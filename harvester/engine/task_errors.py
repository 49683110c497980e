"""Picks the one error to raise when several tasks of a group have failed."""

from __future__ import annotations

from collections.abc import Awaitable

from harvester.archive.sinks import PipeClosed
from harvester.errors import HarvestError


async def unwrap_group_error(work: Awaitable[None]) -> None:
    """Wait for the work. Of its tasks' errors the one that tells most is raised, with its own cause and in no group."""
    error = None
    try:
        await work
    except BaseExceptionGroup as group:
        error = _first_error(group)
    if error is not None:  # raised within the handler, it would have the group as its context
        raise error


def _first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that tells most out of those that ended the tasks."""
    errors: list[BaseException] = []
    stack: list[BaseException] = [group]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack += error.exceptions
        else:
            errors.append(error)
    return min(errors, key=lambda e: not isinstance(e, HarvestError | PipeClosed))
