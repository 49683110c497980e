"""The form of progress that keeps what is told to whoever watches from outside."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from harvester.events import Ended, Event, Failed, Noticed, Observer, Paused, Resumed, Retrying, Started, Tally, Waiting
from harvester.progress.attach.messages import Incident, RunSnapshot, Sample
from harvester.progress.attach.samples import Samples
from harvester.progress.forms import Mute
from harvester.progress.gauge import Snapshot
from harvester.progress.metrics.record import Record
from harvester.quota.rate import Rate

EVERY = 1.0
"""Seconds between two looks at the run."""
MOST_TOLD = 20
PAUSED_BY = "as `harvester watch` was asked; the run goes on once it is asked to, or that ends"


# Many attributes: it observes a run, keeps its samples and incidents, and holds its pause.
class RunMonitor(Mute):
    """Keeps the numbers of the run that is on, and holds it back while it is paused."""

    def __init__(
        self,
        *,
        quota: Rate | None,
        clean: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.interval = EVERY
        self.is_paused = False
        self.observer: Observer | None = None
        """Hears of pauses, so that all displays do."""
        self._quota = quota
        self._clean = clean
        self._clock = clock
        self._wall = wall
        self._tally: Tally | None = None
        self._place: tuple[int, int] | None = None
        self._begin(None)

    def _begin(self, place: tuple[int, int] | None) -> None:
        self._place = place
        self._began = self._wall()
        self._record = Record(quota=self._quota, clock=self._clock, wall=self._wall)
        self._samples = Samples(EVERY)
        self._incidents: deque[Incident] = deque(maxlen=MOST_TOLD)
        self._reading: Snapshot | None = None
        self._reason = ""

    def tell(self, event: Event) -> None:
        """A run begins or ends, waits or goes on; something goes wrong."""
        if isinstance(event, Started):
            if (place := identify_folder(event.output)) is None or place != self._place:
                self._begin(place)
            self._tally = event.tally
        self._record.tell(event)
        match event:
            case Waiting():
                self._reason = event.reason
            case Paused():
                self._reason = "pause"
            case Resumed():
                self._reason = ""
            case Failed():
                self._note(event.what, event.why)
            case Retrying():
                self._note(event.method, event.why)
            case Noticed():
                self._note("", event.sentence)
            case Ended():
                self._tally = None

    def show(self, reading: Snapshot) -> None:
        """How far it is."""
        self._record.show(reading)
        self._reading = reading
        self._samples.add(Sample(self._wall(), reading.photos, reading.calls))
        if self.is_paused:  # a command has several runs, each with its own calls
            self._hold(is_held=True)

    def close(self) -> None:
        """The run is over."""
        self._tally = None

    def look(self, trouble: str = "") -> RunSnapshot:
        """What there is to tell."""
        tally = self._tally
        if tally is None:
            return RunSnapshot(
                pid=os.getpid(), place=None, at=self._wall(), numbers=self._record.read(), trouble=trouble
            )
        wait = self._reading.wait if self._reading else None
        return RunSnapshot(
            pid=os.getpid(),
            place=self.place,
            at=self._wall(),
            began=self._began,
            reading=self._reading,
            reason=self._reason if wait else "",
            is_paused=self.is_paused,
            quota=str(self._quota or ""),
            frees_in=tally.quota_frees() if tally.quota_frees else None,
            numbers=self._record.read(),
            samples=self._samples.list(),
            incidents=list(self._incidents),
            trouble=trouble,
        )

    @property
    def place(self) -> tuple[int, int] | None:
        """Where a run is at work, as `identify_folder` tells it; None between two runs."""
        return None if self._tally is None else self._place

    def pause(self, *, is_paused: bool) -> None:
        """Hold the run's calls back, or let them go on."""
        if is_paused == self.is_paused:
            return
        self.is_paused = is_paused
        self._hold(is_held=is_paused)
        if self.observer is None:
            return
        if is_paused:
            self.observer(Paused(why=PAUSED_BY))
        else:
            self.observer(Resumed())
            self.observer(Noticed(sentence="The pause is over."))

    def _hold(self, *, is_held: bool) -> None:
        if self._tally is not None and self._tally.hold is not None:
            self._tally.hold(is_held=is_held)

    def _note(self, what: str, why: str) -> None:
        self._incidents.append(Incident(self._wall(), self._clean(what), self._clean(why)))


def identify_folder(folder: Path | None) -> tuple[int, int] | None:
    """What tells a folder from any other on this machine; None where there is none."""
    try:
        found = folder.stat() if folder is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None
