"""How many calls a key has had: a window over 64-bit words that several processes share.

Pure: no clock, no lock, no file. The caller holds the lock and says what time it is (`locks.py` does both);
times are nanoseconds of ledger time, which never goes back.

**A call counts from its grant until PERIOD after its answer.** A call arrives at the server after its grant and
before its answer, so of any CALLS + 1 calls the last one granted arrives at least PERIOD after some other one:
the quota holds where Flickr counts, however long calls travel, and it costs one answer time per PERIOD.

    header | a row for each process: who, lease, calls in flight … | ring of answers: (time, calls answered so far)

Every store is one word, in an order that leaves a call counted twice rather than not at all: whoever is killed
between two of them leaves a ledger that still tells the truth or a little more. A dead process's lease lapses
and its calls in flight count as answered then ("buried").

Fair among processes: a free call is left to the others as long as they are behind by as many calls as are free,
want one at this moment, and come for it within a hundredth of PERIOD (at most a second). So a process that is
slow, stopped or short of its own quota holds up nobody.

The ring has a fixed length, so the file never grows and is never replaced. Where CALLS is large, answers
within PERIOD/4096 share an entry, at the later one's time.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import le

from harvester.errors import CannotWrite

MAGIC, VERSION, BOOT, OFFSET, ANCHOR_WALL, ANCHOR, HEAD, ROWS = range(8)
FORMAT = 1
SIGNATURE = int.from_bytes(b"hrvquota", "big")

FIRST_ROW, ROW_WORDS, MAX_ROWS = 64, 8, 64
OWNER, LEASE, FLYING, SERVED, WANTS_FROM, WANTS_TILL = range(6)

RING = FIRST_ROW + ROW_WORDS * MAX_ROWS
ENTRIES = 8192
WORDS = RING + 2 * ENTRIES

SECOND = 1_000_000_000
LEASE_FOR = SECOND
"""How long a process is believed to live after its last sign, and its calls to travel on after its death."""
ASK_AGAIN = SECOND
"""Whoever waits asks again at least this often."""
PLENTY = 64
"""A call may be taken ahead of its need for each so many that are free: where few are left, none lies idle."""
YIELD_FOR = 2_000_000
"""Whoever lets another process go first asks again after this."""
YEAR = 365 * 86400 * SECOND
SANE = 1 << 62
"""No time (146 years) and no count comes near."""
UNKNOWN_BOOT = 1
"""Where the system does not name its boots. There a clock that went back tells of a reboot; after one that did
not, less time counts as passed than did."""


# Many attributes: six are what a view of the shared words is given; four are its own counts.
class Ledger:
    """One process's view of a key's calls, under its own quota of `calls` in `period` nanoseconds.

    `owner` is any number but 0 that no other process uses.
    """

    def __init__(self, words: memoryview, *, owner: int, calls: int, period: int) -> None:
        self.flying = 0
        """Calls of this process that are under way."""
        self.granted = 0
        """How many calls the last `take` took."""
        self._words = words
        self._owner = owner
        self._calls = calls
        self._period = period
        self._grain = period // (ENTRIES // 2) if calls > ENTRIES // 2 else 1
        # How long a process may be slow and still be waited for: short beside the period, so that it costs nothing.
        self._grace = min(max(period // 100, 20_000_000), SECOND)
        self._row = 0  # none yet; no owner is ever written there
        self._tail = -1

    def __repr__(self) -> str:
        return f"<Ledger {self._calls} calls in {self._period / SECOND:g} s, {self.flying} in flight>"

    def take(self, now: int, *, ahead: int = 0) -> int:
        """Takes a call. Returns 0 when it may go, now; else after how many nanoseconds to ask again.

        Up to `ahead` more are taken with it where plenty are free and no other process calls. They count from now
        on, as any call that was granted.
        """
        words, row = self._words, self._own_row(now)
        others, rivals = self._survey(now)
        if words[row + WANTS_TILL] < now:  # joins a race that is on: with no claim from before
            words[row + SERVED] = max([words[row + SERVED], *(served for _, served in rivals)])
        served = words[row + SERVED]
        free = self._free(now, others)
        if free <= 0:
            wait = ready = self._until(now, lack=1 - free)
        elif free <= sum(max(served - theirs, 0) for since, theirs in rivals if since <= now):
            wait, ready = YIELD_FOR, 0  # what is free is just what the others are behind
        else:
            wait = ready = 0
            self.granted = 1 if others or rivals else 1 + min(ahead, free // PLENTY)
            self.flying += self.granted
            words[row + FLYING] = self.flying
            words[row + SERVED] = served + self.granted
        words[row + WANTS_FROM] = now + ready
        words[row + WANTS_TILL] = now + min(wait, ASK_AGAIN) + self._grace
        return wait

    def done(self, when: int, *, calls: int = 1, sent: bool = True) -> None:
        """Calls are over, since `when`: answered, or failed; `sent=False` if they surely never left this machine."""
        row = self._own_row(when)
        if sent:
            self._append(when, calls)
        self.flying -= calls
        self._words[row + FLYING] = self.flying

    def renew(self, now: int) -> None:
        """A sign of life, due well within every LEASE_FOR."""
        if self._row:
            self._own_row(now)

    def leave(self) -> None:
        """The end of taking calls. Those in flight stay on the lease."""
        row = self._row
        if self._words[row + OWNER] == self._owner and not self.flying:
            self._words[row + OWNER] = 0

    def used(self, now: int) -> int:
        """Calls that count at this moment, of all processes; never more than the quota."""
        others, _ = self._survey(now)
        return min(self._calls - self._free(now, others), self._calls)

    def wait(self, now: int) -> int:
        """Nanoseconds until the window has room for a call."""
        others, _ = self._survey(now)
        free = self._free(now, others)
        return self._until(now, lack=1 - free) if free <= 0 else 0

    def returns(self, now: int) -> list[tuple[int, int]]:
        """In how many nanoseconds how many calls leave the window, in their order; those in flight stay in it."""
        words, head = self._words, self._words[HEAD]
        before, found = self._base(now - self._period), []
        for entry in range(self._tail + 1, head):
            at = RING + entry % ENTRIES * 2
            found.append((max(words[at] + self._period - now, 1), words[at + 1] - before))
            before = words[at + 1]
        return found

    # -- the processes ------------------------------------------------------------------------------------------

    def _own_row(self, now: int) -> int:
        words, row = self._words, self._row
        if words[row + OWNER] != self._owner:
            row = self._row = self._register(now)
        words[row + LEASE] = now + LEASE_FOR
        return row

    def _register(self, now: int) -> int:
        """Takes a free row. Also after a stall that made others believe us dead: what flies still, counts again."""
        words = self._words
        rows = range(FIRST_ROW, RING, ROW_WORDS)
        for row in rows:
            if words[row + OWNER] and words[row + LEASE] < now:
                self._bury(row)
        mine = next((row for row in rows if not words[row + OWNER]), 0)
        if not mine:
            raise CannotWrite(f"{MAX_ROWS} processes use this API key already: let one of them end first.")
        words[mine + FLYING] = self.flying
        words[mine + SERVED] = words[mine + WANTS_FROM] = words[mine + WANTS_TILL] = 0
        words[mine + LEASE] = now + LEASE_FOR
        words[mine + OWNER] = self._owner
        last = max(row for row in rows if words[row + OWNER])
        words[ROWS] = (last - FIRST_ROW) // ROW_WORDS + 1
        return mine

    def _survey(self, now: int) -> tuple[int, list[tuple[int, int]]]:
        """Calls in flight in other processes; and of those that want more: from when on, and how many they had."""
        words = self._words
        flying, rivals = 0, []
        for row in range(FIRST_ROW, FIRST_ROW + ROW_WORDS * words[ROWS], ROW_WORDS):
            if words[row + OWNER] in (0, self._owner):
                continue
            if words[row + LEASE] < now:
                self._bury(row)
                continue
            flying += words[row + FLYING]
            if words[row + WANTS_TILL] >= now:
                rivals.append((words[row + WANTS_FROM], words[row + SERVED]))
        return flying, rivals

    def _bury(self, row: int) -> None:
        words = self._words
        if words[row + FLYING]:
            self._append(words[row + LEASE], words[row + FLYING])
        words[row + FLYING] = 0
        words[row + OWNER] = 0

    # -- the ring -----------------------------------------------------------------------------------------------

    def _append(self, time: int, calls: int) -> None:
        words, head = self._words, self._words[HEAD]
        at = RING + (head - 1) % ENTRIES * 2
        total, joins = 0, False
        if head:
            time, total = max(time, words[at]), words[at + 1]
            joins = time // self._grain == words[at] // self._grain
        if not joins:
            at = RING + head % ENTRIES * 2
        words[at] = time  # before the total: killed here, the earlier calls of this entry count longer
        words[at + 1] = total + calls
        words[HEAD] = head if joins else head + 1

    def _free(self, now: int, others: int) -> int:
        """The quota, less the calls answered within the last PERIOD, less those in flight. May be below 0."""
        words, head = self._words, self._words[HEAD]
        total = words[RING + (head - 1) % ENTRIES * 2 + 1] if head else 0
        return self._calls - (total - self._base(now - self._period)) - others - self.flying

    def _base(self, edge: int) -> int:
        """Calls answered up to `edge`. Moves the tail to the newest entry that is not after it."""
        words, head = self._words, self._words[HEAD]
        oldest = max(head - ENTRIES + 1, 0)  # the entry at the head may be half written
        tail = min(max(self._tail, oldest - 1), head - 1)
        while tail >= oldest and words[RING + tail % ENTRIES * 2] > edge:
            tail -= 1  # it was the newest entry, and a process of coarser grain has added to it
        while tail + 1 < head and words[RING + (tail + 1) % ENTRIES * 2] <= edge:
            tail += 1
        self._tail = tail
        if tail >= oldest:
            return words[RING + tail % ENTRIES * 2 + 1]
        # What the ring has forgotten may all have been yesterday or all just now: say now.
        return words[RING + oldest % ENTRIES * 2 + 1] - self._calls if oldest else 0

    def _until(self, now: int, *, lack: int) -> int:
        """When `lack` of the answered calls will have left the window. Those in flight stay a whole PERIOD."""
        words, head = self._words, self._words[HEAD]
        enough = self._base(now - self._period) + lack
        entries = range(self._tail + 1, head)
        found = bisect_left(entries, enough, key=lambda entry: words[RING + entry % ENTRIES * 2 + 1])
        if found == len(entries):
            return self._period
        return max(words[RING + entries[found] % ENTRIES * 2] + self._period - now, 1)


def newest_time(words: memoryview) -> int:
    """When the newest answer came; 0 if none has."""
    head = words[HEAD]
    return words[RING + (head - 1) % ENTRIES * 2] if head else 0


def is_sound(words: memoryview) -> bool:
    """Whether these words can be a ledger: the marks are there, no time or total goes back, no row is absurd."""
    head = words[HEAD]
    if (words[MAGIC], words[VERSION]) != (SIGNATURE, FORMAT) or head < 0 or not 0 <= words[ROWS] <= MAX_ROWS:
        return False
    if any(abs(words[at]) >= SANE for at in (OFFSET, ANCHOR, ANCHOR_WALL)):
        return False
    count = min(head, ENTRIES - 1)
    start = (head - count) % ENTRIES
    ring = words[RING : RING + 2 * ENTRIES].tolist()
    for column in (ring[0::2], ring[1::2]):
        values = (column[start:] + column[:start])[:count]
        if not all(map(le, values, values[1:])) or not all(0 <= value < SANE for value in values):
            return False
    return all(0 <= words[row + FLYING] < SANE for row in range(FIRST_ROW, RING, ROW_WORDS) if words[row + OWNER])


def begin(words: memoryview, *, full_at: int | None = None) -> None:
    """Makes zeroed words a ledger; one that counts as full, for whatever quota, from the time `full_at`."""
    if full_at is not None:
        words[RING], words[RING + 1] = full_at, 1 << 40
        words[HEAD] = 1
    words[VERSION] = FORMAT
    words[MAGIC] = SIGNATURE


def anchor(words: memoryview, *, now: int, wall: int) -> None:
    """Notes which wall-clock time this moment is, for the next boot."""
    words[ANCHOR_WALL] = wall  # first: killed here, the ledger believes that less time has passed
    words[ANCHOR] = now


def set_clock(words: memoryview, *, since_boot: int, wall: int, boot: int) -> None:
    """Makes `since_boot + words[OFFSET]` the ledger's time, going on from where it was before a reboot.

    The wall clock says how long the machine was away. It may be wrong, so it is believed only between the
    time since boot, which is certain, and a year.
    """
    latest = max(words[ANCHOR], newest_time(words))
    rebooted = words[BOOT] != boot
    if rebooted or since_boot + words[OFFSET] < latest:
        least = since_boot if rebooted or boot == UNKNOWN_BOOT else 0
        passed = wall - words[ANCHOR_WALL]
        age = passed if least <= passed < YEAR else least
        words[BOOT] = 0  # killed from here on, the next one does it again
        words[OFFSET] = max(words[ANCHOR] + age, latest) - since_boot
        words[BOOT] = boot
    now = since_boot + words[OFFSET]
    anchor(words, now=now, wall=wall)
    for row in range(FIRST_ROW, RING, ROW_WORDS):
        words[row + LEASE] = min(words[row + LEASE], now + LEASE_FOR)
