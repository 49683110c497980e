"""The file in `history/` that keeps the lines which an update supersedes, compressed with Zstandard."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harvester.archive.disk.files import sync_file
from harvester.archive.disk.modes import make_file

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["History", "zstd"]


class History:
    """The lines that are superseded, compressed; no file where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self.lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            with self._path.open("rb+") as file:
                sync_file(file.fileno(), self._path)

    def write(self, line: bytes) -> None:
        """Keep a line, of whatever file it was."""
        if self._file is None:
            make_file(self._path)
            self._file = zstd.open(self._path, "wb")
        self._file.write(line if line.endswith(b"\n") else line + b"\n")
        self.lines += 1
