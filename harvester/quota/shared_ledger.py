"""What the ledger needs from the machine: a lock that dies with its holder, a file that all processes map, clocks.

The lock is held for microseconds and never waited for in the event loop: a call that cannot have it at once
asks again a little later, an answer that cannot be noted is noted with the next one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from harvester.errors import CannotWrite
from harvester.quota import ledger
from harvester.quota.ledger import Ledger

SIZE = ledger.WORDS * 8
TRIES = 20
"""Attempts at the lock, half a microsecond each; it is held for about five."""
BUSY_FOR = 1_000_000
NOTE_WITHIN = 5_000_000
"""An answer is noted when the lock is next ours, or at once if it was ours longer ago than this, or than a
thousandth of the period."""
AHEAD = 63
AHEAD_FOR = 5_000_000
"""Calls that follow each other within this time are taken by the handful: the lock costs more than the rest."""
Notice: TypeAlias = Callable[[str], object]

if sys.platform == "win32":
    import msvcrt

    _since_boot = time.monotonic_ns
    _LOCKED_BYTE = 1 << 30
    """Past the end: on Windows a locked byte cannot be read."""

    def try_lock(fd: int) -> bool:
        """Takes the lock of an open file, unless someone has it."""
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Lets go of it."""
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    if sys.platform == "linux":
        # Counts while the machine sleeps, and no one sets it.
        _since_boot = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
    else:
        _since_boot = time.monotonic_ns

    def try_lock(fd: int) -> bool:
        """Takes the lock of an open file, unless someone has it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Lets go of it."""
        fcntl.flock(fd, fcntl.LOCK_UN)


def _this_boot() -> int:
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        return ledger.UNKNOWN_BOOT
    return _number(name) | 2  # neither 0 nor 1


def _number(name: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(name, digest_size=7).digest(), "big")


@dataclass(frozen=True, slots=True)
class Clocks:
    """The machine's clocks, in nanoseconds, and which boot this is."""

    since_boot: Callable[[], int] = _since_boot
    wall: Callable[[], int] = time.time_ns
    boot: int = field(default_factory=_this_boot)


# Many attributes: a mapped file, its lock, and calls that wait to be entered while it is taken.
class SharedLedger:
    """The ledger of one key in a file, open. For one thread."""

    def __init__(self, path: Path, *, calls: int, period: int, clocks: Clocks, on_notice: Notice) -> None:
        self._clocks = clocks
        self._since_boot = clocks.since_boot
        self._fd, is_new = _open_file(path)
        try:
            if not is_new:
                _await_content(self._fd)
            _await_lock(self._fd, path)
            is_new = is_new and not os.fstat(self._fd).st_size  # another process was faster
            is_cut = os.fstat(self._fd).st_size < SIZE
            self._memory = _map(self._fd)
            self._words = memoryview(self._memory).cast("q")
            _prepare(self._words, path, clocks, on_notice, is_new=is_new, is_cut=is_cut)
        except BaseException:
            os.close(self._fd)  # and with it goes the lock
            raise
        unlock(self._fd)
        self._view = Ledger(self._words, owner=secrets.randbits(62) | 1, calls=calls, period=period)
        self._ended: list[int] = []
        """When calls were answered, or failed, since the lock was last ours."""
        self._unsent = 0
        """Calls that were taken and did not go."""
        self._in_hand = 0
        """Calls that were taken ahead."""
        self._note_within = min(NOTE_WITHIN, period // 1000)
        self._taken = 0
        self._entered = 0
        self._used = 0
        self._unsaved = False

    def __repr__(self) -> str:
        return f"<SharedLedger {self._view!r}{'' if self._fd >= 0 else ', closed'}>"

    def now(self) -> int:
        """Ledger time."""
        return self._since_boot() + self._words[ledger.OFFSET]

    def take(self) -> int:
        """Takes a call. Returns 0 when it may go, now; else after how many nanoseconds to ask again."""
        now = self._since_boot() + self._words[ledger.OFFSET]
        is_quick = now < self._taken + AHEAD_FOR
        if is_quick and self._in_hand:
            self._in_hand -= 1
            return 0
        self._put_back()
        if not self._enter():
            return BUSY_FOR
        try:
            self._unsaved = True
            self._taken = now
            wait = self._view.take(self._entered, ahead=AHEAD if is_quick else 0)
            self._in_hand = 0 if wait else self._view.granted - 1
            return wait
        finally:
            unlock(self._fd)

    def done(self, *, sent: bool = True) -> None:
        """A call is over: answered, or failed; `sent=False` if it surely never left this machine."""
        if self._fd >= 0:
            now = self._since_boot() + self._words[ledger.OFFSET]
            if sent:
                self._ended.append(now)
            else:
                self._unsent += 1
            if now > self._entered + self._note_within and self._enter():
                unlock(self._fd)

    def beat(self) -> None:
        """A sign of life, due several times a second."""
        self._put_back()
        if self._enter():
            self._view.renew(self._entered)
            ledger.anchor(self._words, now=self._entered, wall=self._clocks.wall())
            unlock(self._fd)

    def unsaved(self) -> Callable[[], None] | None:
        """What there is to run in a thread, about once a second, so that a power cut forgets no more than that."""
        if not self._unsaved:
            return None
        self._unsaved = False
        return partial(_save, os.dup(self._fd))

    def used(self) -> int:
        """Calls that count at this moment, of all processes."""
        self._put_back()
        if self._enter():
            self._used = self._view.used(self._entered)
            unlock(self._fd)
        return self._used

    def wait(self) -> int:
        """Nanoseconds until the window has room for a call."""
        self._put_back()
        if not self._enter():
            return BUSY_FOR
        try:
            return self._view.wait(self._entered)
        finally:
            unlock(self._fd)

    def close(self) -> None:
        """Calls still in flight go on counting, as those of a process that was killed."""
        self.beat()
        if self._enter():
            self._view.leave()
            unlock(self._fd)
        fd, self._fd = self._fd, -1
        self._words.release()
        self._memory.close()
        _save(fd)

    def _put_back(self) -> None:
        """What was taken ahead and was not needed is given back when the lock is next ours."""
        self._unsent += self._in_hand
        self._in_hand = 0

    def _enter(self) -> bool:
        """Takes the lock, if it can be had within microseconds, and catches up on what is unnoted."""
        if self._fd < 0 or not (try_lock(self._fd) or any(try_lock(self._fd) for _ in range(TRIES))):
            return False
        try:
            self._note()
            self._entered = self.now()
        except BaseException:
            unlock(self._fd)
            raise
        return True

    def _note(self) -> None:
        ended = self._ended
        if ended and ended[-1] - ended[0] <= 2 * self._note_within:  # as one: the earlier ones count a little longer
            self._view.done(ended[-1], calls=len(ended))
            ended.clear()
        while ended:
            self._view.done(ended.pop(0))
        if self._unsent:
            self._view.done(self.now(), calls=self._unsent, sent=False)
            self._unsent = 0


def name_ledger(key: str, folder: Path) -> Path:
    """The file of an API key's ledger. The name holds only a hash of the key."""
    return folder / f"quota-{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.ledger"


def open_ledger(key: str, *, calls: int, period: int, folder: Path, clocks: Clocks, on_notice: Notice) -> SharedLedger:
    """Opens the ledger of an API key in `folder`, or makes it."""
    path = name_ledger(key, folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return SharedLedger(path, calls=calls, period=period, clocks=clocks, on_notice=on_notice)
    except OSError as error:
        raise CannotWrite(
            f"The quota ledger cannot be kept in {folder} ({error.strerror}): "
            "set HARVESTER_STATE_DIR to a folder on a local disk that can be written to."
        ) from None


def _open_file(path: Path) -> tuple[int, bool]:
    """The ledger's file, open, and whether this call has made it."""
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
    except FileExistsError:
        return os.open(path, flags | os.O_CREAT, 0o600), False


def _await_content(fd: int) -> None:
    """Whoever has just made the file fills it within a moment. One that stays empty was emptied."""
    for _ in range(100):
        if os.fstat(fd).st_size:
            return
        time.sleep(0.01)


def _await_lock(fd: int, path: Path) -> None:
    for _ in range(1000):
        if try_lock(fd):
            return
        time.sleep(0.01)
    raise CannotWrite(f"A stopped process holds {path}: end it first.")


def _map(fd: int) -> mmap.mmap:
    """The whole file, every byte of it written: a hole that a full disk cannot fill would kill the process."""
    missing = SIZE - os.lseek(fd, 0, os.SEEK_END)
    if missing > 0 and os.write(fd, bytes(missing)) != missing:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # SMB, exFAT and DrvFs keep no modes; the ledger holds no secret
            os.fchmod(fd, 0o600)
    return mmap.mmap(fd, SIZE)


def _prepare(words: memoryview, path: Path, clocks: Clocks, on_notice: Notice, *, is_new: bool, is_cut: bool) -> None:
    """Makes the words a ledger that goes by the clocks, whatever they are now."""
    if words[ledger.MAGIC] == ledger.SIGNATURE and words[ledger.VERSION] > ledger.FORMAT:
        raise CannotWrite(f"{path} was written by a newer version of this program: update this one.")
    if is_new:
        ledger.begin(words)
    elif is_cut or not ledger.is_sound(words):
        _begin_full(words, path, clocks, on_notice)
    ledger.set_clock(words, since_boot=clocks.since_boot(), wall=clocks.wall(), boot=clocks.boot)


def _begin_full(words: memoryview, path: Path, clocks: Clocks, on_notice: Notice) -> None:
    """A damaged ledger, or one that was cut or emptied, does not tell what was spent: it begins full."""
    was = bytes(words)
    aside = path.with_suffix(".damaged")
    with contextlib.suppress(OSError):
        aside.touch(mode=0o600)
        aside.write_bytes(was)
    words[:] = memoryview(bytes(SIZE)).cast("q")
    ledger.begin(words, full_at=clocks.since_boot())
    on_notice(
        f"The quota ledger {path} was damaged, so the quota counts as spent until one period from now "
        f"(the old file is {aside.name}; delete both to count from zero)."
    )


def _save(fd: int) -> None:
    # fsync writes mapped pages too, and unlike mmap.flush it lets other threads run. If it fails, only a power
    # cut could tell.
    with contextlib.suppress(OSError):
        os.fsync(fd)
    os.close(fd)
