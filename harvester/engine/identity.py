"""The login of an archive stays the same from the first run to the last.

An archive begun logged in goes on with the same person's login only. Without it, or with somebody else's, photos
that were there would look deleted, and the exit code 4 asks for the login.

An archive begun without a login goes on without, whatever login there is by now, and says so. Otherwise it would
hold private photos of one half of its time and not of the other, and what was begun as public would no longer be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from harvester.archive.checkpoint.same_job import tell_other_job
from harvester.archive.checkpoint.state import State
from harvester.config.settings import Settings
from harvester.engine.names import ask_login, look_up_source
from harvester.errors import CannotWrite, KeyRefused, Stopped, UsageError
from harvester.events import Observer, Tally
from harvester.jobs.model import Gallery, Group, Job, Photos, Search, Source
from harvester.jobs.restore import rebuild_job
from harvester.jobs.sameness import NAMES, is_open, leave_out_same_people, list_differences
from harvester.transport.client import Client
from harvester.transport.opening import open_client

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

NOT_LOGGED_IN = "Not logged in: private and restricted photos are not included."


def choose_login(state: State, settings: Settings, *, where: Path | None) -> tuple[Settings, str]:
    """The settings with which an archive goes on, and a sentence where that is without the login that there is.

    Where nothing was found yet, it may as well begin anew with another login, or without.
    """
    if state.facts.job is None and state.facts.repaired:
        with state.changing():
            state.note(replace(state.facts, signed=settings.has_login))
        return settings, ""
    if state.may_begin_anew():
        if bool(state.facts.signed) != settings.has_login:
            with state.changing():
                state.forget()
                state.note(replace(state.facts, signed=settings.has_login))
        return settings, ""
    if state.facts.signed or not settings.has_login:
        return settings, ""
    told = f"{where} was begun without a login and goes on without: for private photos begin a new archive."
    return settings.without_login(), told


async def confirm_login(state: State, client: Client, *, where: Path | None) -> None:
    """Ask Flickr whose the login is, and remember it; KeyRefused where the archive asks for another."""
    if not client.signs:
        if state.facts.signed:
            raise KeyRefused(
                f"{where} was begun logged in{_as(state)}, and this run is not logged in: run `harvester auth login`, "
                "then the same command again, or choose another folder."
            )
        return
    login = await ask_login(client)
    known = state.facts.login
    if known is not None and known["nsid"] != login.nsid and not state.may_begin_anew():
        raise KeyRefused(
            f"{where} was begun logged in{_as(state)}, and this login is {login.username}'s: log in as the former, "
            "or choose another folder."
        )
    with state.changing():
        if known is not None and known["nsid"] != login.nsid:
            state.note(replace(state.facts, arguments=None, names=None))  # `me` was somebody else
        state.note(replace(state.facts, login={"nsid": login.nsid, "username": login.username}))


async def confirm_names(
    job: Job, settings: Settings, state: State, *, where: Path | None, observer: Observer, sleep: Sleep
) -> int:
    """Ask Flickr whether a job that names its people otherwise than the archive means the same ones; calls made.

    UsageError where it means others. Nothing is asked where nothing is in doubt.
    """
    known = state.facts.job
    ids = state.facts.arguments or {}
    differences = [] if known is None else leave_out_same_people(list_differences(known, job.describe()), ids)
    if not differences or not all(map(is_open, differences)):
        return 0
    tally, first = Tally(), None if ids else _rebuild(known or {}, state)
    try:
        async with open_client(settings, tally=tally, observer=observer, sleep=sleep) as client:
            if first is not None:
                ids = await look_up_source(first.source, client, lambda _: None)
            found = await look_up_source(job.source, client, lambda _: None)
    except Stopped:
        return tally.calls  # the run makes no call any more
    if any(found.get(name) != ids.get(name) for name in set(NAMES.values())):
        raise tell_other_job(differences, where=where)
    return tally.calls


def _rebuild(known: Mapping[str, Any], state: State) -> Job:
    try:
        return rebuild_job(known, state.facts.asked or {}, limit=None)
    except (UsageError, KeyError, TypeError, ValueError, AttributeError):
        raise CannotWrite(
            f"The checkpoint {state.path} is damaged (it remembers a job that none can be): put a copy of the whole "
            "folder back, or begin a new archive."
        ) from None


def tell_login(state: State, source: Source) -> str:
    """A sentence that tells whose login a harvest of a person's photos was made with; none for other jobs."""
    is_anybodys = isinstance(source, Search) and "user_id" not in source.arguments
    if is_anybodys or isinstance(source, Photos | Gallery | Group):
        return ""
    return (
        f"Logged in{_as(state)}: photos that only this login may see are included."
        if state.facts.signed
        else NOT_LOGGED_IN
    )


def _as(state: State) -> str:
    login = state.facts.login
    return f" as {login['username']}" if login else ""
