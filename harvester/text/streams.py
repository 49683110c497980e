"""The standard streams as all that writes to them gets them: without secrets, controls and what has no encoding."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import Any, TextIO, cast

from harvester.text.escapes import escape_controls, fit_encoding

LOG_STAMP = "%Y-%m-%dT%H:%M:%S%z"
"""How a line of a log file begins, which is read on other days and elsewhere."""


class CleanStream:
    """A text stream that cleans what is written; in all else the stream it wraps.

    `is_optional` is true for a stream that the program can do without: a failed write to it is passed over.
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

    def write(self, text: str) -> int:
        """Write the text, cleaned. Says it wrote all of it."""
        with self._enduring():
            self._stream.write(fit_encoding(self._escape(self._redact(text)), getattr(self._stream, "encoding", None)))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines, cleaned."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring out what was written."""
        with self._enduring():
            self._stream.flush()

    def for_drawing(self) -> TextIO:
        """The same stream for a display that moves the cursor: its controls pass, its texts are escaped before."""
        return cast("TextIO", CleanStream(self._stream, self._redact, escape=str, is_optional=self._is_optional))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _enduring(self) -> Any:
        try:
            yield
        except (OSError, ValueError):
            if not self._is_optional:
                raise


def let_go(stream: TextIO) -> None:
    """Have what a stream still holds go nowhere. Python writes it once more at its end, and must not fail there."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
