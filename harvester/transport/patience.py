"""When a run gives up: a server that was never reached, or an outage that lasts too long."""

from __future__ import annotations

import math

from harvester.errors import TryLater, Unreachable
from harvester.transport.circuit_breaker import CircuitBreaker
from harvester.transport.connections import Connections

FIRST_TRIES = 4
"""Tries to reach a server that has never answered: a wrong address should be told soon."""


class Patience:
    """Decides whether to wait on for a server that does not answer. It never waits itself."""

    def __init__(
        self, breaker: CircuitBreaker, connections: Connections, *, patient: bool, give_up_after: float | None
    ) -> None:
        """`patient` waits for a server that has never answered; `give_up_after` is the longest outage in seconds."""
        self._breaker = breaker
        self._connections = connections
        self._patient = patient
        self._give_up_after = give_up_after
        self._why_down = ""

    def judge(self, error: TryLater, *, tries: int) -> None:
        """Take note of a failed call. Unreachable where more tries of it cannot help."""
        proxy = self._connections.proxy
        by = f" through the {proxy}" if proxy and str(proxy) not in str(error) else ""
        also = "the proxy (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), " if proxy else ""
        is_new = not self._breaker.successes and not self._patient
        if (error.unreached or error.foreign) and is_new and tries >= FIRST_TRIES:
            what = "No call succeeds to" if error.foreign else "Cannot reach"
            raise Unreachable(
                f"{what} Flickr's API at {self._connections.origin}{by}: {error}. Check {also}the address "
                "(--api-url, FLICKR_API_URL) and the network, then run the same command again."
            )
        self._why_down = f"{by} ({error})"
        self.check()

    def left(self) -> float:
        """Seconds for which an outage may still last."""
        down = self._breaker.seconds_down()
        return math.inf if self._give_up_after is None or down is None else self._give_up_after - down

    def check(self) -> None:
        """Unreachable where an outage has lasted too long."""
        if self.left() <= 0:
            seconds = f"{self._give_up_after:.0f} s"
            raise Unreachable(f"Flickr has not answered for {seconds}{self._why_down}. Run the same again.")
