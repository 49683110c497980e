"""How far a run was, over all of its time, in a list that does not grow. Pure."""

from __future__ import annotations

from harvester.progress.attach.messages import Sample

MOST = 480
"""Samples that are kept: where there are more, every other one goes, and from then on half as many come."""


class Samples:
    """The samples of a run, at even distances."""

    def __init__(self, every: float = 1.0) -> None:
        self._every = every
        self._early = every / 2
        """Timers are never quite even."""
        self._kept: list[Sample] = []
        self._last: Sample | None = None

    def add(self, sample: Sample) -> None:
        """Take the sample of this moment."""
        self._last = sample
        if self._kept and sample.at - self._kept[-1].at < self._every - self._early:
            return
        self._kept.append(sample)
        if len(self._kept) > MOST:
            self._kept = self._kept[::2]
            self._every *= 2

    def list(self) -> list[Sample]:
        """All that are kept, and the last one."""
        if self._last is None or self._last is self._kept[-1]:
            return [*self._kept]
        return [*self._kept, self._last]
