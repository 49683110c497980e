"""The ledger without clock, lock or file: processes, calls and kills in simulated time."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.errors import CannotWrite
from harvester.quota import ledger
from harvester.quota.ledger import ENTRIES, LEASE_FOR, SECOND, WORDS, Ledger, begin, is_sound

MS = SECOND // 1000
BEAT = SECOND // 4


def new_words(entries: int = ENTRIES) -> memoryview:
    words = memoryview(bytearray(8 * (WORDS - 2 * ENTRIES + 2 * entries))).cast("q")
    begin(words)
    return words


@dataclass(slots=True)
class Call:
    granted: int
    latest: int
    """The last moment at which it can reach the server."""
    who: int


@dataclass(slots=True)
class Process:
    """A process with some workers that call as fast as they may."""

    world: World
    name: int
    calls: int
    period: int
    workers: int
    duration: Callable[[], int]
    ahead: int = 0
    in_hand: int = 0
    alive: bool = True
    sated: bool = False
    flying: dict[int, Call] = field(default_factory=dict)
    view: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.view = Ledger(self.world.words, owner=self.world.owner(), calls=self.calls, period=self.period)
        for _ in range(self.workers):
            self.world.at(self.world.now, self.ask)
        self.world.at(self.world.now + BEAT, self.beat)

    def ask(self) -> None:
        if not self.alive or self.sated or self.world.granted_all():
            return
        now = self.world.now
        if self.in_hand:
            self.in_hand -= 1
        elif wait := self.view.take(now, ahead=self.ahead):
            self.world.at(now + min(max(wait, 2 * MS), SECOND), self.ask)
            return
        else:
            self.in_hand = self.view.granted - 1
        ends = now + self.duration()
        number = len(self.world.history)
        self.flying[number] = Call(now, ends, self.name)
        self.world.history.append(self.flying[number])
        self.world.at(ends, lambda: self.end(number))

    def end(self, number: int) -> None:
        if self.alive:
            del self.flying[number]
            self.view.done(self.world.now)
            self.ask()

    def beat(self) -> None:
        if self.alive:
            self.view.renew(self.world.now)
            self.world.at(self.world.now + BEAT, self.beat)

    def kill(self) -> None:
        """What is on its way arrives within the transit that the lease allows for."""
        self.alive = False
        for call in self.flying.values():
            call.latest = min(call.latest, self.world.now + LEASE_FOR - BEAT)


class World:
    def __init__(self, *, entries: int = ENTRIES, limit: int = 10**9) -> None:
        self.now = 10 * SECOND
        self.words = new_words(entries)
        self.history: list[Call] = []
        self.limit = limit
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._owners = count(1)

    def owner(self) -> int:
        return next(self._owners)

    def granted_all(self) -> bool:
        return len(self.history) >= self.limit

    def at(self, when: int, what: Callable[[], None]) -> None:
        heappush(self._events, (when, next(self._order), what))

    def run(self, until: int) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heappop(self._events)
            what()
        self.now = until

    def start(self, **how: Any) -> Process:
        return Process(self, **how)

    def worst_window(self, period: int, *, since: int = 0) -> int:
        """The most calls that can reach the server in one window if all delays conspire.

        The one granted last arrives at once, those before it as late as can be.
        """
        worst = 0
        for index, last in enumerate(self.history[since:], start=since):
            edge = last.granted - period
            worst = max(worst, 1 + sum(call.latest > edge for call in self.history[:index]))
        return worst


def durations(rng: Random, period: int) -> Callable[[], int]:
    longest = min(2 * period, 5 * SECOND)
    return lambda: rng.choice([0, rng.randrange(100 * MS), rng.randrange(longest)])


@settings(max_examples=60)
@given(
    st.builds(Random, st.integers(0, 2**32)),
    st.integers(1, 25),
    st.integers(300, 4000),
    st.integers(1, 3),
    st.integers(0, 5),
)
def test_no_window_at_the_server_holds_more_than_the_quota_whatever_is_killed_and_however_calls_travel(
    rng: Random, calls: int, period_ms: int, processes: int, ahead: int
) -> None:
    period, world = period_ms * MS, World(limit=300)
    how = {"calls": calls, "period": period, "duration": durations(rng, period), "ahead": ahead}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "PLENTY", 2)
        running = [world.start(name=name, workers=rng.randint(1, 8), **how) for name in range(processes)]
        for _ in range(12):
            world.run(world.now + rng.randrange(2 * period))
            victim = rng.randrange(processes)
            running[victim].kill()
            world.run(world.now + rng.choice([0, 0, 500 * MS, 3 * SECOND]))
            running[victim] = world.start(name=victim, workers=rng.randint(1, 8), **how)
        world.run(world.now + 3 * period)
    assert world.history
    assert world.worst_window(period) <= calls


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.builds(Random, st.integers(0, 2**32)), st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(4, 64)
)
def test_it_holds_over_changes_of_the_quota_and_in_a_ring_that_is_too_short_for_it(
    rng: Random, quotas: list[int], entries: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "ENTRIES", entries)
        world = World(entries=entries)
        for calls in quotas:
            before = len(world.history)
            how = {"calls": calls, "period": SECOND, "duration": durations(rng, SECOND)}
            running = [world.start(name=name, workers=4, **how) for name in (0, 1)]
            world.run(world.now + rng.randrange(SECOND, 6 * SECOND))
            for process in running:
                process.kill()
            assert world.worst_window(SECOND, since=before) <= calls
            assert is_sound(world.words)


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(500, 5000), st.integers(1, 200), st.integers(1, 400))
def test_no_call_waits_that_could_go(calls: int, period_ms: int, duration_ms: int, number: int) -> None:
    period, duration = period_ms * MS, duration_ms * MS
    world = World(limit=number)
    start = world.now
    world.start(name=0, workers=calls, calls=calls, period=period, duration=lambda: duration)
    world.run(start + math.ceil(number / calls) * (period + duration + 5 * MS))
    assert len(world.history) == number
    rounds = math.ceil(number / calls) - 1
    assert world.history[-1].granted <= start + rounds * (period + duration + 4 * MS)  # timers come up to 4 ms late


def test_calls_under_way_that_hang_hold_up_no_others() -> None:
    """One call in twenty hangs for three periods: it costs its own place and no more."""
    rng, world = Random(7), World()
    world.start(name=0, workers=60, calls=20, period=SECOND, duration=lambda: 3 * SECOND if rng.random() < 0.05 else MS)
    world.run(world.now + 60 * SECOND)
    assert len(world.history) >= 60 * 20 / (1 + 0.05 * 3) * 0.98


def test_a_killed_process_costs_its_calls_under_way_for_a_second_and_no_more() -> None:
    world = World()
    how = {"workers": 16, "calls": 300, "period": 5 * SECOND, "duration": lambda: 50 * MS}
    start = world.now
    for name in range(10):
        process = world.start(name=name, **how)
        world.run(world.now + 5 * SECOND)
        process.kill()
    world.start(name=10, **how)
    world.run(start + 55 * SECOND - 1)
    assert len(world.history) >= 0.95 * 300 * 11


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(1, 16), (16, 16), (4, 60)])
@pytest.mark.parametrize("duration", [0, 20 * MS])
def test_two_hungry_processes_share_alike_and_lose_nothing(workers: tuple[int, int], duration: int) -> None:
    world = World()
    start = world.now
    for name in (0, 1):
        world.start(name=name, workers=workers[name], calls=300, period=5 * SECOND, duration=lambda: duration)
    world.run(start + 30 * SECOND - 1)
    share = sum(call.who for call in world.history) / len(world.history)
    assert 0.4 <= share <= 0.6
    assert len(world.history) >= 0.98 * 6 * 300


def test_a_process_that_comes_later_gets_its_share_from_the_next_window_on() -> None:
    world = World()
    how = {"workers": 8, "calls": 60, "period": SECOND, "duration": lambda: MS}
    world.start(name=0, **how)
    world.run(world.now + 10 * SECOND)
    world.start(name=1, **how)
    world.run(world.now + 2 * SECOND)
    before = len(world.history)
    world.run(world.now + 10 * SECOND)
    since = world.history[before:]
    assert 0.45 <= sum(call.who for call in since) / len(since) <= 0.55


def test_nobody_waits_for_a_process_that_cannot_or_does_not_take_its_share() -> None:
    """One has spent a smaller quota of its own, one has stopped taking, one is just slow."""
    world = World()
    spent = world.start(name=1, workers=2, calls=5, period=3600 * SECOND, duration=lambda: MS)
    world.run(world.now + SECOND)
    stopped = world.start(name=2, workers=2, calls=60, period=SECOND, duration=lambda: MS)
    world.run(world.now + SECOND)
    stopped.sated = True
    world.start(name=3, workers=1, calls=60, period=SECOND, duration=lambda: 400 * MS)
    world.start(name=4, workers=8, calls=60, period=SECOND, duration=lambda: MS)
    before = len(world.history)
    world.run(world.now + 20 * SECOND)
    assert spent.alive
    assert len(world.history) - before >= 0.98 * 20 * 60


@pytest.mark.slow
def test_large_quotas_fit_the_ring_and_lose_less_than_a_thousandth() -> None:
    calls, words = 50_000, new_words()
    view, now = Ledger(words, owner=1, calls=calls, period=5 * SECOND), 0
    for number in range(2 * calls + 1):
        while wait := view.take(now):
            now += wait
        view.done(now)
        if number < calls:
            now += 5 * SECOND // calls
    assert 10 * SECOND <= now <= 10 * SECOND * 1.001
    assert is_sound(words)


def test_what_the_ring_has_forgotten_counts_as_spent() -> None:
    """A fast quota overwrites the history of a slow one: then the slow one is full, and not forever."""
    words = new_words()
    fast = Ledger(words, owner=1, calls=4000, period=SECOND // 10)
    now = 0
    for _ in range(10_000):
        while wait := fast.take(now):
            now += wait
        fast.done(now)
        now += 1000
    slow = Ledger(words, owner=2, calls=20_000, period=3600 * SECOND)
    wait = slow.take(now)
    assert 0 < wait <= 3600 * SECOND
    assert slow.take(now + wait) == 0


def test_processes_of_different_grain_share_entries_without_forgetting() -> None:
    words = new_words()
    coarse = Ledger(words, owner=1, calls=10_000, period=3600 * SECOND)
    fine = Ledger(words, owner=2, calls=5, period=100 * MS)
    now = 3600 * SECOND
    for _ in range(5):
        assert fine.take(now) == 0
        fine.done(now)
    now += 100 * MS
    assert fine.used(now) == 0
    for _ in range(5):
        assert coarse.take(now) == 0
        coarse.done(now)
    assert fine.take(now) > 0


def test_calls_are_taken_ahead_only_where_plenty_are_free_and_no_other_process_calls() -> None:
    words = new_words()
    one, two = (Ledger(words, owner=owner, calls=640, period=SECOND) for owner in (1, 2))
    assert one.take(SECOND, ahead=63) == 0
    assert (one.granted, one.flying, one.used(SECOND)) == (11, 11, 11)
    one.done(SECOND, calls=10, sent=False)
    one.done(SECOND)
    assert (one.flying, one.used(SECOND)) == (0, 1)
    assert two.take(SECOND) == 0
    assert one.take(SECOND, ahead=63) == 0
    assert one.granted == 1


def test_a_call_that_was_never_sent_is_given_back() -> None:
    view = Ledger(new_words(), owner=1, calls=1, period=SECOND)
    assert view.take(0) == 0
    assert view.take(0) > 0
    view.done(0, sent=False)
    assert view.used(0) == 0
    assert view.take(0) == 0


def test_a_process_taken_for_dead_that_lives_counts_what_it_has_under_way_again() -> None:
    words = new_words()
    stalled = Ledger(words, owner=1, calls=10, period=5 * SECOND)
    other = Ledger(words, owner=2, calls=10, period=5 * SECOND)
    for _ in range(3):
        assert stalled.take(0) == 0
    assert other.used(3 * SECOND) == 3
    assert other.take(5 * SECOND + MS) == 0
    stalled.renew(5 * SECOND + MS)
    assert other.used(7 * SECOND) == 1 + 3


class Killed(Exception):
    """In place of SIGKILL."""


class Mortal:
    """Words whose holder is killed before the n-th store."""

    def __init__(self, words: memoryview, stores: int) -> None:
        self.words = words
        self.stores = stores

    def __getitem__(self, at: int) -> int:
        return self.words[at]

    def __setitem__(self, at: int, value: int) -> None:
        if not self.stores:
            raise Killed
        self.stores -= 1
        self.words[at] = value


@pytest.mark.parametrize(("calls", "entries"), [(6, 16), (6000, ENTRIES)])
def test_killed_before_any_store_the_ledger_tells_the_truth_or_a_little_more(
    monkeypatch: pytest.MonkeyPatch, calls: int, entries: int
) -> None:
    monkeypatch.setattr(ledger, "ENTRIES", entries)
    for stores in range(120):
        words = new_words(entries)
        granted, now = run_until_killed(words, calls=calls, stores=stores)
        assert is_sound(words)
        heir = Ledger(words, owner=3, calls=calls, period=10 * SECOND)
        assert min(granted, calls) <= heir.used(now) <= granted + 4
        assert heir.used(now + 12 * SECOND) == 0


def run_until_killed(words: memoryview, *, calls: int, stores: int) -> tuple[int, int]:
    """How many calls of the last seconds were granted, and when the end came."""
    dead = Ledger(words, owner=1, calls=calls, period=10 * SECOND)
    for now in range(20):  # long ago, once round the shorter ring
        dead.flying = 1
        dead.done(now)
    now = 20 * SECOND
    for _ in range(3):
        dead.take(now)
    now += 2 * SECOND  # its lease has lapsed
    mortal = Mortal(words, stores)
    view = Ledger(mortal, owner=2, calls=calls, period=10 * SECOND)  # type: ignore[arg-type]
    granted = 3
    with suppress(Killed):
        while True:
            now += MS
            if view.take(now) == 0:
                granted += 1
                if granted % 2:
                    view.done(now)
            else:
                view.renew(now)
    return granted, now


def test_more_processes_than_there_are_rows_are_refused_until_one_ends() -> None:
    words = new_words()
    views = [Ledger(words, owner=name, calls=1000, period=SECOND) for name in range(1, ledger.MAX_ROWS + 2)]
    for view in views[:-1]:
        view.take(0)
    with pytest.raises(CannotWrite, match="64 processes"):
        views[-1].take(0)
    views[0].done(0)
    views[0].leave()
    assert views[-1].take(0) == 0


def test_a_look_at_the_window_takes_no_row() -> None:
    words = new_words()
    view = Ledger(words, owner=1, calls=10, period=SECOND)
    assert (view.used(0), view.wait(0)) == (0, 0)
    view.renew(0)
    view.leave()
    assert words[ledger.ROWS] == 0


def test_the_repr_shows_the_bookkeeping() -> None:
    view = Ledger(new_words(), owner=1, calls=10, period=SECOND)
    view.take(0)
    assert repr(view) == "<Ledger 10 calls in 1 s, 1 in flight>"
