"""One quota over several machines: real processes, a real Redis server, each of them killed and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.retry import Retry

from harvester.config.settings import Settings
from harvester.errors import UsageError
from harvester.quota.counting import begin_count
from harvester.quota.leased_ledger import Claim, Grant, Unanswered
from harvester.quota.place import Place
from harvester.quota.rate import Rate
from harvester.quota.redis_leases import connect
from harvester.quota.throttle import open_throttle
from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import KEY
from support.project import PYTHONPATH

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server (Debian: redis-server)")
CALLS, PERIOD = 40, 0.5
KILLS = 40 if os.environ.get("HARVESTER_SOAK") else 4
QUOTA, CALM = Rate(CALLS, PERIOD), Rate(200, 4.0)
ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")


def find_port() -> int:
    """A port that nobody uses, and that the system gives nobody else meanwhile: it hands out those from 32768 up."""
    for _ in range(100):
        port = 10000 + secrets.randbelow(22768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Server:
    """A Redis server of its own."""

    def __init__(self, folder: Path, *options: str, password: str | None = None) -> None:
        self.port = find_port()
        self._command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(folder), *options]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.place = Place.read(self.url)
        self.client = Redis(port=self.port, password=password, retry=Retry(NoBackoff(), 0))
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(1000):
            try:
                self.client.ping()
            except NoConnection:
                assert self.process.poll() is None, "redis-server has ended"
                time.sleep(0.01)
            else:
                return
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def tell(self, *words: object) -> None:
        self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self.client.close()
        self.kill()


@pytest.fixture
def open_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    with ExitStack() as stack:

        def open_one(*options: str, password: str | None = None) -> Server:
            folder = tmp_path / f"redis-{len(list(tmp_path.glob('redis-*')))}"
            folder.mkdir()
            server = Server(folder, *options, password=password)
            stack.callback(server.close)
            return server

        yield open_one


class Fleet:
    """Processes that call as fast as they may, and note when each call arrives."""

    def __init__(self, folder: Path, server: Server, *, count: int = 4, quota: Rate = QUOTA) -> None:
        self._folder, self._server, self._quota = folder, server, quota
        self.running = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        limits = str(self._quota.calls), str(self._quota.period)
        command = [sys.executable, __file__, str(self._folder), self._server.url, *limits]
        return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PYTHONPATH})

    def kill_one(self) -> None:
        victim = random.randrange(len(self.running))
        self.running[victim].kill()
        self.running[victim].wait()
        self.running[victim] = self._start()

    def close(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()

    def arrivals(self) -> list[float]:
        path = self._folder / "arrivals"
        lines = path.read_bytes().splitlines() if path.exists() else []
        return sorted(int(line) / 1e9 for line in lines if line)

    def await_calls(self, count: int) -> None:
        """Until so many more calls have arrived."""
        count += len(self.arrivals())
        end = time.monotonic() + 60
        while len(self.arrivals()) < count:
            assert time.monotonic() < end, "no calls go out"
            assert all(process.poll() is None for process in self.running)
            time.sleep(0.05)


@pytest.fixture
def open_fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    with ExitStack() as stack:

        def open_one(server: Server, **given: Any) -> Fleet:
            fleet = Fleet(tmp_path, server, **given)
            stack.callback(fleet.close)
            return fleet

        yield open_one


def find_worst(times: list[float], *, period: float = PERIOD) -> int:
    first = most = 0
    for index, when in enumerate(times):
        while when - times[first] >= period:
            first += 1
        most = max(most, index - first + 1)
    return most


def begin(server: Server, *, quota: Rate = QUOTA) -> None:
    """Nobody has called before."""
    asyncio.run(begin_count("key", quota=quota, ledger_at=server.place))


OpenServer = Callable[..., Server]
OpenFleet = Callable[..., Fleet]


@pytest.mark.slow
def test_machines_that_are_killed_never_exceed_the_quota_together(
    open_server: OpenServer, open_fleet: OpenFleet
) -> None:
    server = open_server()
    begin(server)
    fleet = open_fleet(server)
    for _ in range(KILLS):
        fleet.await_calls(CALLS // 2)
        fleet.kill_one()
    fleet.await_calls(CALLS)
    assert find_worst(fleet.arrivals()) <= CALLS


@pytest.mark.slow
def test_a_server_that_keeps_all_it_says_goes_on_after_each_kill(
    open_server: OpenServer, open_fleet: OpenFleet
) -> None:
    server = open_server(*ALWAYS)
    begin(server)
    fleet = open_fleet(server)
    for _ in range(KILLS):
        fleet.await_calls(CALLS // 2)
        server.kill()
        server.start()
    fleet.await_calls(CALLS)
    assert find_worst(fleet.arrivals()) <= CALLS


@pytest.mark.slow
def test_a_server_that_forgets_counts_as_full_for_one_period(open_server: OpenServer, open_fleet: OpenFleet) -> None:
    server = open_server()
    begin(server)
    fleet = open_fleet(server)
    for _ in range(KILLS):
        fleet.await_calls(CALLS)
        server.kill()
        server.start()
    fleet.await_calls(CALLS)
    assert find_worst(fleet.arrivals()) <= CALLS


@pytest.mark.skipif(not os.environ.get("HARVESTER_SOAK"), reason="measures: wants the machine for itself")
def test_on_a_calm_day_nearly_all_of_the_quota_is_used(open_server: OpenServer, open_fleet: OpenFleet) -> None:
    server = open_server()
    begin(server, quota=CALM)
    fleet = open_fleet(server, quota=CALM)
    fleet.await_calls(int(CALM.calls))  # all of them are at work
    began = fleet.arrivals()[-1]
    fleet.await_calls(10 * int(CALM.calls))
    times = [when for when in fleet.arrivals() if when > began]
    used = len(times) / ((times[-1] - began) * CALM.calls / CALM.period)
    print(f"{used:.1%} of the quota used")  # noqa: T201 - a soak tells its figures
    assert find_worst(fleet.arrivals(), period=CALM.period) <= CALM.calls
    assert used >= 0.97


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="stops processes")
def test_a_machine_that_was_stopped_past_its_lease_sends_nothing_it_may_not(
    open_server: OpenServer, open_fleet: OpenFleet
) -> None:
    server = open_server()
    begin(server)
    fleet = open_fleet(server)
    for _ in range(KILLS):
        stopped = random.choice(fleet.running)
        stopped.send_signal(signal.SIGSTOP)
        fleet.await_calls(3 * CALLS)
        stopped.send_signal(signal.SIGCONT)
    fleet.await_calls(CALLS)
    assert find_worst(fleet.arrivals()) <= CALLS


# -- what the server says ---------------------------------------------------------------------------------------


def claim(owner: str = "a", **given: int) -> Claim:
    numbers = {"answered": 0, "known": 0, "holding": 0, "want": 0, "lease": 60_000_000} | given
    return msgspec.convert({"owner": owner, "calls": 10, "period": 3_600_000_000, **numbers}, Claim)


def ask(server: Server, *claims: Claim, account: str = "key") -> list[Grant]:
    async def run() -> list[Grant]:
        async with connect(server.place, account) as leases:
            return [await leases.ask(one) for one in claims]

    return asyncio.run(run())


def test_an_answer_that_is_told_twice_counts_once(open_server: OpenServer) -> None:
    server = open_server()
    begin(server)
    *_, last = ask(server, claim(want=3), claim(answered=2, holding=1), claim(answered=2, holding=1))
    assert (last.used, last.calls) == (3, 0)


def test_calls_of_a_machine_that_went_silent_count_on_from_the_end_of_its_lease(open_server: OpenServer) -> None:
    server = open_server()
    begin(server)
    first, second, third = ask(server, claim("a", want=10, lease=0), claim("a", holding=5, lease=0), claim("b", want=9))
    assert first.calls == 5
    assert second.used == third.used - third.calls == 5
    assert third.calls == 2


def test_what_is_free_is_shared_among_those_who_want_some(open_server: OpenServer) -> None:
    server = open_server()
    begin(server)
    grants = ask(server, *(claim(owner, want=10) for owner in "abcabcabcabc"))
    assert sum(grant.calls for grant in grants[:3]) <= 10
    assert all(grant.calls >= 1 for grant in grants[:3])


def test_accounts_are_counted_apart(open_server: OpenServer) -> None:
    server = open_server()
    begin(server)
    ask(server, claim(want=10))
    asyncio.run(begin_count("other", quota=QUOTA, ledger_at=server.place))
    (other,) = ask(server, claim(), account="other")
    assert other.used == 0


@pytest.mark.parametrize(
    "lose", [["FLUSHALL"], ["SET", "harvester:quota:*", "nonsense"], ["SET", "harvester:quota:*", ""]]
)
def test_a_count_that_was_lost_or_damaged_counts_as_full(open_server: OpenServer, lose: list[str]) -> None:
    server = open_server()
    begin(server)
    key = server.client.keys("harvester:quota:*")[0]
    server.tell(*(key if word.endswith("*") else word for word in lose))
    (grant,) = ask(server, claim(want=1))
    assert (grant.calls, grant.used) == (0, 10)
    assert 3_590_000_000 < grant.full <= 3_600_000_000


@pytest.mark.slow
def test_a_replica_that_took_its_masters_place_counts_as_full(open_server: OpenServer) -> None:
    master = open_server(*ALWAYS)
    begin(master)
    ask(master, claim(want=3))
    replica = open_server(*ALWAYS, "--replicaof", "127.0.0.1", str(master.port), "--repl-diskless-sync-delay", "0")
    while not replica.client.keys("harvester:*"):
        time.sleep(0.05)
    master.kill()
    replica.tell("REPLICAOF", "NO", "ONE")
    (grant,) = ask(replica, claim("b", want=1))
    assert (grant.calls, grant.used) == (0, 10)


def test_a_server_that_keeps_all_it_says_is_believed_after_a_restart(open_server: OpenServer) -> None:
    server = open_server(*ALWAYS)
    begin(server)
    ask(server, claim(want=3))
    server.kill()
    server.start()
    (grant,) = ask(server, claim("b", want=1))
    assert (grant.calls, grant.used, grant.full) == (1, 4, 0)


def test_a_newer_versions_count_is_left_alone(open_server: OpenServer) -> None:
    server = open_server()
    begin(server)
    key = server.client.keys("harvester:*")[0]
    server.client.eval("redis.call('SET', KEYS[1], cmsgpack.pack({format = 2}))", 1, key)
    with pytest.raises(UsageError, match="newer version of this program"):
        ask(server, claim())
    assert server.client.eval("return cmsgpack.unpack(redis.call('GET', KEYS[1])).format", 1, key) == 2


# -- what the user hears ----------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_without_the_server_no_call_goes_and_it_is_said_once(open_server: OpenServer) -> None:
    server = open_server(*ALWAYS)
    await begin_count("key", quota=QUOTA, ledger_at=server.place)
    notices: list[str] = []
    async with open_throttle(
        "key", quota=QUOTA, pace=None, ledger_at=server.place, on_notice=notices.append
    ) as throttle:
        throttle.done(await throttle.acquire())
        server.kill()
        while not notices:
            await asyncio.sleep(0.05)
        while throttle.may_send and throttle.may_send():
            await asyncio.sleep(0.05)
        waiting = asyncio.create_task(throttle.acquire())
        await asyncio.sleep(1)
        assert not waiting.done()
        server.start()
        throttle.done(await waiting)
    first, last = notices
    assert f"127.0.0.1:{server.port} cannot be reached" in first
    assert first.endswith("No call goes out until it answers.")
    assert last == f"The quota ledger at 127.0.0.1:{server.port} answers again."


async def test_a_wrong_password_is_refused_at_once_and_never_shown(open_server: OpenServer) -> None:
    server = open_server("--requirepass", "right", password="right")
    place = Place.read(f"redis://:secret-word@127.0.0.1:{server.port}/0")
    with pytest.raises(UsageError) as caught:
        async with open_throttle("key", quota=QUOTA, pace=None, ledger_at=place):
            pass
    assert "refuses" in str(caught.value)
    assert "secret-word" not in f"{caught.value} {place!r}"


async def test_the_right_password_lets_in(open_server: OpenServer) -> None:
    server = open_server("--requirepass", "right", password="right")
    place = Place.read(f"redis://:right@127.0.0.1:{server.port}/0")
    await begin_count("key", quota=QUOTA, ledger_at=place)
    async with open_throttle("key", quota=QUOTA, pace=None, ledger_at=place) as throttle:
        throttle.done(await throttle.acquire())


def make_certificate(key: Path, certificate: Path) -> None:
    """One of this machine's, that nobody has signed."""
    wanted = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost")
    named = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", "req", *wanted, *named], check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate")
async def test_a_server_with_tls_lets_in_and_one_whose_certificate_nobody_knows_is_not_asked(
    open_server: OpenServer, tmp_path: Path
) -> None:
    key, certificate, port = tmp_path / "key.pem", tmp_path / "certificate.pem", find_port()
    make_certificate(key, certificate)
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no")
    open_server("--tls-port", str(port), *files)
    known = Place.read(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}")
    await begin_count("key", quota=QUOTA, ledger_at=known)
    async with open_throttle("key", quota=QUOTA, pace=None, ledger_at=known) as throttle:
        throttle.done(await throttle.acquire())
    with pytest.raises(Unanswered, match=rf"127.0.0.1:{port} cannot be reached: .*certificate"):
        await begin_count("key", quota=QUOTA, ledger_at=Place.read(f"rediss://127.0.0.1:{port}/0"))


@pytest.mark.parametrize("text", ["", "localhost", "http://localhost", "redis://", "redis://host:port", "unix://"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="no address of a Redis server"):
        Place.read(text)


async def test_it_is_said_what_is_missing_where_redis_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "harvester.quota.redis_leases")
    with pytest.raises(UsageError, match=r'pip install "flickr-harvester\[redis\]"') as caught:
        async with open_throttle("key", quota=QUOTA, pace=None, ledger_at=Place.read("redis://127.0.0.1:1")):
            pass
    assert caught.value.field == "quota_ledger"


async def test_a_cancellation_at_any_step_of_asking_the_server_is_obeyed(open_server: OpenServer) -> None:
    server = open_server()
    async with connect(server.place, "key") as leases:
        cancelled = 0
        for steps in 20 * list(range(12)):
            asking = asyncio.create_task(leases.ask(claim()))
            for _ in range(steps):
                await asyncio.sleep(0)
            if asking.cancel():
                await asyncio.wait([asking])
                assert asking.cancelled(), f"after {steps} steps"
                cancelled += 1
        assert cancelled > 40


# -- the command line -------------------------------------------------------------------------------------------


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harvester", *arguments]
    return subprocess.run(
        command, env=os.environ | {"FLICKR_API_KEY": "key"} | environ, text=True, capture_output=True, check=False
    )


@pytest.mark.slow
def test_the_quota_of_several_machines_is_shown_and_begun(open_server: OpenServer) -> None:
    server = open_server()
    where = {"HARVESTER_QUOTA_LEDGER": server.url}
    full = json.loads(run("quota", "--json", **where).stdout)
    assert (full["used"], full["left"], full["counted_at"]) == (3600, 0, f"127.0.0.1:{server.port}")
    assert 3590 < full["next_call"] <= 3602
    assert json.loads(run("quota", "--begin", "--json", **where).stdout)["left"] == 3600
    shown = run("quota", "--quota-ledger", server.url).stdout
    assert "left        3,600\nnext call   now\n" in shown
    server.kill()
    silent = run("quota", **where)
    assert silent.returncode == 3
    assert f"127.0.0.1:{server.port} cannot be reached" in silent.stderr


def test_this_machines_quota_is_shown_and_is_not_to_be_begun_anew(tmp_path: Path) -> None:
    where = {"HARVESTER_STATE_DIR": str(tmp_path)}
    assert json.loads(run("quota", "--json", **where).stdout)["counted_at"] == "this machine"
    refused = run("quota", "--begin", **where)
    assert refused.returncode == 2
    assert "--begin: only a ledger for several machines" in refused.stderr
    assert run("quota", "--quota", "none", **where).returncode == 2


@pytest.mark.slow
async def test_two_harvests_of_two_machines_share_one_quota(
    open_server: OpenServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    server = open_server()
    quota = Rate(20, 1.0)
    settings = Settings(api_key=KEY, api_url=sandbox.url, quota=quota, pace=None, quota_ledger=server.place)
    await begin_count(settings.name_account(), quota=quota, ledger_at=server.place)
    harvesters = []
    for name in ("one", "two"):
        words = f"search --min-upload-date 2000 --limit 25 --detail info --no-progress --api-url {sandbox.url}"
        words += f" --quota 20/1s --pace none --quota-ledger {server.url} -o {tmp_path / name}"
        command = [sys.executable, "-m", "harvester", *words.split()]
        state = {"HARVESTER_STATE_DIR": str(tmp_path / f"state-{name}"), "FLICKR_API_KEY": KEY}
        harvesters.append(await asyncio.create_subprocess_exec(*command, env=os.environ | state))
    assert [await harvester.wait() for harvester in harvesters] == [0, 0]
    for name in ("one", "two"):
        assert len(read_lines(tmp_path / name / "photos.ndjson")) == 25
    assert sandbox.stats.worst_window(1.0) <= 20


# -- a process of the fleet -------------------------------------------------------------------------------------


async def hungry(folder: Path, url: str, quota: Rate) -> None:
    arrivals = os.open(folder / "arrivals", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async with open_throttle("key", quota=quota, pace=None, ledger_at=Place.read(url)) as throttle:

        async def worker() -> None:
            while True:
                slot = await throttle.acquire()
                await asyncio.sleep(random.uniform(0, 0.02))  # as the opening of a connection may take
                if throttle.may_send and not throttle.may_send():
                    throttle.done(slot, sent=False)
                    continue
                os.write(arrivals, b"%d\n" % time.monotonic_ns())
                await asyncio.sleep(random.uniform(0, 0.02))
                throttle.done(slot)

        await asyncio.gather(*(worker() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(hungry(Path(sys.argv[1]), sys.argv[2], Rate(float(sys.argv[3]), float(sys.argv[4]))))
