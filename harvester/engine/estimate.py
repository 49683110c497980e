"""What a harvest would cost: from a handful of calls, and arithmetic."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import orjson

from harvester.archive.call_costs import count_calls, estimate_seconds
from harvester.config.settings import Settings
from harvester.engine.lister import explain_sweep
from harvester.engine.names import ResolvedName, ask_login, look_up_source
from harvester.engine.run import build_sleep
from harvester.engine.walker import explain
from harvester.errors import Refused, UsageError
from harvester.events import Observer, Tally, ignore
from harvester.flickr.counts import count_members
from harvester.flickr.geo import EVER, find_page_size
from harvester.flickr.listings import LISTINGS, Itself, Listing, Opens, Paged
from harvester.flickr.methods import DETAILS, ROW_SIZES, SEARCH, build_query, count_asked, list_parts
from harvester.flickr.responses import Listed, read_list, read_page
from harvester.jobs.model import Job, Photos, Search
from harvester.jobs.restore import settle_job
from harvester.listing.roots import Roots, find_roots
from harvester.listing.sweep import OPEN_END
from harvester.listing.walk import Walk
from harvester.transport.client import Client
from harvester.transport.opening import open_client

T = TypeVar("T")


async def estimate_job(
    job: Job, settings: Settings, *, clock: Callable[[], float] = time.time, observer: Observer = ignore
) -> dict[str, Any]:
    """Plain JSON: how many photos there are by Flickr's count, and calls and seconds for each `detail`.

    Dates such as `yesterday` count from what `clock` says.
    """
    if isinstance(job.source, Photos):
        raise UsageError("photos given by id need no plan: each costs one call for each part.")
    job, _ = settle_job(job, None, None, now=clock())
    tally = Tally()
    async with open_client(settings, tally=tally, observer=observer, sleep=build_sleep(asyncio.Event())) as client:
        login = (await ask_login(client)).nsid if client.signs else None
        meant: list[ResolvedName] = []
        found = await look_up_source(job.source, client, meant.append)
        names = [_List("names", None, tally.calls)] if tally.calls else []
        seeds = find_roots(job.source, found, horizon=OPEN_END, login=login)
        lists = names + await _weigh(seeds, job, client)
    return {
        "job": job.describe(),
        **({"resolved": named} if (named := {each.kind: str(each) for each in meant if each.sentence}) else {}),
        **_tell(job, lists, settings),
        "quota": str(settings.quota or "none"),
        "pace": str(settings.pace or "none"),
        "calls_spent": tally.calls,
    }


def _tell(job: Job, lists: list[_List], settings: Settings) -> dict[str, Any]:
    """What the lists come to: photos, and the cost of each detail."""
    matches, listing = sum(each.photos for each in lists), sum(each.calls for each in lists)
    photos = _up_to(job.limit, matches)
    videos = min(photos, sum(each.videos for each in lists))
    costs = [_cost(each, listing + calls, settings) for each, calls in _count_asked(job, photos, videos).items()]
    table = [{"list": each.name, "found": each.found, "calls": each.calls} for each in lists]
    return {
        "matches": matches,
        "photos": photos,
        **({"videos": videos} if videos else {}),
        **({} if isinstance(job.source, Search) else {"lists": table}),
        "costs": costs,
    }


def _count_asked(job: Job, photos: int, videos: int) -> dict[str, int]:
    """Calls for so many photos, by detail."""
    depths = {each: list_parts(each, job.extras_asked, sizes=job.sizes) for each in DETAILS}
    return {each: photos * count_asked(parts) + videos * (ROW_SIZES in parts) for each, parts in depths.items()}


def _cost(detail: str, calls: int, settings: Settings) -> dict[str, Any]:
    return {"detail": detail, "calls": calls, "time": _duration(estimate_seconds(calls, settings))}


def _duration(seconds: float) -> str:
    from harvester.text.words import name_duration  # noqa: PLC0415

    return name_duration(seconds)


@dataclass(frozen=True, slots=True)
class _List:
    """What a list comes to: its rows, where they were counted; the calls to read it; photos to be harvested."""

    name: str
    found: int | None
    calls: int
    photos: int = 0
    videos: int = 0
    """Those of them that are videos, where that matters: no listing tells their sizes."""


async def _weigh(seeds: Roots, job: Job, client: Client) -> list[_List]:
    lists = []
    if seeds.sweeps:
        lists.append(await _weigh_sweeps(seeds, job, client))
    for walk in seeds.walks:
        try:
            lists.append(await _weigh_walk(walk, job, client))
        except Refused as error:
            if walk.top:
                raise UsageError(explain(walk, error)) from None
            lists.append(_List(_name(walk), None, 1))
    return lists


async def _weigh_sweeps(seeds: Roots, job: Job, client: Client) -> _List:
    asked = {**seeds.arguments, "per_page": "1"}
    if isinstance(job.source, Search):
        asked |= EVER
        bounds = zip(("min_upload_date", "max_upload_date"), job.source.upload_span, strict=True)
        asked |= {name: str(second) for name, second in bounds if second}
    totals = [await _count_matches(seeds.method, {**asked, **dict(sweep.narrow)}, client) for sweep in seeds.sweeps]
    total, size = sum(totals), find_page_size(asked)
    calls = [count_calls(_up_to(job.limit, each), parts=0, page_size=size) for each in totals]
    return _List("photos", total, sum(calls), total, await _count_videos(seeds, asked, total, job, client))


async def _count_videos(seeds: Roots, asked: Mapping[str, str], total: int, job: Job, client: Client) -> int:
    """Photos that cost a call though their sizes are to come from the listing. Only a search tells them apart."""
    media = asked.get("media", "all")
    if job.sizes != "listing" or media == "photos":
        return 0
    if media == "videos":
        return total
    wanted = {**EVER, **asked, "media": "videos"}
    return sum([await _count_matches(SEARCH, {**wanted, **dict(sweep.narrow)}, client) for sweep in seeds.sweeps])


async def _count_matches(method: str, arguments: Mapping[str, str], client: Client) -> int:
    try:
        page = await client.call(build_query(method, arguments), lambda body: read_page(body, method=method))
    except Refused as error:
        raise UsageError(explain_sweep(method, error)) from None
    return page.total or 0


async def _weigh_walk(walk: Walk, job: Job, client: Client) -> _List:
    """What a list comes to. One that comes at once is not asked for: it is one call, or two where it is empty."""
    match walk.shape:
        case Listing(becomes=Opens(inner)):
            return await _weigh_heads(walk, LISTINGS[inner], client)
        case Listing(rows=Paged()):
            return await _weigh_pages(walk, job, client)
        case _:
            return _List(_name(walk), None, 1)


async def _weigh_pages(walk: Walk, job: Job, client: Client) -> _List:
    """Rows are counted by the first page, of which one row will do."""
    total = _count_rows(await _ask(walk, client, size=1))
    wanted = total if walk.hydrates else 0
    return _List(_name(walk), total, _pages(_up_to(job.limit, total) if wanted else total, walk.shape), wanted)


async def _weigh_heads(walk: Walk, inner: Listing, client: Client) -> _List:
    """What rows open is counted by what they tell of it, so a whole page of them is worth having."""
    listed = await _ask(walk, client)
    total, sizes = _count_rows(listed), [count_members(orjson.loads(row)) for _, row in listed.rows]
    more = total / len(sizes) if sizes else 1.0
    calls = _pages(total, walk.shape) + round(more * sum(_pages(size, inner) for size in sizes))
    members = round(more * sum(sizes))
    is_one = isinstance(walk.shape.rows, Itself)
    return _List(_name(walk), members if is_one else total, calls, members if walk.hydrates else 0)


def _name(walk: Walk) -> str:
    return walk.listing.removeprefix("own_")


async def _ask(walk: Walk, client: Client, *, size: int | None = None) -> Listed:
    return await client.call(walk.query(all_extras=False, size=size), partial(read_list, listing=walk.shape))


def _count_rows(listed: Listed) -> int:
    return len(listed.rows) if listed.total is None else listed.total


def _pages(rows: int, shape: Listing) -> int:
    """Calls that it takes to read so many rows; an empty list is asked for twice."""
    return (math.ceil(rows / shape.rows.size) or 2) if isinstance(shape.rows, Paged) else 1


def _up_to(limit: int | None, photos: int) -> int:
    return photos if limit is None else min(limit, photos)
