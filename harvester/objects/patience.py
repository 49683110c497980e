"""How long a store's transient faults are waited through.

obstore's own retries end after half a second with a server that is down, so these stand around it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from harvester.errors import StoreFault
from harvester.transport.retry import Backoff

T = TypeVar("T")

WAITS = Backoff(base=0.5, factor=2, cap=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Tries again after growing waits until `total` seconds have gone by since the first fault.

    `on_wait` hears the fault and the seconds until the next try. Clock, sleep and dice are those of the run.
    """

    total: float = 120.0
    on_wait: Callable[[StoreFault, float], None] | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    dice: Callable[[], float] = random.random

    async def keep_on(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What the attempt brings in the end. StoreFault where it fails for good, or for too long."""
        began, failures = self.clock(), 0
        while True:
            try:
                return await attempt()
            except StoreFault as error:
                failures += 1
                began = self.clock() if failures == 1 else began
                wait = max(WAITS.seconds(failures, self.dice), WAITS.base)
                if not error.is_transient or self.clock() + wait > began + self.total:
                    raise
                if self.on_wait is not None:
                    self.on_wait(error, wait)
            await self.sleep(wait)
