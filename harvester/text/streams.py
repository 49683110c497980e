"""The standard streams as all that writes to them gets them: without secrets, controls and what has no encoding."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO, cast

from harvester.errors import CannotWrite
from harvester.text.escapes import escape_controls, fit_encoding

LOG_STAMP = "%Y-%m-%dT%H:%M:%S%z"
"""How a line of a log file begins, which is read on other days and elsewhere."""


class CleanStream:
    """A text stream that cleans what is written; in all else the stream it wraps.

    `is_optional` is true for a stream that the program can do without: a failed write to it is passed over, and the
    first one is kept as `failure`. Any other stream is standard output: where it cannot be written, and not because
    its reader has gone, CannotWrite is raised.
    """

    def __init__(
        self,
        stream: TextIO,
        redact: Callable[[str], str],
        *,
        escape: Callable[[str], str] = escape_controls,
        is_optional: bool = False,
    ) -> None:
        self._stream = stream
        self._redact = redact
        self._escape = escape
        self._is_optional = is_optional
        self.failure: OSError | ValueError | None = None

    def write(self, text: str) -> int:
        """Write the text, cleaned. Says it wrote all of it."""
        with self._enduring():
            self._stream.write(fit_encoding(self._escape(self._redact(text)), getattr(self._stream, "encoding", None)))
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write bytes as they are, but without secrets."""
        with self._enduring():
            self._stream.buffer.write(self._redact(data.decode("latin-1")).encode("latin-1"))  # which keeps any byte

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines, cleaned."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring out what was written."""
        with self._enduring():
            self._stream.flush()

    def close(self) -> None:
        """Bring out what was written, and close the stream that is wrapped."""
        with self._enduring():
            self._stream.close()

    def for_drawing(self) -> TextIO:
        """The same stream for a display that moves the cursor: its controls pass, its texts are escaped before."""
        return cast("TextIO", CleanStream(self._stream, self._redact, escape=str, is_optional=self._is_optional))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _enduring(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            if not self._is_optional:
                raise _translate(error) from None
            self.failure = self.failure or error


def _translate(error: OSError | ValueError) -> Exception:
    """A reader who has gone stays a BrokenPipeError: that is an end, not a fault."""
    return cannot_write_stdout(error) if isinstance(error, OSError) and error.errno != errno.EPIPE else error


def cannot_write_stdout(error: OSError) -> CannotWrite:
    """The sentence for standard output that is full, broken or closed."""
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return CannotWrite(f"Cannot write to standard output: {reason}.")


def let_go(stream: TextIO) -> None:
    """Have what a stream still holds go nowhere. Python writes it once more at its end, and must not fail there."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
