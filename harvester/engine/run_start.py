"""Starts a run: writes the job into the checkpoint, or checks that it is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from harvester.archive.checkpoint.facts import Depth
from harvester.archive.checkpoint.same_job import check_same_job, settle_letters, settle_rotation
from harvester.archive.checkpoint.state import State
from harvester.archive.depth import widen_depth
from harvester.archive.incomplete import is_update_left
from harvester.archive.unbounded import mark_bounded
from harvester.config.settings import Settings
from harvester.engine.output import Output, UpdateWanted
from harvester.errors import UsageError
from harvester.jobs.model import Job, Photos
from harvester.jobs.values import stamp


def check_no_secret(job: Job, settings: Settings) -> None:
    """What is asked is written into checkpoint and manifest, where no secret may stand."""
    told = orjson.dumps(job.describe()).decode()
    if any(secret in told for secret in list_secrets(settings)):
        raise UsageError("A filter holds the API key, a secret or a token, which no archive may keep; leave it out.")


def list_secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets, without such as may be words: `demo` is a key for a sandbox."""
    return tuple(secret for secret in settings.secrets if len(secret) >= 8)


def begin(job: Job, state: State, *, asked: dict[str, Any], now: int, output: Output, depth: Depth | None) -> bool:
    """Whether the checkpoint knows this job; if not, now it does. `asked` is the job in its own words."""
    with state.changing():
        if not state.facts.finished:  # of a complete archive a smaller number of photos changes nothing
            state.note(replace(state.facts, limit=job.limit))
        if names_photos(job):
            state.note(replace(state.facts, unread=True))
        resumed = check_same_job(state, job.describe(), where=output.where)
        settle_letters(state, unescape=output.unescape, is_new=not resumed, where=output.where)
        settle_rotation(state, output.rotation)
        if resumed:
            if depth is not None:
                widen_depth(state, depth)
            if output.folder is not None and _is_for_update(job, state, output):
                raise UpdateWanted(output.folder)
            state.clear_failures()
            return True
        mark_bounded(state)
        publish = output.publish or state.facts.publish
        state.note(replace(state.facts, job=job.describe(), asked=asked, begun=stamp(now), publish=publish))
    state.settle()
    return False


def _is_for_update(job: Job, state: State, output: Output) -> bool:
    """Whether an update is to be run. It tries again what failed, so that may be left. A deepening goes before it."""
    if output.deepens and state.facts.wanted_depth is not None:
        return False
    if isinstance(job.source, Photos) or not state.has_only_failures():
        return False
    return output.update or (output.redo_update and is_update_left(state))


def names_photos(job: Job) -> bool:
    """Whether ids are to be read: a resumed run has none, it goes on with those that were."""
    return isinstance(job.source, Photos) and job.source.ids != ()


def tell_asked(job: Job) -> dict[str, Any]:
    """The job in its own words."""
    kind = job.source.name
    sizes = {} if job.sizes == "call" else {"sizes": job.sizes}
    return {"detail": job.detail, "extras": list(job.extras_asked), **sizes, "source": kind, kind: job.source.asked()}
