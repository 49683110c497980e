"""Flickr's time decides what a harvest covers, however wrong this machine's clock is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.auth.handshake import begin_login
from harvester.engine.estimate import estimate_job
from harvester.engine.upkeep.update import run_update
from harvester.errors import KeyRefused
from harvester.events import Event, Noticed
from harvester.jobs.model import Account, Job, Search, Source
from harvester.jobs.values import stamp
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from harvester.transport.server_clock import ServerClock, read_date, tell_skew
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for

DAY = 86_400
NOON = "Thu, 26 Nov 2026 12:00:00 GMT"
NOON_SECOND = 1_795_694_400


def shifted(seconds: float) -> Callable[[], float]:
    """A server's clock that differs from this machine's by so many seconds."""
    return lambda: time.time() + seconds


def read_manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
    return found


def notices(events: list[Event]) -> list[str]:
    return [event.sentence for event in events if isinstance(event, Noticed)]


@pytest.mark.parametrize(
    ("headers", "second"),
    [
        ({"Date": NOON}, NOON_SECOND),
        ({"Date": NOON, "Age": "90"}, NOON_SECOND + 90),
        ({"Date": NOON, "Age": "soon"}, NOON_SECOND),
        ({"Date": "Thu, 26 Nov 2026 12:00:00 -0000"}, NOON_SECOND),
        ({"Date": "yesterday"}, None),
        ({"Date": ""}, None),
        ({"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
        ({"Date": "Thu, 99 Nov 2026 12:00:00 GMT"}, None),
        ({"Date": "Fri, 31 Dec 9999 23:59:59 -2359"}, None),
        ({"Date": f"Thu, 26 Nov 2026 12:00:00 +{10**20}"}, None),
        ({"Date": f"1 Jan {10**20} 12:00:00"}, None),
        ({}, None),
    ],
)
def test_an_answers_time_is_its_date_and_its_age(headers: dict[str, str], second: float | None) -> None:
    assert read_date(headers) == second


def test_a_clock_that_agrees_is_not_corrected() -> None:
    clock = ServerClock(wall=lambda: NOON_SECOND + 2.0)
    clock.hear({"Date": NOON})
    assert clock.is_known
    assert clock.now() == NOON_SECOND + 2.0


def test_a_difference_is_told_once_until_it_changes() -> None:
    told: list[float] = []
    wall = [NOON_SECOND - 3600.0]
    clock = ServerClock(wall=lambda: wall[0], on_skew=told.append)
    clock.hear({"Date": NOON})
    clock.hear({"Date": NOON})
    assert (clock.now(), told) == (NOON_SECOND + 0.5, [-3600.5])
    wall[0] = NOON_SECOND + 0.0
    clock.hear({"Date": NOON})
    assert (clock.offset, told) == (0.0, [-3600.5, 0.0])


def test_an_answer_without_a_date_leaves_this_machines_clock() -> None:
    clock = ServerClock(wall=lambda: 5.0)
    clock.hear({})
    assert (clock.is_known, clock.now()) == (False, 5.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3 * DAY, "3 days behind"),
        (7300.0, "2 hours ahead of"),
        (-90.0, "90 seconds behind"),
        (300.0, "5 minutes ahead"),
    ],
)
def test_a_difference_is_told_in_words(seconds: float, words: str) -> None:
    assert f"clock is {words}" in tell_skew(seconds)


def truth(sandbox: Sandbox) -> set[str]:
    return set(orjson.loads(sandbox.api.truth({"tags": "sandbox"})))


def ids_in(folder: Path) -> list[str]:
    return [line["id"] for line in read_lines(folder / "photos.ndjson")]


def upload(sandbox: Sandbox, photos: int) -> None:
    """Upload photos during the last minute of the server's time."""
    for _ in range(photos):
        sandbox.catalogue.add(uploaded=int(sandbox.options.clock()) - 30)


SOURCES: dict[str, Callable[[Sandbox], Source]] = {
    "newest first": lambda _: Search(tags="sandbox"),
    "oldest first": lambda _: Search(tags="sandbox", sort="date-posted-asc"),
    "ranked": lambda _: Search(tags="sandbox", sort="relevance"),
    "account": lambda sandbox: Account(user=sandbox.catalogue.people[0].nsid, only="photos"),
}


@pytest.mark.parametrize("kind", SOURCES)
async def test_a_clock_that_is_behind_loses_no_photo(kind: str, sandbox_of: Opener, tmp_path: Path) -> None:
    events: list[Event] = []
    async with sandbox_of(photos=600, owners=1, clock=shifted(40 * DAY)) as sandbox:
        upload(sandbox, 20)
        job = Job(source=SOURCES[kind](sandbox), detail="list")
        summary = await harvest_into(tmp_path / "a", sandbox, job, events=events)
        assert summary.status == "complete"
        assert sorted(ids_in(tmp_path / "a")) == sorted(truth(sandbox))
    assert [tell_skew(-40 * DAY)] == notices(events)


async def test_what_is_kept_is_dated_by_flickrs_clock(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=20, owners=1, clock=shifted(-400 * DAY)) as sandbox:
        account = Account(user=sandbox.catalogue.people[0].nsid)
        await harvest_into(tmp_path / "a", sandbox, Job(source=account))
        now = stamp(sandbox.options.clock())
    dated = [read_manifest(tmp_path / "a")["horizon"]]
    for name in ("photos", "people", "photosets"):
        dated += [line["harvested_at"] for line in read_lines(tmp_path / "a" / f"{name}.ndjson")]
    assert {moment[:10] for moment in dated} == {now[:10]}


async def test_a_clock_that_is_ahead_hides_no_later_change(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=300, owners=1, clock=shifted(-40 * DAY)) as sandbox:
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
        login: dict[str, Any] = {"api_secret": secret_of(KEY), "oauth_token": token, "oauth_token_secret": secret}
        job = Job(source=Account(user="me", only="photos"), detail="list")
        folder = tmp_path / "a"
        assert (await harvest_into(folder, sandbox, job, **login)).status == "complete"
        upload(sandbox, 3)
        sandbox.catalogue.change(7)
        summary = await run_update(folder, settings_for(sandbox, **login))
        assert summary.status == "complete"
        assert sorted(ids_in(folder)) == sorted(truth(sandbox))
        changes = [line["change"] for line in read_lines(folder / "changes.ndjson")]
    assert sorted(changes) == ["added", "added", "added", "changed"]


async def test_a_servers_clock_that_was_ahead_hides_no_later_change(sandbox_of: Opener, tmp_path: Path) -> None:
    """A proxy with a wrong clock may have dated the answers: what has changed since is asked for all the same."""
    ahead = [40.0 * DAY]
    async with sandbox_of(photos=300, owners=1, clock=lambda: time.time() + ahead[0]) as sandbox:
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
        login: dict[str, Any] = {"api_secret": secret_of(KEY), "oauth_token": token, "oauth_token_secret": secret}
        job = Job(source=Account(user="me", only="photos"), detail="list")
        assert (await harvest_into(tmp_path / "a", sandbox, job, **login)).status == "complete"
        ahead[0] = 0
        sandbox.catalogue.change(7)
        assert (await run_update(tmp_path / "a", settings_for(sandbox, **login))).status == "complete"
        assert sandbox.stats.methods["flickr.photos.recentlyUpdated"] == 1
    assert [line["change"] for line in read_lines(tmp_path / "a" / "changes.ndjson")] == ["changed"]


async def test_an_end_in_the_future_is_the_moment_of_the_harvest(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=20) as sandbox:
        began = stamp(time.time())
        job = Job(source=Search(tags="sandbox", max_upload_date="2037-01-01"), detail="list")
        await harvest_into(tmp_path / "a", sandbox, job)
    assert began <= str(read_manifest(tmp_path / "a")["horizon"]) <= stamp(time.time())


async def test_without_a_date_the_newest_photo_that_is_shown_still_counts(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.transport.server_clock.read_date", lambda _: None)
    async with sandbox_of(photos=40, clock=shifted(40 * DAY)) as sandbox:
        upload(sandbox, 5)
        await harvest_into(tmp_path / "a", sandbox, Job(source=Search(tags="sandbox"), detail="list"))
        assert sorted(ids_in(tmp_path / "a")) == sorted(truth(sandbox))


async def test_a_harvest_stopped_before_its_first_page_still_ends_at_flickrs_now(
    sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=40, clock=shifted(40 * DAY)) as sandbox:
        upload(sandbox, 5)
        job = Job(source=Search(tags="sandbox"), detail="list")
        stop = asyncio.Event()
        stop.set()
        assert (await harvest_into(tmp_path / "a", sandbox, job, stop=stop)).status == "stopped"
        await harvest_into(tmp_path / "a", sandbox, job)
        assert sorted(ids_in(tmp_path / "a")) == sorted(truth(sandbox))


@pytest.mark.parametrize("skew", [40 * DAY, -40 * DAY])
async def test_a_call_that_is_refused_for_its_time_is_signed_anew(skew: int, sandbox_of: Opener) -> None:
    async with sandbox_of(photos=20, owners=1, clock=shifted(skew)) as sandbox:
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
        login: dict[str, Any] = {"api_secret": secret_of(KEY), "oauth_token": token, "oauth_token_secret": secret}
        found = await estimate_job(Job(source=Search(user="me")), settings_for(sandbox, **login))
    assert found["matches"] == 20


async def test_a_refusal_for_its_time_that_no_clock_explains_is_told(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=20, owners=1) as sandbox:
        token, secret = sandbox.authority.grant(sandbox.catalogue.people[0])
        sandbox.authority._clock = shifted(DAY)
        login: dict[str, Any] = {"api_secret": secret_of(KEY), "oauth_token": token, "oauth_token_secret": secret}
        with pytest.raises(KeyRefused, match="timestamp_refused"):
            await estimate_job(Job(source=Search(user="me")), settings_for(sandbox, **login))


async def test_a_login_is_made_with_flickrs_time(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=20, owners=1, clock=shifted(40 * DAY)) as sandbox:
        asked = await begin_login(settings_for(sandbox, api_secret=secret_of(KEY)), callback="oob", perms="read")
    assert asked.token


async def test_a_plan_tells_of_a_clock_that_is_wrong(sandbox_of: Opener) -> None:
    events: list[Event] = []
    async with sandbox_of(photos=20, clock=shifted(-40 * DAY)) as sandbox:
        await estimate_job(Job(source=Search(tags="sandbox")), settings_for(sandbox), observer=events.append)
    assert notices(events) == [tell_skew(40 * DAY)]
