"""One run: open what is needed, in order; go on where an earlier run stood; say how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from pathlib import Path

from harvester.archive.checkpoint.facts import Depth
from harvester.archive.checkpoint.state import State
from harvester.archive.depth import deepen_job, split_depth, withdraw_depth
from harvester.archive.disk.fresh import FreshFolder
from harvester.archive.lists import Files, LineFiles, Reuse
from harvester.archive.remembered import restore_job
from harvester.archive.running_manifest import Unfinished, keep_manifest
from harvester.archive.shallow import Shallow
from harvester.archive.sinks import ArchiveSink, OpenSink, Sink
from harvester.archive.store import Store
from harvester.archive.unbounded import AGAIN, list_again
from harvester.config.settings import Settings
from harvester.engine.identity import choose_login, confirm_login, confirm_names
from harvester.engine.key_names import remember_key_names
from harvester.engine.output import NOWHERE, Output, UpdateWanted, open_output
from harvester.engine.pipeline import Pipeline
from harvester.engine.planner import RunPlanner
from harvester.engine.run_end import Halt, RunEnd, tell_limitations, tell_parts
from harvester.engine.run_start import begin, check_no_secret, tell_asked
from harvester.engine.task_errors import unwrap_group_error
from harvester.errors import KeyRefused, Stopped, Summary, UsageError
from harvester.events import Noticed, Observer, Started, Tally, ignore
from harvester.jobs.model import Job, Photos
from harvester.jobs.restore import settle_job
from harvester.transport.opening import open_client
from harvester.transport.server_clock import ServerClock, tell_skew

__all__ = ["Output", "UpdateWanted", "build_sleep", "restore_job", "run_job", "run_open_job", "tell_limitations"]
Sleep = Callable[[float], Awaitable[None]]


def build_sleep(stop: asyncio.Event) -> Sleep:
    """A sleep that the stop cuts short, with Stopped."""

    async def sleep(seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            return
        raise Stopped("The run is to end.")

    return sleep


async def run_job(
    job: Job,
    settings: Settings,
    *,
    output: Output,
    observer: Observer = ignore,
    stop: asyncio.Event | None = None,
    clock: Callable[[], float] = time.time,
    open_sink: OpenSink = ArchiveSink,
) -> Summary:
    """Harvest a job, or go on with it. Everything wrong is a StopRun, raised alone, never in a group.

    `stop` ends the run early: what is in flight may land, and the summary says `stopped`. Dates such as `yesterday`
    count from what `clock` says when the job begins. `open_sink` makes the sink of an archive's photos.
    """
    settings.require_key()
    stop = stop or asyncio.Event()
    fresh = FreshFolder(output.folder or output.state or Path())
    async with AsyncExitStack() as stack:
        state, sink = open_output(stack, output, fresh=fresh, private=settings.has_login, open_sink=open_sink)
        job, depth = split_depth(job, state, where=output.where) if output.deepens else (job, None)
        try:
            return await run_open_job(
                job,
                settings,
                state=state,
                sink=sink,
                output=output,
                observer=observer,
                stop=stop,
                depth=depth,
                clock=clock,
            )
        except (UsageError, KeyRefused):
            fresh.is_unwanted = state.facts.job is None
            raise


async def run_open_job(
    job: Job,
    settings: Settings,
    *,
    state: State,
    sink: Sink,
    output: Output = NOWHERE,
    observer: Observer = ignore,
    stop: asyncio.Event,
    reuse: Reuse | None = None,
    files: LineFiles | None = None,
    depth: Depth | None = None,
    shallow: Shallow | None = None,
    clock: Callable[[], float] = time.time,
) -> Summary:
    """Run a job between an open checkpoint and an open sink. Without an archive, `files` takes what is no photo.

    `depth` is how deep the archive is to be once the job is done. `shallow` takes the place of a listing.
    """
    check_no_secret(job, settings)
    settings, told = choose_login(state, settings, where=output.where)
    now, asked = clock(), tell_asked(job)
    job, dated = settle_job(job, state.facts.job, state.facts.asked, now=now)
    sleep = build_sleep(stop)
    calls = await confirm_names(job, settings, state, where=output.where, observer=observer, sleep=sleep)
    wanted = state.facts.wanted_depth
    resumed = begin(job, state, asked=asked, now=int(now), output=output, depth=depth)
    remember_key_names(state, settings)
    again = AGAIN if list_again(job.source, state) else ""
    is_complete = resumed and bool(state.facts.finished) and not isinstance(job.source, Photos)
    before = state.count_photos()
    tally = Tally(written=before, written_before=before, expected=state.facts.expected, calls=calls)
    _tell_start(job, state=state, output=output, tally=tally, observer=observer)
    tell_parts(sink.close_parts(state), observer)
    end = RunEnd(job, state=state, output=output, tally=tally, observer=observer)
    planner = RunPlanner(job, state=state, tally=tally, observer=observer, shallow=shallow)
    for sentence in filter(None, (told, dated, again, *job.warnings)):
        observer(Noticed(sentence=sentence))
    planner.tell_names()
    if is_complete:
        return end.pass_over(is_stop_asked=stop.is_set())
    server_clock = ServerClock(on_skew=lambda seconds: observer(Noticed(sentence=tell_skew(seconds))))
    files = files if output.folder is None else Files(output.folder, state)
    store = Store(state, files, reuse=reuse, clock=server_clock.now)
    run, is_mistaken = _Run(planner, state=state, output=output, tally=tally, observer=observer, stop=stop), False
    try:
        async with run.keep_manifest(store):
            await run.go(settings, clock=server_clock, store=store, sink=sink, patient=resumed and before > 0)
    except (UsageError, KeyRefused):
        is_first = state.may_begin_anew() or not (resumed or state.is_update)
        is_mistaken = is_first and not tally.listed
        if not tally.new:
            withdraw_depth(state, wanted)
        raise
    finally:
        store.close(sink)  # a cancelled task's work on the thread ends first: the checkpoint is then free
        if is_mistaken:
            end.withdraw()
        else:
            outcome = end.keep(run.halt)
    return end.conclude(outcome)


def _tell_start(job: Job, *, state: State, output: Output, tally: Tally, observer: Observer) -> None:
    """Tell the observer what begins here, and what Flickr is known to withhold from it."""
    whole = deepen_job(job, state).describe()
    before, is_update = tally.written_before, state.is_update
    observer(Started(job=whole, output=output.archive, resumed=before, tally=tally, is_update=is_update))
    tell_limitations(observer)


class _Run:
    """A run between its beginning and its end."""

    def __init__(
        self,
        planner: RunPlanner,
        *,
        state: State,
        output: Output,
        tally: Tally,
        observer: Observer,
        stop: asyncio.Event,
    ) -> None:
        self._planner = planner
        self._state = state
        self._output = output
        self._tally = tally
        self._observer = observer
        self._stop = stop
        self._pipeline: Pipeline | None = None
        self._is_through = False

    @property
    def halt(self) -> Halt:
        """The state in which the run has stopped."""
        is_read = self._pipeline is not None and self._pipeline.input_ended
        return Halt(self._stop.is_set(), is_read=is_read, is_through=self._is_through)

    def keep_manifest(self, store: Store) -> AbstractAsyncContextManager[None]:
        """Have an archive's manifest written while the harvest goes on. The one of an update is still the old one."""
        if self._output.folder is None or self._state.is_update:
            return nullcontext()
        return keep_manifest(Unfinished(self._output.folder, self._state).write, do=store.do)

    async def go(self, settings: Settings, *, clock: ServerClock, store: Store, sink: Sink, patient: bool) -> None:
        """Do the work."""
        self._tally.listed = store.listed
        sleep = build_sleep(self._stop)
        async with open_client(
            settings, tally=self._tally, observer=self._observer, sleep=sleep, patient=patient, server_clock=clock
        ) as client:
            try:
                await confirm_login(self._state, client, where=self._output.where)
                plan = await self._planner.plan(client, settings, to_files=store.takes_lists)
            except Stopped:
                return
            pipeline = Pipeline(
                plan,
                client=client,
                store=store,
                sink=sink,
                tally=self._tally,
                observer=self._observer,
                stop=self._stop,
                sleep=sleep,
            )
            self._pipeline = pipeline
            await unwrap_group_error(pipeline.run())
            self._is_through = True
