"""All numbers of a run at one moment, as they are told to whoever asks, in this process or from outside."""

from __future__ import annotations

import msgspec


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics tell. None where it is not known."""

    calls: list[tuple[str, str, int]] = []
    """Method, outcome, and how many."""
    within: list[int] = []
    """Calls that took no longer than each of `events.DURATIONS`, and all."""
    seconds: float = 0.0
    """Of all calls together."""
    written: int = 0
    expected: int | None = None
    quota_used: float | None = None
    quota_limit: float | None = None
    waited: dict[str, float] = {}
    """Seconds by reason."""
    retries: dict[str, int] = {}
    """By kind."""
    last_commit: float | None = None
    """Unix time."""
    info: dict[str, str] | None = None
    """Version, source and detail."""
