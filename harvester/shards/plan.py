"""The plan of a sharded harvest: what is asked, settled once for all who run a part of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from harvester.archive.checkpoint.facts import JobFacts, Login
from harvester.config.settings import ENV_PREFIX
from harvester.errors import StoreFault, UsageError
from harvester.jobs.model import Account, Job, Photos, Search
from harvester.jobs.restore import rebuild_job
from harvester.jobs.values import stamp
from harvester.shards.shard import PHOTOS, Shard

FORMAT = 1


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, whom its names stand for, and the shards that it begins with, in the order of the archive."""

    format: int = FORMAT
    harvester: str
    """The version that made it."""
    job: dict[str, Any]
    asked: dict[str, Any]
    arguments: dict[str, str]
    """What Flickr is asked with, every name as an id."""
    names: list[tuple[str, str, str, str]] = []
    signed: bool = False
    env_prefix: str = ENV_PREFIX
    """How the variables of the environment begin that hold the key it is harvested with."""
    login: Login | None = None
    begun: str
    horizon: int | None = None
    """The last second of upload that belongs to the harvest; None where that is not about time."""
    claimed: int | None = None
    """Photos that Flickr claimed when the plan was made."""
    photos: int = PHOTOS
    """Most photos of a shard: a bigger one is cut in two before it is run."""
    roots: list[str]

    @property
    def whole_job(self) -> Job:
        """The job of which the shards are parts."""
        try:
            return rebuild_job(self.job, self.asked, limit=None)
        except (UsageError, KeyError, TypeError, ValueError, AttributeError):
            raise StoreFault("The plan remembers a job that none can be: plan it again, in another store.") from None

    @property
    def newest_first(self) -> bool:
        """Whether the archive begins with what was uploaded last."""
        source = self.whole_job.source
        return not isinstance(source, Search) or source.sort.endswith("desc")

    def build_job(self, shard: Shard, ids: Sequence[str] = ()) -> Job:
        """The job of a shard. `ids` are those of its range."""
        job = self.whole_job
        source = job.source
        if shard.kind == "ids":
            return replace(job, source=Photos(ids=ids))
        if shard.kind == "lists" and isinstance(source, Account):
            lists = tuple(kind for kind in source.kinds if kind != "photos")
            return replace(job, source=replace(source, only=lists, skip=()))
        if shard.kind == "time" and isinstance(source, Search | Account):
            return replace(job, source=_bound(source, shard))
        return job

    def build_facts(self) -> JobFacts:
        """What a checkpoint of this harvest knows before it makes a call."""
        names: Any = self.names or None
        prefix = None if self.env_prefix == ENV_PREFIX else self.env_prefix
        told: dict[str, Any] = {"names": names, "signed": self.signed, "login": self.login, "begun": self.begun}
        return JobFacts(**told, env_prefix=prefix, bounded=True, stream=False, unescape=False)


def _bound(source: Search | Account, shard: Shard) -> Search | Account:
    """The photos of the source that were uploaded in the shard's stretch."""
    dates: dict[str, Any] = {
        "min_upload_date": stamp(shard.since) if shard.since else None,
        "max_upload_date": stamp(shard.until),
    }
    if isinstance(source, Account):
        return replace(source, only=("photos",), skip=(), hydrate=(), **dates)
    return replace(source, **dates)


def encode_plan(plan: Plan) -> bytes:
    """The plan as the store holds it."""
    return msgspec.json.format(msgspec.json.encode(plan)) + b"\n"


def decode_plan(data: bytes, *, where: str) -> Plan:
    """The plan of a store; StoreFault where it is none that this version knows."""
    try:
        plan = msgspec.json.decode(data, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise StoreFault(f"{where} holds a plan.json that is no plan of shards: name another store.") from None
    if plan.format > FORMAT:
        raise StoreFault(f"{where} was planned by a newer harvester (format {plan.format}); update this one.")
    return plan
