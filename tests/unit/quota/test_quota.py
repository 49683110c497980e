"""Rates, pace and throttle, on an event loop whose time is simulated."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import UsageError
from harvester.quota.counting import state_folder
from harvester.quota.rate import Rate
from harvester.quota.shared_ledger import Clocks, SharedLedger
from harvester.quota.throttle import Pace, Throttle, open_throttle

T = TypeVar("T")


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Nobody waits: where the loop would sleep, its clock moves instead. Timers come late, by up to `late`."""

    def __init__(self, *, late: float = 0.0) -> None:
        self.now = 1000.0
        self._late = itertools.cycle([0.0, late, late / 2])
        super().__init__()
        select = self._selector.select  # type: ignore[attr-defined]

        def move(timeout: float | None = None) -> object:
            if timeout:
                self.now += timeout + next(self._late)
            return select(0 if timeout is not None else None)

        self._selector.select = move  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Threads end in real time: the limit that Python 3.12 sets to that would pass at once here."""
        await super().shutdown_default_executor()


def simulate(main: Callable[[], Coroutine[Any, Any, T]], *, late: float = 0.0) -> T:
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(late=late)) as runner:
        return runner.run(main())


def now() -> float:
    return asyncio.get_running_loop().time()


def clocks() -> Clocks:
    loop = asyncio.get_running_loop()
    return Clocks(since_boot=lambda: round(loop.time() * 1e9), wall=lambda: 10**18, boot=5)


async def call(throttle: Throttle, times: list[float], *, seconds: float = 0.0) -> None:
    slot = await throttle.acquire()
    times.append(now())
    if seconds:
        await asyncio.sleep(seconds)
    throttle.done(slot)


async def work(throttle: Throttle, *, calls: int, workers: int = 16, seconds: float = 0.0) -> list[float]:
    times: list[float] = []
    numbers = iter(range(calls))

    async def worker() -> None:
        for _ in numbers:
            await call(throttle, times, seconds=seconds)

    await asyncio.gather(*(worker() for _ in range(workers)))
    return times


def most_within(times: list[float], seconds: float) -> int:
    first = most = 0
    for index, time in enumerate(times):
        while time - times[first] >= seconds - 1e-9:
            first += 1
        most = max(most, index - first + 1)
    return most


# -- rates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "calls", "period", "short"),
    [
        ("3600/h", 3600, 3600, "3600/h"),
        ("200/10s", 200, 10, "200/10s"),
        ("5/s", 5, 1, "5/s"),
        (" 3600 / H ", 3600, 3600, "3600/h"),
        ("1.5/s", 1.5, 1, "1.5/s"),
        ("100/60m", 100, 3600, "100/h"),
        ("100/90m", 100, 5400, "100/90m"),
        ("7/2d", 7, 172800, "7/2d"),
        ("4.0/0.5s", 4, 0.5, "4/0.5s"),
    ],
)
def test_a_rate_is_read_and_written(text: str, calls: float, period: float, short: str) -> None:
    assert Rate.parse(text) == Rate(calls, period)
    assert str(Rate.parse(text)) == short


def test_none_lifts_the_limit() -> None:
    assert Rate.parse("none") is Rate.parse(" None ") is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "5/", "/s", "5/y", "-5/s", "5/-1s", "five/s", "1e3/s", "5/s/s", "٥/s", "nan/s", "inf/s"),
        *("0/s", "0.0/h", "5/0s", "5/0.01s", "5/367d", "10000000000/s", "1" * 50 + "/s"),
    ],
)
def test_what_is_no_rate_is_refused_in_one_sentence_that_quotes_it(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Rate.parse(text)
    assert repr(text) in str(refused.value)
    assert str(refused.value).count(". ") == 0


@given(st.integers(1, 10**9), st.integers(1, 86400 * 366))
def test_what_is_written_reads_as_the_same_rate(calls: int, period: int) -> None:
    assert Rate.parse(str(Rate(calls, period))) == Rate(calls, period)


def test_a_quota_counts_whole_calls(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_throttle("key", quota=Rate(1.5, 1), pace=None, folder=tmp_path):
            pass

    with pytest.raises(UsageError, match=r"1\.5/s"):
        simulate(main)


# -- pace -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("pace", [0.1, 1, 5, 100, 400, 1000, 5000])
def test_the_pace_is_reached_with_timers_that_are_late_and_never_bursts(pace: float) -> None:
    calls = int(max(10 * pace, 20))

    async def main() -> list[float]:
        async with open_throttle("key", quota=None, pace=Rate(pace, 1)) as throttle:
            return await work(throttle, calls=calls)

    times = simulate(main, late=0.002)
    assert (calls - 1) / (times[-1] - times[0]) >= 0.99 * pace
    assert most_within(times, 0.010) <= 1 + pace * 0.018
    if pace <= 100:
        assert min(after - before for before, after in itertools.pairwise(times)) > 0.1 / pace


def test_after_idleness_no_more_goes_at_once_than_ever() -> None:
    async def main() -> list[float]:
        async with open_throttle("key", quota=None, pace=Rate(5, 1)) as throttle:
            await work(throttle, calls=10)
            await asyncio.sleep(3600)
            return await work(throttle, calls=10)

    times = simulate(main)
    assert most_within(times, 0.19) == 1


def test_the_wait_that_the_bucket_does_not_tell_is_found_to_a_thousandth() -> None:
    async def main() -> float:
        pace = Pace(Rate(1, 10))
        while not pace.wait():
            await pace.spend()
        return pace.wait()

    assert simulate(main) == pytest.approx(10, rel=0.002)


# -- quota ------------------------------------------------------------------------------------------------------


def test_throttles_of_one_key_in_one_loop_keep_one_pace_together() -> None:
    async def main() -> list[float]:
        pace = Rate(5, 1)
        async with (
            open_throttle("key", quota=None, pace=pace) as one,
            open_throttle("key", quota=None, pace=pace) as other,
        ):
            both = await asyncio.gather(work(one, calls=20), work(other, calls=20))
        return sorted(itertools.chain(*both))

    times = simulate(main)
    assert most_within(times, 1.0) <= 6
    assert (len(times) - 1) / (times[-1] - times[0]) >= 0.99 * 5


def test_another_key_has_a_pace_of_its_own() -> None:
    async def main() -> float:
        pace = Rate(1, 1000)
        async with (
            open_throttle("key", quota=None, pace=pace) as one,
            open_throttle("other", quota=None, pace=pace) as other,
        ):
            await asyncio.gather(work(one, calls=1), work(other, calls=1))
        return now()

    assert simulate(main) < 1001


def test_a_job_takes_the_least_time_that_quota_and_pace_allow(tmp_path: Path) -> None:
    async def main() -> list[float]:
        quota, pace = Rate(300, 5), Rate(400, 1)
        async with open_throttle("key", quota=quota, pace=pace, folder=tmp_path, clocks=clocks()) as throttle:
            return await work(throttle, calls=3000, seconds=0.02)

    times = simulate(main, late=0.001)
    assert most_within(times, 5) == 300
    assert most_within(times, 0.1) <= 44  # after each wait, the pace holds
    assert times[-1] - times[0] <= 1.02 * (9 * 5 + 299 / 400)


@pytest.mark.slow
def test_flickrs_own_quota_over_three_hours(tmp_path: Path) -> None:
    async def main() -> list[float]:
        quota, pace = Rate(3600, 3600), Rate(5, 1)
        async with open_throttle("key", quota=quota, pace=pace, folder=tmp_path, clocks=clocks()) as throttle:
            return await work(throttle, calls=3 * 3600, seconds=0.5)

    times = simulate(main, late=0.001)
    assert most_within(times, 3600) == 3600
    assert times[-1] - times[0] <= 1.002 * (2 * 3600 + 720)


def test_a_run_after_another_goes_on_in_its_window(tmp_path: Path) -> None:
    times: list[float] = []

    async def main() -> None:
        for _ in range(4):
            async with open_throttle(
                "key", quota=Rate(10, 60), pace=None, folder=tmp_path, clocks=clocks()
            ) as throttle:
                times.extend(await work(throttle, calls=7))
            await asyncio.sleep(1)

    simulate(main)
    assert most_within(times, 60) == 10
    assert times[-1] - times[0] <= 2 * 60 * 1.001 + 1


def test_what_is_used_left_and_when_the_next_can_go_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_throttle("key", quota=Rate(3, 60), pace=None, folder=tmp_path, clocks=clocks()) as throttle:
            assert (throttle.used(), throttle.left(), throttle.free_at()) == (0, 3, 0)
            slots = [await throttle.acquire() for _ in range(3)]
            assert (throttle.used(), throttle.left()) == (3, 0)
            throttle.done(slots[0], sent=False)
            throttle.done(slots[0], sent=False)
            assert (throttle.used(), throttle.left(), throttle.free_at()) == (2, 1, 0)
            await call(throttle, [])
            await asyncio.sleep(20)
            assert throttle.free_at() == pytest.approx(40, rel=0.001)
            assert "2 in flight>>, 0 waiting" in repr(throttle)

    simulate(main)


def test_without_a_quota_there_is_no_ledger_and_nothing_to_tell(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_throttle("key", quota=None, pace=None, folder=tmp_path / "state") as throttle:
            assert len(await work(throttle, calls=1000)) == 1000
            assert (throttle.used(), throttle.left(), throttle.free_at()) == (None, None, None)

    simulate(main)
    assert not (tmp_path / "state").exists()


def test_waits_of_more_than_a_second_are_told_once_each(tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []

    async def main() -> list[float]:
        async with open_throttle(
            "key",
            quota=Rate(10, 60),
            pace=Rate(20, 1),
            folder=tmp_path,
            clocks=clocks(),
            on_wait=lambda seconds: told.append((now(), seconds)),
        ) as throttle:
            return await work(throttle, calls=30, workers=4)

    times = simulate(main)
    assert len(told) == 2
    for (when, seconds), resumed in zip(told, (times[10], times[20]), strict=True):
        assert when + seconds == pytest.approx(resumed, abs=0.05)


def test_all_waiting_goes_through_sleep_and_ends_when_it_raises(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    async def main() -> None:
        stopped = False

        async def sleep(seconds: float) -> None:
            if stopped:
                raise StoppedError
            await asyncio.sleep(seconds)

        for quota, pace in ((Rate(3, 3600), None), (None, Rate(1, 3600))):
            async with open_throttle(
                "key", quota=quota, pace=pace, folder=tmp_path, clocks=clocks(), sleep=sleep
            ) as throttle:
                tasks = [asyncio.create_task(throttle.acquire()) for _ in range(10)]
                await asyncio.sleep(5)
                stopped = True
                ends = await asyncio.gather(*tasks, return_exceptions=True)
                assert sum(isinstance(end, StoppedError) for end in ends) == (7 if quota else 9)
                stopped = False

    simulate(main)


def test_first_come_first_served(tmp_path: Path) -> None:
    order: list[int] = []

    async def main() -> None:
        async with open_throttle("key", quota=Rate(4, 5), pace=None, folder=tmp_path, clocks=clocks()) as throttle:

            async def one(number: int) -> None:
                throttle.done(await throttle.acquire())
                order.append(number)

            tasks = []
            for number in range(20):
                tasks.append(asyncio.create_task(one(number)))
                await asyncio.sleep(0.1)
            await asyncio.gather(*tasks)

    simulate(main)
    assert order == list(range(20))


def test_a_newcomer_does_not_overtake_those_in_line(tmp_path: Path) -> None:
    order: list[int] = []

    async def main() -> None:
        async with open_throttle(
            "key",
            quota=Rate(1, 1),
            pace=None,
            folder=tmp_path,
            clocks=clocks(),
            sleep=lambda seconds: asyncio.sleep(seconds + 0.5),  # so that a call is free before anyone wakes
        ) as throttle:

            async def one(number: int) -> None:
                throttle.done(await throttle.acquire())
                order.append(number)

            tasks = []
            for number in range(20):
                tasks.append(asyncio.create_task(one(number)))
                await asyncio.sleep(0.3)
            await asyncio.gather(*tasks)

    simulate(main)
    assert order == list(range(20))


def test_no_sleep_is_too_short_for_the_timers_of_the_loop(tmp_path: Path) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(seconds)

    async def main() -> None:
        quota = Rate(100, 0.1)
        async with open_throttle(
            "k", quota=quota, pace=None, folder=tmp_path, clocks=clocks(), sleep=sleep
        ) as throttle:
            await work(throttle, calls=1000, seconds=0.001)
        async with open_throttle("k", quota=None, pace=Rate(5000, 1), sleep=sleep) as throttle:
            await work(throttle, calls=1000)

    simulate(main)
    assert len(slept) > 50
    assert min(slept) >= 0.002


def test_a_call_under_way_for_long_counts_for_others_all_the_time(tmp_path: Path) -> None:
    """Were there no heartbeat, its process would pass for dead."""

    async def main() -> float:
        how: dict[str, Any] = {"quota": Rate(1, 5), "pace": None, "folder": tmp_path, "clocks": clocks()}
        async with open_throttle("key", **how) as one, open_throttle("key", **how) as two:
            slot = await one.acquire()
            asyncio.get_running_loop().call_later(30, one.done, slot)
            begun = now()
            two.done(await two.acquire())
            return now() - begun

    assert simulate(main) == pytest.approx(35, abs=0.05)


def test_it_is_saved_once_a_second_while_calls_go_and_not_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    monkeypatch.setattr("os.fsync", saved.append)
    beats: list[object] = []
    beat = SharedLedger.beat

    def counted(ledger: SharedLedger) -> None:
        beats.append(ledger)
        beat(ledger)

    monkeypatch.setattr(SharedLedger, "beat", counted)

    async def main() -> None:
        async with open_throttle(
            "key", quota=Rate(1000, 1), pace=Rate(10, 1), folder=tmp_path, clocks=clocks()
        ) as throttle:
            await work(throttle, calls=100)
            await asyncio.sleep(60)
        assert 8 <= len(saved) <= 14
        closed = len(beats)
        await asyncio.sleep(60)
        assert len(beats) == closed

    simulate(main)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 19), st.floats(0, 30)), max_size=15))
def test_cancelling_at_any_moment_loses_no_call_and_stops_no_other(
    tmp_path_factory: pytest.TempPathFactory, cancels: list[tuple[int, float]]
) -> None:
    folder = tmp_path_factory.mktemp("state")
    times: list[float] = []

    async def main() -> tuple[int, int | None]:
        async with open_throttle("key", quota=Rate(5, 5), pace=Rate(2, 1), folder=folder, clocks=clocks()) as throttle:
            tasks = [asyncio.create_task(call(throttle, times, seconds=0.3)) for _ in range(20)]
            for number, when in cancels:
                asyncio.get_running_loop().call_later(when, tasks[number].cancel)
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            started = len(times)
            assert started >= 20 - sum(isinstance(end, asyncio.CancelledError) for end in ended)
            # Whoever was cancelled under way never gave the slot back: only those may still count.
            await asyncio.sleep(6)
            return started - sum(end is None for end in ended), throttle.used()

    open_still, used = simulate(main)
    assert used == open_still
    assert most_within(times, 5) <= 5


def test_the_user_chooses_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HARVESTER_STATE_DIR", raising=False)
    assert state_folder() == platformdirs.user_state_path("harvester", appauthor=False)
    monkeypatch.setenv("HARVESTER_STATE_DIR", str(tmp_path / "chosen"))

    async def main() -> None:
        async with open_throttle("key", quota=Rate(1, 1), pace=None):
            pass

    simulate(main)
    assert len(list((tmp_path / "chosen").glob("*.ledger"))) == 1


@pytest.mark.slow
def test_held_calls_go_when_they_are_let_go_and_in_their_order() -> None:
    async def main() -> list[tuple[int, float]]:
        went: list[tuple[int, float]] = []
        async with open_throttle("key", quota=None, pace=None) as throttle:
            throttle.hold(is_held=True)
            throttle.hold(is_held=True)
            assert throttle.acquire_now() is None

            async def go(number: int) -> None:
                slot = await throttle.acquire()
                went.append((number, now() - began))
                throttle.done(slot)

            began = now()
            tasks = [asyncio.create_task(go(number)) for number in range(3)]
            await asyncio.sleep(3600)
            assert went == []
            throttle.hold(is_held=False)
            await asyncio.gather(*tasks)
            assert throttle.acquire_now() is not None
        return went

    went = simulate(main)
    assert [number for number, _ in went] == [0, 1, 2]
    assert all(3600 <= when < 3601 for _, when in went)


def test_a_stop_ends_the_wait_of_held_calls() -> None:
    async def stop(_: float) -> None:
        raise UsageError("stopped")

    async def main() -> None:
        async with open_throttle("key", quota=None, pace=None, sleep=stop) as throttle:
            throttle.hold(is_held=True)
            with pytest.raises(UsageError, match="stopped"):
                await throttle.acquire()

    simulate(main)
