"""What systemd is told of a service of `Type=notify`: that it has begun, how far it is, that it lives, that it ends.

The protocol is sd_notify(3): lines of `NAME=VALUE` in a datagram to the socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Mapping

from harvester.events import Ended, Event, Paused, Resumed, Retrying, Started, Waiting
from harvester.progress.forms import Mute
from harvester.progress.gauge import Snapshot
from harvester.progress.lines import describe_job, say_end, say_snapshot
from harvester.quota.rate import Rate
from harvester.text.escapes import escape_line

EVERY = 10.0
"""Seconds between two lines of status."""
_PAUSE = 6 * EVERY
"""Seconds for which a run that was paused is known to be at rest, from one look at it."""
_PATIENCE = 0.2
"""Seconds for which a socket that is full may hold up the run."""


class Service:
    """Sends states to the service manager (systemd). Does nothing without an `address`. Messages may get lost.

    `watchdog` is the seconds after which the manager takes a silent process for dead. So that it finds one that
    hangs, the process is only said to live where something has moved since, or where it is known to wait.
    """

    def __init__(
        self, address: str | None, *, watchdog: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._watchdog = watchdog
        self._clock = clock
        self._has_moved = False
        self._waits_until = 0.0
        self._is_stopping = False

    @property
    def is_there(self) -> bool:
        """Whether anybody listens."""
        return self._address is not None

    @property
    def interval(self) -> float:
        """Seconds between two looks at the run."""
        return min(EVERY, self._watchdog / 3) if self._watchdog else EVERY

    def say(self, *lines: str) -> None:
        """Send lines to the manager."""
        if self._address is None:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.settimeout(_PATIENCE)
            ear.sendto("\n".join(lines).encode("utf-8", "backslashreplace"), self._address)

    def stop(self) -> None:
        """The process is about to end; said once."""
        if not self._is_stopping:
            self._is_stopping = True
            self.say("STOPPING=1")

    def move(self) -> None:
        """Something was done."""
        self._has_moved = True

    def wait(self, seconds: float) -> None:
        """Tell the manager that the run waits for so many seconds."""
        self._waits_until = max(self._waits_until, self._clock() + seconds)

    def go_on(self) -> None:
        """The wait is over."""
        self._waits_until = 0.0
        self.move()

    def beat(self) -> None:
        """Say that the process lives, if it does."""
        if self._watchdog and (self._has_moved or self._clock() < self._waits_until):
            self.say("WATCHDOG=1")
        self._has_moved = False

    async def keep_beating(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Say again and again that the process lives."""
        while self._watchdog:
            await sleep(self.interval)
            self.beat()


def open_service(environ: Mapping[str, str], pid: int) -> Service:
    """The manager that the environment names, if it is one for this process."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return Service(None)
    if address.startswith("@"):  # Linux has sockets without a file, whose names begin with a zero
        address = f"\0{address[1:]}"
    return Service(address, watchdog=_read_watchdog(environ, pid))


def _read_watchdog(environ: Mapping[str, str], pid: int) -> float | None:
    text = environ.get("WATCHDOG_USEC", "")
    is_ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    return int(text) / 1e6 if is_ours and text.isascii() and text.isdigit() and int(text) else None


class ServiceForm(Mute):
    """The form of progress that goes to the manager."""

    def __init__(
        self,
        service: Service,
        *,
        quota: Rate | None,
        clean: Callable[[str], str],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.interval = service.interval
        self._service = service
        self._quota = quota
        self._clean = clean
        self._wall = wall
        self._seen: tuple[object, ...] = ()

    def tell(self, event: Event) -> None:
        """Take an event: the run has begun, waits, or has ended."""
        service = self._service
        match event:
            case Started():
                service.move()
                service.say("READY=1", self._status(f"Harvesting {describe_job(event.job)}."))
            case Waiting() | Retrying():
                service.wait(event.seconds)
                if isinstance(event, Waiting):  # maybe before the run has begun: for hours, where the quota is spent
                    service.say("READY=1", self._status(f"Waiting: {event.why}."))
            case Paused():
                service.wait(_PAUSE)
            case Resumed():
                service.go_on()
            case Ended():
                service.move()
                service.say(self._status(say_end(event.summary)))

    def show(self, snapshot: Snapshot) -> None:
        """The reading in a sentence; whether anything has moved since the one before."""
        seen = (snapshot.photos, snapshot.calls, snapshot.retries, snapshot.refused, snapshot.failed, snapshot.doing)
        if seen != self._seen:
            self._seen = seen
            self._service.move()
        if snapshot.wait:
            self._service.wait(_PAUSE if snapshot.wait.seconds is None else snapshot.wait.seconds)
        self._service.say(self._status(say_snapshot(snapshot, quota=self._quota, now=self._wall())))

    def say(self, sentence: str) -> None:
        """The sentence."""
        self._service.say(self._status(sentence))

    def _status(self, sentence: str) -> str:
        return f"STATUS={escape_line(self._clean(sentence))}"
