"""`harvester run --dask`: the jobs of a config file as one fleet on a Dask cluster."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from harvester.cli.dask import build_course, import_dask, require_store
from harvester.cli.notifications import Notification, RunTracker
from harvester.cli.options import Setup
from harvester.cli.series import End, Step, read_error, tell_ends
from harvester.cli.session import ENDS, attend, choose_display
from harvester.config.settings import Config
from harvester.errors import Exit, StopRun, Summary, UsageError
from harvester.events import Observer
from harvester.progress.gauge import Limits
from harvester.progress.notice.service import Service

if TYPE_CHECKING:
    from harvester.dask.course import Course
    from harvester.dask.member import Member

_Result: TypeAlias = Summary | StopRun


def run_fleet(steps: Mapping[str, Step | UsageError], config: Config, *, setup: Setup) -> Exit:
    """Harvest all jobs on the cluster of `--dask`, each by way of a store of its own below `--store`."""
    cluster, fleets = import_dask()
    store = require_store(setup)
    connect = cluster.find_cluster(setup.dask or "")
    setup = replace(setup, config_path=config.file)
    courses, results = _build_courses(steps, setup=setup, store=store)
    notices = _Notices(steps=steps, setup=setup)

    async def start(observer: Observer, stop: asyncio.Event) -> Exit:
        fleet = fleets.Fleet(courses, observer=observer, on_end=notices.tell)
        try:
            await cluster.harvest_in(connect, fleet, observer=observer, stop=stop)
        finally:
            await notices.wait()
        results.update({each.course.name: each.end for each in fleet.members if each.is_over})
        return Exit.COMPLETE if len(results) == len(steps) else Exit.INTERRUPTED

    look = choose_display(setup, limits=_find_limits(courses), to_stdout=False, again="the same command")
    whole = Notification(settings=config.settings, archive=None, console=setup.console)
    stopped = attend(start, look, whole) if courses else Exit.COMPLETE
    begun = {course.name for course in courses}
    ends = [_read_end(results.get(name), stopped) for name in steps]
    for name, result in results.items():
        if isinstance(result, StopRun):
            if len(steps) == 1:
                raise result
            if name in begun:  # others were told at the beginning
                setup.console.error(f"Job {name}: {result}", exit_code=result.exit_code)
    return tell_ends([f"Job {name}" for name in steps], ends, setup.console)


def _build_courses(
    steps: Mapping[str, Step | UsageError], *, setup: Setup, store: str
) -> tuple[list[Course], dict[str, _Result]]:
    """What is to be harvested, and what is refused of it."""
    courses: list[Course] = []
    refused: dict[str, _Result] = {}
    outputs: dict[Path, str] = {}
    for name, step in steps.items():
        try:
            if isinstance(step, UsageError):
                raise step
            course = build_course(
                step.turn.job,
                step.settings,
                output=step.turn.output,
                setup=setup,
                store=f"{store.rstrip('/')}/{name_folder(name)}",
                name=name,
                limits=step.limits,
            )
            _check_apart(course, outputs)
        except UsageError as error:
            refused[name] = error
            if len(steps) > 1:
                setup.console.error(f"Job {name}: {error}", exit_code=Exit.USAGE)
        else:
            courses.append(course)
    return courses, refused


def _check_apart(course: Course, outputs: dict[Path, str]) -> None:
    """UsageError where another job has the same archive; its harvest would come to nothing in the end."""
    if course.output is None:
        return
    other = outputs.setdefault(course.output.absolute(), course.name)
    if other != course.name:
        raise UsageError(f"{course.output} is the output of job {other} already.", field="output")


def name_folder(job: str) -> str:
    """A job's name as the name of its folder in the store: letters that a path or an address takes otherwise as ~XX."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: "".join(f"~{byte:02x}" for byte in found[0].encode()), job)


def _find_limits(courses: Sequence[Course]) -> Limits:
    """The limits where all jobs have the same; else nothing is known of all."""
    found = {(each.settings.env_prefix, each.settings.quota, each.settings.pace) for each in courses}
    if len(found) != 1:
        return Limits()
    _, quota, pace = found.pop()
    return Limits(quota=quota, pace=pace)


def _read_end(result: _Result | None, stopped: Exit) -> End:
    if result is None:
        return End(stopped)
    return read_error(result) if isinstance(result, StopRun) else End(ENDS.get(result.status, stopped))


@dataclass(frozen=True, slots=True)
class _Notices:
    """The commands that are told of each job's end, while the others go on."""

    steps: Mapping[str, Step | UsageError]
    setup: Setup
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    def tell(self, member: Member) -> None:
        """Tell of the end of a job, beside all else."""
        step = self.steps[member.course.name]
        if isinstance(step, Step):
            notice = Notification(settings=step.settings, archive=step.turn.output.folder, console=self.setup.console)
            self._running.append(asyncio.create_task(asyncio.to_thread(_tell_end, notice, member)))

    async def wait(self) -> None:
        """Until all are told."""
        await asyncio.gather(*self._running)


def _tell_end(notice: Notification, member: Member) -> None:
    end = member.end
    course = RunTracker(is_begun=member.follower is not None, summary=end if isinstance(end, Summary) else None)
    if isinstance(end, StopRun):
        notice.tell_failure(end, course, Service(None))
    elif end is not None:
        notice.tell_end(ENDS.get(end.status, Exit.INTERRUPTED), course, Service(None))
