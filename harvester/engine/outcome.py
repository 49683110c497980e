"""How a run ended, decided once out of what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harvester.errors import Status
from harvester.jobs.model import Account, Photos, Search, Source

_MOST_NOTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What decides on the outcome of a run."""

    is_stop_asked: bool
    """Somebody has asked the run to end."""
    is_whole: bool
    """Nothing is left to be listed or fetched, and all ids were read."""
    is_read: bool
    """This run has read its listing, or its input, to the end."""
    is_through: bool
    """No error has ended it. A step that was never entered in the checkpoint may else seem to be done."""
    is_limit_reached: bool
    """As many photos as were wanted are there."""
    has_failures: bool
    """Something could not be had for now."""
    has_incomplete: bool
    """Of a stretch of upload time Flickr keeps photos back."""
    is_update: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `is_finished`: nothing is left for another run of the same job."""

    status: Status
    is_finished: bool
    is_cut_short: bool
    """An update that is to go on: what its archive's last one could not get is still to be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a person may be told of a run's end, besides its status."""

    source: Source
    is_update: bool
    is_signed: bool
    errors: Path | None
    """The file that tells what could not be had."""
    written: int
    failed: int
    bad_input: int
    unfetched: int
    """What the last update of the archive could not get."""
    notes: tuple[str, ...]
    """Of lists that could not be read to their end."""
    incomplete: tuple[str, ...]
    """Of incomplete stretches."""
    is_unread: bool
    """Ids are left that were not read."""
    difference: str
    """Between what Flickr claims and what is there."""
    login: str
    """In whose name the harvest was made."""


def decide(ending: Ending) -> Outcome:
    """The outcome of a run.

    Complete: nothing is left to ask, or as many photos as were wanted are there, and Flickr kept none back. Stopped:
    somebody ended it before that.
    """
    status = _decide_status(ending)
    return Outcome(
        status,
        is_finished=ending.is_whole and status == "complete",
        is_cut_short=ending.is_update and (status == "stopped" or not ending.is_through),
    )


def _decide_status(ending: Ending) -> Status:
    is_enough = ending.is_whole or ending.is_limit_reached
    if ending.is_stop_asked and not ending.is_limit_reached and not (ending.is_whole and ending.is_read):
        return "stopped"
    is_missing = ending.has_failures or ending.has_incomplete
    return "complete" if is_enough and ending.is_through and not is_missing else "incomplete"


def list_sentences(outcome: Outcome, told: RunFacts, *, claims: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a person should know of a run's end. `claims` are of the sets of an account that is complete."""
    end = _tell_none(told) if outcome.status == "complete" and not told.written and not told.is_update else ""
    return (
        *_tell_failures(told),
        *(f"{note}." for note in told.notes[:_MOST_NOTES]),
        *told.incomplete,
        *_tell_unread(told),
        *filter(None, (told.difference, *claims, end or told.login)),
    )


def _tell_failures(told: RunFacts) -> Iterator[str]:
    if told.failed:
        where = f"; see {told.errors}" if told.errors else ""
        yield f"{told.failed} could not be had for now{where}. Run the same again to try again."
    if told.unfetched:
        yield f"What the last update could not get: {told.unfetched}; `harvester update` tries again."
    if told.bad_input:
        where = f", as {told.errors} says" if told.errors else ""
        yield f"Lines of input that name no photo{where}: {told.bad_input}; correct these lines."


def _tell_unread(told: RunFacts) -> Iterator[str]:
    if told.is_unread:
        yield "Not all ids were read: the rest comes only with the command that names them. Run it again."


def _tell_none(told: RunFacts) -> str:
    """What a person should know where no photo came, if photos were to come."""
    safe = "" if told.is_signed else "Without a login only public and safe photos are found"
    match told.source:
        case Photos():
            return "No photo was named."
        case Search():
            return f"No photo matches. {safe + '; check' if safe else 'Check'} spelling and dates."
        case Account(kinds=kinds) if "photos" not in kinds:
            return ""
        case _:
            return f"There is no photo. {safe}." if safe else "There is no photo."
