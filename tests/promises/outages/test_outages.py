"""Servers that hang, vanish, come back, or never do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harvester import Flickr
from harvester.config.settings import Settings
from harvester.engine.upkeep.update import run_resume
from harvester.errors import Exit, KeyRefused, Unreachable
from harvester.events import Event, Retrying, Tally, ignore
from harvester.flickr.lenient_json import read_members
from harvester.jobs.model import Job, Search
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox, SandboxOptions, open_sandbox
from harvester.transport.opening import open_client
from harvester.transport.retry import Backoff
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for

EVERYTHING = Search(tags="sandbox")
SWIFT = Backoff(base=0.001, factor=1, cap=0.001)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff and patience of a millisecond and a tenth of a second."""
    monkeypatch.setattr("harvester.transport.client.OWN", SWIFT)
    monkeypatch.setattr("harvester.transport.circuit_breaker.SHARED", SWIFT)
    monkeypatch.setattr("harvester.timers.SILENCE_SECONDS", 0.1)


def start(folder: Path, sandbox: Sandbox, events: list[Event], **given: float) -> asyncio.Task[object]:
    return asyncio.create_task(harvest_into(folder, sandbox, Job(source=EVERYTHING), events=events, **given))


async def until_calls(sandbox: Sandbox, calls: int, task: asyncio.Task[object]) -> None:
    while sandbox.stats.calls < calls:
        assert not task.done(), task
        await asyncio.sleep(0)


async def until_told(events: list[Event], why: str, times: int, task: asyncio.Task[object]) -> None:
    while sum(isinstance(event, Retrying) and why in event.why for event in events) < times:
        assert not task.done(), task
        await asyncio.sleep(0.001)


def check_whole(folder: Path, photos: int) -> None:
    ids = [line["id"] for line in read_lines(folder / "photos.ndjson")]
    assert len(ids) == len(set(ids)) == photos


async def test_answers_that_never_come_are_asked_for_again(sandbox_of: Opener, tmp_path: Path) -> None:
    events: list[Event] = []
    async with sandbox_of(photos=60, faults=Faults(hung=0.05)) as sandbox:
        async with asyncio.timeout(120):  # without patience of its own it would hang for ever
            summary = await harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), events=events)
        assert sandbox.stats.faults["hung"] > 0
        assert summary.calls == sandbox.stats.calls
    assert summary.status == "complete"
    assert {event.why for event in events if isinstance(event, Retrying)} == {"no answer in time"}
    check_whole(tmp_path, 60)


@pytest.mark.slow
async def test_a_server_that_hangs_throughout_is_an_outage_and_waited_out(sandbox: Sandbox, tmp_path: Path) -> None:
    events: list[Event] = []
    task = start(tmp_path, sandbox, events)
    await until_calls(sandbox, 100, task)
    sandbox.faults = Faults(hung=1)
    await until_told(events, "no answer in time", 12, task)
    sandbox.faults = Faults()
    await task
    check_whole(tmp_path, 300)


@pytest.mark.slow
async def test_a_server_that_is_gone_for_a_while_is_waited_for(tmp_path: Path) -> None:
    events: list[Event] = []
    catalogue = CatalogueOptions(photos=300, owners=3)
    async with open_sandbox(SandboxOptions(catalogue=catalogue)) as sandbox:
        task = start(tmp_path, sandbox, events)
        await until_calls(sandbox, 100, task)
    await until_told(events, "no connection", 20, task)
    assert not task.done()
    async with open_sandbox(SandboxOptions(catalogue=catalogue, port=sandbox.port)) as again:
        await task
        assert again.stats.calls > 400
    check_whole(tmp_path, 300)


async def test_whoever_resumes_waits_for_a_server_that_is_not_there_yet(tmp_path: Path) -> None:
    events: list[Event] = []
    catalogue = CatalogueOptions(photos=300, owners=3)
    async with open_sandbox(SandboxOptions(catalogue=catalogue)) as sandbox:
        stop = asyncio.Event()
        first = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), stop=stop))
        await until_calls(sandbox, 100, first)
        stop.set()
        await first
    task = start(tmp_path, sandbox, events)
    await until_told(events, "no connection", 20, task)
    async with open_sandbox(SandboxOptions(catalogue=catalogue, port=sandbox.port)):
        await task
    check_whole(tmp_path, 300)


@pytest.mark.parametrize("faults", [Faults(outage=True), Faults(hung=1)])
async def test_after_so_long_an_outage_it_gives_up_and_the_next_run_goes_on(
    faults: Faults, sandbox: Sandbox, tmp_path: Path
) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(harvest_into(tmp_path, sandbox, Job(source=EVERYTHING), stop=stop))
    await until_calls(sandbox, 100, task)
    stop.set()
    await task
    sandbox.faults = faults  # not before: a busy machine keeps an answer back for so long, too
    task = asyncio.create_task(run_resume(tmp_path, settings_for(sandbox, give_up_after=0.01)))
    with pytest.raises(Unreachable, match="has not answered for") as error:
        await asyncio.wait_for(task, 120)
    assert error.value.exit_code == Exit.INCOMPLETE
    assert read_lines(tmp_path / "photos.ndjson")
    sandbox.faults = Faults()
    assert (await run_resume(tmp_path, settings_for(sandbox))).status == "complete"
    check_whole(tmp_path, 300)


async def test_an_outage_that_ends_in_time_is_no_reason_to_give_up(sandbox: Sandbox, tmp_path: Path) -> None:
    events: list[Event] = []
    task = start(tmp_path, sandbox, events, give_up_after=3600)
    await until_calls(sandbox, 100, task)
    sandbox.faults = Faults(outage=True)
    await until_told(events, "503", 50, task)
    sandbox.faults = Faults()
    await task
    check_whole(tmp_path, 300)


async def test_a_key_revoked_in_the_middle_is_exit_code_4_and_the_archive_goes_on_with_another(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    task = start(tmp_path, sandbox, [])
    await until_calls(sandbox, 200, task)
    sandbox.api.refused_keys.add(KEY)
    with pytest.raises(KeyRefused) as error:
        await task
    assert error.value.exit_code == Exit.KEY_REFUSED
    sandbox.api.refused_keys.clear()
    summary = await run_resume(tmp_path, settings_for(sandbox))
    assert (summary.status, summary.failed) == ("complete", 0)
    check_whole(tmp_path, 300)


async def test_from_python_a_hung_server_is_survived_too(sandbox_of: Opener) -> None:
    async with (
        sandbox_of(photos=40, faults=Faults(hung=0.05)) as sandbox,
        Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none") as flickr,
    ):
        assert len([photo.id async for photo in flickr.harvest(EVERYTHING)]) == 40


async def test_a_rest_that_the_server_asks_for_is_not_longer_than_the_patience() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 31536000\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    now, slept = 0.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept.append(seconds)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/rest/"
    settings = Settings(api_key=KEY, api_url=url, quota=None, pace=None, give_up_after=20)
    async with open_client(settings, tally=Tally(), observer=ignore, sleep=sleep) as client:
        client._clock = client.breaker._clock = lambda: now
        with pytest.raises(Unreachable, match=r"Flickr has not answered for 20 s \(too many calls \(429\)\)\."):
            await client.call("method=x", bytes)
    server.close()
    assert slept == [20.0]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (b"403 Forbidden", b"<html>no", "the server answers 403 Forbidden"),
        (b"302 Found", b"", "the server answers 302 Found"),
        (b"200 OK", b"<!DOCTYPE html>", "a web page came, as from a network's login page or a wrong address"),
    ],
)
@pytest.mark.parametrize("patience", [None, 0.05])
async def test_what_answers_and_is_not_flickr_is_told_after_four_tries_unless_a_harvest_goes_on(
    status: bytes, body: bytes, told: str, patience: float | None
) -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/rest/"
    settings = Settings(api_key=KEY, api_url=url, quota=None, pace=None, give_up_after=patience)
    is_patient = patience is not None
    async with open_client(settings, tally=Tally(), observer=ignore, sleep=asyncio.sleep, patient=is_patient) as client:
        with pytest.raises(Unreachable) as caught:
            await client.call("method=x", read_members)
    server.close()
    if is_patient:
        assert str(caught.value).startswith("Flickr has not answered for 0 s")
    else:
        assert asked == 4
        assert str(caught.value).startswith(f"No call succeeds to Flickr's API at {url[:-15]}: {told}. Check the addre")
