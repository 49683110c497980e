"""An archive without its checkpoint, as one that was published, is proved by its manifest alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from harvester.archive.disk.layout import LOCK
from harvester.archive.folder import MANIFEST, STATE
from harvester.archive.manifest import encode_manifest
from harvester.archive.repair.run import repair_archive
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Account, Job
from harvester.verify.archive import Verdict, prove_archive
from support.accounts import owner
from support.commands import call
from support.damage import LINES, PHOTO_LINES
from support.harvest import harvest_once

FILES = ("photos.ndjson", "photosets.ndjson", "people.ndjson")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete account, with its checkpoint."""
    folder = tmp_path_factory.mktemp("account") / "whole"
    return harvest_once(
        folder, lambda sandbox: Job(source=Account(user=owner(sandbox)), detail="info"), photos=120, owners=3
    )


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """What was published of it."""
    shutil.copytree(whole, tmp_path / "copy", ignore=shutil.ignore_patterns(f"{STATE}*", LOCK))
    return tmp_path / "copy"


def read_facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
    facts.pop("checksum")
    return facts


def rewrite(folder: Path, **changes: Any) -> None:
    (folder / MANIFEST).write_bytes(encode_manifest({**read_facts(folder), **changes}))


def test_a_copy_without_checkpoint_is_whole_and_said_to_be_checked_by_the_manifest_alone(copy: Path) -> None:
    before = sorted(copy.iterdir())
    result = call("verify", str(copy))
    assert result.exit_code == Exit.COMPLETE
    assert result.stdout.splitlines() == [
        "Checked by manifest.json alone: there is no state.sqlite.",
        f"{copy} is whole.",
    ]
    assert sorted(copy.iterdir()) == before
    facts = json.loads(call("verify", str(copy), "--json").stdout)
    assert (facts["whole"], facts["checked_by"]) == (True, "manifest")


def test_the_archive_itself_is_checked_by_its_checkpoint(whole: Path) -> None:
    assert prove_archive(whole) == Verdict(folder=whole, findings=())


ONE_LINE = {("people.ndjson", damage) for damage in ("swap_lines", "join_lines")}
CASES = [(name, damage) for name in FILES for damage in LINES if (name, damage) not in ONE_LINE]


@pytest.mark.parametrize(("name", "damage"), [*CASES, *(("photos.ndjson", damage) for damage in PHOTO_LINES)])
def test_every_damage_of_a_file_is_found_and_repair_is_named(damage: str, name: str, copy: Path) -> None:
    harm = {**LINES, **PHOTO_LINES}[damage]
    harm(copy / name, Random(f"{damage} {name}"))
    verdict = prove_archive(copy)
    assert any(name in finding for finding in verdict.findings)
    assert f"`harvester repair {copy}`" in verdict.findings[-1]
    assert call("verify", str(copy)).exit_code == Exit.INCOMPLETE


def test_an_empty_checkpoint_is_damage(copy: Path) -> None:
    (copy / STATE).touch()
    verdict = prove_archive(copy)
    assert verdict.findings[0] == "state.sqlite is empty."
    assert f"`harvester repair {copy}`" in verdict.findings[1]
    repair_archive(copy)
    assert prove_archive(copy).checked_by == "checkpoint"


def test_an_empty_checkpoint_alone_was_never_begun(tmp_path: Path) -> None:
    (tmp_path / STATE).touch()
    with pytest.raises(UsageError, match="was never begun"):
        prove_archive(tmp_path)


def test_files_of_somebody_else_are_no_damage(copy: Path) -> None:
    (copy / "README.txt").write_text("Published by us.")
    (copy / "extra.ndjson").write_text("{}\n")
    assert prove_archive(copy).is_whole


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"status":"complete","files":{}}', b"\x00" * 900])
def test_a_manifest_that_is_lost_too_is_one_sentence_that_names_repair(content: bytes | None, copy: Path) -> None:
    (copy / MANIFEST).unlink()
    if content is not None:
        (copy / MANIFEST).write_bytes(content)
    result = call("verify", str(copy))
    assert result.exit_code == Exit.INCOMPLETE
    (sentence,) = result.stdout.splitlines()
    assert sentence.startswith("manifest.json is missing" if content is None else "manifest.json is damaged")
    assert f"`harvester repair {copy}` keeps every good line and makes both anew." in sentence
    repair_archive(copy)
    assert (copy / STATE).exists()


def test_where_no_line_is_left_repair_is_not_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{")
    (finding,) = prove_archive(tmp_path).findings
    assert "harvest it anew" in finding
    assert "repair" not in finding


def test_a_folder_of_something_else_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="is no archive"):
        prove_archive(tmp_path)


@pytest.mark.parametrize("name", ["../outside.ndjson", "/etc/passwd", "updates/x.ndjson", "x.ndjson"])
def test_a_manifest_leads_to_no_file_that_no_archive_has(name: str, copy: Path) -> None:
    files = read_facts(copy)["files"]
    rewrite(copy, files={**files, name: files["photos.ndjson"]})
    (finding,) = prove_archive(copy).findings
    assert finding.startswith("manifest.json is damaged")


def test_counts_that_are_not_those_of_the_files_are_told(copy: Path) -> None:
    facts = read_facts(copy)
    rewrite(copy, counts={**facts["counts"], "photosets": 99})
    assert any("counts 99 in photosets.ndjson" in finding for finding in prove_archive(copy).findings)


def cut_files(folder: Path, lines: int) -> dict[str, Any]:
    """The manifest's files, as if only so many lines of photos.ndjson were committed."""
    files: dict[str, Any] = read_facts(folder)["files"]
    kept = b"".join((folder / "photos.ndjson").read_bytes().splitlines(keepends=True)[:lines])
    return {**files, "photos.ndjson": {"bytes": len(kept), "lines": lines}}


def test_a_copy_made_during_a_harvest_is_sound_as_far_as_it_was_committed(copy: Path) -> None:
    files = cut_files(copy, 20)
    rewrite(copy, status="unfinished", files=files)
    verdict = prove_archive(copy)
    more = (copy / "photos.ndjson").stat().st_size - files["photos.ndjson"]["bytes"]
    assert verdict.notes[1].startswith(f"photos.ndjson: {more:,} bytes behind the ")
    (finding,) = verdict.findings
    assert "under way" in finding
    assert "what it counts is sound" in finding
    assert call("verify", str(copy)).exit_code == Exit.INCOMPLETE


def flip_in_line(number: int) -> Callable[[list[bytes]], None]:
    def work(lines: list[bytes]) -> None:
        lines[number] = lines[number].replace(b'"id"', b'"iD"')

    return work


def double_line(lines: list[bytes]) -> None:
    lines[5] = lines[4]


@pytest.mark.parametrize("harm", [flip_in_line(3), flip_in_line(19), double_line])
def test_damage_of_what_was_committed_is_found_in_a_copy_made_during_a_harvest(
    harm: Callable[[list[bytes]], None], copy: Path
) -> None:
    rewrite(copy, status="unfinished", files=cut_files(copy, 20))
    lines = (copy / "photos.ndjson").read_bytes().splitlines(keepends=True)
    harm(lines)
    (copy / "photos.ndjson").write_bytes(b"".join(lines))
    findings = prove_archive(copy).findings
    assert any(finding.startswith("photos.ndjson") for finding in findings)
    assert not any("is sound" in finding for finding in findings)


def test_behind_the_committed_length_nothing_is_damage(copy: Path) -> None:
    rewrite(copy, status="unfinished", files=cut_files(copy, 20))
    lines = (copy / "photos.ndjson").read_bytes().splitlines(keepends=True)
    flip_in_line(20)(lines)
    (copy / "photos.ndjson").write_bytes(b"".join(lines)[:-9])
    assert len(prove_archive(copy).findings) == 1


@pytest.mark.parametrize(
    ("status", "told"),
    [("stopped", "was stopped before its end"), ("incomplete", "ended incomplete, and 7 could not be had")],
)
def test_an_archive_that_never_was_complete_is_not_whole(status: str, told: str, copy: Path) -> None:
    rewrite(copy, status=status, counts={"failed": 7})
    (finding,) = prove_archive(copy).findings
    assert told in finding


def test_a_manifest_of_an_earlier_version_has_no_checksum_and_is_enough(copy: Path) -> None:
    (copy / MANIFEST).write_bytes(orjson.dumps({**read_facts(copy), "format": 1}))
    assert prove_archive(copy).is_whole
