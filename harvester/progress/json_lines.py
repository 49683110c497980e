"""Progress for machines: one JSON object a line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from harvester.events import Ended, Event, Retrying, Waiting
from harvester.progress.gauge import Snapshot
from harvester.text.escapes import escape_line


class JsonLines:
    """An object a line, for machines: `event`, `time`, and what the event holds."""

    def __init__(
        self, out: TextIO, *, interval: float | None, verbose: bool, wall: Callable[[], float], quiet: bool = False
    ) -> None:
        self.interval = interval
        self._out = out
        self._verbose = verbose
        self._wall = wall
        self._quiet = quiet

    def tell(self, event: Event) -> None:
        """The event under its name; retries only where they are asked for, and only a bad end where quiet is."""
        if self._quiet and not (isinstance(event, Ended) and event.summary.status == "incomplete"):
            return
        if isinstance(event, Retrying) and not self._verbose:
            return
        values = {f.name: getattr(event, f.name) for f in dataclasses.fields(event) if f.name != "tally"}
        if isinstance(event, Ended):
            values = dataclasses.asdict(event.summary)
        if isinstance(event, Waiting):
            values["until"] = _stamp(self._wall() + event.seconds)
        self._write(type(event).__name__.lower(), values)

    def show(self, snapshot: Snapshot) -> None:
        """The reading as an event of the name `progress`."""
        values = dataclasses.asdict(snapshot)
        if snapshot.wait and snapshot.wait.until is not None:
            values["wait"]["until"] = _stamp(snapshot.wait.until)
        self._write("progress", values)

    def say(self, sentence: str) -> None:
        """The sentence as an event of the name `noticed`."""
        if not self._quiet:
            self._write("noticed", {"sentence": sentence})

    def close(self) -> None:
        """Do nothing: each line was written at once."""

    def part(self, sentence: str | None) -> str:
        """The sentence as an event of the name `noticed`."""
        return self._word("noticed", {"sentence": sentence}) if sentence and not self._quiet else ""

    def _write(self, name: str, values: dict[str, Any]) -> None:
        self._out.write(self._word(name, values))
        self._out.flush()

    def _word(self, name: str, values: dict[str, Any]) -> str:
        record = {"event": name, "time": _stamp(self._wall()), **values}
        return escape_line(json.dumps(record, ensure_ascii=False, default=str)) + "\n"


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
