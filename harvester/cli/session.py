"""One run of the engine: the loop it runs on, the signals that stop it, the display, the exit code."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Literal, Self

from harvester import timers
from harvester.cli.measure import find_metrics
from harvester.cli.meter import is_drawable
from harvester.cli.notifications import Notification, RunTracker, Start, find_service
from harvester.cli.options import Setup
from harvester.config.settings import Settings
from harvester.errors import CannotWrite, Exit, StopRun, Summary, UsageError
from harvester.events import Observer
from harvester.jobs.model import Job, Photos
from harvester.progress.attach.monitor import RunMonitor
from harvester.progress.attach.server import serve_control
from harvester.progress.display import DisplayOptions, Progress, open_progress
from harvester.progress.gauge import Limits
from harvester.progress.notice.service import Service, ServiceForm
from harvester.quota.counting import state_folder
from harvester.signals import write_now

if TYPE_CHECKING:
    from harvester.engine.run import Output

_SIGNALS = {"SIGINT": Exit.INTERRUPTED, "SIGTERM": Exit.TERMINATED, "SIGHUP": Exit.TERMINATED}
ENDS = {"complete": Exit.COMPLETE, "incomplete": Exit.INCOMPLETE}


def run_harvest(job: Job, settings: Settings, *, output: Output, setup: Setup, expected: int | None = None) -> Exit:
    """Run a job to its end, or to the user's. `expected` is a count of photos where Flickr gives none."""
    from harvester.engine.run import UpdateWanted  # noqa: PLC0415
    from harvester.engine.upkeep.deepening import run_whole_job, update_archive  # noqa: PLC0415 - help can do without
    from harvester.objects.publish.beside import read_address, run_and_publish  # noqa: PLC0415

    settings.require_key()
    if setup.dask is not None:
        from harvester.cli.dask import harvest_on_dask  # noqa: PLC0415

        return harvest_on_dask(job, settings, output=output, setup=setup)
    address = setup.publish or output.publish
    if address is not None:
        if output.folder is None:
            raise UsageError("only an archive can be published: name its folder with -o.", field="publish")
        address = read_address(address)
    limits = Limits(quota=settings.quota, pace=settings.pace, limit=job.limit, expected=expected)
    # Ids that were not read yet are in no checkpoint, so only the command itself can bring them.
    repeat = output.state is not None or (output.folder is not None and isinstance(job.source, Photos))
    again = "the same command" if repeat else None
    look = choose_display(setup, limits=limits, to_stdout=output.folder is None, again=again)

    async def run(stop: asyncio.Event, observer: Observer) -> Summary:
        given = replace(output, redo_update=True, publish=address)
        try:
            return await run_whole_job(job, settings, output=given, observer=observer, stop=stop)
        except UpdateWanted as wanted:
            return await update_archive(wanted.folder, settings, observer=observer, stop=stop)

    async def start(observer: Observer, stop: asyncio.Event) -> Summary:
        if output.folder is None:
            return await run(stop, observer)
        return await run_and_publish(
            partial(run, stop),
            folder=output.folder,
            address=address,
            is_private=settings.has_login,
            observer=observer,
            stop=stop,
        )

    return attend(start, look, Notification(settings=settings, archive=output.folder, console=setup.console))


def attend(start: Start, look: DisplayOptions, notice: Notification | None = None) -> Exit:
    """Run what `start` starts, with display and signals. Returns the exit code; a StopRun goes through.

    The commands of `notice`, and the service manager where there is one, are told of a harvest.
    """
    course = RunTracker()
    if notice is None:
        return _run(start, look, course, Service(None), None)
    monitor = RunMonitor(quota=look.limits.quota, clean=notice.console.redact)
    look = replace(look, beside=(*look.beside, monitor))
    service = find_service()
    if service.is_there:
        form = ServiceForm(service, quota=look.limits.quota, clean=notice.console.redact)
        look = replace(look, beside=(*look.beside, form))
    try:
        code = _run(course.follow(start), look, course, service, monitor)
    except Exception as error:
        notice.tell_failure(error, course, service)
        raise
    notice.tell_end(code, course, service)
    return code


def _run(start: Start, look: DisplayOptions, course: RunTracker, service: Service, monitor: RunMonitor | None) -> Exit:
    gc.freeze()  # what the imports have made stays: there is no use in looking through it again and again
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        return runner.run(_attend(start, look, course, service, monitor))


def find_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's where there is one (not on Windows), else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _attend(
    start: Start, look: DisplayOptions, course: RunTracker, service: Service, monitor: RunMonitor | None
) -> Exit:
    from harvester.archive.sinks import PipeClosed  # noqa: PLC0415

    stop = asyncio.Event()
    with Signals(stop, course, service) as signals:  # until the display is put away
        async with _living(service), _watched(monitor), open_progress(look) as progress:
            signals.progress = progress
            if monitor is not None:
                monitor.observer = progress
            try:
                ended = await start(progress, stop)
            except PipeClosed:
                return Exit.COMPLETE
            except StopRun:
                progress.say_so_far()
                raise
    code = ended if isinstance(ended, Exit) else ENDS.get(ended.status, Exit.INTERRUPTED)
    return signals.caught or code if code is Exit.INTERRUPTED else code


@asynccontextmanager
async def _watched(monitor: RunMonitor | None) -> AsyncIterator[None]:
    """Whoever watches from outside is answered, where there is a place for that."""
    if monitor is None:
        yield
        return
    try:
        folder = state_folder()
    except (CannotWrite, UsageError):  # told where it matters
        folder = None
    async with serve_control(monitor, folder):
        yield


@asynccontextmanager
async def _living(service: Service) -> AsyncIterator[None]:
    """The manager hears that the process lives."""
    beats = asyncio.create_task(service.keep_beating(asyncio.sleep))
    try:
        yield
    finally:
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)


class Signals:
    """The first signal asks the run to end, the second ends it at once.

    The handlers are Python's, not the loop's: they work while the loop is busy, or blocked by whoever reads the
    output, and on Windows.
    """

    def __init__(self, stop: asyncio.Event, course: RunTracker, service: Service) -> None:
        self.caught: Exit | None = None
        self.progress: Progress | None = None
        self._stop = stop
        self._course = course
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            # nohup has the hang-up ignored. A shell's `&` has SIGINT ignored too, but who sends it means it.
            if number is not None and (name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN):
                self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(self, *error: object) -> None:
        if self.caught is not None:
            return  # the program is at its end: one more signal on the way there must not kill it
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _catch(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Python's signature
        code = _SIGNALS[signal.Signals(number).name]
        if self.caught is not None:
            self._leave(code)
        self.caught = code
        self._course.last_moment = time.monotonic() + timers.LAST_SECONDS
        # A pipe that nobody reads blocks the thread that writes to it, and with it the clean end.
        last = threading.Timer(timers.LAST_SECONDS, self._leave, [code])
        last.daemon = True
        last.start()
        self._loop.call_soon_threadsafe(self._ask)

    def _ask(self) -> None:
        self._stop.set()
        self._service.stop()
        if self.progress is not None:
            self.progress.say("Stopping: finishing what is in flight, at most 10 s (again: stop at once).")

    def _leave(self, code: Exit) -> None:
        """End the process now. The checkpoint holds what the disk does, so nothing is lost by it."""
        try:
            if self.progress is not None:
                write_now(self.progress.part())
        finally:
            os._exit(code)


def choose_display(setup: Setup, *, limits: Limits, to_stdout: bool, again: str | None = None) -> DisplayOptions:
    """How to show a run: live on a terminal, unless something else is written there at the same time."""
    console, form = setup.console, _choose_form(setup, to_stdout=to_stdout)
    readings = setup.progress is not False and not console.quiet
    if form != "json" and setup.progress is None and to_stdout and sys.stdout.isatty():
        readings = False
    return DisplayOptions(
        form=form,
        readings=readings,
        verbose=console.verbose,
        quiet=console.quiet,
        log=console.log,
        limits=limits,
        again=again,
        beside=find_metrics(setup, quota=limits.quota),
    )


def _choose_form(setup: Setup, *, to_stdout: bool) -> Literal["live", "plain", "json", "quiet"]:
    if setup.console.log_format == "json":
        return "json"
    if setup.console.quiet:
        return "quiet"
    if setup.progress is not False and is_drawable() and (setup.progress or not (to_stdout and _is_shown())):
        return "live"
    return "plain"


def _is_shown() -> bool:
    """Whether standard output is a terminal, or a pipe to a program that may write to one."""
    try:
        return not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):  # closed, or no file at all
        return True
