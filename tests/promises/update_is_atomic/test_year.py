"""A year of an account in fast motion: each night `run --update`, and now and then a kill or a damaged file."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from harvester.errors import Exit
from harvester.sandbox.catalogue import Person
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.accounts import ask, check_account
from support.archives import read_lines
from support.damage import CHECKPOINT, LINES, MANIFEST
from support.harvest import Opener
from support.processes import start_quietly

SOAK = bool(os.environ.get("HARVESTER_SOAK"))
PHOTOS, NIGHTS, OWNERS = (40_000, int(os.environ.get("HARVESTER_NIGHTS", "365")), 2) if SOAK else (600, 11, 2)
"""The account has half of the photos."""
KILLED_EACH, DAMAGED_EACH = (10, 50) if SOAK else (5, 4)
JOB = """
[limits]
quota = "none"
pace = "none"
[jobs.mine]
source = "account"
user = "{nsid}"
detail = "info"
output = "{folder}"
update = true
"""


@dataclass(frozen=True)
class View:
    """What the account shows: when each photo changed last, and who is in which set."""

    photos: dict[str, int]
    sets: dict[str, tuple[str, ...]]


def see(sandbox: Sandbox) -> View:
    catalogue, albums = sandbox.catalogue, sandbox.api.albums
    own = (n for n, owner in enumerate(catalogue.owners) if owner == 0)
    shown = {n for n in own if n not in catalogue.removed and not catalogue.is_private(n)}
    sets = {a.id: tuple(str(catalogue.id_of(n)) for n in albums.members(a, {})) for a in albums.albums_of(0)}
    return View({str(catalogue.id_of(n)): catalogue.updated(n) for n in shown}, sets)


def drift(sandbox: Sandbox, rng: random.Random, view: View) -> None:
    """A day: uploads, edits, deletions, photos hidden and shown again, photos moved to other sets."""
    catalogue = sandbox.catalogue
    hidden = [n for n, private in catalogue.privacy.items() if private and n not in catalogue.removed]
    drawn = rng.sample(sorted(view.photos), 17)
    sandbox.api.control(
        {
            "add": rng.randrange(12),
            "change": drawn[:8],
            "delete": drawn[8:10],
            "hide": drawn[10:12],
            "move": drawn[12:],
            "show": [str(catalogue.id_of(n)) for n in rng.sample(hidden, min(len(hidden), rng.randrange(3)))],
        }
    )


def tell(before: View, after: View) -> Counter[tuple[str, str]]:
    """What `changes.ndjson` has to tell of the photos: each change once."""
    old, new = before.photos, after.photos
    return Counter(
        [("added", i) for i in new.keys() - old.keys()]
        + [("removed", i) for i in old.keys() - new.keys()]
        + [("changed", i) for i in old.keys() & new.keys() if old[i] != new[i]]
    )


def least_calls(before: View, after: View) -> int:
    """Pages of 500 photos, a call for each photo that is told of, and a call for each set that holds others."""
    sets = [i for i, members in after.sets.items() if members != before.sets[i]]
    pages = -(-len(after.photos) // 500) + -(-len(after.sets) // 500)
    return pages + tell(before, after).total() + sum(max(1, -(-len(after.sets[i]) // 500)) for i in sets)


class Archive:
    """The archive that the job `mine` keeps, and the commands about it, each a process of its own."""

    def __init__(self, sandbox: Sandbox, home: Path, rng: random.Random) -> None:
        self.folder = home / "mine"
        self._sandbox = sandbox
        self._rng = rng
        self._config = home / "harvester.toml"
        self._config.write_text(JOB.format(nsid=self._person.nsid, folder=self.folder))

    @property
    def _person(self) -> Person:
        return self._sandbox.catalogue.people[0]

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        given = ("--config", str(self._config)) if arguments[0] in ("run", "resume") else ()
        return await start_quietly(self._sandbox.url, *arguments, *given, "-q")

    async def do(self, *arguments: str) -> int:
        return await (await self._start(*arguments)).wait()

    async def update(self) -> None:
        assert await self.do("run") == Exit.COMPLETE

    async def be_killed(self) -> None:
        """In the middle of the listing, of the photos, or of the merge: wherever it is after so many calls."""
        process = await self._start("run")
        target = self._sandbox.stats.calls + self._rng.randrange(1, 130 if SOAK else 40)
        while process.returncode is None and self._sandbox.stats.calls < target:
            await asyncio.sleep(0.002)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def be_damaged(self) -> None:
        """A file is damaged: the nightly job replaces it or refuses it, and what it refuses the cure brings back.

        What is lost of `changes.ndjson` nobody can bring back.
        """
        kinds = {"state.sqlite": CHECKPOINT, "manifest.json": MANIFEST}
        files = sorted(path for path in self.folder.iterdir() if path.suffix in (".ndjson", ".json", ".sqlite"))
        spared = ("changes.ndjson", "errors.ndjson")
        path = self._rng.choice([path for path in files if path.name not in spared and path.stat().st_size])
        name, damage = self._rng.choice(sorted(kinds.get(path.name, LINES).items()))
        damage(path, self._rng)
        if await self.do("run") != Exit.COMPLETE:
            assert await self.do("repair", str(self.folder)) in (Exit.COMPLETE, Exit.INCOMPLETE), (name, path)
            assert await self.do("resume", str(self.folder)) == Exit.COMPLETE, (name, path)
        assert verify_archive(self.folder) == [], (name, path)

    def told(self) -> Counter[tuple[str, str]]:
        lines = read_lines(self.folder / "changes.ndjson")
        return Counter((line["change"], line["id"]) for line in lines if "id" in line and "list" not in line)

    def check(self) -> None:
        check_account(self.folder, self._sandbox, self._person.nsid)
        assert verify_archive(self.folder) == []
        for line in read_lines(self.folder / "photos.ndjson"):
            assert line["info"] == ask(self._sandbox, "photos.getInfo", photo_id=line["id"])["photo"]


@pytest.mark.slow
async def test_a_year_of_nightly_updates_equals_the_account(
    sandbox_of: Opener, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive is the account at the end, each change is told once, calls are at most 1.1 times the least."""
    rng = random.Random(365)
    async with sandbox_of(photos=PHOTOS, owners=OWNERS) as sandbox:
        archive = Archive(sandbox, tmp_path, rng)
        await archive.update()
        spent, least, expected = 0, 0, Counter[tuple[str, str]]()
        before = see(sandbox)
        calls = sandbox.stats.calls
        await archive.update()
        overhead = sandbox.stats.calls - calls - least_calls(before, before)
        for night in range(1, NIGHTS + 1):
            if night % DAMAGED_EACH == 0:
                await archive.be_damaged()
            drift(sandbox, rng, before)
            after, calls = see(sandbox), sandbox.stats.calls
            if night % KILLED_EACH == 0:
                await archive.be_killed()
            await archive.update()
            spent += sandbox.stats.calls - calls
            least += overhead + least_calls(before, after)
            expected += tell(before, after)
            before = after
        archive.check()
        with capsys.disabled():
            if SOAK:
                print(f"\n{NIGHTS} nights: {spent:,} calls, {spent / least:.4f} times the least")  # noqa: T201
        assert archive.told() == expected
        assert spent <= 1.1 * least
