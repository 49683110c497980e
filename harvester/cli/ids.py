"""Photo ids from a file or from standard input, line by line, as they come, in UTF-8 or UTF-16."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from harvester.config.toml_file import expand_home
from harvester.errors import UsageError
from harvester.text.decoding import to_utf8

_CHUNK = 1 << 16
_LONGEST = 1 << 12
"""Bytes of a line that are looked at: no photo's address is longer."""
_COMMENT = re.compile(r"(?:^|\s)#.*")


def open_ids(ids: Sequence[str], ids_from: str | None) -> Iterable[str]:
    """The ids that are given, then those of the file, which is opened now and read when they are asked for."""
    return ids if ids_from is None else chain(ids, read_lines(_open(ids_from)))


def _open(path: str) -> int:
    """A file descriptor; it is never closed, since a thread may be waiting for it when the run ends."""
    if path == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed.", field="from")
        return sys.stdin.fileno()
    try:
        file = os.open(expand_home(path, field="from"), os.O_RDONLY | os.O_CLOEXEC)
        os.read(file, 0)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", field="from") from None
    return file


def read_lines(file: int) -> Iterator[str]:
    """Its lines, without blank ones, and without comments: from a `#` that begins the line or follows a space.

    Straight from the descriptor: a buffered reader would be locked by a thread that waits for input, and
    Python cannot end then.
    """
    rest = b""
    for chunk in to_utf8(iter(partial(_read, file), b"")):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[:_LONGEST]
        yield from _clean(lines)
    yield from _clean([rest])


def _read(file: int) -> bytes:
    try:
        return os.read(file, _CHUNK)
    except OSError as error:
        raise UsageError(f"the ids cannot be read on: {error.strerror}. Run it again.", field="from") from None


def _clean(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        text = line[:_LONGEST].decode("utf-8-sig", "replace")
        if text := _COMMENT.sub("", text).strip():
            yield text
