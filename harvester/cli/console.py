"""Messages of the command line, on standard error. Secrets are taken out of each."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, cast

from harvester.errors import CannotWrite
from harvester.text.escapes import escape_line
from harvester.text.redactor import Redactor
from harvester.text.streams import LOG_STAMP, CleanStream

_SECRET_VARIABLES = ("FLICKR_API_KEY", "FLICKR_API_SECRET", "FLICKR_OAUTH_TOKEN", "FLICKR_OAUTH_TOKEN_SECRET")


class Console:
    """Speaks on standard error, in the manner that -v, -q and --log-format ask for."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.verbose = False
        self.quiet = False
        self.log_format = "text"
        self._log: CleanStream | None = None
        self._log_file: str | None = None
        self.redact = Redactor(environ.get(name, "") for name in _SECRET_VARIABLES)

    def detect_log_format(self, arguments: Sequence[str]) -> None:
        """Look for --log-format json before the arguments are parsed, so that errors in them are JSON too."""
        words = " ".join(arguments).replace("=", " ")
        if "--log-format json" in words:
            self.log_format = "json"

    @property
    def log_file(self) -> str | None:
        """The file's path. Once it is set, the file is open."""
        return self._log_file

    @log_file.setter
    def log_file(self, path: str | None) -> None:
        if path is None or path == self._log_file:
            return
        from harvester.archive.disk.layout import check_no_own_file  # noqa: PLC0415
        from harvester.config.toml_file import expand_home  # noqa: PLC0415 - no need of msgspec for help

        whole = Path(expand_home(path, field="log_file"))
        check_no_own_file(whole, field="log_file")
        try:
            file = whole.open("a", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise CannotWrite(f"Cannot write {whole}: {error.strerror}. Name another file with --log-file.") from None
        self._log_file, self._log = path, CleanStream(file, self.redact, is_optional=True)

    @property
    def log(self) -> TextIO | None:
        """The log file: it gets every message, and the progress too."""
        return cast("TextIO | None", self._log)

    def close_log(self) -> None:
        """Close the log file. CannotWrite where that, or a write to it before, has failed."""
        log, path = self._log, self._log_file
        if log is None:
            return
        log.close()
        self._log_file = self._log = None
        if log.failure is not None:
            reason = getattr(log.failure, "strerror", None) or log.failure
            raise CannotWrite(f"Cannot write all messages to {path}: {reason}. Nothing else was lost by that.")

    def open_stderr(self) -> TextIO:
        """Standard error for all that writes to it: without secrets and controls, and no trouble where it is full."""
        return cast("TextIO", CleanStream(sys.stderr, self.redact, is_optional=True))

    def open_stdout(self) -> TextIO:
        """Standard output for what is text there. Addresses of logins may be shown there."""
        return cast("TextIO", CleanStream(sys.stdout, self.redact.hide_known))

    def error(self, sentence: str, *, exit_code: int) -> None:
        """Say what is wrong."""
        self._say("error", sentence, exit_code=exit_code)

    def warn(self, sentence: str, *, is_loud: bool = False) -> None:
        """Say what should be fixed though it works; with `is_loud` also where errors only are to be told."""
        self._say("warning", sentence, is_loud=is_loud or not self.quiet)

    def note(self, sentence: str) -> None:
        """Say something that is no trouble."""
        self._say("noticed", sentence, is_loud=not self.quiet)

    def trace(self, error: BaseException) -> None:
        """Show where an error comes from."""
        for stream in filter(None, (sys.stderr, self.log)):
            traceback.print_exception(error, file=stream)

    def _say(self, kind: str, sentence: str, *, is_loud: bool = True, **facts: object) -> None:
        now = datetime.now(UTC)
        if self.log_format == "json":
            stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            text = json.dumps({"event": kind, "time": stamp, "sentence": sentence, **facts}, ensure_ascii=False)
            logged = text
        else:
            text = escape_line(sentence if kind == "noticed" else f"{kind.capitalize()}: {sentence}")
            logged = f"{now.astimezone():{LOG_STAMP}} {text}"
        if is_loud:
            self._write(sys.stderr, text)
        if self.log is not None:
            self._write(self.log, logged)

    def _write(self, stream: TextIO, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody listens; the exit code still tells
            stream.write(self.redact(text) + "\n")
            stream.flush()
