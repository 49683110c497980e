"""What the command line says besides its data: sentences on standard error, never with a secret in them."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO, cast

_SECRET_VARIABLES = ("FLICKR_API_KEY", "FLICKR_API_SECRET", "FLICKR_OAUTH_TOKEN", "FLICKR_OAUTH_TOKEN_SECRET")
# Shorter ones may be words ("demo"); they are still taken out of addresses.
_SHORTEST = 8
_IN_ADDRESS = re.compile(
    r"\b(api_key|api_sig|oauth_(?:token|consumer_key|signature|verifier|token_secret))(=|\"?:\s?\"?)[^&\s'\",]+"
)


class Redactor:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """From now on these are not shown either."""
        self._secrets |= {secret.strip() for secret in secrets if len(secret.strip()) >= _SHORTEST}

    def __call__(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return _IN_ADDRESS.sub(r"\1\2***", text) if "api_" in text or "oauth_" in text else text


class RedactedStream:
    """A text stream that shows no secrets; in all else the stream it wraps."""

    def __init__(self, stream: TextIO, redact: Redactor) -> None:
        self._stream = stream
        self._redact = redact

    def write(self, text: str) -> int:
        """Write the text without secrets. Says it wrote all of it."""
        self._stream.write(self._redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines without secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


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
        """Standard error as it should be for all that writes to it: without secrets."""
        return cast("TextIO", RedactedStream(sys.stderr, self.redact))

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
            text = sentence if kind == "noticed" else f"{kind.capitalize()}: {sentence}"
        try:
            sys.stderr.write(self.redact(text) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # nobody listens; the exit code still tells
            pass
