"""The numbers as a file, which node_exporter's textfile collector reads: whole at any moment."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from harvester.events import Ended, Event, Started
from harvester.progress.forms import Mute
from harvester.progress.gauge import Snapshot
from harvester.progress.metrics.exposition import write_metrics
from harvester.progress.metrics.record import Record

EVERY = 15.0
"""Seconds between two writings."""
_MODE = 0o644


class Textfile(Mute):
    """A form of progress that writes the file when a run begins, every 15 s, and at the end.

    A file that cannot be written is told once, by `warn`, and harms nothing.
    """

    def __init__(self, record: Record, path: Path, *, warn: Callable[[str], None]) -> None:
        self.interval = EVERY
        self._record = record
        self._path = path
        self._warn = warn
        self._is_told = False

    def tell(self, event: Event) -> None:
        """The first and the last numbers of a run."""
        if isinstance(event, Started | Ended):
            self._write()

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - the record has it
        """The numbers of now."""
        self._write()

    def close(self) -> None:
        """The last numbers, where an error has ended the run."""
        if self._record.info is not None:
            self._write()

    def _write(self) -> None:
        try:
            replace_file(self._path, write_metrics(self._record.read()))
        except OSError as error:
            if not self._is_told:
                self._is_told = True
                self._warn(f"Cannot write the metrics to {self._path}: {error.strerror}. The harvest goes on.")


def replace_file(path: Path, data: bytes) -> None:
    """Put a file in place at once, readable by all. Its first name is none that the collector reads (`*.prom`)."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with open(number, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
            os.fchmod(file.fileno(), _MODE)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
