"""The user's own folders, for settings and for state, and temporary ones.

In a container, under cron or systemd there may be no home.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harvester.errors import UsageError


def find_folder(variable: str, usual: Callable[..., Path]) -> Path | None:
    """The folder that a variable names, else the usual one of platformdirs; None where there is no home for it."""
    chosen = os.environ.get(variable, "").strip()
    if chosen:
        try:
            return Path(chosen).expanduser()
        except RuntimeError:  # pathlib's word for a home that nobody knows
            raise UsageError(f"{chosen} means a home, and there is none: name a whole path.", field=variable) from None
    try:
        folder = usual("harvester", appauthor=False)
    except (RuntimeError, KeyError):
        return None
    return folder if folder.is_absolute() else None  # some versions leave the `~` where there is no home


@contextmanager
def make_temporary() -> Iterator[Path]:
    """A folder of its own, in TMPDIR, until the block ends. What cannot be removed of it stays: that harms no archive.

    OSError where none can be made.
    """
    with tempfile.TemporaryDirectory(prefix="harvester-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
