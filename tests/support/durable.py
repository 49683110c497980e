"""A shim below the harvester: each call that changes what is on the disk is counted, and one of them goes wrong."""

from __future__ import annotations

import builtins
import errno
import io
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from harvester.archive.disk.files import Appender

LAST = 1 << 30
_BY_PATH = ("replace", "rename", "link", "unlink", "remove", "rmdir", "mkdir", "truncate")
_BY_FILE = ("write", "pwrite", "fsync", "fdatasync", "ftruncate", "sendfile", "copy_file_range")
_STATEMENTS = ("COMMIT", "VACUUM", "PRAGMA WAL_CHECKPOINT", "PRAGMA JOURNAL_MODE", "BEGIN;")
_ERRORS = (errno.ENOSPC, errno.EIO, errno.EPERM)


class Died(BaseException):
    """The process is no more: nothing that it would still do reaches the disk."""


class Disk:
    """What happens to call number `at` of those that change something below `folder`.

    `how` is "fail" (that call alone), "full" (it and all behind it fail), "die" (they raise Died), or "late" (a
    commit that took effect is told as failed, as where its sync fails: the log holds it all the same).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._lock = threading.Lock()
        self.calls: list[str] = []
        self.at, self.how = LAST, "fail"
        self.databases: list[tuple[str, sqlite3.Connection]] = []

    @contextmanager
    def strike(self, at: int = LAST, how: str = "fail") -> Iterator[None]:
        """Count anew. Within the block call number `at`, from 0, goes wrong, and by default none."""
        self.calls, self.at, self.how = [], at, how
        self.databases = []
        try:
            yield
        finally:
            self.at = LAST

    def list_open(self) -> list[str]:
        """Databases that nobody has closed since calls were last counted anew, although all is over."""
        return [path for path, database in self.databases if _is_open(database)]

    def holds(self, path: Any) -> bool:
        return isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(self._folder)

    def strikes(self, name: str) -> bool:
        """Whether the call now made goes wrong. Raises Died where it does by the end of the process."""
        with self._lock:
            n = len(self.calls)
            self.calls.append(name)
        is_it = n == self.at or (n > self.at and self.how in ("full", "die"))
        if is_it and self.how == "die":
            raise Died(f"at call {n}, {name}")
        return is_it and (self.how != "late" or name == "COMMIT")

    def check(self, name: str) -> None:
        """A call of the system is made: OSError where it fails."""
        if self.strikes(name):
            number = errno.ENOSPC if self.how == "full" else _ERRORS[self.at % len(_ERRORS)]
            raise OSError(number, os.strerror(number))


def _is_open(database: sqlite3.Connection) -> bool:
    with suppress(sqlite3.ProgrammingError):
        return bool(database.cursor())
    return False


class _Raw(io.FileIO):
    """An unbuffered file whose writes are counted."""

    disk: Disk

    def write(self, data: Any) -> int:
        self.disk.check("write")
        return super().write(data)


def lay_under(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Disk:
    """A Disk below everything that is written into the folder until the test ends."""
    disk = Disk(folder)
    for name in _BY_PATH:
        monkeypatch.setattr(os, name, _count_path(disk, name, getattr(os, name)))
    for name in (n for n in _BY_FILE if hasattr(os, n)):
        monkeypatch.setattr(os, name, _count_file(disk, name, getattr(os, name)))
    monkeypatch.setattr("harvester.archive.disk.files._sync", getattr(os, "fdatasync", os.fsync))
    defaults = Appender.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "write", os.write)
    monkeypatch.setattr(os, "open", _count_open(disk, os.open))
    monkeypatch.setattr(io, "open", _open_counted(disk, io.open))
    monkeypatch.setattr(builtins, "open", io.open)
    monkeypatch.setattr(sqlite3, "connect", _connect_counted(disk, sqlite3.connect))
    return disk


def _count_path(disk: Disk, name: str, honest: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *rest: Any, **more: Any) -> Any:
        if disk.holds(path) or more.get("dir_fd") is not None:
            disk.check(name)
        return honest(path, *rest, **more)

    return call


def _count_file(disk: Disk, name: str, honest: Callable[..., Any]) -> Callable[..., Any]:
    def call(file: int, *rest: Any, **more: Any) -> Any:
        disk.check(name)
        return honest(file, *rest, **more)

    return call


def _count_open(disk: Disk, honest: Callable[..., int]) -> Callable[..., int]:
    def call(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and disk.holds(path):
            disk.check("open")
        return honest(path, flags, *rest, **more)

    return call


def _open_counted(disk: Disk, honest: Callable[..., Any]) -> Callable[..., Any]:
    def call(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if not disk.holds(file) or not set(mode) & set("wax+") or "b" not in mode:
            return honest(file, mode, *rest, **more)
        disk.check("open")
        raw = _Raw(file, mode.replace("b", ""))
        raw.disk = disk
        return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)

    return call


def _connect_counted(disk: Disk, honest: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *rest: Any) -> sqlite3.Cursor:
            if not statement.upper().startswith(_STATEMENTS):
                return super().execute(statement, *rest)
            name = statement.partition("(")[0]
            if not disk.strikes(name):
                return super().execute(statement, *rest)
            if disk.how == "late":
                super().execute(statement, *rest)
            raise sqlite3.OperationalError("disk I/O error")

        def executescript(self, script: str) -> sqlite3.Cursor:
            if disk.strikes("script"):
                raise sqlite3.OperationalError("database or disk is full")
            return super().executescript(script)

    def connect(path: Any, *rest: Any, **more: Any) -> sqlite3.Connection:
        is_file = disk.holds(path) or disk.holds(str(path).removeprefix("file://"))
        if not is_file:
            return honest(path, *rest, **more)
        database = honest(path, *rest, **more, factory=Connection)
        disk.databases.append((str(path), database))
        return database

    return connect
