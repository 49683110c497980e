"""Taking what a shard has brought into the archive that is being made: lines, lists, and what its checkpoint knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from harvester.archive.checkpoint.facts import JobFacts
from harvester.archive.checkpoint.state import LINE_ID, Length, State
from harvester.archive.disk.files import Appender, cannot_write
from harvester.archive.disk.modes import make_file
from harvester.archive.sinks import PHOTOS
from harvester.errors import CannotWrite, StoreFault
from harvester.jobs.model import Account
from harvester.shards.commit import Part
from harvester.shards.plan import Plan
from harvester.shards.shard import Shard

_SETS = "photosets.ndjson"
_TABLES = ("bad_input", "list_line", "entry", "later", "gone", "unfetched", "walk", "gathered")
_APPENDED = ("sweep", "stretch")
_RECEIVED = "SELECT CAST(json_extract(value, '$[0]') AS INTEGER), json_extract(value, '$[1]') FROM json_each(?)"


# Many attributes: it works with the tables of all shards, and with the shard whose lines are merged.
class Merger:
    """Takes shards one after the other. Of a photo that several have brought, the first line counts."""

    def __init__(self, plan: Plan, state: State, *, file: Appender, scratch: Path, where: str) -> None:
        """`where` is the store's address, for sentences."""
        self._plan = plan
        self._state = state
        self._db = state.connection
        self._file = file
        self._scratch = scratch
        self._where = where
        self._shard: Shard | None = None
        self._lines = 0
        self._facts: list[tuple[Shard, JobFacts]] = []
        self.checkpoint = scratch / "shard.sqlite"
        """Where the checkpoint of the next shard is to be put."""
        self._db.execute("CREATE TEMP TABLE come(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL)")

    @contextmanager
    def taking(self, shard: Shard) -> Iterator[None]:
        """Take a shard, whose checkpoint is there; its lines and files are added within.

        StoreFault where some are missing.
        """
        path = self.checkpoint
        with self._opened(path, shard) as known:
            self._facts.append((shard, known))
        self._db.execute("ATTACH ? AS shard", (str(path),))
        try:
            with self._state.changing():
                self._db.execute("DELETE FROM come")
                yield
                self._check_lines(shard)
                self._absorb()
        finally:
            self._db.execute("DETACH shard")
            for each in self._scratch.glob("shard.sqlite*"):
                each.unlink()

    @contextmanager
    def _opened(self, path: Path, shard: Shard) -> Iterator[JobFacts]:
        """What a shard's checkpoint knows, brought to this version's format."""
        try:
            with State(path, lasting=False, shown=Path(f"{shard}.sqlite")) as state:
                yield state.facts
        except CannotWrite as error:
            raise StoreFault(f"{self._where}: {error}") from None

    def add_photos(self, part: Part, lines: bytes) -> None:
        """Add the lines of a part, those of photos that have none yet."""
        found = [(_read_id(line), line) for line in lines.splitlines(keepends=True)]
        if any(photo_id is None for photo_id, _ in found):
            raise StoreFault(f"{self._where}: {part.key} holds what is no photo's line: run that shard again.")
        sums = [(int(photo_id or 0), crc32(line)) for photo_id, line in found]
        fresh = self._insert("line", self._insert("come", sums))
        new = {photo_id for photo_id, _ in fresh}
        kept = []
        for (photo_id, _), (_, line) in zip(sums, found, strict=True):
            if photo_id in new:
                new.remove(photo_id)
                kept.append(line)
        self._file.write(b"".join(kept))
        self._lines += len(kept)

    def _insert(self, table: str, rows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those of the rows whose ids the table did not have; now it does."""
        told = orjson.dumps(rows).decode()
        query = f"INSERT OR IGNORE INTO {table} {_RECEIVED} WHERE true RETURNING id, sum"
        return self._db.execute(query, (told,)).fetchall()

    def add_to_file(self, name: str, data: bytes) -> None:
        """Add bytes of a file of lists: only one shard has that."""
        append(self._scratch / name, data)
        known = self._state.length(name)
        self._state.commit_length(name, Length(known.bytes + len(data), known.lines + data.count(b"\n")))

    def _check_lines(self, shard: Shard) -> None:
        """StoreFault where the parts do not hold just the lines that the shard's checkpoint has committed."""
        query = (
            "SELECT (SELECT count(*) FROM shard.line), (SELECT count(*) FROM come), "
            "(SELECT count(*) FROM shard.line AS told JOIN come USING(id) WHERE told.sum = come.sum)"
        )
        told, come, same = self._db.execute(query).fetchone()
        if not told == come == same:
            raise StoreFault(
                f"{self._where}: the parts of {shard} hold {come:,} photos where its checkpoint has {told:,}, and "
                f"{same:,} of them are alike: delete commits/{shard}, and run that shard again."
            )

    def _absorb(self) -> None:
        """Take over what the shard's checkpoint knows, beside its lines."""
        db = self._db
        db.execute("INSERT OR IGNORE INTO seen SELECT * FROM shard.seen ORDER BY id")
        db.execute("INSERT OR IGNORE INTO todo(id, row, failure) SELECT id, row, failure FROM shard.todo ORDER BY id")
        for table in _TABLES:
            db.execute(f"INSERT OR IGNORE INTO {table} SELECT * FROM shard.{table}")  # noqa: S608 - the names above
        for table in _APPENDED:
            db.execute(f"INSERT INTO {table}(body) SELECT body FROM shard.{table} ORDER BY n")  # noqa: S608

    def finish(self, *, is_whole: bool) -> None:
        """Commit the photos, and note what all shards together tell; `is_whole` where none of them is missing."""
        with self._state.changing():
            self._state.commit_length(PHOTOS, Length(self._file.length, self._lines))
            self._db.execute("DELETE FROM todo WHERE id IN (SELECT id FROM line)")
            self._keep_members()
            self._state.note(self._sum_up(is_whole=is_whole))

    def _keep_members(self) -> None:
        """Photos of an account's sets that no stretch has shown are still to be fetched."""
        source = self._plan.whole_job.source
        if not isinstance(source, Account) or "photos" not in source.kinds:
            return
        for line in self._read_sets():
            ids = orjson.dumps(orjson.loads(line).get("photo_ids") or []).decode()
            self._db.execute(
                "INSERT OR IGNORE INTO later(id) SELECT CAST(value AS INTEGER) FROM json_each(?) "
                "WHERE CAST(value AS INTEGER) NOT IN (SELECT id FROM seen)",
                (ids,),
            )

    def _read_sets(self) -> Iterator[bytes]:
        path = self._scratch / _SETS
        if path.exists():
            with path.open("rb") as lines:
                yield from lines

    def _sum_up(self, *, is_whole: bool) -> JobFacts:
        plan = self._plan
        claimed = self._sum_claims() if is_whole else plan.claimed
        alone = next((known for shard, known in self._facts if shard.kind == "all"), None)
        settled = replace(plan.build_facts(), arguments=plan.arguments, horizon=plan.horizon, expected=claimed)
        return replace(
            settled if alone is None else alone,
            job=plan.job,
            asked=plan.asked,
            env_prefix=settled.env_prefix,
            finished=None,
            notes=self._join("notes"),
            refusals=self._join("refusals"),
        )

    def _join(self, name: str) -> list[Any] | None:
        """What a fact lists in all shards; None where it lists nothing."""
        return [each for _, known in self._facts for each in getattr(known, name) or ()] or None

    def _sum_claims(self) -> int | None:
        """What Flickr has claimed of the photos: of their owner, or of all stretches together."""
        lists = [known.expected for shard, known in self._facts if shard.kind == "lists"]
        if lists and lists[0] is not None:
            return lists[0]
        claims = [known.expected for shard, known in self._facts if shard.kind == "time"]
        known = [claimed for claimed in claims if claimed is not None]
        return sum(known) if known and len(known) == len(claims) else None


def append(path: Path, data: bytes) -> None:
    """Add to a file. It is brought to the disk with all others, in the end."""
    try:
        if not path.exists():
            make_file(path)
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise cannot_write(path, error) from None


def _read_id(line: bytes) -> str | None:
    found = LINE_ID.match(line)
    return found[1].decode() if found and line.endswith(b"}\n") else None
