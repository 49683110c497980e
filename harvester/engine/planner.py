"""Plans a run: resolves the names of its job, and finds what is listed and up to which second."""

from __future__ import annotations

from dataclasses import replace

from harvester.archive.checkpoint.state import State
from harvester.archive.depth import deepen_job
from harvester.archive.incomplete import take_up_incomplete
from harvester.archive.listing_result import Bounds
from harvester.archive.shallow import Shallow
from harvester.config.settings import Settings
from harvester.engine.names import ResolvedName, look_up_source, read_names, write_names
from harvester.engine.run_plan import RunPlan
from harvester.engine.run_start import list_secrets
from harvester.events import Noticed, Observer, Tally
from harvester.jobs.model import Account, Job, Search
from harvester.listing.roots import Roots, find_roots
from harvester.listing.sweep import OPEN_END
from harvester.transport.client import Client
from harvester.transport.server_clock import ServerClock


class RunPlanner:
    """Makes the plan of a run, and enters it in the checkpoint when that is new."""

    def __init__(
        self, job: Job, *, state: State, tally: Tally, observer: Observer, shallow: Shallow | None = None
    ) -> None:
        self._job = job
        self._state = state
        self._tally = tally
        self._observer = observer
        self._shallow = shallow

    async def plan(self, client: Client, settings: Settings, *, to_files: bool) -> RunPlan:
        """What is to be done. Names are looked up once and kept: a resumed archive goes on with the same people."""
        source, state = self._job.source, self._state
        bounds = self._find_bounds()
        horizon = self._find_horizon(client.server_clock, until=bounds.until)
        known = state.facts
        found = await self._find_arguments(client)
        login = known.login["nsid"] if known.login is not None and client.signs else None
        end = bounds.until if horizon is None else horizon
        seeds = find_roots(source, found, horizon=end, login=login, to_files=to_files)
        spares = bool(seeds.sweeps) and self._is_of_own_account(found, login)
        if known.arguments is None:
            seeds = seeds.since(known.changed_since or 0) if spares else seeds
            self._take_up(seeds, found)
        elif not state.is_update and not state.sweeps() and not self._is_full():
            with state.changing():
                take_up_incomplete(source, state)
        return RunPlan(
            job=deepen_job(self._job, state),
            shallow=self._shallow,
            arguments=seeds.arguments,
            method=seeds.method,
            spares=spares,
            sweeps=seeds.sweeps,
            bounds=bounds,
            workers=settings.workers,
            secrets=list_secrets(settings),
        )

    def _is_of_own_account(self, found: dict[str, str], login: str | None) -> bool:
        """Whether it is an update of the login's own account, of which Flickr tells what has changed."""
        is_own = login is not None and found.get("user_id") == login
        return is_own and self._state.is_update and isinstance(self._job.source, Account)

    def _find_bounds(self) -> Bounds:
        source = self._job.source
        since, until = source.upload_span if isinstance(source, Search | Account) else (None, None)
        return Bounds(since or 0, OPEN_END if until is None else until, self._job.limit)

    def _take_up(self, seeds: Roots, found: dict[str, str]) -> None:
        """Enter what a harvest begins with. A checkpoint that a repair has made anew may have sweeps already."""
        state = self._state
        with state.changing():
            state.note(replace(state.facts, arguments=found))
            for sweep in () if state.sweeps() else seeds.sweeps:
                state.add_sweep(sweep)
            for walk in seeds.walks:
                state.add_walk(walk)

    def _is_full(self) -> bool:
        """Whether as many photos as are wanted are listed: then nothing is read, so nothing is taken up either."""
        return self._job.limit is not None and self._tally.listed >= self._job.limit

    async def _find_arguments(self, client: Client) -> dict[str, str]:
        known = self._state.facts
        return known.looked_up or await self._look_up(client) if known.arguments is None else known.arguments

    async def _look_up(self, client: Client) -> dict[str, str]:
        names: list[ResolvedName] = []
        found = await look_up_source(self._job.source, client, names.append)
        with self._state.changing():
            write_names(self._state, names)
        self.tell_names()
        return found

    def tell_names(self) -> None:
        """Tell the observer the ids of the job's names, where they are known."""
        for sentence in filter(None, (meant.sentence for meant in read_names(self._state))):
            self._observer(Noticed(sentence=sentence))

    def _find_horizon(self, clock: ServerClock, *, until: int) -> int | None:
        """The last second of upload that belongs to the harvest, once Flickr's time is known: it is fixed then.

        What is uploaded later moves nothing, and belongs to an update. None: the listing's first page will tell.
        """
        horizon = self._state.facts.horizon
        if horizon is None and clock.is_known and isinstance(self._job.source, Search | Account):
            horizon = min(until, int(clock.now()))
            with self._state.changing():
                self._state.note(replace(self._state.facts, horizon=horizon))
        return horizon
