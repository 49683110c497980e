"""Who is told of a run besides the terminal: the commands of --on-complete and --on-trouble, and systemd."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import click

from harvester.cli.console import Console
from harvester.cli.failures import judge
from harvester.config.settings import Settings
from harvester.errors import Exit, Summary, UsageError
from harvester.events import Event, Observer, Started
from harvester.progress.lines import say_end
from harvester.progress.notice.command import LONGEST, run_command, write_report
from harvester.progress.notice.service import Service, open_service

Start = Callable[[Observer, asyncio.Event], Awaitable[Summary | Exit]]
"""Starts a run; it ends with its summary, or with its exit code."""
_SERVICE = "harvester.service"
_RESERVE = 0.5
"""Seconds between the last of a command and the end of a process that a signal has ended."""


@dataclass(slots=True)
class RunTracker:
    """What the notification of a run's end needs to know of the run."""

    is_begun: bool = False
    summary: Summary | None = None
    last_moment: float | None = None
    """Where a signal has come: when the process ends, whatever it does then."""

    def follow(self, start: Start) -> Start:
        """The same run, followed."""

        async def started(observer: Observer, stop: asyncio.Event) -> Summary | Exit:
            def hear(event: Event) -> None:
                self.is_begun = self.is_begun or isinstance(event, Started)
                observer(event)

            ended = await start(hear, stop)
            self.summary = ended if isinstance(ended, Summary) else None
            return ended

        return started


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The commands that are told of a run's end. `archive` is its folder, where it has one."""

    settings: Settings
    archive: Path | None
    console: Console

    def tell_end(self, code: int, course: RunTracker, service: Service) -> None:
        """Tell that a run has ended. A run whose output nobody reads any more (`head`) is not told."""
        if course.summary is not None:
            self._tell(code, say_end(course.summary), course, service)

    def tell_failure(self, error: Exception, course: RunTracker, service: Service) -> None:
        """Tell that an error has ended a run. A usage error before the run began is not told."""
        if not isinstance(error, UsageError) or course.is_begun:
            self._tell(*judge(error), course, service)

    def _tell(self, code: int, sentence: str, course: RunTracker, service: Service) -> None:
        name = "on-trouble" if code else "on-complete"
        command = self.settings.on_trouble if code else self.settings.on_complete
        if command is None:
            return
        report = write_report(summary=course.summary, archive=self.archive, exit_code=code, sentence=sentence)
        longest = LONGEST if course.last_moment is None else course.last_moment - time.monotonic() - _RESERVE
        failure = self._run(command, self.console.redact(report), longest=longest, service=service)
        if failure is not None:
            self.console.warn(
                f"The {name} command {failure}; the run and its exit code are as they were.", is_loud=True
            )

    def _run(self, command: str, report: str, *, longest: float, service: Service) -> str | None:
        def meanwhile() -> None:
            service.move()  # a wait that is known: the command has its own limit
            service.beat()

        sys.stderr.flush()
        # Standard output is for records. Where each line of standard error is to be JSON, a command's are not.
        out = subprocess.DEVNULL if self.console.log_format == "json" else 2
        return run_command(command, report, out=out, longest=max(longest, _RESERVE), meanwhile=meanwhile)


def find_service() -> Service:
    """The manager of this process, which is told of its end, too."""
    context = click.get_current_context(silent=True)
    if context is None:
        return Service(None)
    if _SERVICE not in context.meta:
        service = context.meta[_SERVICE] = open_service(os.environ, os.getpid())
        context.find_root().call_on_close(service.stop)
    found: Service = context.meta[_SERVICE]
    return found
