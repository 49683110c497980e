"""One run: open what is needed, in order; go on where an earlier run stood; say how it ended."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.admission import Bounds
from harvester.archive.comparison import keep_difference, recall_difference
from harvester.archive.depth import deepen_job, split_depth, widen_depth, withdraw_depth
from harvester.archive.folder import (
    ERRORS,
    MANIFEST,
    STATE,
    count_lists,
    is_told_complete,
    lock_folder,
    write_errors,
    write_manifest,
)
from harvester.archive.incomplete import (
    find_incomplete,
    is_update_left,
    keep_incomplete,
    list_notes,
    take_up_incomplete,
)
from harvester.archive.keeper import Unfinished, keep_manifest
from harvester.archive.lists import Files, LineFiles, Reuse
from harvester.archive.shallow import Shallow
from harvester.archive.sinks import PHOTOS, ArchiveSink, OpenSink, Sink, StreamSink, salvage
from harvester.archive.store import Store
from harvester.archive.unbounded import AGAIN, list_again, mark_bounded
from harvester.checkpoint.claims import tell_claims
from harvester.checkpoint.facts import Depth
from harvester.checkpoint.same_job import check_same_job, settle_letters
from harvester.checkpoint.state import State
from harvester.config.settings import Settings
from harvester.disk.files import Appender, remove_files
from harvester.disk.fresh import FreshFolder
from harvester.disk.layout import check_entries, check_not_foreign
from harvester.disk.modes import make_checkpoint_file
from harvester.engine.alone import run_alone
from harvester.engine.identity import choose_login, confirm_login, confirm_names, tell_login
from harvester.engine.people import Meant, keep_names, look_up_source, recall_names
from harvester.engine.pipeline import Pipeline, Plan
from harvester.errors import CannotWrite, HarvestError, KeyRefused, Stopped, UsageError
from harvester.events import Ended, Noticed, Observer, Started, Status, Summary, Tally, ignore
from harvester.filesystem.lapses import LAPSES
from harvester.jobs.model import Account, Job, Photos, Search
from harvester.jobs.remembered import rebuild_job, settle_job
from harvester.jobs.values import stamp
from harvester.listing.roots import plant
from harvester.listing.sweep import OPEN_END
from harvester.merge.fold import mend_fold
from harvester.transport.client import Client, open_client
from harvester.transport.server_clock import ServerClock, tell_skew


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where records go: an archive's folder, or standard output (`folder` None), kept track of in `state`.

    `shown` is the archive that an update in `folder` is for.
    """

    folder: Path | None = None
    state: Path | None = None
    shown: Path | None = None
    unescape: bool = False
    """Write letters in place of their escapes. An archive that was begun so stays so."""
    update: bool = False
    """Raise NewsWanted where nothing but an update is left to be done."""
    redo_update: bool = False
    """Raise NewsWanted where the last update could not get everything."""
    deepens: bool = False
    """Whoever runs the job deepens an archive that holds less of each photo: it is not refused for that."""

    @property
    def where(self) -> Path | None:
        """The folder that a person knows."""
        return self.shown or self.folder or self.state

    @property
    def archive(self) -> Path | None:
        """The archive, which tells what could not be had of its update too."""
        return self.shown or self.folder


Sleep = Callable[[float], Awaitable[None]]


class NewsWanted(HarvestError):
    """The archive is complete and what is new since is wanted: an update of `folder` brings it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is complete: `harvester update {folder}` brings what is new since.")
        self.folder = folder


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
        state, sink = _open_output(stack, output, fresh=fresh, private=settings.has_login, open_sink=open_sink)
        job, depth = split_depth(job, state, where=output.where) if output.deepens else (job, None)
        try:
            return await harvest(
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


def tell_lapses(observer: Observer) -> None:
    """Say what the file system refuses and what is done without; each sentence once."""
    for sentence in LAPSES.take():
        observer(Noticed(sentence=sentence))


def tell_update(folder: Path | None) -> str:
    """How to get what is new since; nothing where there is no archive."""
    return f" `harvester update {folder}` brings what is new since." if folder else ""


def restore_job(state: State, *, where: Path) -> Job:
    """The job that an archive remembers, with the limit of its last run."""
    asked = state.facts.asked
    if asked is None:
        why = (
            "what was asked was lost. Give the command that began it again: it takes the archive up"
            if state.facts.repaired
            else "it was never begun"
        )
        raise UsageError(f"{where} remembers no job: {why}.")
    try:
        return rebuild_job(state.facts.job or {}, asked, limit=state.facts.limit)
    except (UsageError, KeyError, TypeError, ValueError, AttributeError):
        raise CannotWrite(
            f"The checkpoint {where / STATE} is damaged (it remembers a job that none can be): `harvester repair "
            f"{where}` makes a new one out of the files."
        ) from None


def _open_output(
    stack: AsyncExitStack, output: Output, *, fresh: FreshFolder, private: bool, open_sink: OpenSink
) -> tuple[State, Sink]:
    folder = output.folder or output.state
    if folder is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harvester-")))
        return stack.enter_context(State(folder / STATE, lasting=False)), StreamSink()
    check_entries(folder)
    check_not_foreign(folder, is_stream=output.folder is None)
    lock = stack.enter_context(lock_folder(folder, private=private))
    stack.callback(fresh.clear)
    make_checkpoint_file(folder / STATE, private=private)
    state = stack.enter_context(State(folder / STATE, guard=lock.check))
    _check_photos(state, folder)
    mend_fold(folder, state)
    _check_kind(state, folder, is_stream=output.folder is None)
    if output.folder is None:
        return state, StreamSink()
    salvage(state, output.folder / PHOTOS)
    length = state.length(PHOTOS)
    file = stack.enter_context(Appender(folder / PHOTOS, length=length.bytes))
    return state, open_sink(file, guard=lock.check)


def _check_photos(state: State, folder: Path) -> None:
    """UsageError where there are photos and the checkpoint beside them was never begun: they would be cut off."""
    path = folder / PHOTOS
    is_begun = state.facts.job is not None or state.facts.repaired
    if not is_begun and path.is_file() and path.stat().st_size:
        raise UsageError(
            f"{folder} holds a {PHOTOS} but no {STATE} that knows of it: choose another folder, or, where it is an "
            f"archive that has lost its {STATE}, run `harvester repair {folder}`."
        )


def _check_kind(state: State, folder: Path, *, is_stream: bool) -> None:
    """Records that went to standard output are in no file: a folder keeps track of the one or holds the other."""
    known = state.facts.stream
    if known is not None and known != is_stream:
        what = "keeps track of records sent to standard output, and is no archive" if known else "is an archive"
        raise UsageError(f"{folder} {what}: choose another folder.")
    with state.changing():
        state.note(replace(state.facts, stream=is_stream))


async def harvest(
    job: Job,
    settings: Settings,
    *,
    state: State,
    sink: Sink,
    output: Output = Output(),
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
    _check_no_secret(job, settings)
    settings, told = choose_login(state, settings, where=output.where)
    now, asked = clock(), _tell_asked(job)
    job, dated = settle_job(job, state.facts.job, state.facts.asked, now=now)
    sleep = build_sleep(stop)
    calls = await confirm_names(job, settings, state, where=output.where, observer=observer, sleep=sleep)
    wanted = state.facts.wanted_depth
    resumed = _begin(job, state, asked=asked, now=int(now), output=output, depth=depth)
    again = AGAIN if list_again(job.source, state) else ""
    is_complete = resumed and bool(state.facts.finished) and not isinstance(job.source, Photos)
    before = state.length(PHOTOS).lines
    tally = Tally(written=before, written_before=before, expected=state.facts.expected, calls=calls)
    observer(
        Started(
            job=deepen_job(job, state).describe(),
            output=output.archive,
            resumed=before,
            tally=tally,
            is_update=state.is_update,
        )
    )
    tell_lapses(observer)
    run = _Run(job, state=state, output=output, tally=tally, observer=observer, stop=stop, shallow=shallow)
    for sentence in filter(None, (told, dated, again, *job.warnings)):
        observer(Noticed(sentence=sentence))
    run.tell_names()
    if is_complete:
        run.is_through = True
        if output.folder is not None and not is_told_complete(output.folder):
            run.keep()
        told = (
            "This archive is complete already" + ("." if calls else ": no call was made.") + tell_update(output.folder)
        )
        difference = recall_difference(state)
        notes = () if state.is_update else (told, *([difference.sentence] if difference else []))
        return run.end("complete", *notes)
    server_clock = ServerClock(on_skew=lambda seconds: observer(Noticed(sentence=tell_skew(seconds))))
    files = files if output.folder is None else Files(output.folder, state)
    store = Store(state, files, reuse=reuse, clock=server_clock.now)
    try:
        async with run.keep_manifest(store):
            await run.go(settings, clock=server_clock, store=store, sink=sink, patient=resumed and before > 0)
    except (UsageError, KeyRefused):
        is_first = state.may_begin_anew() or not (resumed or state.is_update)
        run.is_mistaken = is_first and not tally.listed
        if not tally.new:
            withdraw_depth(state, wanted)
        raise
    finally:
        store.close(sink)  # a cancelled task's work on the thread ends first: the checkpoint is then free
        run.keep()
    return run.conclude()


def _check_no_secret(job: Job, settings: Settings) -> None:
    """What is asked is written into checkpoint and manifest, where no secret may stand."""
    told = orjson.dumps(job.describe()).decode()
    if any(secret in told for secret in _secrets(settings)):
        raise UsageError("A filter holds the API key, a secret or a token, which no archive may keep; leave it out.")


def _secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets, without such as may be words: `demo` is a key for a sandbox."""
    return tuple(secret for secret in settings.secrets if len(secret) >= 8)


def _begin(job: Job, state: State, *, asked: dict[str, Any], now: int, output: Output, depth: Depth | None) -> bool:
    """Whether the checkpoint knows this job; if not, now it does. `asked` is the job in its own words."""
    with state.changing():
        if not state.facts.finished:  # of a complete archive a smaller number of photos changes nothing
            state.note(replace(state.facts, limit=job.limit))
        if _names_photos(job):
            state.note(replace(state.facts, unread=True))
        resumed = check_same_job(state, job.describe(), where=output.where)
        settle_letters(state, unescape=output.unescape, is_new=not resumed, where=output.where)
        if resumed:
            if depth is not None:
                widen_depth(state, depth)
            if output.folder is not None and _is_for_update(job, state, output):
                raise NewsWanted(output.folder)
            state.clear_failures()
            return True
        mark_bounded(state)
        state.note(replace(state.facts, job=job.describe(), asked=asked, begun=stamp(now)))
    state.settle()
    return False


def _is_for_update(job: Job, state: State, output: Output) -> bool:
    """Whether an update is to be run. It tries again what failed, so that may be left. A deepening goes before it."""
    if output.deepens and state.facts.wanted_depth is not None:
        return False
    if isinstance(job.source, Photos) or not state.has_only_failures():
        return False
    return output.update or (output.redo_update and is_update_left(state))


def _names_photos(job: Job) -> bool:
    """Whether ids are to be read: a resumed run has none, it goes on with those that were."""
    return isinstance(job.source, Photos) and job.source.ids != ()


def _tell_asked(job: Job) -> dict[str, Any]:
    kind = job.source.name
    return {"detail": job.detail, "extras": list(job.extras_asked), "source": kind, kind: job.source.asked()}


class _Run:
    """A run between its beginning and its end."""

    def __init__(
        self,
        job: Job,
        *,
        state: State,
        output: Output,
        tally: Tally,
        observer: Observer,
        stop: asyncio.Event,
        shallow: Shallow | None = None,
    ) -> None:
        self._job = job
        self._shallow = shallow
        self._state = state
        self._output = output
        self._tally = tally
        self._observer = observer
        self._stop = stop
        self._pipeline: Pipeline | None = None
        self.is_through = False
        """No error has ended it. A step that was never entered in the checkpoint may else seem to be done."""
        self.is_mistaken = False
        """What was asked cannot be meant, and has brought nothing: the mended query may begin here."""

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
                plan = await self._plan(client, settings, to_files=store.takes_lists)
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
            await run_alone(pipeline.run())
            self.is_through = True

    async def _plan(self, client: Client, settings: Settings, *, to_files: bool) -> Plan:
        """What is to be done. Names are looked up once and kept: a resumed archive goes on with the same people."""
        source, state = self._job.source, self._state
        until = source.upload_span[1] if isinstance(source, Search) else None
        until = OPEN_END if until is None else until
        horizon = self._find_horizon(client.server_clock, until=until)
        known = state.facts
        is_new = known.arguments is None
        found = await self._find_arguments(client)
        login = state.facts.login if client.signs else None
        seeds = plant(
            source,
            found,
            horizon=until if horizon is None else horizon,
            login=login and login["nsid"],
            to_files=to_files,
        )
        is_own = login is not None and found.get("user_id") == login["nsid"]
        spares = state.is_update and isinstance(source, Account) and is_own and bool(seeds.sweeps)
        if is_new:
            if spares:
                seeds = seeds.since(known.changed_since or 0)
            with state.changing():
                state.note(replace(state.facts, arguments=found))
                for sweep in () if state.sweeps() else seeds.sweeps:
                    state.add_sweep(sweep)
                for walk in seeds.walks:
                    state.add_walk(walk)
        elif not state.is_update and not state.sweeps() and not self._is_full():
            with state.changing():
                take_up_incomplete(source, state)
        since = source.upload_span[0] if isinstance(source, Search) else 0
        bounds = Bounds(since or 0, until, self._job.limit)
        return Plan(
            job=deepen_job(self._job, state),
            shallow=self._shallow,
            arguments=seeds.arguments,
            method=seeds.method,
            spares=spares,
            sweeps=seeds.sweeps,
            bounds=bounds,
            workers=settings.workers,
            secrets=_secrets(settings),
        )

    def _is_full(self) -> bool:
        """Whether as many photos as are wanted are listed: then nothing is read, so nothing is taken up either."""
        return self._job.limit is not None and self._tally.listed >= self._job.limit

    async def _find_arguments(self, client: Client) -> dict[str, str]:
        known = self._state.facts
        return known.looked_up or await self._look_up(client) if known.arguments is None else known.arguments

    async def _look_up(self, client: Client) -> dict[str, str]:
        names: list[Meant] = []
        found = await look_up_source(self._job.source, client, names.append)
        with self._state.changing():
            keep_names(self._state, names)
        self.tell_names()
        return found

    def tell_names(self) -> None:
        """Say whom the names of the job stand for, as far as that is known."""
        for sentence in filter(None, (meant.sentence for meant in recall_names(self._state))):
            self._observer(Noticed(sentence=sentence))

    def _find_horizon(self, clock: ServerClock, *, until: int) -> int | None:
        """The last second of upload that belongs to the harvest, once Flickr's time is known: it is fixed then.

        What is uploaded later moves nothing, and belongs to an update. None: the listing's first page will tell.
        """
        horizon: int | None = self._state.facts.horizon
        if horizon is None and clock.is_known and isinstance(self._job.source, Search | Account):
            horizon = min(until, int(clock.now()))
            with self._state.changing():
                self._state.note(replace(self._state.facts, horizon=horizon))
        return horizon

    def keep(self) -> None:
        """Whatever ended the run: write down what is known."""
        if self.is_mistaken:
            begun = self._state.files().keys() - {PHOTOS}
            with self._state.changing():
                self._state.forget()
            if self._output.folder is not None:
                remove_files(self._output.folder / name for name in (*begun, MANIFEST))
            return
        with self._state.changing():
            if _names_photos(self._job) and self._pipeline is not None and self._pipeline.input_ended:
                self._state.note(replace(self._state.facts, unread=False))
            self._state.note(replace(self._state.facts, expected=self._tally.expected))
            keep_difference(self._job.source, self._state)
            keep_incomplete(self._job.source, self._state)
            is_finished = self._is_whole() and self._status() == "complete"
            self._state.note(replace(self._state.facts, finished=is_finished))
        if self._is_whole():
            self._state.shrink()
        # What failed before is still to be tried.
        is_cut_short = self._state.is_update and (self._status() == "stopped" or not self.is_through)
        if self._output.archive is not None and not is_cut_short:
            write_errors(self._output.archive, self._state)
        if self._output.folder is not None:
            # The folder of an update may hold the manifest of an earlier one, whose files were others.
            renewed = (PHOTOS, *self._state.files()) if self._state.is_update else ()
            status, facts = self._status(), self._facts()
            write_manifest(self._output.folder, self._state, status=status, facts=facts, renewed=renewed)

    def _is_whole(self) -> bool:
        return self._state.is_whole() and not self._state.facts.unread

    def _status(self) -> Status:
        """Complete: nothing is left to ask, or as many photos as were wanted are there, and Flickr kept none back."""
        limit = self._job.limit
        reached = limit is not None and self._tally.written >= limit
        is_read = self._pipeline is not None and self._pipeline.input_ended
        if self._stop.is_set() and not (self._is_whole() and is_read) and not reached:
            return "stopped"
        whole = (self._is_whole() or reached) and next(self._state.failures(), None) is None
        whole = whole and self.is_through and not find_incomplete(self._job.source, self._state)
        return "complete" if whole else "incomplete"

    def _facts(self) -> dict[str, Any]:
        counts = {
            **count_lists(self._state),
            "photos": self._tally.written,
            "reported": self._tally.expected,
            "failed": sum(1 for _ in self._state.failures()),
        }
        return {
            "counts": counts,
            "last_run": {"calls": self._tally.calls, "seconds": round(self._tally.seconds, 1)},
        }

    def conclude(self) -> Summary:
        """How it ended, with what a person should know."""
        notes = []
        if self._tally.failed:
            where = f"; see {self._output.archive / ERRORS}" if self._output.archive else ""
            notes.append(f"{self._tally.failed} could not be had for now{where}. Run the same again to try again.")
        if unfetched := self._state.count_unfetched():
            notes.append(f"What the last update could not get: {unfetched}; `harvester update` tries again.")
        if self._tally.bad_input:
            where = f", as {self._output.archive / ERRORS} says" if self._output.archive else ""
            notes.append(f"Lines of input that name no photo{where}: {self._tally.bad_input}; mend these lines.")
        notes += [f"{note}." for note in (self._state.facts.notes or [])[:5]]
        notes += list_notes(find_incomplete(self._job.source, self._state), self._state)
        if self._state.facts.unread:
            notes.append("Not all ids were read: the rest comes only with the command that names them. Run it again.")
        is_empty = not self._tally.written and not self._state.is_update and self._status() == "complete"
        if difference := recall_difference(self._state):
            notes.append(difference.sentence)
        if self._status() == "complete" and self._output.folder is not None and not self._state.is_update:
            notes += tell_claims(self._job.source, self._state, self._output.folder)
        if told := (self._tell_none() if is_empty else "") or tell_login(self._state, self._job.source):
            notes.append(told)
        return self.end(self._status(), *notes)

    def _tell_none(self) -> str:
        """What a person should know where no photo came, if photos were to come."""
        source = self._job.source
        safe = "" if self._state.facts.signed else "Without a login only public and safe photos are found"
        match source:
            case Photos():
                return "No photo was named."
            case Search():
                return f"No photo matches. {safe + '; check' if safe else 'Check'} spelling and dates."
            case Account() if "photos" not in source.kinds:
                return ""
            case _:
                return f"There is no photo. {safe}." if safe else "There is no photo."

    def end(self, status: Status, *notes: str) -> Summary:
        """Tell the watchers."""
        tally = self._tally
        tell_lapses(self._observer)
        summary = Summary(
            status=status,
            photos=tally.written,
            new=tally.new,
            calls=tally.calls,
            retries=tally.retries,
            refused=tally.refused,
            failed=tally.failed,
            bad_input=tally.bad_input,
            seconds=tally.seconds,
            expected=tally.expected,
            output=self._output.archive,
            lists=count_lists(self._state),
            notes=notes,
        )
        self._observer(Ended(summary=summary))
        return summary
