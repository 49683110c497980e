"""Every end of the program: which sentence, which exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import click

from harvester.cli.voice import Voice
from harvester.errors import Exit, StopRun


def end_well(run: Callable[[], Any], voice: Voice) -> int:
    """Runs the command line; what it raises becomes a sentence on standard error. Returns the exit code."""
    with _redacted_stderr(voice):
        try:
            code = _exit_code(run)
            sys.stdout.flush()
        except Exception as error:  # noqa: BLE001 - this is where all of them end
            code = explain(error, voice)
        except KeyboardInterrupt:
            voice.note("Stopped.")
            code = Exit.INTERRUPTED
        _silence_closed_stdout()
    return int(code)


def _exit_code(run: Callable[[], Any]) -> int:
    result = run()
    return result if isinstance(result, int) else Exit.COMPLETE


def explain(error: BaseException, voice: Voice) -> int:
    """Say what an error means to the user. Returns its exit code."""
    if _is_closed_pipe(error):
        return Exit.COMPLETE
    if isinstance(error, click.Abort):
        voice.note("Stopped.")
        return Exit.INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return Exit.USAGE
    code, sentence = _judge(error)
    voice.error(sentence, exit_code=code)
    if voice.verbose and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    return code


def _judge(error: BaseException) -> tuple[int, str]:
    if isinstance(error, StopRun):
        return error.exit_code, str(error)
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "harvester"
        return Exit.USAGE, f"{error.format_message().rstrip()} See {path} --help."
    if isinstance(error, click.ClickException):
        return Exit.USAGE, error.format_message()
    if isinstance(error, OSError) and error.filename is None and error.errno is not None:
        return Exit.CANNOT_WRITE, f"Cannot write to standard output: {error.strerror}."
    told = f": {error}" if str(error) else ""
    return Exit.UNEXPECTED, f"Unexpected {type(error).__name__}{told}. Run again with -v for the traceback."


def _is_closed_pipe(error: BaseException) -> bool:
    """Whoever read standard output has gone, as head does: not an error."""
    from harvester.store import PipeClosed  # noqa: PLC0415 - on this path only

    return isinstance(error, BrokenPipeError | PipeClosed)


@contextlib.contextmanager
def _redacted_stderr(voice: Voice) -> Iterator[None]:
    """All that anyone writes to sys.stderr, tracebacks and warnings too, goes without secrets."""
    with contextlib.redirect_stderr(voice.open_stderr()):
        yield


def _silence_closed_stdout() -> None:
    """Python flushes standard output once more when it ends; a closed pipe must not make noise then."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
