"""What the command line says besides its data: sentences on standard error, never with a secret in them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO, cast

from harvester.text.escapes import escape_line
from harvester.text.redactor import Redactor
from harvester.text.streams import CleanStream

_SECRET_VARIABLES = ("FLICKR_API_KEY", "FLICKR_API_SECRET", "FLICKR_OAUTH_TOKEN", "FLICKR_OAUTH_TOKEN_SECRET")


class Voice:
    """Speaks on standard error, in the manner that -v, -q and --log-format ask for."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.verbose = False
        self.quiet = False
        self.log_format = "text"
        self.redact = Redactor(environ.get(name, "") for name in _SECRET_VARIABLES)

    def overhear(self, arguments: Sequence[str]) -> None:
        """Know of --log-format json before the arguments are parsed: what is wrong with them is told so too."""
        words = " ".join(arguments).replace("=", " ")
        if "--log-format json" in words:
            self.log_format = "json"

    def open_stderr(self) -> TextIO:
        """Standard error for all that writes to it: without secrets and controls, and no trouble where it is full."""
        return cast("TextIO", CleanStream(sys.stderr, self.redact, is_optional=True))

    def open_stdout(self) -> TextIO | None:
        """Standard output for what is text there; None where it is closed. Addresses of logins may be shown there."""
        return cast("TextIO", CleanStream(sys.stdout, self.redact.hide_known)) if sys.stdout else None

    def error(self, sentence: str, *, exit_code: int) -> None:
        """Say what is wrong."""
        self._speak("error", sentence, exit_code=exit_code)

    def warn(self, sentence: str) -> None:
        """Say what should be mended though it works."""
        if not self.quiet:
            self._speak("warning", sentence)

    def note(self, sentence: str) -> None:
        """Say something that is no trouble."""
        if not self.quiet:
            self._speak("noticed", sentence)

    def _speak(self, kind: str, sentence: str, **facts: object) -> None:
        if self.log_format == "json":
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            text = json.dumps({"event": kind, "time": now, "sentence": sentence, **facts}, ensure_ascii=False)
        else:
            text = escape_line(sentence if kind == "noticed" else f"{kind.capitalize()}: {sentence}")
        with contextlib.suppress(OSError, ValueError):  # nobody listens; the exit code still tells
            sys.stderr.write(self.redact(text) + "\n")
            sys.stderr.flush()
