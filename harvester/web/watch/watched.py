"""Looks at archives as often as somebody asks, and no oftener than costs a fiftieth of the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from harvester.archive.disk.holder import Holder
from harvester.archive.disk.lock import find_holder
from harvester.config.settings import Settings
from harvester.errors import UsageError
from harvester.progress.attach.client import RunClient
from harvester.progress.attach.messages import Action, RunSnapshot, Sample
from harvester.progress.attach.monitor import identify_folder
from harvester.progress.attach.samples import Samples
from harvester.quota.glance import Glance, glance
from harvester.quota.rate import Rate
from harvester.web.watch.contents import fingerprint, read_contents
from harvester.web.watch.facts import Contents, Facts

EVERY = 1.0
"""Seconds between two looks at a run."""
CONTENTS_EVERY = 2.0
SHARE = 50
"""A look at an archive may take one in so many seconds."""
AWAY = (
    "The run cannot be reached: it is of another user, was begun by another version or from Python, or keeps its state "
    "in another folder (HARVESTER_STATE_DIR)."
)


# Many attributes: the view of one archive: its samples, and what it last looked like.
class Watched:
    """One archive. `state` is the folder with the sockets of runs, None where there is none."""

    def __init__(
        self,
        folder: Path,
        number: int,
        settings: Settings,
        *,
        state: Path | None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.number = number
        self._settings = settings
        self._state = state
        self._clock = clock
        self._wall = wall
        self._client: RunClient | None = None
        self._contents = Contents()
        self._sign: tuple[object, ...] = ()
        self._due = self._months_due = 0.0
        self._samples: list[Sample] = []
        self._own = Samples()

    async def look(self) -> Facts:
        """How it stands at this moment."""
        holder = await asyncio.to_thread(find_holder, self.folder)
        run, away = await self._ask(holder)
        await self._read_contents(holder)
        quota = await asyncio.to_thread(self._glance, run)
        return Facts(
            number=self.number,
            archive=str(self.folder),
            at=self._wall(),
            contents=self._contents,
            run=run,
            away=away,
            quota=quota,
            samples=self._list_samples(run, holder),
        )

    async def do(self, deed: Action) -> str:
        """Have the run do something; why it was not done, or nothing."""
        run, away = await self._ask(await asyncio.to_thread(find_holder, self.folder))
        if run is None or self._client is None:
            return away or "No run is at work there."
        told = await self._client.ask(deed, place=run.place)
        return "The run does not answer." if told is None else told.trouble

    def _glance(self, run: RunSnapshot | None) -> Glance | None:
        """The quota, as the run counts it if there is one."""
        settings = self._settings
        if settings.api_key is None or settings.quota_ledger:  # a server is not asked by who only looks
            return None
        return glance(settings.name_account(), settings.quota if run is None else _read_rate(run.quota))

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _ask(self, holder: Holder | None) -> tuple[RunSnapshot | None, str]:
        """What the run tells; else why it tells nothing."""
        if self._client is not None and (holder is None or holder.pid != self._client.pid):
            self.close()
        if holder is None:
            return None, ""
        if holder.host is not None:
            return None, f"The run is on another machine, {holder.host}: it is reached from there alone."
        if holder.pid is None or self._state is None:
            return None, AWAY
        self._client = self._client or RunClient(self._state, holder.pid)
        told = await self._client.ask()
        is_it = told is not None and told.pid == holder.pid and told.place == identify_folder(self.folder)
        return (told, "") if is_it else (None, AWAY)

    async def _read_contents(self, holder: Holder | None) -> None:
        now, sign = self._clock(), (holder, *fingerprint(self.folder))
        is_turned = bool(self._sign) and self._sign[0] != holder
        if sign == self._sign or (now < self._due and not is_turned):
            return
        is_counted = is_turned or now >= self._months_due
        months = None if is_counted else self._contents.months
        read = partial(read_contents, self.folder, self._settings, months=months, wall=self._wall)
        self._contents = await asyncio.to_thread(read)
        self._sign = sign
        took = self._clock() - now
        if is_counted:
            self._months_due = now + SHARE * took
        self._due = now + max(CONTENTS_EVERY, 0.0 if is_counted else SHARE * took)

    def _list_samples(self, run: RunSnapshot | None, holder: Holder | None) -> list[Sample]:
        """Those that the run has kept; else what has been seen from here. They stay when the run is over."""
        if run is not None:
            self._samples = run.samples
        elif holder is not None and (report := self._contents.report) is not None:
            self._own.add(Sample(self._wall(), report.photos, 0))
            self._samples = self._own.list()
        return self._samples


class Watcher:
    """All archives that are watched. For one event loop."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        self.watched = tuple(watched)
        self._turn = asyncio.Lock()
        self._looked = -EVERY
        self._facts: list[Facts] = []

    async def look(self) -> list[Facts]:
        """How each stands, by its number; the same for all who ask within a second."""
        async with self._turn:
            now = time.monotonic()
            if now - self._looked >= EVERY * 0.9:
                self._facts = list(await asyncio.gather(*(each.look() for each in self.watched)))
                self._looked = now
            return self._facts

    async def do(self, number: int, deed: Action) -> str:
        """Have the run in one of them do something; why it was not done, or nothing."""
        if not 1 <= number <= len(self.watched):
            return f"There is no archive {number}."
        async with self._turn:
            self._looked = -EVERY  # all are to see it at once
            return await self.watched[number - 1].do(deed)

    def close(self) -> None:
        """Hang up."""
        for each in self.watched:
            each.close()


def _read_rate(text: str) -> Rate | None:
    try:
        return Rate.parse(text) if text else None
    except UsageError:
        return None
