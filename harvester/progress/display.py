"""The observer of a run: hands events and readings to a display, and goes on where the display fails."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, TextIO

from harvester.events import Ended, Event, Paused, Resumed, Started, Waiting
from harvester.progress.forms import Form, Mute, Notices, Plain, Quiet
from harvester.progress.gauge import Gauge, Limits
from harvester.progress.json_lines import JsonLines
from harvester.progress.lines import say_snapshot, say_way
from harvester.signals import STOPPED
from harvester.text.streams import LOG_STAMP

EVERY = 10.0
"""Seconds between two lines where there is no live display."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayOptions:
    """How a run is to be shown. `again` is what goes on with it, where that is not `resume`."""

    form: Literal["live", "plain", "json", "quiet"] = "plain"
    readings: bool = True
    """False shows notices and the end only."""
    verbose: bool = False
    quiet: bool = False
    """True tells only what is missing at the end; the form `quiet` is so by itself."""
    limits: Limits = field(default_factory=Limits)
    again: str | None = None
    log: TextIO | None = None
    """A second place for the log: lines or JSON, with all readings, whatever else is shown."""
    stamp: str = "%H:%M:%S"
    """How plain lines begin."""
    beside: tuple[Form, ...] = ()
    """Further forms, for whoever else watches."""


class Progress:
    """An observer. `open_progress` makes it."""

    def __init__(
        self,
        form: Form,
        *,
        limits: Limits,
        wall: Callable[[], float] = time.time,
        others: Sequence[Progress] = (),
        again: str | None = None,
    ) -> None:
        self._form = form
        self._limits = limits
        self._wall = wall
        self._gauge: Gauge | None = None
        self._others = others
        self._parting: str | None = STOPPED
        """What is said where the run must end at once; None once it has ended."""
        self._again = again

    def __call__(self, event: Event) -> None:
        """Takes an event of the engine."""
        for other in self._others:
            other(event)
        if isinstance(event, Started):
            self._gauge = Gauge(event.tally, job=event.job, limits=self._limits, wall=self._wall)
            self._parting = f"Stopped. {say_way(event.output, again=self._again, verb='Go on with')}"
        elif isinstance(event, Ended):
            self._gauge = self._parting = None
        elif self._gauge and isinstance(event, Waiting | Paused):
            self._gauge.wait(event)
        elif self._gauge and isinstance(event, Resumed):
            self._gauge.resume()
        with self._enduring():
            self._form.tell(event)

    def say(self, sentence: str) -> None:
        """A sentence of the program itself, such as that it is stopping."""
        for other in self._others:
            other.say(sentence)
        with self._enduring():
            self._form.say(sentence)

    def show(self) -> None:
        """Shows how far the run is."""
        if self._gauge:
            with self._enduring():
                self._form.show(self._gauge.read())

    def say_so_far(self) -> None:
        """Says what was done, for a run that ends by an error."""
        if self._gauge and self._gauge.tally.new:
            self.say(f"So far: {say_snapshot(self._gauge.read(), quota=self._limits.quota, now=self._wall())}.")

    def part(self) -> str:
        """What is to be written on the terminal where the run must end at once, whatever it is about to write."""
        return self._form.part(self._parting)

    async def keep_showing(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Shows how far the run is, again and again."""
        while self._form.interval is not None:
            await sleep(self._form.interval)
            self.show()

    def close(self) -> None:
        """The terminal is as it was."""
        with self._enduring():
            self._form.close()

    @contextlib.contextmanager
    def _enduring(self) -> Iterator[None]:
        """Whoever watched may have gone: the run goes on unseen."""
        try:
            yield
        except BlockingIOError:
            pass
        except (OSError, ValueError):
            self._form = Mute()


@asynccontextmanager
async def open_progress(
    look: DisplayOptions,
    *,
    out: TextIO | None = None,
    wall: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncIterator[Progress]:
    """An observer that shows the run on `out`, by default standard error, and in the log that `look` names."""
    main = _open_form(look, out or sys.stderr, wall=wall)
    logs = [] if look.log is None else [_open_form(_choose_log(look), look.log, wall=wall)]
    open_one = partial(_open_one, look, wall=wall, sleep=sleep)
    async with contextlib.AsyncExitStack() as stack:
        others = [await stack.enter_async_context(open_one(form)) for form in (*logs, *look.beside)]
        yield await stack.enter_async_context(open_one(main, others=others))


def _choose_log(look: DisplayOptions) -> DisplayOptions:
    form: Literal["json", "plain"] = "json" if look.form == "json" else "plain"
    return replace(look, form=form, readings=True, quiet=False, stamp=LOG_STAMP)


@asynccontextmanager
async def _open_one(
    look: DisplayOptions,
    form: Form,
    *,
    wall: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
    others: Sequence[Progress] = (),
) -> AsyncIterator[Progress]:
    progress = Progress(form, limits=look.limits, wall=wall, others=others, again=look.again)
    timer = asyncio.create_task(progress.keep_showing(sleep))
    try:
        yield progress
    finally:
        timer.cancel()
        await asyncio.gather(timer, return_exceptions=True)
        progress.close()


def _open_form(look: DisplayOptions, out: TextIO, *, wall: Callable[[], float]) -> Form:
    quota, again = look.limits.quota, look.again
    interval = EVERY if look.readings else None
    notices = Notices(verbose=look.verbose, wall=wall)
    match look.form:
        case "quiet":
            return Quiet(out, again=again)
        case "json":
            return JsonLines(out, interval=interval, verbose=look.verbose, wall=wall, quiet=look.quiet)
        case "plain":
            return Plain(out, interval=interval, notices=notices, quota=quota, again=again, wall=wall, stamp=look.stamp)
        case "live":
            from harvester.progress.live import Live, open_console  # noqa: PLC0415 - a tenth of a second

            return Live(open_console(out), notices=notices, quota=quota, again=again, wall=wall)
