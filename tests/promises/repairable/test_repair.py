"""Whatever is damaged: after `repair` and `resume` all is there, for the calls of what was lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from harvester.archive.delivery import Delivery
from harvester.archive.disk.layout import LOCK
from harvester.archive.repair.run import Report, repair_archive
from harvester.cli import main
from harvester.engine.upkeep.update import run_resume, run_update
from harvester.errors import CannotWrite, UsageError
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Job, Photos, Search, Source
from harvester.sandbox.albums import FIRST_SET
from harvester.sandbox.galleries import FIRST_GALLERY
from harvester.sandbox.server import Sandbox
from harvester.status.inspect import read_status
from harvester.verify.archive import verify_archive
from harvester.web.report.run import Order, write_report
from support.archives import read_lines
from support.damage import (
    CHECKPOINT,
    LINES,
    MANIFEST,
    PHOTO_LINES,
    Damage,
    change_id,
    cut,
    forge_rows,
    put_back,
    remove,
)
from support.durable import lay_under
from support.harvest import Opener, harvest_into, harvest_once, settings_for
from support.steps import strikes, try_copy

PHOTOS = 120


def read_all(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of each file that Flickr's answers are in, but for the moments of their harvest."""
    names = [path.name for path in folder.glob("*.ndjson")]
    return {
        name: sorted(map(without_moment, read_lines(folder / name)), key=lambda line: str(line["id"]))
        for name in names
        if name not in ("damaged.ndjson", "changes.ndjson")
    }


def without_moment(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "harvested_at"}


@dataclass
class World:
    """An account's archive, whole, and the sandbox that it is of."""

    sandbox: Sandbox
    whole: Path
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False)

    @property
    def settings(self) -> Any:
        return settings_for(self.sandbox)

    def copy(self, place: Path) -> Path:
        shutil.copytree(self.whole, place)
        return place

    async def heal(self, folder: Path) -> tuple[Report, int]:
        """Repair and resume; the report, and the calls that it took."""
        report = repair_archive(folder)
        before = self.sandbox.stats.calls
        summary = await run_resume(folder, self.settings)
        assert summary.status == "complete"
        return report, self.sandbox.stats.calls - before

    def check(self, folder: Path) -> None:
        assert read_all(folder) == self.lines
        assert verify_archive(folder) == []
        assert not (folder / ".repair").exists()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account's archive, to be copied."""

    def job_of(sandbox: Sandbox) -> Job:
        return Job(source=Account(user=max(sandbox.catalogue.people, key=lambda each: _weigh(sandbox, each.nsid)).nsid))

    return harvest_once(tmp_path_factory.mktemp("account") / "whole", job_of, photos=PHOTOS, owners=2)


@pytest.fixture
async def world(kept: Path, sandbox_of: Opener, tmp_path: Path) -> AsyncIterator[World]:
    whole = Path(shutil.copytree(kept, tmp_path / "whole"))
    async with sandbox_of(photos=PHOTOS, owners=2) as sandbox:
        yield World(sandbox, whole, read_all(whole))


def _weigh(sandbox: Sandbox, nsid: str) -> int:
    return len(json.loads(sandbox.api.truth({"user_id": nsid})))


def least_calls(report: Report, lines: dict[str, list[dict[str, Any]]]) -> int:
    """What the lost photos and lines take: two parts and a row for each photo, a list and a set for other lines.

    A checkpoint takes nothing: the manifest of a complete archive tells that all is there.
    """
    kept = next(found.kept for found in report.files if found.name == "photos.ndjson")
    lost = len(lines["photos.ndjson"]) - kept
    return 3 * lost + sum(1 + count for count in report.rebuilt.lists.values())


FILES = ("photos.ndjson", "photosets.ndjson")
OTHERS = ("people.ndjson", "collections.ndjson", "groups.ndjson", "contacts.ndjson")
CASES: list[tuple[str, str, Damage]] = [
    *((name, file, damage) for file in FILES for name, damage in LINES.items()),
    *((name, "photos.ndjson", damage) for name, damage in PHOTO_LINES.items()),
    *((damage.__name__, file, damage) for file in OTHERS for damage in (remove, change_id)),
    *((name, "state.sqlite", damage) for name, damage in CHECKPOINT.items()),
    *((name, "manifest.json", damage) for name, damage in MANIFEST.items()),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file", "damage"), CASES, ids=[f"{file} {name}" for name, file, _ in CASES])
async def test_after_repair_and_resume_all_is_there_for_the_calls_of_what_was_lost(
    name: str, file: str, damage: Damage, world: World, tmp_path: Path
) -> None:
    folder = world.copy(tmp_path / "damaged")
    damage(folder / file, Random(zlib.crc32(f"{name} {file}".encode())))
    report, calls = await world.heal(folder)
    world.check(folder)
    assert calls <= least_calls(report, world.lines)


@pytest.mark.parametrize("damage", [remove, cut], ids=["remove", "cut"])
@pytest.mark.parametrize("file", FILES)
async def test_a_file_and_the_checkpoint_lost_cost_the_calls_of_the_file(
    file: str, damage: Damage, world: World, tmp_path: Path
) -> None:
    folder = world.copy(tmp_path / "damaged")
    damage(folder / file, Random(1))
    (folder / "state.sqlite").unlink()
    report, calls = await world.heal(folder)
    world.check(folder)
    assert calls <= least_calls(report, world.lines)
    assert not report.rebuilt.lists_all


async def test_a_lost_checkpoint_of_a_complete_archive_costs_no_call(world: World, tmp_path: Path) -> None:
    folder = world.copy(tmp_path / "damaged")
    coverage = orjson.loads((folder / "manifest.json").read_bytes())["coverage"]
    (folder / "state.sqlite").unlink()
    report, calls = await world.heal(folder)
    world.check(folder)
    assert (calls, report.is_whole) == (0, True)
    assert orjson.loads((folder / "manifest.json").read_bytes())["coverage"] == coverage


async def test_fifty_kinds_of_damage_and_more_are_tried() -> None:
    assert len({(name, file) for name, file, _ in CASES}) > 50


@pytest.mark.parametrize("seed", range(6))
async def test_several_damages_at_once_are_repaired(seed: int, world: World, tmp_path: Path) -> None:
    rng = Random(seed)
    folder = world.copy(tmp_path / "damaged")
    for _, file, damage in rng.sample(CASES, 4):
        if (folder / file).exists() and (folder / file).stat().st_size > 100 and file != "state.sqlite":
            damage(folder / file, rng)
    await world.heal(folder)
    world.check(folder)


async def change_and_update(world: World, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Have the catalogue change and the archive follow; its lines then."""
    ids = [line["id"] for line in read_lines(folder / "photos.ndjson")]
    world.sandbox.api.control({"change": ids[:5], "delete": ids[5:8], "add": 4})
    assert (await run_update(folder, world.settings)).status == "complete"
    return read_all(folder)


OLD = {
    "photos": ("photos.ndjson",),
    "checkpoint": ("state.sqlite",),
    "checkpoint and manifest": ("state.sqlite", "manifest.json"),
    "manifest": ("manifest.json",),
    "photos and manifest": ("photos.ndjson", "manifest.json"),
    "sets": ("photosets.ndjson",),
}


@pytest.mark.slow
@pytest.mark.parametrize("names", OLD.values(), ids=OLD)
async def test_files_of_a_copy_from_before_an_update_are_brought_to_the_same_state(
    names: tuple[str, ...], world: World, tmp_path: Path
) -> None:
    folder = world.copy(tmp_path / "mixed")
    lines = await change_and_update(world, folder)
    put_back(world.whole, *names)(folder, Random(0))
    await world.heal(folder)
    await run_update(folder, world.settings)  # what an old checkpoint does not know of, an update sees
    assert read_all(folder) == lines
    assert verify_archive(folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(4))
async def test_a_copy_made_while_the_harvest_ran_is_completed(
    moment: int, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is copied at another moment of the harvest."""
    copied = tmp_path / "copy"
    copied.mkdir()
    whole = tmp_path / "running"
    names = ["photos.ndjson", "state.sqlite", "state.sqlite-wal"]
    names = names[moment % 3 :] + names[: moment % 3]
    account = Job(source=Account(user=json.loads((world.whole / "manifest.json").read_bytes())["job"]["user"]))
    commit, commits = Delivery._commit, [0]

    def commit_and_copy(delivery: Delivery, sink: Any) -> None:
        commit(delivery, sink)
        commits[0] += 1
        if names and delivery._state.length("photos.ndjson").lines and commits[0] % 2 == 0:
            name = names.pop()
            if (whole / name).exists():
                shutil.copyfile(whole / name, copied / name)

    monkeypatch.setattr(Delivery, "_commit", commit_and_copy)
    monkeypatch.setattr("harvester.engine.writer.COMMIT_PAUSE", 0.0)  # each handful of photos is a commit
    await harvest_into(whole, world.sandbox, account, workers=1)
    monkeypatch.undo()
    for name in names:  # a run of few commits: the rest is copied at its end
        if (whole / name).exists():
            shutil.copyfile(whole / name, copied / name)
    report = repair_archive(copied)
    if report.job is None:
        await harvest_into(copied, world.sandbox, account)
    else:
        await run_resume(copied, world.settings)
    world.check(copied)


def _name_gallery(sandbox: Sandbox) -> str:
    return f"{sandbox.catalogue.people[1].database_id}-{FIRST_GALLERY + 100}"


SOURCES: dict[str, Callable[[Sandbox], Source]] = {
    "search": lambda _: Search(tags="sandbox"),
    "search oldest first": lambda _: Search(tags="sandbox", sort="date-posted-asc"),
    "ranked": lambda _: Search(tags="sandbox", sort="relevance"),
    "ids": lambda sandbox: Photos(ids=json.loads(sandbox.api.truth({"tags": "sandbox"}))[:30]),
    "album": lambda _: Album(album=str(FIRST_SET)),
    "gallery": lambda sandbox: Gallery(gallery=_name_gallery(sandbox)),
    "group": lambda sandbox: Group(group=sandbox.catalogue.group_id),
    "account and galleries": lambda sandbox: Account(user=sandbox.catalogue.people[1].nsid, hydrate=("galleries",)),
    "favorites": lambda sandbox: Favorites(user=sandbox.catalogue.people[1].nsid),
}


@pytest.mark.slow
@pytest.mark.parametrize("detail", ["list", "info"])
@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("is_checkpoint_lost", [False, True])
async def test_archives_of_other_sources_are_repaired_too(
    kind: str, detail: Any, is_checkpoint_lost: bool, sandbox_of: Opener, tmp_path: Path
) -> None:
    if kind == "ids" and detail == "list":
        return  # ids have no listing
    async with sandbox_of(photos=150, owners=2) as sandbox:
        job = Job(source=SOURCES[kind](sandbox), detail=detail)
        await harvest_into(tmp_path / "a", sandbox, job)
        lines = read_all(tmp_path / "a")
        photos = (tmp_path / "a" / "photos.ndjson").read_bytes().splitlines(keepends=True)
        (tmp_path / "a" / "photos.ndjson").write_bytes(b"".join(photos[:7] + photos[9:-3]))
        if is_checkpoint_lost:
            remove(tmp_path / "a" / "state.sqlite", Random(0))
        repair_archive(tmp_path / "a")
        if is_checkpoint_lost and kind == "ids":  # nothing lists what was lost, and nothing else knows of it
            await harvest_into(tmp_path / "a", sandbox, Job(source=SOURCES[kind](sandbox), detail=detail))
        else:
            assert (await run_resume(tmp_path / "a", settings_for(sandbox))).status == "complete"
    assert read_all(tmp_path / "a") == lines
    assert verify_archive(tmp_path / "a") == []


async def test_where_nothing_tells_what_was_asked_the_first_command_takes_the_archive_up(
    world: World, tmp_path: Path
) -> None:
    folder = world.copy(tmp_path / "damaged")
    job = Job(source=Account(user=json.loads((folder / "manifest.json").read_bytes())["job"]["user"]))
    for name in ("state.sqlite", "manifest.json"):
        (folder / name).unlink()
    report = repair_archive(folder)
    assert report.job is None
    with pytest.raises(UsageError, match="Give the command that began it again"):
        await run_resume(folder, world.settings)
    before = world.sandbox.stats.calls
    assert (await harvest_into(folder, world.sandbox, job)).status == "complete"
    assert world.sandbox.stats.calls - before <= 12
    world.check(folder)


async def test_a_lost_photo_that_is_gone_from_flickr_is_told_on_its_line(world: World, tmp_path: Path) -> None:
    folder = world.copy(tmp_path / "damaged")
    lines = (folder / "photos.ndjson").read_bytes().splitlines(keepends=True)
    gone = json.loads(lines[3])["id"]
    (folder / "photos.ndjson").write_bytes(b"".join(lines[:3] + lines[4:]))
    world.sandbox.api.control({"delete": [gone]})
    await world.heal(folder)
    (line,) = [line for line in read_lines(folder / "photos.ndjson") if line["id"] == gone]
    assert (line["info"], line["errors"]["info"]["code"]) == (None, 1)


async def test_a_manifest_of_a_version_that_kept_no_facts_is_enough(world: World, tmp_path: Path) -> None:
    folder = world.copy(tmp_path / "damaged")
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    del manifest["facts"]
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    (folder / "state.sqlite").unlink()
    await world.heal(folder)
    world.check(folder)


async def test_damaged_lines_are_set_aside_with_their_place_and_the_reason(world: World, tmp_path: Path) -> None:
    folder = world.copy(tmp_path / "damaged")
    lines = (folder / "photos.ndjson").read_bytes().splitlines(keepends=True)
    lines[1] = b'{"id":"7","harvested_at":oh no}\n'
    lines[2] = b"\xff" + lines[2]
    (folder / "photos.ndjson").write_bytes(b"".join(lines))
    repair_archive(folder)
    first, second = read_lines(folder / "damaged.ndjson")
    assert (first["file"], first["byte"], first["text"]) == ("photos.ndjson", len(lines[0]), lines[1].decode())
    assert "base64" in second
    assert all(line["why"].startswith("not JSON") for line in (first, second))


async def test_a_dry_run_changes_nothing_and_tells_the_same(world: World, tmp_path: Path) -> None:
    folder = world.copy(tmp_path / "damaged")
    lines = (folder / "photos.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "photos.ndjson").write_bytes(b"".join(lines[4:]))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    tried = repair_archive(folder, dry_run=True)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    done = repair_archive(folder)
    assert (tried.files, tried.rebuilt, tried.is_needed) == (done.files, done.rebuilt, done.is_needed)


async def test_a_whole_archive_is_left_as_it_is(world: World) -> None:
    files = [path for path in world.whole.iterdir() if path.name != LOCK]  # it names moment and process
    before = {path: path.read_bytes() for path in files}
    report = repair_archive(world.whole)
    assert not report.is_needed
    assert report.is_whole
    assert {path: path.read_bytes() for path in world.whole.iterdir() if path.name != LOCK} == before


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fail", "die", "late"])
async def test_a_repair_survives_each_step_going_wrong(
    how: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever step fails or is the last one: repair again, resume, and all is there."""
    hurt, folder = tmp_path / "hurt", tmp_path / "tried"
    async with sandbox_of(photos=8, owners=2) as sandbox:
        await harvest_into(hurt, sandbox, Job(source=Account(user=sandbox.catalogue.people[0].nsid)))
        lines = read_all(hurt)
        for file in ("photos.ndjson", "photosets.ndjson"):
            first, *rest = (hurt / file).read_bytes().splitlines(keepends=True)
            (hurt / file).write_bytes(b"".join([b"?\n", first[9:], *rest]))
        data = (hurt / "state.sqlite").read_bytes()
        (hurt / "state.sqlite").write_bytes(data[: len(data) // 2])
        disk = lay_under(monkeypatch, tmp_path)
        calls = try_copy(hurt, folder, disk, repair_archive)
        assert len(calls) > 20
        for at in strikes(calls, how):
            try_copy(hurt, folder, disk, repair_archive, at=at, how=how)
            repair_archive(folder)
            kept = {line["id"] for line in read_lines(folder / "photos.ndjson")}
            assert len(kept) == len(lines["photos.ndjson"]) - 1, (at, calls[at])
            assert len(read_lines(folder / "damaged.ndjson")) == 4, (at, calls[at])
        await run_resume(folder, settings_for(sandbox))
        assert read_all(folder) == lines
        assert verify_archive(folder) == []


def _reverse(folder: Path) -> None:
    lines = (folder / "photos.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "photos.ndjson").write_bytes(b"".join(reversed(lines)))


def _lose_checkpoint_of_unfinished(folder: Path) -> None:
    (folder / "state.sqlite").unlink()
    manifest = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_bytes(manifest.replace(b'"complete"', b'"unfinished"', 1))


@pytest.mark.parametrize(
    ("damage", "code", "told"),
    [
        (lambda _: None, 0, "needs no repair."),
        (lambda folder: (folder / "manifest.json").unlink(), 0, "manifest.json was missing: written anew."),
        (lambda folder: (folder / "photos.ndjson").write_bytes(b""), 3, "resume {}, which fetches what was lost."),
        (_reverse, 0, "they stand in another order than manifest.json says."),
        (_lose_checkpoint_of_unfinished, 3, "resume {}, which reads the listing again and fetches what is missing."),
    ],
)
async def test_the_command_tells_what_it_did_and_what_is_left(damage: Any, code: int, told: str, world: World) -> None:
    damage(world.whole)
    result = CliRunner().invoke(main, ["repair", str(world.whole)])
    assert (result.exit_code, result.exception if result.exit_code == 1 else None) == (code, None)
    assert told.format(world.whole) in result.output
    assert verify_archive(world.whole) == [] or code


@pytest.mark.parametrize("name", ["photos.ndjson", "state.sqlite", "manifest.json"])
async def test_a_folder_in_the_place_of_a_file_is_told_before_anything_changes(name: str, world: World) -> None:
    (world.whole / name).unlink()
    (world.whole / name).mkdir()
    before = sorted(world.whole.iterdir())
    with pytest.raises(CannotWrite, match=f"{name} is a folder where a file should be: move it away"):
        repair_archive(world.whole)
    assert sorted(world.whole.iterdir()) == before


async def test_an_archive_whose_job_is_lost_is_not_damaged_once_it_is_repaired(world: World) -> None:
    for name in ("state.sqlite", "manifest.json"):
        (world.whole / name).unlink()
    repair_archive(world.whole)
    again = repair_archive(world.whole)
    assert (again.is_needed, again.checkpoint, again.job) == (False, "sound", None)


async def test_an_archive_whose_job_is_lost_has_a_status_and_a_report(world: World, tmp_path: Path) -> None:
    for name in ("state.sqlite", "manifest.json"):
        (world.whole / name).unlink()
    repair_archive(world.whole)
    status = await asyncio.to_thread(read_status, world.whole, world.settings)
    assert (status["state"], status["job"], status["calls_to_go"]) == ("unfinished", None, None)
    assert "the command that began the archive takes it up" in status["note"]
    reported = await asyncio.to_thread(write_report, Order(folders=[world.whole], output=tmp_path / "report.html"))
    assert reported.rows == status["photos"] == len(read_lines(world.whole / "photos.ndjson")) > 0
    with pytest.raises(UsageError, match="Give the command that began it again"):
        await run_update(world.whole, world.settings)


async def test_a_checkpoint_with_another_formats_number_is_told_as_damage(world: World) -> None:
    forge_rows("PRAGMA user_version = 68")(world.whole / "state.sqlite", Random(0))
    with pytest.raises(CannotWrite, match=f"harvester repair {world.whole}"):
        await run_update(world.whole, world.settings)


async def test_lines_of_another_account_are_set_aside(world: World) -> None:
    path = world.whole / "photos.ndjson"
    nsid = json.loads((world.whole / "manifest.json").read_bytes())["job"]["user"]
    line = path.read_bytes().splitlines(keepends=True)[0]
    photo_id = json.loads(line)["id"]
    with path.open("ab") as file:
        file.write(line.replace(photo_id.encode(), b"777777").replace(nsid.encode(), b"12345@N00"))
    _, calls = await world.heal(world.whole)
    world.check(world.whole)
    assert calls == 0
    assert [line["why"] for line in read_lines(world.whole / "damaged.ndjson")] == ["it is a photo of 12345@N00"]


def test_a_folder_that_holds_nothing_of_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds nothing of an archive"):
        repair_archive(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_other_commands_name_the_repair(world: World, tmp_path: Path) -> None:
    without, cut = world.copy(tmp_path / "without"), world.copy(tmp_path / "cut")
    (without / "state.sqlite").unlink()
    (cut / "photos.ndjson").write_bytes(b"")
    for folder in (without, cut):
        with pytest.raises((UsageError, CannotWrite), match=f"harvester repair {folder}"):
            await run_update(folder, world.settings)
    status = await asyncio.to_thread(read_status, cut, world.settings)
    assert status["state"] == "damaged"
    assert f"harvester repair {cut}" in status["note"]
