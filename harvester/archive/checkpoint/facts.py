"""The facts of a job that a checkpoint holds: what was asked, how far it came, what is on its way.

The table `meta` holds a row for each, its value as JSON. Only this module knows the names of these rows. A checkpoint
from elsewhere may hold anything, so each value is held against its type when it is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, TypedDict, get_type_hints

import msgspec
import orjson

from harvester.archive.checkpoint.moving import MOVING, PendingMerge, Repair, check_moves
from harvester.archive.disk.layout import is_moment
from harvester.flickr.methods import Detail, SizesFrom, list_parts
from harvester.jobs.model import Job, describe_depth
from harvester.jobs.rotation import Rotation

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_Number: TypeAlias = Annotated[int, msgspec.Meta(gt=-(1 << 62), lt=1 << 62)]
_Second: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 37)]
_Object: TypeAlias = dict[str, Any]


class Depth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much of each photo an archive is to hold."""

    detail: Detail
    extras: tuple[str, ...]
    sizes: SizesFrom = "call"
    lines: _Count | None = None
    """How many lines may lack some of it."""
    complete: bool = False
    """Where some of it could not be had: whether the archive was complete without."""
    finished: bool = False
    """Where some of it could not be had: whether nothing else was left to be fetched."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a line at this depth, in their order on the line."""
        return list_parts(self.detail, self.extras, sizes=self.sizes)

    def __str__(self) -> str:
        extras = ", ".join((*(["sizes of the listing"] if self.sizes == "listing" else ()), *self.extras))
        return f"{self.detail} with {extras}" if extras else self.detail

    def describe(self) -> dict[str, Any]:
        """It as plain JSON, as in the description of a job."""
        return describe_depth(self.detail, self.extras, self.sizes)

    def deepen(self, job: Job) -> Job:
        """The job at this depth."""
        return replace(job, detail=self.detail, extras=self.extras, sizes=self.sizes)


class Login(TypedDict):
    """The person whose login an archive was made with."""

    nsid: str
    username: str


class Refusal(TypedDict):
    """A list that Flickr refuses, and why."""

    list: str
    code: int
    message: str


class Claim(TypedDict):
    """What Flickr has claimed beyond what is there."""

    claimed: _Count
    there: _Count
    counts_hidden: NotRequired[bool]


class Incomplete(TypedDict):
    """A stretch of upload time of which Flickr keeps photos back."""

    after: str
    before: str
    claimed: _Number | None
    found: _Count
    note: str


class Reread(TypedDict):
    """A stretch of upload time that was incomplete and is being read again."""

    since: _Second
    until: _Second
    reported: _Number | None
    found: _Count
    note: str


class Withheld(TypedDict):
    """Photos that a listing no longer shows though they are as they were: how many, and since which second."""

    count: _Count
    since: _Second


class Tombstone(TypedDict):
    """A photo that was taken down."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]
    withdrawn_at: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What a checkpoint knows of its job; None is what is not known, or not so."""

    job: _Object | None = None
    """The job as Flickr was asked, as `Job.describe` tells it."""
    asked: _Object | None = None
    """The job in the words of the command that began it."""
    arguments: dict[str, str] | None = None
    """What Flickr is asked with, every name as an id; None until the names are looked up: nothing was listed yet."""
    looked_up: dict[str, str] | None = None
    """The arguments that an archive has handed down to its update, or to its own next listing."""
    names: list[tuple[Literal["user", "group"], str, str, str]] | None = None
    """Whom the names of the job stand for: kind, name as given, id, Flickr's name."""
    signed: bool | None = None
    """Whether the archive is made logged in."""
    login: Login | None = None
    begun: str | None = None
    """The moment at which the job was begun."""
    limit: _Number | None = None
    """The photos that the last run was to bring at most."""
    publish: str | None = None
    """The address of the store in which the archive is published."""
    env_prefix: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]{0,30}\Z")] | None = None
    """How the variables of the environment begin that hold the key, where they are not the user's FLICKR_…."""
    unescape: bool | None = None
    """Whether lines have letters in place of their escapes."""
    stream: bool | None = None
    """Whether records went to standard output; None where nothing was begun."""

    horizon: _Second | None = None
    """The last second of upload that belongs to the harvest."""
    bounded: bool | None = None
    """Whether searches have a first second of upload: those of geographic searches of earlier versions had none."""
    expected: _Number | None = None
    """How many photos there are, as Flickr has claimed."""
    claims: dict[str, _Number] | None = None
    """What Flickr has claimed of each part of a search that has parts."""
    difference: Claim | None = None
    incomplete_stretches: list[Incomplete] | None = None
    """None in a checkpoint of an older version, which did not keep them."""
    reread: list[Reread] | None = None
    """Incomplete stretches as they were before they were read again. A limit may end that reading half way."""
    notes: list[str] | None = None
    """Sentences on lists that could not be read to their end."""
    refusals: list[Refusal] | None = None
    withheld: Withheld | None = None
    unread: bool | None = None
    """Whether ids are left that were not read: they are in no checkpoint."""
    finished: bool | None = None
    """Whether the last run ended complete."""

    updated: str | None = None
    """The moment to which the archive was brought up to date."""
    merged_update: str | None = None
    """The id of the update that was merged last."""
    pending_merge: PendingMerge | None = None
    update: str | None = None
    """The id of the update that this checkpoint is of."""
    update_begun: str | None = None
    """The moment at which that update was begun."""
    changed_since: _Second | None = None
    """The horizon of the archive that is updated."""
    spared: bool | None = None
    """Whether an update of one's own account has done without a listing."""

    wanted_depth: Depth | None = None
    """How deep an archive that is being deepened is to be."""
    target_depth: Depth | None = None
    """How deep the lines are to be that this checkpoint of a deepening is to bring."""
    least_parts: list[str] | None = None
    """The parts that each line has, in an archive whose lines differ in depth."""

    repair: Repair | None = None
    repaired: bool | None = None
    """Whether this checkpoint was made anew out of an archive's files."""
    harmed: list[str] | None = None
    """Files in `updates/` and `history/` that are not as they were written, as a repair has found."""
    doubted: dict[str, int] | None = None
    """By file, lines of which one at least was changed, as a repair has found."""
    withdrawn: list[Tombstone] | None = None
    """The photos that were taken down."""

    rotation: Rotation | None = None
    """When a part of the photos is closed; None where all stands in one file."""
    closing: list[tuple[str, str]] | None = None
    """The moves that are left to be made of files of parts that count already."""
    last_part: _Count | None = None
    """The number of the last part that was closed: none is given twice."""


NO_FACTS = JobFacts()
_OTHER_NAMES = {
    "merged_update": "folded",
    "pending_merge": "fold",
    "wanted_depth": "deepen",
    "target_depth": "deepens",
    "least_parts": "least",
}
_NAMES = {each.name: _OTHER_NAMES.get(each.name, each.name) for each in fields(JobFacts)}
"""The names in the table, by those of the fields."""
_FIELDS = {name: field for field, name in _NAMES.items()}
_DECODERS = {
    _NAMES[field]: msgspec.json.Decoder(kind) for field, kind in get_type_hints(JobFacts, include_extras=True).items()
}
_TOLD = ("refusals", "notes", "difference", "incomplete_stretches", "doubted")
"""Facts that a manifest tells under their names in the table, where there is anything to tell."""
_KEPT = (
    *("asked", "arguments", "names", "horizon", "limit", "expected", "bounded", "withheld", "unread", "stream"),
    *("deepen", "least", "withdrawn", "rotation", "last_part", "publish", "env_prefix"),
)
"""Facts that a manifest holds too, so that the checkpoint can be made anew out of it."""


def read_facts(db: sqlite3.Connection, *, schema: str = "main") -> JobFacts:
    """The facts of a checkpoint, or of one attached under the name `schema`; ValueError that says what is wrong."""
    rows = db.execute(f"SELECT name, value FROM {schema}.meta").fetchall()  # noqa: S608 - the words of a caller
    return _build({name: _read(name, value) for name, value in rows if name in _DECODERS})


def recover_facts(rows: Iterable[tuple[object, object]]) -> JobFacts:
    """The facts in rows of names and values. Rows with a wrong type are left out; a read error ends the reading."""
    found: dict[str, Any] = {}
    with suppress(sqlite3.Error):
        for name, value in rows:
            with suppress(ValueError):
                if name in _DECODERS:
                    found[str(name)] = _read(str(name), value)
    return _build(found)


def write_facts(db: sqlite3.Connection, facts: JobFacts) -> None:
    """Write the facts that differ from those of the checkpoint. Within a transaction; errors as of `read_facts`."""
    known = read_facts(db)
    db.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)",
        [
            (name, msgspec.json.encode(value).decode())
            for field, name in _NAMES.items()
            if (value := getattr(facts, field)) != getattr(known, field)
        ],
    )


def overlay(lower: JobFacts, upper: JobFacts) -> JobFacts:
    """The facts of `upper`, and those of `lower` where that knows nothing."""
    known = {field: value for field in _NAMES if (value := getattr(upper, field)) is not None}
    return replace(lower, **known)


def find_changed_since(archive: JobFacts) -> int | None:
    """The second after which things may have changed that an archive does not know of; None where nothing tells.

    That is its horizon, by Flickr's clock, or the beginning of its last run by this machine's, whichever is earlier: a
    clock that was ahead must hide no change.
    """
    with suppress(ValueError, TypeError, OverflowError):
        begun = datetime.fromisoformat(archive.updated or archive.begun or "").replace(tzinfo=UTC)
        return min(archive.horizon or 0, int(begun.timestamp())) or None
    return archive.horizon


def inherit(archive: JobFacts, update: JobFacts) -> JobFacts:
    """The facts of an update or a deepening with those that it has from its archive."""
    return replace(update, names=archive.names, signed=archive.signed, login=archive.login, unescape=archive.unescape)


def take_over(known: JobFacts, found: JobFacts, merge: PendingMerge) -> JobFacts:
    """The facts of an archive that takes over what its update has found."""
    return replace(
        known,
        horizon=known.horizon if found.horizon is None else found.horizon,
        arguments=known.arguments if found.arguments is None else found.arguments,
        bounded=known.bounded if found.bounded is None else found.bounded,
        expected=found.expected,
        difference=found.difference,
        incomplete_stretches=found.incomplete_stretches,
        refusals=found.refusals,
        notes=found.notes,
        withheld=found.withheld,
        updated=merge["time"],
        merged_update=merge.get("update"),
        finished=merge["status"] == "complete",
        pending_merge=merge,
    )


def describe_told(facts: JobFacts) -> dict[str, Any]:
    """What a manifest tells of a job's end, by the names that it has there."""
    return {name: value for name in _TOLD if (value := getattr(facts, _FIELDS[name]))}


def describe_kept(facts: JobFacts) -> dict[str, Any]:
    """What a manifest keeps of the facts, by the names that they have there."""
    kept = {name: value for name in _KEPT if (value := getattr(facts, _FIELDS[name])) is not None}
    plain: dict[str, Any] = msgspec.to_builtins(kept)
    return plain


def read_named(told: Mapping[str, Any]) -> JobFacts:
    """The facts out of values by their names in a manifest; what cannot be read is left out."""
    return recover_facts((name, orjson.dumps(value)) for name, value in told.items())


def _build(found: Mapping[str, Any]) -> JobFacts:
    return JobFacts(**{_FIELDS[name]: value for name, value in found.items()})


def _read(name: str, text: object) -> Any:
    """The value of a name; ValueError that says what is wrong with it."""
    if not isinstance(text, str | bytes):
        raise ValueError(f"{name} is not JSON")  # noqa: TRY004 - what a file holds, not what a caller gives
    value = _decode(name, text, _DECODERS[name])
    if name in MOVING and value is not None:
        check_moves(name, value)
    if name == "update_begun" and value is not None and not is_moment(value):
        raise ValueError("update_begun is no moment")
    return value


def read_json(what: str, text: str | bytes, kind: Any) -> Any:
    """JSON of a type; ValueError that says what is wrong with it."""
    return _decode(what, text, msgspec.json.Decoder(kind))


def _decode(what: str, text: str | bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{what}: {error}") from None
