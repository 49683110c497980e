"""Fixtures: the sandbox is the test server; quota ledgers stay out of the user's home. Helpers are in `support`."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings as effort

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox, SandboxOptions, open_sandbox
from harvester.transport.proxies import BUNDLES
from harvester.transport.retry import Backoff
from support.exports import harvest_archives
from support.harvest import Opener
from support.shim import Zygote, open_zygote

if TYPE_CHECKING:
    from support.object_stores import Bucket

effort.register_profile("patient", deadline=None)  # a busy machine is no fault
effort.load_profile("patient")

for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # as in the background of a script, or under nohup
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, signal.default_int_handler if ignored == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARVESTER_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt")))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    flickr = ("API_KEY", "API_SECRET", "API_URL", "OAUTH_TOKEN", "OAUTH_TOKEN_SECRET")
    for name in ("HARVESTER_CONFIG_DIR", *(f"FLICKR_{name}" for name in flickr)):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name in BUNDLES]:
        monkeypatch.delenv(name)


@pytest.fixture
def time_limit() -> Iterator[None]:
    """Fails a test that hangs. It is far beyond what the slowest machine needs, so it says nothing about speed."""

    def fail(*_: object) -> None:
        raise TimeoutError("the test hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(120)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def sandbox_of() -> Opener:
    """Opens a sandbox: `sandbox_of(photos=500, faults=Faults(any=0.1))`."""

    def build(*, faults: Faults | None = None, **given: Any) -> AbstractAsyncContextManager[Sandbox]:
        outer = {name: given.pop(name) for name in ("latency", "rate", "gzip", "clock") if name in given}
        catalogue = CatalogueOptions(**{"photos": 300, "owners": 3, **given})
        return open_sandbox(SandboxOptions(catalogue=catalogue, faults=faults or Faults(), **outer))

    return build


@pytest.fixture
async def sandbox(sandbox_of: Opener) -> AsyncIterator[Sandbox]:
    """A sandbox of 300 photos that does nothing wrong."""
    async with sandbox_of() as running:
        yield running


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server that speaks S3."""
    from support.object_stores import open_server  # noqa: PLC0415 - a second that few tests need

    with open_server() as url:
        yield url


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket that the environment leads to, through a proxy that can misbehave."""
    from support.object_stores import open_bucket  # noqa: PLC0415

    with open_bucket(s3_server) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture(scope="session")
def zygotes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Zygote]]:
    """Processes that fork runs of the program, in which calls of the system go wrong; more than one in a soak."""
    with ExitStack() as stack:
        lanes = 2 if os.environ.get("HARVESTER_SOAK") else 1
        yield [stack.enter_context(open_zygote(tmp_path_factory.mktemp("zygote"))) for _ in range(lanes)]


@pytest.fixture(scope="session")
def harvested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of archives, to be copied: see `harvest_archives`."""
    place = tmp_path_factory.mktemp("archives")
    harvest_archives(place)
    return place


@pytest.fixture
def archives(harvested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of them, to be damaged; the working folder is the one above."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(harvested, tmp_path / "in"))


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`with failing(sandbox, which, body)`: the calls for which `which` is true are answered so, for good."""
    swift = Backoff(base=0.001, factor=1, cap=0.001)
    monkeypatch.setattr("harvester.transport.client.OWN", swift)
    monkeypatch.setattr("harvester.transport.circuit_breaker.SHARED", swift)

    @contextmanager
    def fail(sandbox: Sandbox, which: Callable[[dict[str, str]], bool], body: bytes = b"{") -> Iterator[None]:
        honest = sandbox.api.answer
        with monkeypatch.context() as patched:
            patched.setattr(sandbox.api, "answer", lambda query: body if which(query) else honest(query))
            yield

    return fail
