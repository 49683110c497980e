"""Harvests that share the workers of one cluster. One that fails does not stop the others.

A fleet remembers no more than how its harvests have ended: killed and started again it goes on from their stores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from distributed import Client

from harvester.dask.course import Course
from harvester.dask.crew import Crew, SchedulerLost
from harvester.dask.following import add_up, describe_fleet
from harvester.dask.member import Member
from harvester.errors import StopRun
from harvester.events import Ended, Event, Noticed, Observer, Started, Tally, Waiting, ignore
from harvester.text.words import end_sentence, name_count, name_duration

_WORTH_A_LINE = 60.0
"""Seconds of a wait of one harvest that are told while others go on."""


class Fleet:
    """Harvests under way. Where there is but one, all that happens in it is told as it happens.

    Of several the ends are told when all are over, and what happens before that in a sentence with the job's name.
    """

    def __init__(
        self,
        courses: Sequence[Course],
        *,
        observer: Observer = ignore,
        on_end: Callable[[Member], object] = lambda _: None,
    ) -> None:
        """`on_end` is called with each harvest when that has ended."""
        self._observer = observer
        self._on_end = on_end
        self._is_one = len(courses) == 1
        self.members = [Member(each, observer=self._choose_observer(each)) for each in courses]
        self._turn = asyncio.Lock()
        self._noted: set[int] = set()
        self._ends: list[Ended] = []
        self._tally: Tally | None = None

    def _choose_observer(self, course: Course) -> Observer:
        return self._observer if self._is_one else partial(self._hear, course.name)

    def _hear(self, name: str, event: Event) -> None:
        """What happens in one of several."""
        match event:
            case Ended():
                self._ends.append(event)
            case Noticed():
                self._observer(Noticed(sentence=end_sentence(f"Job {name}: {event.sentence}")))
            case Waiting() if event.seconds >= _WORTH_A_LINE:
                told = f"Job {name}: waiting for {name_duration(event.seconds)} with its plan: {event.why}."
                self._observer(Noticed(sentence=told))
            case _:
                pass

    async def run(self, client: Client, stop: asyncio.Event) -> None:
        """Until all have ended, or `stop`. SchedulerLost where the cluster has gone; then it can be run on another.

        Plans and merges go on beside all else; at a stop they are cut short.
        """
        crew = Crew(client)
        beside = {each: asyncio.create_task(each.begin()) for each in self._list_open() if each.follower is None}
        try:
            await self._keep_busy(crew, beside, stop)
        except SchedulerLost:
            await _wait_for(beside.values(), stop)  # plans and merges need no cluster
            if self._list_open():
                raise
        finally:
            crew.release()
            for task in beside.values():
                task.cancel()
            await asyncio.gather(*beside.values(), return_exceptions=True)
        self._tell()

    async def _keep_busy(self, crew: Crew, beside: dict[Member, asyncio.Task[None]], stop: asyncio.Event) -> None:
        """Have the cluster work until all have ended. `beside` has the plans and merges under way."""
        while (members := self._list_open()) and not stop.is_set():
            for member in members:
                if member not in beside:
                    await member.look()
                    if member.is_to_be_merged:
                        beside[member] = asyncio.create_task(member.merge(self._turn))
            self._tell()
            await crew.fill(self._list_open())
            await crew.wait(stop, beside.values())
            for member in [each for each, task in beside.items() if task.done()]:
                beside.pop(member).result()

    def conclude(self) -> None:
        """Tell the ends that were kept back."""
        for event in self._ends:
            self._observer(event)
        self._ends.clear()

    def _list_open(self) -> list[Member]:
        return [each for each in self.members if not each.is_over]

    def _tell(self) -> None:
        self._count()
        for place, member in enumerate(self.members):
            if member.is_over and place not in self._noted:
                self._noted.add(place)
                if not self._is_one:
                    self._observer(Noticed(sentence=_say_end(member)))
                self._on_end(member)

    def _count(self) -> None:
        """Keep the counts that are shown."""
        followers = [each.follower for each in self.members if each.follower is not None]
        tallies = [each.tally for each in followers if each.tally is not None]
        if not tallies:
            return
        if self._is_one:
            self._start(tallies[0], followers[0].plan.job)
            return
        whole = self._tally or Tally()
        add_up(tallies, whole)
        over = sum(each.is_over for each in self.members)
        whole.doing = f"{over} of {name_count(len(self.members), 'job')} over"
        courses = [each.course for each in self.members]
        self._start(whole, describe_fleet([each.name for each in courses], [each.job.describe() for each in courses]))

    def _start(self, tally: Tally, job: dict[str, Any]) -> None:
        """Tell of the beginning, once."""
        if self._tally is not None:
            return
        self._tally = tally
        tally.written_before = tally.written
        output = self.members[0].course.output if self._is_one else None
        self._observer(Started(job=job, output=output, resumed=tally.written, tally=tally))


async def _wait_for(tasks: Collection[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """Until all have ended, or `stop`."""
    stopped = asyncio.create_task(stop.wait())
    while not stop.is_set() and (left := [each for each in tasks if not each.done()]):
        await asyncio.wait((stopped, *left), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for task in tasks:
        if task.done():
            task.result()


def _say_end(member: Member) -> str:
    name, end = member.course.name, member.end
    if isinstance(end, StopRun):
        return end_sentence(f"Job {name} has ended, the others go on: {end}")
    if end is None:
        return f"Job {name} is over: all its shards are committed."
    return f"Job {name} is {end.status}: {name_count(end.photos, 'photo')} in {end.output}."
