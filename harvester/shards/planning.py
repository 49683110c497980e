"""Planning: who is meant, up to which second, and the shards to begin with. A handful of calls."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from typing import Any

from harvester.about import __version__
from harvester.archive.checkpoint.facts import Login
from harvester.config.settings import Settings
from harvester.engine.names import ResolvedName, ask_login, look_up_source
from harvester.engine.run import build_sleep
from harvester.engine.run_start import check_no_secret, tell_asked
from harvester.errors import UsageError, shorten
from harvester.events import Noticed, Observer, Tally, ignore
from harvester.jobs.model import Account, Job, Photos, Search
from harvester.jobs.restore import settle_job
from harvester.jobs.sameness import list_differences
from harvester.jobs.urls import parse_photo
from harvester.jobs.values import stamp
from harvester.objects import Store
from harvester.shards.counting import count_photos
from harvester.shards.names import PLAN, name_ids
from harvester.shards.plan import Plan, decode_plan, encode_plan
from harvester.shards.shard import ALL, LISTS, PHOTOS, Shard, build_stretch
from harvester.transport.client import Client
from harvester.transport.opening import open_client


async def plan_shards(
    store: Store,
    job: Job,
    settings: Settings,
    *,
    photos: int = PHOTOS,
    clock: Callable[[], float] = time.time,
    observer: Observer = ignore,
) -> tuple[Plan, bool]:
    """Put the plan of a job into the store, where there is none; the plan that is there now, and whether it is new.

    `photos` is how many a shard has at most. UsageError for a job that cannot be cut, or another one than the store is
    for.
    """
    _check(job, photos)
    check_no_secret(job, settings)
    ranges = await _put_ranges(store, job.source.ids, photos) if isinstance(job.source, Photos) else []
    known = await store.get(PLAN)
    if known is None:
        plan = await _make(job, settings, ranges=ranges, photos=photos, clock=clock, observer=observer)
        if await store.put_new(PLAN, encode_plan(plan)):
            return plan, True
        known = await store.get(PLAN)
    plan = decode_plan(known or b"", where=store.url)
    settled, _ = settle_job(job, plan.job, plan.asked, now=clock())
    if list_differences(plan.job, settled.describe()) or (ranges and plan.roots != ranges):
        raise UsageError(f"{store.url} holds the plan of another job: name another store, or ask for the same.")
    return plan, False


async def read_plan(store: Store) -> Plan:
    """The plan of a store; UsageError where there is none."""
    data = await store.get(PLAN)
    if data is None:
        raise UsageError(f"{store.url} holds no plan of shards: `harvester shard plan` makes one.")
    return decode_plan(data, where=store.url)


def _check(job: Job, photos: int) -> None:
    if job.limit is not None:
        raise UsageError("shards know nothing of each other, so none can tell when the limit is met.", field="limit")
    if photos < 1:
        raise UsageError("a shard has one photo at least.", field="photos")
    if isinstance(job.source, Search) and not job.source.sort.startswith("date-posted"):
        raise UsageError("only an order of upload can be cut into stretches: use date-posted-desc.", field="sort")


async def _make(
    job: Job, settings: Settings, *, ranges: list[str], photos: int, clock: Callable[[], float], observer: Observer
) -> Plan:
    asked = tell_asked(job)
    job, _ = settle_job(job, None, None, now=clock())
    shell: dict[str, Any] = {
        "harvester": __version__,
        "job": job.describe(),
        "asked": asked,
        "signed": settings.has_login,
        "env_prefix": settings.env_prefix,
        "begun": stamp(clock()),
        "photos": photos,
    }
    if ranges:
        return Plan(**shell, arguments={}, roots=ranges)
    tally, meant = Tally(), list[ResolvedName]()
    async with open_client(settings, tally=tally, observer=observer, sleep=build_sleep(asyncio.Event())) as client:
        login = await _ask_login(client)
        found = await look_up_source(job.source, client, meant.append)
        for each in filter(None, (each.sentence for each in meant)):
            observer(Noticed(sentence=each))
        span, claimed = await _find_span(job, found, client)
    roots = [shard.id for shard in _list_roots(job, span)]
    return Plan(
        **shell,
        arguments=found,
        names=[(each.kind, each.given, each.id, each.name) for each in meant],
        login=login,
        horizon=span[1] if span else None,
        claimed=claimed,
        roots=roots,
    )


async def _ask_login(client: Client) -> Login | None:
    if not client.signs:
        return None
    person = await ask_login(client)
    return {"nsid": person.nsid, "username": person.username}


async def _find_span(job: Job, found: dict[str, str], client: Client) -> tuple[tuple[int, int] | None, int | None]:
    """The seconds of upload that are asked for, up to this moment by Flickr's clock; and Flickr's count of them.

    What is uploaded later moves nothing, and belongs to an update.
    """
    source = job.source
    if not _is_swept(job):
        return None, None
    since, until = source.upload_span if isinstance(source, Search | Account) else (None, None)
    claimed = await count_photos(source, found, client, horizon=int(client.server_clock.now()))
    now = int(client.server_clock.now())
    return (since or 0, now if until is None else min(until, now)), claimed


def _is_swept(job: Job) -> bool:
    """Whether it lists photos by the time of their upload."""
    source = job.source
    return isinstance(source, Search) or (isinstance(source, Account) and "photos" in source.kinds)


def _list_roots(job: Job, span: tuple[int, int] | None) -> Iterator[Shard]:
    source = job.source
    if span is None:
        yield ALL
        return
    if isinstance(source, Account) and source.kinds != ("photos",):
        yield LISTS
    if span[0] > span[1]:
        raise UsageError("nothing was uploaded yet in the time that is asked for.", field="min_upload_date")
    yield build_stretch(*span)


async def _put_ranges(store: Store, ids: Iterable[str | int] | AsyncIterable[str | int], photos: int) -> list[str]:
    """Cut ids into ranges and put each into the store; their shards. An id that comes again is dropped in the end."""
    if isinstance(ids, AsyncIterable):
        raise UsageError("ids that come one by one cannot be cut into shards: give a list, or a file.", field="ids")
    roots, some = list[str](), list[str]()
    for text in ids:
        some.append(_read_id(str(text)))
        if len(some) == photos:
            roots.append(await _put_range(store, len(roots) + 1, some))
            some = []
    if some:
        roots.append(await _put_range(store, len(roots) + 1, some))
    if not roots:
        raise UsageError("No photo is named.", field="ids")
    return roots


def _read_id(text: str) -> str:
    """The id of a photo's address; a line that names no photo stays as it is, for the shard to tell of it."""
    try:
        return parse_photo(text)
    except UsageError:
        return shorten(" ".join(text.split()))


async def _put_range(store: Store, number: int, ids: Sequence[str]) -> str:
    data = "\n".join(ids).encode()
    shard = Shard(kind="ids", number=number, sha=hashlib.sha256(data).hexdigest()[:16])
    await store.put(name_ids(shard), data)
    return shard.id
