"""Times in seconds that depend on each other: how long a call may take, and how long a run may take to end.

A call is nested: a connection is made within the longest silence, silences within an answer. So is an end: calls in
flight, then the process, then whoever has sent the signal, such as a shutdown or a container's ten seconds. Whoever
waits at a terminal waits longer than one connection takes, and less than one silence lasts. The order is held by
tests/unit/test_timers.py. Modules read them as `timers.NAME`, so that a test sets each in one place.
"""

from __future__ import annotations

CONNECT_SECONDS = 15.0
"""To reach a server: over a poor line that takes seconds."""
SILENCE_SECONDS = 60.0
"""The longest silence before or within an answer. Flickr's slow ones take seconds; a minute is a hung connection."""
WINDOW_SECONDS = 60.0
"""The time in which a body has to bring its least bytes: as long as a silence, which ends a body that brings none."""
ANSWER_SECONDS = 600.0
"""The longest time of one answer, head and body, though its bytes never cease to come."""
KEPT_SECONDS = 15.0
"""A connection that has been idle for longer is not used again: who stands between may have forgotten it."""
END_SECONDS = 2.0
"""Wait for a server to hang up behind an answer, as asked. One that does not is waited for no more."""
FIRST_END_SECONDS = 0.25
"""The least wait of that kind before a server was seen to hang up or not: servers hang up right behind the answer."""
LONGEST_REST = 3600.0
"""The longest rest that a server may ask for: its quota is one of an hour."""

PERSON_SECONDS = 20.0
"""An outage that somebody who is logging in, or asks for the login, will wait through: one connection, and some."""
ALLOW_SECONDS = 600.0
"""How long somebody may take to allow the login in the browser."""

LAST_CALLS_SECONDS = 8.0
"""How long calls in flight may take to end once the run is to stop; what they bring is still to be written."""
LAST_SECONDS = 9.5
"""From the first signal to the end, whatever hangs: within the ten seconds that systems leave before they kill."""


def find_silence(give_up_after: float | None) -> float:
    """The longest silence of a call: not longer than the whole run is to wait, but long enough for a slow answer."""
    return SILENCE_SECONDS if give_up_after is None else min(SILENCE_SECONDS, max(give_up_after, CONNECT_SECONDS))
