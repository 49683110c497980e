"""A proof under way: the sentences that are no fault of the archive, and how much of it was read."""

from __future__ import annotations

from harvester.progress.meter import Tell, ignore

_EVERY = 1 << 20


class Proof:
    """`tell` hears of each megabyte."""

    def __init__(self, tell: Tell = ignore) -> None:
        self.notes: list[str] = []
        self._tell = tell
        self._expected = 0
        self._done = 0
        self._told = 0

    def expect(self, size: int) -> None:
        """So many bytes are to be read besides."""
        self._expected += size

    def read(self, size: int) -> None:
        """So many bytes were read."""
        self._done += size
        if self._done - self._told >= _EVERY:
            self._told = self._done
            self._tell(self._done, self._expected)
