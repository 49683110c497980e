"""Every end of the program: which sentence, which exit code."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, TextIO

import click

from harvester.cli.console import Console
from harvester.cli.suggestions import explain_option
from harvester.errors import CannotWrite, Exit, StopRun
from harvester.signals import EXIT_CODES, STOPPED, is_free, leave
from harvester.text.streams import cannot_write_stdout, let_go

_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG})


def end_well(run: Callable[[], Any], console: Console) -> int:
    """Runs the command line; what it raises becomes a sentence on standard error. Returns the exit code."""
    _fill_closed()
    stdout, stderr = sys.stdout, sys.stderr
    with (
        _terminable(),
        contextlib.redirect_stderr(console.open_stderr()),
        contextlib.redirect_stdout(console.open_stdout()),
    ):
        try:
            code = _exit_code(run)
        except Exception as error:  # noqa: BLE001 - this is where all of them end
            code = explain(error, console)
        except KeyboardInterrupt as interrupt:
            console.note(STOPPED)
            code = _find_code(interrupt)
        code = _finish(partial(_finish_stdout, stdout, is_told=code != Exit.COMPLETE), code, console)
        code = _finish(console.close_log, code, console)
    _finish_stderr(stderr)
    return code


class _Interrupt:
    """The first Ctrl-C or SIGTERM unwinds what is under way; one more on the way ends the program at once."""

    def __init__(self) -> None:
        self._has_come = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Python's signature
        if self._has_come:
            leave(number)
        self._has_come = True
        raise KeyboardInterrupt(signal.Signals(number).name)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Signals end the program with their exit code where no run is under way, which has its own handlers.

    When Python clears up it gives signals back to the system, and the next one would turn the exit code into
    death by a signal: there they come too late to change anything, and are not listened to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    atexit.register(_ignore_signals)
    taken, handler = {}, _Interrupt()
    for name in EXIT_CODES:
        number = getattr(signal, name)
        if is_free(number):
            taken[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in taken.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, before)


def _ignore_signals() -> None:
    for name in EXIT_CODES:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def _fill_closed() -> None:
    """Where a standard stream is closed, no other file may get its number: records would be written into that.

    The place of standard output is filled so that writing to it fails as it does where it is closed.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")


def _exit_code(run: Callable[[], Any]) -> int:
    result = run()
    return int(result) if isinstance(result, int) else Exit.COMPLETE


def explain(error: BaseException, console: Console) -> int:
    """Say what an error means to the user. Returns its exit code."""
    if isinstance(error, click.Abort):
        console.note(STOPPED)
        return _find_code(error.__cause__)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return Exit.USAGE
    code, sentence = judge(error)
    console.error(sentence, exit_code=code)
    if console.verbose and not isinstance(error, click.ClickException | StopRun):
        console.trace(error)
    return code


def _find_code(interrupt: BaseException | None) -> int:
    """The exit code of an interrupt, which says by which signal it has come."""
    name = next(iter(interrupt.args), "") if isinstance(interrupt, KeyboardInterrupt) else ""
    return EXIT_CODES.get(name, Exit.INTERRUPTED)


def judge(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and its sentence."""
    if isinstance(error, StopRun):
        return error.exit_code, str(error)
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "harvester"
        return Exit.USAGE, f"{_say_usage(error)} See {path} --help."
    if isinstance(error, click.ClickException):
        return Exit.USAGE, error.format_message()
    if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
        where = f" {error.filename}" if error.filename else ""
        return Exit.CANNOT_WRITE, f"Cannot write{where}: {error.strerror}."
    told = f": {error}" if str(error) else ""
    return Exit.UNEXPECTED, f"Unexpected {type(error).__name__}{told}. Run again with -v for the traceback."


def _say_usage(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        return explain_option(error)
    sentence = " ".join(error.format_message().split())
    return sentence if sentence.endswith((".", "?", "?)")) else f"{sentence}."


@contextlib.contextmanager
def quiet_pipe() -> Iterator[None]:
    """Whoever read standard output may have gone, as head does: that is an end, not an error."""
    try:
        yield
    except BrokenPipeError:
        raise click.exceptions.Exit(Exit.COMPLETE) from None


def _finish(close: Callable[[], None], code: int, console: Console) -> int:
    """Bring out what a stream still holds. Where that fails a good end is none; another one keeps its exit code."""
    try:
        close()
    except CannotWrite as error:
        code = code or error.exit_code
        console.error(str(error), exit_code=code)
    except KeyboardInterrupt as interrupt:  # the first signal, and all is done but this
        close()
        code = code or _find_code(interrupt)
    return code


def _finish_stdout(stdout: TextIO, *, is_told: bool) -> None:
    """Bring out what is left. Python tries once more when it ends: that must not make noise.

    `is_told` is true after an error, which may have been this very one.
    """
    try:
        stdout.flush()
    except (OSError, ValueError) as error:
        let_go(stdout)
        if isinstance(error, OSError) and error.errno != errno.EPIPE and not is_told:
            raise cannot_write_stdout(error) from None


def _finish_stderr(stderr: TextIO) -> None:
    """Python flushes standard error at its end, and would make a failure there the exit code 120."""
    try:
        stderr.flush()
    except (OSError, ValueError):
        let_go(stderr)
