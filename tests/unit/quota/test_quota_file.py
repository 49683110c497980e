"""The ledger's file: shared, private, sound after reboots, clock jumps and damage."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.errors import CannotWrite
from harvester.quota import ledger
from harvester.quota.ledger import SECOND
from harvester.quota.shared_ledger import SIZE, Clocks, SharedLedger, open_ledger, try_lock, unlock
from support.harvest import KEY

HOUR = 3600 * SECOND


@dataclass(slots=True)
class Machine:
    """A computer whose clocks stand until they are moved."""

    folder: Path
    up: int = 10 * HOUR
    wall: int = 1_800_000_000 * SECOND
    boot: int = 7
    notices: tuple[str, ...] = ()

    def open(self, *, calls: int = 10, period: int = HOUR, key: str = KEY) -> SharedLedger:
        return open_ledger(
            key,
            calls=calls,
            period=period,
            folder=self.folder,
            clocks=Clocks(since_boot=lambda: self.up, wall=lambda: self.wall, boot=self.boot),
            on_notice=self.notice,
        )

    def notice(self, sentence: str) -> None:
        self.notices += (sentence,)

    def passes(self, time: int) -> None:
        self.up += time
        self.wall += time

    def reboots(self, *, up: int = 60 * SECOND, off: int = 0, wall_error: int = 0, named: bool = True) -> None:
        """Is off for a while and then up for a while."""
        self.wall += off + up + wall_error
        self.up = up
        self.boot += named

    def file(self) -> Path:
        (path,) = self.folder.glob("*.ledger")
        return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "state")


def spend(shared: SharedLedger, calls: int) -> None:
    for _ in range(calls):
        assert shared.take() == 0
        shared.done()


def spend_and_close(machine: Machine, calls: int) -> None:
    shared = machine.open()
    spend(shared, calls)
    shared.close()


def used(machine: Machine) -> int:
    shared = machine.open()
    try:
        return shared.used()
    finally:
        shared.close()


def test_a_later_run_knows_what_an_earlier_one_spent(machine: Machine) -> None:
    spend_and_close(machine, 4)
    machine.passes(HOUR // 2)
    assert used(machine) == 4
    machine.passes(HOUR // 2)
    assert used(machine) == 0


def test_two_that_have_it_open_see_each_others_calls_at_once(machine: Machine) -> None:
    one, two = machine.open(), machine.open(calls=4)
    spend(one, 2)
    assert two.take() == 0
    assert one.used() == 3
    machine.passes(2 * SECOND)  # so that nobody leaves calls to the other
    for shared in (one, two):
        shared.beat()
    assert two.take() == 0
    assert two.take() == HOUR - 2 * SECOND
    two.close()
    one.close()


def test_calls_still_under_way_at_the_close_go_on_counting(machine: Machine) -> None:
    shared = machine.open()
    assert shared.take() == 0
    shared.close()
    shared.done()
    assert used(machine) == 1
    machine.passes(HOUR)
    assert used(machine) == 1
    machine.passes(2 * SECOND)
    assert used(machine) == 0


def test_hundreds_of_short_runs_in_a_second_find_room(machine: Machine) -> None:
    for _ in range(200):
        shared = machine.open(calls=1000)
        spend(shared, 1)
        shared.close()
    assert used(machine) == 10


def test_keys_have_ledgers_of_their_own_and_no_file_or_name_holds_a_key(machine: Machine) -> None:
    one, two = machine.open(), machine.open(key="another")
    spend(one, 3)
    assert two.used() == 0
    one.close()
    two.close()
    for path in machine.folder.iterdir():
        assert KEY not in path.name
        assert KEY.encode() not in path.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_user_may_read_it(machine: Machine) -> None:
    before = os.umask(0)
    try:
        spend_and_close(machine, 1)
        machine.file().chmod(0o666)
        used(machine)
    finally:
        os.umask(before)
    assert stat.S_IMODE(machine.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(machine.file().stat().st_mode) == 0o600


def test_the_file_keeps_its_length_and_is_written_throughout(machine: Machine) -> None:
    spend_and_close(machine, 1)
    assert machine.file().stat().st_size == SIZE
    if sys.platform == "linux":
        assert machine.file().stat().st_blocks * 512 >= SIZE


@pytest.mark.parametrize("jump", [-40 * 365 * 24 * HOUR, -HOUR, HOUR, 40 * 365 * 24 * HOUR])
def test_a_wall_clock_that_jumps_changes_nothing(machine: Machine, jump: int) -> None:
    shared = machine.open()
    spend(shared, 10)
    machine.wall += jump
    shared.beat()
    assert shared.take() == HOUR
    shared.close()
    assert used(machine) == 10
    machine.passes(HOUR)
    assert used(machine) == 0


def test_after_a_reboot_the_wall_clock_tells_how_long_the_machine_was_away(machine: Machine) -> None:
    spend_and_close(machine, 10)
    machine.reboots(up=60 * SECOND, off=HOUR - 61 * SECOND)
    assert used(machine) == 10
    machine.passes(SECOND)
    assert used(machine) == 0


@pytest.mark.parametrize("wall_error", [-50 * 365 * 24 * HOUR, -2 * HOUR, 50 * 365 * 24 * HOUR])
def test_after_a_reboot_with_an_absurd_wall_clock_only_the_time_since_boot_has_passed(
    machine: Machine, wall_error: int
) -> None:
    spend_and_close(machine, 10)
    machine.reboots(up=50 * 60 * SECOND, off=HOUR, wall_error=wall_error)
    assert used(machine) == 10
    machine.passes(10 * 60 * SECOND - 1)
    assert used(machine) == 10
    machine.passes(1)
    assert used(machine) == 0


def test_calls_in_flight_at_a_power_cut_count_as_arrived_then(machine: Machine) -> None:
    shared = machine.open()
    spend(shared, 2)
    assert shared.take() == 0
    machine.passes(SECOND // 4)
    shared.beat()
    machine.reboots(off=HOUR - 60 * SECOND)
    assert used(machine) == 1
    machine.passes(2 * SECOND)
    assert used(machine) == 0
    shared.close()


def test_where_boots_have_no_name_a_clock_that_went_back_tells_of_one(machine: Machine) -> None:
    machine.boot = ledger.UNKNOWN_BOOT
    spend_and_close(machine, 10)
    machine.reboots(off=HOUR, named=False)
    assert used(machine) == 0


def test_where_boots_have_no_name_and_the_clock_does_not_tell_less_time_counts_as_passed(machine: Machine) -> None:
    machine.boot = ledger.UNKNOWN_BOOT
    spend_and_close(machine, 10)
    machine.reboots(up=machine.up + HOUR // 2, off=HOUR, named=False)
    assert used(machine) == 10


def test_a_clock_that_goes_back_within_a_boot_lets_nothing_pass(machine: Machine) -> None:
    """A virtual machine is set back to a snapshot, its wall clock too."""
    spend_and_close(machine, 10)
    machine.passes(-2 * HOUR)
    assert used(machine) == 10
    machine.passes(HOUR - 1)
    assert used(machine) == 10
    machine.passes(1)
    assert used(machine) == 0


def test_many_reboots_in_a_row_keep_the_history(machine: Machine) -> None:
    for _ in range(10):
        spend_and_close(machine, 1)
        machine.reboots(up=SECOND, off=HOUR // 10)
    assert used(machine) == 9


def test_the_real_clocks_of_this_machine_serve(tmp_path: Path) -> None:
    clocks = Clocks()
    assert clocks.boot == Clocks().boot > 0
    shared = open_ledger(KEY, calls=1, period=HOUR, folder=tmp_path, clocks=clocks, on_notice=pytest.fail)
    spend(shared, 1)
    assert 0 < shared.take() <= HOUR
    assert shared.now() >= clocks.since_boot() - SECOND
    shared.close()


def swapped(raw: bytes) -> bytes:
    at = ledger.RING * 8
    return raw[:at] + raw[at + 16 : at + 32] + raw[at : at + 16] + raw[at + 32 :]


def cut(raw: bytes) -> bytes:
    return raw[: ledger.RING * 8 + 16]


def foreign(raw: bytes) -> bytes:
    return b"not the bytes you are looking for" + raw[:0]


@pytest.mark.parametrize("damage", [swapped, cut, foreign])
def test_a_damaged_ledger_counts_as_spent_for_one_period_and_is_kept_aside(
    machine: Machine, damage: Callable[[bytes], bytes]
) -> None:
    shared = machine.open()
    for _ in range(3):
        spend(shared, 1)
        machine.passes(SECOND)
    shared.close()
    path = machine.file()
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    shared = machine.open(calls=100)
    assert shared.used() == 100
    assert shared.take() == HOUR
    machine.passes(HOUR)
    assert shared.take() == 0
    shared.close()
    assert path.with_suffix(".damaged").read_bytes().startswith(broken)
    assert len(machine.notices) == 1
    assert "damaged" in machine.notices[0]
    assert used(machine) == 1


@pytest.mark.parametrize("left", [b"", bytes(1), bytes(4096), bytes(SIZE)], ids=len)
def test_an_emptied_ledger_counts_as_spent_and_not_as_new(
    machine: Machine, left: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or a crash leaves files without content; what was spent before is then unknown."""
    monkeypatch.setattr("harvester.quota.shared_ledger.time.sleep", lambda _: None)
    spend_and_close(machine, 1)
    machine.file().write_bytes(left)
    assert used(machine) == 10
    (notice,) = machine.notices
    assert "damaged" in notice
    machine.passes(HOUR)
    assert used(machine) == 0


def test_a_ledger_that_another_process_is_just_making_is_no_damaged_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend_and_close(machine, 1)
    whole = machine.file().read_bytes()
    machine.file().write_bytes(b"")
    monkeypatch.setattr("harvester.quota.shared_ledger.time.sleep", lambda _: machine.file().write_bytes(whole))
    assert used(machine) == 1
    assert machine.notices == ()


def test_a_dead_process_with_an_absurd_lease_is_buried_all_the_same(machine: Machine) -> None:
    dead = machine.open()
    assert dead.take() == 0
    dead._words[ledger.FIRST_ROW + ledger.LEASE] = 1 << 61
    assert used(machine) == 1
    machine.passes(HOUR)
    assert used(machine) == 1
    machine.passes(2 * SECOND)
    assert used(machine) == 0


@settings(max_examples=50)
@given(st.dictionaries(st.integers(0, ledger.RING + 16), st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=3))
def test_whatever_a_word_says_the_ledger_opens_and_lets_calls_go_again(
    tmp_path_factory: pytest.TempPathFactory, words: dict[int, int]
) -> None:
    machine = Machine(tmp_path_factory.mktemp("state"))
    spend_and_close(machine, 3)
    raw = memoryview(bytearray(machine.file().read_bytes())).cast("q")
    for at, value in words.items():
        raw[at] = value
    machine.file().write_bytes(raw)
    if words.get(ledger.VERSION, 0) > ledger.FORMAT and ledger.MAGIC not in words:
        return
    shared = machine.open()
    wait = shared.take()
    if wait:
        machine.passes(2 * SECOND)
        shared.beat()
        machine.passes(HOUR)
        shared.beat()
        machine.passes(HOUR)
        assert shared.take() == 0
    shared.done()
    shared.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(machine: Machine) -> None:
    spend_and_close(machine, 1)
    raw = memoryview(bytearray(machine.file().read_bytes())).cast("q")
    raw[ledger.VERSION] = ledger.FORMAT + 1
    machine.file().write_bytes(raw)
    with pytest.raises(CannotWrite, match="newer version"):
        machine.open()
    assert machine.file().read_bytes() == bytes(raw)


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match=r"kept in .*file.*HARVESTER_STATE_DIR"):
        Machine(tmp_path / "file").open()


def test_a_full_disk_is_told_at_the_start_and_kills_nobody_later(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda _fd, data: len(data) // 2)
    with pytest.raises(CannotWrite, match=os.strerror(errno.ENOSPC)):
        machine.open()


def test_while_another_holds_the_lock_calls_wait_and_answers_are_noted_later(machine: Machine) -> None:
    shared = machine.open()
    assert shared.take() == 0
    fd = os.open(machine.file(), os.O_RDWR)
    assert try_lock(fd)
    machine.passes(SECOND // 10)
    assert shared.take() > 0
    assert shared.wait() > 0
    answered = machine.up
    shared.done()
    shared.beat()
    assert shared.used() == 0
    machine.passes(SECOND // 10)
    unlock(fd)
    os.close(fd)
    assert shared.used() == 1
    machine.up = answered + HOUR
    assert shared.used() == 0
    shared.close()


def test_calls_in_quick_succession_are_taken_by_the_handful_and_what_is_over_is_given_back(machine: Machine) -> None:
    one, two = machine.open(calls=100_000), machine.open(calls=100_000)
    spend(one, 3)
    assert two.used() > 30  # those in hand count, for everybody
    assert one.used() == two.used() == 3
    spend(one, 2)
    machine.passes(SECOND // 10)  # too long ago for those in hand to go
    spend(one, 1)
    assert two.used() == 6
    spend(one, 2)
    assert two.used() > 30
    one.close()
    assert two.used() == 8
    two.close()


def test_a_lock_that_nobody_lets_go_of_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    spend_and_close(machine, 1)
    fd = os.open(machine.file(), os.O_RDWR)
    assert try_lock(fd)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(CannotWrite, match="stopped process"):
        machine.open()
    os.close(fd)


def test_what_is_unsaved_goes_to_disk_once(machine: Machine) -> None:
    shared = machine.open()
    assert shared.unsaved() is None
    spend(shared, 1)
    save = shared.unsaved()
    assert save is not None
    save()
    assert shared.unsaved() is None
    shared.close()


def test_a_closed_ledger_says_so_and_still_tells_what_it_knew(machine: Machine) -> None:
    shared = machine.open()
    spend(shared, 2)
    assert shared.used() == 2
    shared.close()
    assert shared.used() == 2
    assert "closed" in repr(shared)
