"""A look at the quota from outside tells what the ledger holds, and writes nothing."""

from __future__ import annotations

from pathlib import Path

from harvester.quota.counting import count_period
from harvester.quota.glance import SLICES, glance
from harvester.quota.rate import Rate
from harvester.quota.shared_ledger import Clocks, open_ledger

HOUR = Rate(3600, 3600)
SECOND = 1_000_000_000


class Hand:
    """Clocks that are set by hand."""

    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def clocks(self) -> Clocks:
        return Clocks(since_boot=lambda: self.now, wall=lambda: self.now, boot=7)


def spend(folder: Path, hand: Hand, calls: int, *, quota: Rate = HOUR) -> None:
    ledger = open_ledger(
        "key",
        calls=int(quota.calls),
        period=count_period(quota),
        folder=folder,
        clocks=hand.clocks(),
        on_notice=lambda _: None,
    )
    for _ in range(calls):
        assert not ledger.take()
        ledger.done()
    ledger.close()


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = glance("key", HOUR, folder=tmp_path / "none")
    assert found
    assert (found.left, found.limit, found.frees_in, found.whole_in) == (3600, 3600, 0, 0)
    assert list(tmp_path.iterdir()) == []


def test_what_was_spent_and_when_it_comes_back(tmp_path: Path) -> None:
    hand = Hand()
    spend(tmp_path, hand, 40)
    hand.now += 1800 * SECOND
    spend(tmp_path, hand, 60)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    found = glance("key", HOUR, folder=tmp_path, clocks=hand.clocks())
    assert found
    assert (found.left, found.frees_in) == (3500, 0)
    assert len(found.slices) == SLICES
    assert {n: calls for n, calls in enumerate(found.slices) if calls} == {30: 40, 59: 60}
    assert found.whole_in == 3600
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_spent_quota_tells_when_a_call_may_go(tmp_path: Path) -> None:
    hand, quota = Hand(), Rate(10, 60)
    spend(tmp_path, hand, 10, quota=quota)
    hand.now += 20 * SECOND
    found = glance("key", quota, folder=tmp_path, clocks=hand.clocks())
    assert found
    assert found.left == 0
    assert 40 <= found.frees_in < 40.1


def test_the_calls_of_a_dead_process_count_and_stay_in_its_row(tmp_path: Path) -> None:
    hand = Hand()
    ledger = open_ledger(
        "key", calls=10, period=60 * SECOND, folder=tmp_path, clocks=hand.clocks(), on_notice=lambda _: None
    )
    assert not ledger.take()
    hand.now += 10 * SECOND
    found = glance("key", Rate(10, 60), folder=tmp_path, clocks=hand.clocks())
    assert found
    assert found.left == 9
    ledger.done()
    ledger.close()


def test_without_a_quota_or_with_a_damaged_ledger_nothing_is_told(tmp_path: Path) -> None:
    assert glance("key", None) is None
    spend(tmp_path, Hand(), 1)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"x" * len(path.read_bytes()))
    assert glance("key", HOUR, folder=tmp_path) is None
    path.write_bytes(b"short")
    assert glance("key", HOUR, folder=tmp_path) is None
