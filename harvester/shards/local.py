"""The folder in which a shard is harvested: on a local disk, since its checkpoint is SQLite."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import orjson

from harvester.archive.checkpoint.facts import JobFacts
from harvester.archive.checkpoint.state import Length, State, is_photo_id
from harvester.archive.disk.files import Appender, cannot_write, write_whole
from harvester.archive.disk.layout import PHOTOS, STATE
from harvester.archive.disk.lock import is_in_use, lock_folder, make_folder
from harvester.archive.disk.modes import make_checkpoint_file
from harvester.archive.disk.record import Record
from harvester.archive.line_scan import read_seconds
from harvester.engine.run_start import tell_asked
from harvester.errors import CannotWrite
from harvester.flickr.responses import Row
from harvester.jobs.model import Job
from harvester.shards.commit import Part
from harvester.shards.plan import Plan
from harvester.shards.shard import Shard


class Taken(msgspec.Struct, frozen=True):
    """The parts of earlier attempts with which one begins, and how many bytes of its file they are."""

    bytes: int
    parts: list[Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The place of one attempt: its archive, and beside it the list of the parts that it has taken over."""

    folder: Path

    @property
    def place(self) -> Path:
        """The folder that is locked while the attempt is under way, here or in another process."""
        return self.folder.parent

    @property
    def photos(self) -> Path:
        """The lines."""
        return self.folder / PHOTOS

    @property
    def taken_over(self) -> Path:
        """What earlier attempts had published, and this one begins with."""
        return self.folder.with_name(f"{self.folder.name}.taken.json")

    def is_begun(self) -> bool:
        """Whether an attempt was cut short here that can be gone on with."""
        return self.taken_over.is_file()

    def recall(self) -> Taken:
        """What this attempt has taken over."""
        try:
            return msgspec.json.decode(self.taken_over.read_bytes(), type=Taken)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            raise CannotWrite(f"{self.taken_over} is damaged: remove {self.folder.parent}, and run it again.") from None

    def clear(self) -> None:
        """Nothing of it is needed any more."""
        with suppress(OSError):
            self.taken_over.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove its place too, where nothing is left that can be gone on with. Nobody else enters it then."""
        if not self.is_begun():
            shutil.rmtree(self.place, ignore_errors=True)
            with suppress(OSError):
                self.place.parent.rmdir()


def find_workspace(work: Path, plan_id: str, shard: Shard, attempt: int) -> Workspace:
    """The place of an attempt below the folder `work`; harvests of different plans do not meet there."""
    return Workspace(folder=work / plan_id / shard.id / f"{attempt:04}")


def clear_places(folder: Path, shards: Iterable[Shard]) -> None:
    """Remove what is left here of shards that are committed, by whomever: of those that nobody is at any more."""
    for place in (folder / shard.id for shard in shards):
        if place.is_dir() and not is_in_use(place):
            shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()


def find_work(given: Path | None) -> Path:
    """The folder for what is under way: the one that was named, else one for temporary files, the user's own.

    CannotWrite where that is somebody else's.
    """
    folder = given or Path(tempfile.gettempdir()) / f"harvester-shards-{os.getuid()}"
    make_folder(folder, private=given is None)
    found = folder.lstat()
    if given is None and (found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode)):
        raise CannotWrite(f"{folder} is not yours: name a folder on a local disk with --work.")
    return folder


async def prepare(
    workspace: Workspace, job: Job, plan: Plan, shard: Shard, pieces: AsyncIterator[tuple[Part, bytes]]
) -> Taken:
    """Begin an attempt's archive with the lines of `pieces`, which earlier attempts have published.

    It knows what the plan has settled. The attempt is begun once this returns, and not before.
    """
    workspace.clear()
    parts = []
    with lock_folder(workspace.folder, private=plan.signed) as lock:
        make_checkpoint_file(workspace.folder / STATE, private=plan.signed)
        with State(workspace.folder / STATE, guard=lock.check) as state, Appender(workspace.photos, length=0) as file:
            async for part, lines in pieces:
                await asyncio.to_thread(_add_lines, state, file, lines)
                parts.append(part)
            with state.changing(durably=True):
                state.note(_build_facts(job, plan, shard))
            taken = Taken(file.length, parts)
    write_whole(workspace.taken_over, msgspec.json.encode(taken))
    return taken


def _add_lines(state: State, file: Appender, lines: bytes) -> None:
    """Enter lines as harvested, those of photos that are not there yet."""
    found = list(_read_records(lines))
    with state.changing():
        fresh = {row.id for row in state.admit([row for _, row in found])}
        records = [record for record, _ in found if record.id in fresh]
        file.append(b"".join(record.line for record in records))
        state.note_lines(records)
        state.commit_length(PHOTOS, Length(file.length, state.length(PHOTOS).lines + len(records)))


def _build_facts(job: Job, plan: Plan, shard: Shard) -> JobFacts:
    is_bound = shard.kind == "time"
    return replace(
        plan.build_facts(),
        job=job.describe(),
        asked=tell_asked(job),
        looked_up=None if shard.kind == "ids" else plan.arguments,
        horizon=shard.until if is_bound else None,
    )


def _read_records(lines: bytes) -> Iterator[tuple[Record, Row]]:
    """Each photo once; a line that is none, and one that comes again, is left out."""
    seen = set[str]()
    for raw in lines.splitlines(keepends=True):
        try:
            record = orjson.loads(raw)
            photo_id = record["id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            continue
        if isinstance(photo_id, str) and is_photo_id(photo_id) and photo_id not in seen and raw.endswith(b"}\n"):
            seen.add(photo_id)
            updated, uploaded = read_seconds(record)
            yield Record(photo_id, raw), Row(photo_id, uploaded, None, raw, updated)


def copy_checkpoint(folder: Path) -> Path:
    """A copy of the checkpoint of an archive at rest, as one file, beside the archive."""
    target = folder.with_name(f"{folder.name}.sqlite")
    try:
        target.unlink(missing_ok=True)
        with closing(sqlite3.connect(folder / STATE, isolation_level=None)) as db:
            db.execute("VACUUM INTO ?", (str(target),))
    except OSError as error:
        raise cannot_write(target, error) from None
    except sqlite3.Error as error:
        raise CannotWrite(f"Cannot copy {folder / STATE}: {error}. Mend that, then run the same again.") from None
    return target
