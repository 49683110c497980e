"""What is known of a damaged archive besides its lines: by its checkpoint, else by its manifest."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson

from harvester.archive.checkpoint.checkup import check_checkpoint
from harvester.archive.checkpoint.facts import NO_FACTS, JobFacts, overlay, read_named, recover_facts
from harvester.archive.checkpoint.schema import is_misnumbered, number_anew, read_version
from harvester.archive.checkpoint.state import State
from harvester.archive.checkpoint.withdrawn import join_tombstones
from harvester.archive.disk.files import cannot_write
from harvester.archive.disk.modes import make_file
from harvester.archive.folder import MANIFEST, STATE, read_withdrawn
from harvester.archive.line_scan import Wanted
from harvester.archive.manifest import is_as_written, read_manifest
from harvester.archive.parts.part import Part
from harvester.archive.put_away import find_harmed
from harvester.archive.repair.blocks import ToldFile, read_told
from harvester.archive.repair.scan import Sums
from harvester.archive.repair.told import read_digests, read_lines, read_parts, recall_parts
from harvester.archive.sinks import PHOTOS
from harvester.errors import CannotWrite, UsageError
from harvester.flickr.methods import name_member
from harvester.jobs.arguments import OPTIONS
from harvester.jobs.model import Account, Job, Search
from harvester.jobs.restore import rebuild_job
from harvester.listing.sweep import Stretch

Condition: TypeAlias = Literal["sound", "damaged", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was asked, and what came of it, as far as it is known.

    `meta` holds the checkpoint's facts. `checkpoint` and `manifest` say in what condition they are;
    `copy` is a sound copy of the checkpoint. `digests` holds what the manifest says of files: bytes and sha256.
    """

    meta: JobFacts
    checkpoint: Condition
    manifest: Condition
    copy: Path | None = None
    digests: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    is_misnumbered: bool = False
    """Whether the checkpoint is sound but for the number of its format."""
    is_update: bool = False
    """Whether these are of an update that is under way, which has seen many photos that have no line in it."""
    holds_withdrawn: bool = False
    """Whether photos were taken down since the checkpoint was written: an older copy of it was put back."""
    was_complete: bool = False
    """Whether the manifest says that the archive was complete."""
    told: JobFacts = NO_FACTS
    """What the manifest says."""
    coverage: tuple[Stretch, ...] = ()
    """What the manifest says of stretches of time."""
    files: Mapping[str, ToldFile] = field(default_factory=dict)
    """What a sound manifest says of files, by which their lines are proved."""
    harmed: Mapping[str, str] = field(default_factory=dict)
    """The files in `updates/` and `history/` that are not as the manifest tells, each with a sentence."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """What the manifest says of files: lines."""
    parts: tuple[Part, ...] = ()
    """The closed parts of the photos, by checkpoint, else by manifest."""
    told_parts: tuple[Part, ...] = ()
    """What the manifest says of them."""
    updated: tuple[str, str] = ("", "")
    """When the archive was last brought up to date, by checkpoint and by manifest; "" where it never was."""

    def without_checkpoint(self) -> Facts:
        """The same facts, for a checkpoint that cannot be relied on."""
        return replace(self, checkpoint="damaged", copy=None)

    def settle(self) -> Facts:
        """The facts for the new checkpoint: a manifest of a complete archive tells more than a damaged checkpoint."""
        return replace(self, meta=overlay(self.meta, self.told)) if self.tells_all else self

    @property
    def tells_all(self) -> bool:
        """Whether, without a checkpoint, the manifest is enough: the archive was complete, and holds all that matched.

        One that ended at its limit may lack any photo, for all that is known.
        """
        limit = self.told.limit
        is_limited = limit is not None and self.lines.get(PHOTOS, 0) >= limit
        is_known = self.told.job == self.meta.job and self.told.arguments is not None
        return self.copy is None and self.was_complete and is_known and self.job is not None and not is_limited

    @property
    def was_finished(self) -> bool:
        """Whether nothing was left to be fetched before the damage."""
        return self.tells_all or (self.copy is not None and bool(self.meta.finished))

    @property
    def wanted(self) -> Wanted:
        """What a photo's line must have. Only a search or an account may have one owner's photos alone."""
        job, withdrawn = self.job, frozenset(int(each["id"]) for each in self.meta.withdrawn or ())
        if job is None:
            return Wanted(withdrawn=withdrawn)
        source, arguments = job.source, self.meta.arguments or {}
        is_one = isinstance(source, Search) or (isinstance(source, Account) and not source.hydrated)
        least = self.meta.least_parts
        members = job.members if least is None else tuple(map(name_member, least))
        return Wanted(members, str(arguments.get("user_id", "")) if is_one else "", withdrawn)

    @contextmanager
    def open_sums(self) -> Iterator[Sums]:
        """The checksums of lines that the checkpoint knows."""
        if self.copy is None:
            yield Sums()
            return
        with closing(sqlite3.connect(self.copy, isolation_level=None)) as db:
            yield Sums(db, is_older=self.is_older)

    def read_lengths(self) -> dict[str, tuple[int, int]]:
        """Bytes and lines of each file, by the checkpoint."""
        if self.copy is None:
            return {}
        with closing(sqlite3.connect(self.copy, isolation_level=None)) as db:
            rows = db.execute("SELECT name, length, lines FROM file WHERE lines > 0")
            return {name: (length, lines) for name, length, lines in rows}

    def lacks_seen(self, table: Path) -> bool:
        """Whether photos have lines, or are still to be done, that the checkpoint has never seen."""
        if self.copy is None:
            return False
        with closing(sqlite3.connect(self.copy, isolation_level=None)) as db:
            db.execute("ATTACH ? AS scan", (str(table),))
            query = (
                "SELECT 1 FROM scan.good WHERE file = ? AND id NOT IN (SELECT id FROM seen) "
                "UNION ALL SELECT 1 FROM todo WHERE id NOT IN (SELECT id FROM seen) LIMIT 1"
            )
            return db.execute(query, (PHOTOS,)).fetchone() is not None

    @property
    def is_harm_known(self) -> bool:
        """Whether an earlier repair has found the same damage in files that cannot be repaired."""
        return sorted(self.harmed) == sorted(self.meta.harmed or ())

    def find_told(self, name: str) -> ToldFile | None:
        """What the manifest says of a file, where no checkpoint of the same age knows the checksum of each line."""
        return self.files.get(name) if self.copy is None or self.is_older else None

    @property
    def is_one(self) -> bool:
        """Whether checkpoint and manifest tell of the same parts, and so of the same PHOTOS behind them."""
        return self.parts == self.told_parts

    @property
    def is_older(self) -> bool:
        """Whether the checkpoint is older than the manifest: a copy from before an update was put back."""
        return self.checkpoint == "sound" and self.updated[0] < self.updated[1]

    @property
    def job(self) -> Job | None:
        """The job; None where what was asked is lost."""
        asked = self.meta.asked
        if not asked:
            return None
        with suppress(UsageError, KeyError, TypeError, ValueError, AttributeError):
            return rebuild_job(self.meta.job or {}, asked, limit=self.meta.limit)
        return None


def read_facts(folder: Path, scratch: Path) -> Facts:
    """Read checkpoint and manifest. The checkpoint is copied into `scratch` first: the original stays untouched."""
    manifest, condition = _read_manifest(folder / MANIFEST)
    copy = _copy_checkpoint(folder, scratch)
    is_renumbered = copy is not None and _renumber(copy)
    checkpoint: Condition = "missing" if copy is None else "sound" if _is_sound(copy) else "damaged"
    meta = NO_FACTS if copy is None else _read_meta(copy)
    told = _read_manifest_facts(manifest)
    withdrawn = join_tombstones(meta.withdrawn, told.withdrawn, read_withdrawn(folder))
    holds_withdrawn, taken = len(withdrawn) > len(join_tombstones(meta.withdrawn)), withdrawn or None
    meta, told = replace(meta, withdrawn=taken), replace(told, withdrawn=taken)
    told_parts, known = read_parts(manifest), copy if checkpoint == "sound" else None
    return Facts(
        is_misnumbered=is_renumbered,
        holds_withdrawn=holds_withdrawn,
        told=told,
        coverage=_read_coverage(manifest),
        meta=meta if meta.job else overlay(told, meta),
        checkpoint=checkpoint,
        manifest=condition,
        copy=known,
        digests=read_digests(manifest),
        files=read_told(manifest) if condition == "sound" else {},
        harmed=_find_harmed(folder),
        lines=read_lines(manifest, told_parts),
        parts=recall_parts(known, told_parts),
        told_parts=told_parts,
        was_complete=condition == "sound" and manifest.get("status") == "complete",
        updated=(meta.updated or "", told.updated or ""),
    )


def _find_harmed(folder: Path) -> dict[str, str]:
    manifest = read_manifest(folder)
    return {} if manifest is None else dict(find_harmed(folder, manifest.put_away))


def _copy_checkpoint(folder: Path, scratch: Path) -> Path | None:
    """A copy of the checkpoint with its log; None where there is none."""
    if not (folder / STATE).is_file():
        return None
    try:
        for name in (STATE, f"{STATE}-wal"):
            if (folder / name).is_file():
                make_file(scratch / name)
                shutil.copyfile(folder / name, scratch / name)
    except OSError as error:
        raise cannot_write(scratch, error) from None
    return scratch / STATE


def _renumber(path: Path) -> bool:
    """Give a checkpoint whose format's number alone is damaged the right one; whether there was need."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            if is_wrong := is_misnumbered(db):
                number_anew(db)
            return is_wrong
    except sqlite3.Error:
        return False


def _is_sound(path: Path) -> bool:
    """Whether a checkpoint can be relied on: no damage is found in it, and it was begun.

    A sound one is brought to this version's format. CannotWrite where it is of a newer one.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            if not read_version(db):
                return False
    except sqlite3.Error:
        return False
    return _is_without_fault(path)


def _is_without_fault(path: Path) -> bool:
    try:
        with State(path) as state:
            if next(check_checkpoint(state), None) is not None:
                return False
            state.settle()
            return state.is_begun() or bool(state.facts.repaired)
    except CannotWrite as error:
        if "newer harvester" in str(error):
            raise
        return False


def _read_meta(path: Path) -> JobFacts:
    """The facts of a checkpoint, those that can still be read."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
        return recover_facts(db.execute("SELECT name, value FROM meta"))
    return NO_FACTS


def _read_manifest(path: Path) -> tuple[dict[str, Any], Condition]:
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, "missing"
    except (OSError, orjson.JSONDecodeError):
        return {}, "damaged"
    if not isinstance(found, dict) or not isinstance(found.get("files"), dict):
        return {}, "damaged"
    return found, "sound" if is_as_written(found) else "damaged"


def _read_manifest_facts(manifest: Mapping[str, Any]) -> JobFacts:
    """What a manifest says of the facts of the checkpoint."""
    job = manifest.get("job")
    if not isinstance(job, dict):
        return NO_FACTS
    told = read_named(
        {
            **manifest,
            "updated": manifest.get("brought_up_to_date"),
            "horizon": _read_second(manifest.get("horizon")),
            "asked": _restore_asked(job),
            "incomplete_stretches": None,  # its stretches tell of them
        }
    )
    facts = manifest.get("facts")
    return overlay(told, read_named(facts)) if isinstance(facts, dict) else told


def _read_second(text: object) -> int | None:
    try:
        return int(datetime.fromisoformat(str(text)).timestamp())
    except ValueError:
        return None


def _read_coverage(manifest: Mapping[str, Any]) -> tuple[Stretch, ...]:
    """The stretches of a manifest; none where one of them cannot be read."""
    try:
        return tuple(_read_stretch(entry) for entry in manifest.get("coverage", ()))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def _read_stretch(entry: Mapping[str, Any]) -> Stretch:
    since, until = (int(datetime.fromisoformat(entry[name]).timestamp()) for name in ("since", "until"))
    return Stretch(**{**entry, "since": since, "until": until})


def _restore_asked(job: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields of a job out of its description, for manifests of versions that kept nothing else; None if unsure."""
    known = dict(job)
    kind, detail, extras = known.pop("source", None), known.pop("detail", "full"), known.pop("with", [])
    sizes = {"sizes": known.pop("sizes")} if "sizes" in known else {}
    if kind == "search":
        known = _restore_search(known)
    elif "kinds" in known:
        known["only"] = known.pop("kinds")
    asked = {"detail": detail, "extras": extras, **sizes, "source": kind, str(kind): known}
    try:
        rebuilt = rebuild_job(job, asked, limit=None)
    except (UsageError, KeyError, TypeError, ValueError):
        return None
    return asked if rebuilt.describe() == job else None


def _restore_search(known: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    params: dict[str, str] = {}
    for name, value in known.items():
        if name in OPTIONS:
            fields[OPTIONS[name]] = value == "1" if name == "has_geo" else value
        elif name in ("sort", "min_upload_date", "max_upload_date"):
            fields[name] = value
        else:
            params[name] = str(value)
    return {**fields, **({"params": params} if params else {})}
