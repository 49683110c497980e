"""What a sandbox was asked."""

from __future__ import annotations

from collections import Counter

from harvester.sandbox.server import Sandbox


class Calls:
    """The calls of a sandbox from now on, by method."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._before = Counter(sandbox.stats.methods)

    def __call__(self) -> dict[str, int]:
        return dict(Counter(self._sandbox.stats.methods) - self._before)
