"""The plain forms of progress: lines, and next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TextIO

from harvester.errors import Summary
from harvester.events import Ended, Event, Failed, Noticed, PartClosed, Paused, Retrying, Started, Waiting
from harvester.progress.gauge import Snapshot
from harvester.progress.lines import describe_job, list_facts, say_end, say_next, say_snapshot
from harvester.quota.rate import Rate
from harvester.text.escapes import escape_line
from harvester.text.words import end_sentence, name_count, name_duration, name_moment

MOST_FAILURES = 10
"""Failures told one by one; more are counted only, unless -v asks for them."""
WORTH_A_LINE = 5.0
"""Waits shorter than so many seconds are nobody's business."""


class Form(Protocol):
    """A way to show a run. `interval` is the time between two readings, None for no readings at all."""

    interval: float | None

    def tell(self, event: Event) -> None:
        """Something happened."""

    def show(self, snapshot: Snapshot) -> None:
        """A snapshot, every `interval` seconds."""

    def say(self, sentence: str) -> None:
        """A sentence of the program itself."""

    def close(self) -> None:
        """The last of it; the terminal is as it was."""

    def part(self, sentence: str | None) -> str:
        """What takes the display away and says the sentence, for whoever ends the program in the middle of anything."""


class Notices:
    """Which events are worth a sentence, and which sentence."""

    def __init__(self, *, verbose: bool, wall: Callable[[], float]) -> None:
        self._verbose = verbose
        self._wall = wall
        self._failures = 0
        self._until = 0.0

    def word(self, event: Event) -> str | None:
        """The sentence for an event, or None."""
        match event:
            case Started():
                return self._word_start(event)
            case Waiting() if event.seconds >= WORTH_A_LINE or self._verbose:
                return self._word_wait(event)
            case Retrying() if self._verbose:
                return end_sentence(f"Retrying {event.method} in {name_duration(event.seconds)}: {event.why}")
            case Failed():
                return self._word_failure(event)
            case Noticed() | Paused() | PartClosed():
                return event.sentence
            case _:
                return None

    def _word_start(self, event: Started) -> str:
        if event.is_update:
            going_on = f"; {name_count(event.resumed, 'photo')} were fetched before" if event.resumed else ""
            doing = "Deepening" if event.is_deepening else "Updating"
            return f"{doing} {event.output}: {describe_job(event.job)}{going_on}."
        where = f" into {event.output}" if event.output else ""
        before = f"; {name_count(event.resumed, 'photo')} are there already" if event.resumed else ""
        return f"Harvesting {describe_job(event.job)}{where}{before}."

    def _word_wait(self, event: Waiting) -> str | None:
        now = self._wall()
        if abs(now + event.seconds - self._until) < WORTH_A_LINE:  # told already, in other words
            return None
        self._until = now + event.seconds
        when = name_moment(self._until, now=now)
        return f"Waiting until {when} ({name_duration(event.seconds)}): {event.why}."

    def _word_failure(self, event: Failed) -> str | None:
        self._failures += 1
        if self._failures > MOST_FAILURES and not self._verbose:
            return None
        more = self._failures == MOST_FAILURES and not self._verbose
        return end_sentence(f"Failed: {event.what}: {event.why}") + (" Further ones are only counted." if more else "")


class Plain:
    """Lines for a log or a dull terminal: one every ten seconds, and one for what is worth it."""

    def __init__(
        self,
        out: TextIO,
        *,
        interval: float | None,
        notices: Notices,
        quota: Rate | None,
        again: str | None,
        wall: Callable[[], float],
        stamp: str = "%H:%M:%S",
    ) -> None:
        self.interval = interval
        self._stamp = stamp
        self._out = out
        self._notices = notices
        self._quota = quota
        self._again = again
        self._wall = wall

    def tell(self, event: Event) -> None:
        """A line where the event is worth one."""
        if isinstance(event, Ended):
            self._write("\n".join(write_summary(event.summary, again=self._again)))
        elif sentence := self._notices.word(event):
            self.say(sentence)

    def show(self, snapshot: Snapshot) -> None:
        """The reading in a line."""
        self.say(say_snapshot(snapshot, quota=self._quota, now=self._wall()))

    def say(self, sentence: str) -> None:
        """A line with the time of day."""
        self._write(f"{time.strftime(self._stamp, time.localtime(self._wall()))} {escape_line(sentence)}")

    def close(self) -> None:
        """Do nothing: each line was written at once."""

    def part(self, sentence: str | None) -> str:
        """The sentence in a line."""
        return f"{escape_line(sentence)}\n" if sentence else ""

    def _write(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()


def write_summary(summary: Summary, *, again: str | None) -> list[str]:
    """The end in plain lines."""
    facts = list_facts(summary)
    width = max(len(name) for name, _ in facts)
    lines = [say_end(summary), *(f"  {name:<{width}}  {value}" for name, value in facts)]
    lines += [f"Note: {note}" for note in summary.notes]
    advice = say_next(summary, again=again)
    return [escape_line(line) for line in ([*lines, advice] if advice else lines)]


class Mute:
    """What is left when standard error is closed."""

    interval: float | None = None

    def tell(self, event: Event) -> None:
        """Do nothing."""

    def show(self, snapshot: Snapshot) -> None:
        """Do nothing."""

    def say(self, sentence: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def part(self, sentence: str | None) -> str:  # noqa: ARG002 - the form's signature
        """Do nothing."""
        return ""


class Quiet(Mute):
    """Only what is missing at the end."""

    def __init__(self, out: TextIO, *, again: str | None) -> None:
        self._out = out
        self._again = again

    def tell(self, event: Event) -> None:
        """One line where the run ended incomplete."""
        if isinstance(event, Ended) and event.summary.status == "incomplete":
            advice = say_next(event.summary, again=self._again)
            self._out.write(escape_line(f"{say_end(event.summary)} {advice}") + "\n")
