"""Where a run's socket is: in the user's state folder, by the number of its process."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"run-(\d{1,19})\.sock", re.ASCII)
_LONGEST = 100
"""Bytes of a path that every system takes for a socket; Linux takes 107."""


def name_socket(folder: Path, pid: int) -> Path:
    """The socket of a process."""
    return folder / f"run-{pid}.sock"


@contextmanager
def shorten_path(path: Path) -> Iterator[str]:
    """A path by which the system takes the socket, where its own is too long for that (Linux alone has such)."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    place = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{place}/{path.name}"
    finally:
        os.close(place)


def open_socket(path: Path) -> socket.socket:
    """A socket that listens there, for this user alone. OSError where that cannot be."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
    try:
        if not is_answered(path):
            path.unlink(missing_ok=True)  # of a process that was killed and had this number
        with contextlib.suppress(OSError):  # Linux makes the file with it
            os.fchmod(ear.fileno(), 0o600)
        with shorten_path(path) as name:
            ear.bind(name)
        path.chmod(0o600)
        ear.listen(16)
        ear.setblocking(False)
    except BaseException:
        ear.close()
        raise
    return ear


def is_answered(path: Path) -> bool:
    """Whether anybody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, contextlib.suppress(OSError):
        client.settimeout(0.2)
        with shorten_path(path) as name:
            client.connect(name)
        return True
    return False


def remove_stale(folder: Path) -> None:
    """Take away the sockets that killed processes have left."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            found = _NAME.fullmatch(path.name)
            if found and not _is_alive(int(found[1])) and not is_answered(path):
                path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
