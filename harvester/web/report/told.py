"""What an archive says of itself: what was asked, how complete it is, what has changed. Nothing is written there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import orjson

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.disk.layout import CHANGES, MANIFEST, STATE
from harvester.archive.folder import merge_stretches
from harvester.archive.incomplete import IncompleteStretch
from harvester.config.settings import Settings
from harvester.export.lines import iterate_lines
from harvester.export.source import File, Source, damaged
from harvester.jobs.values import stamp
from harvester.status.inspect import read_report
from harvester.web.report.model import Archive, Stretch, Update, describe
from harvester.web.report.survey import tell_refusal

MOST_STRETCHES = 150
MOST_UPDATES = 100
_MOST_MEMBERS = 40
_MOST_REASONS = 60
_LONGEST = 300
"""Characters of a sentence."""


def name_archives(folders: Sequence[Path]) -> list[str]:
    """The names of folders, with as many of those above them as tell them apart: a page is for others to see."""
    paths = [folder.resolve() for folder in folders]
    return [_name_apart(path, [other for other in paths if other != path]) for path in paths]


def _name_apart(path: Path, others: Sequence[Path]) -> str:
    for depth in range(1, len(path.parts)):
        name = path.parts[-depth:]
        if all(other.parts[-depth:] != name for other in others):
            return "/".join(name)
    return str(path)


def read_archive(source: Source, name: str) -> Archive:
    """What an archive says of itself, and its list of changes. UsageError where a file is damaged.

    Its sentences have its name in place of its path.
    """
    folder = source.folder
    known = read_report(folder, Settings())
    manifest = _read_facts(folder)
    changes = _read_changes(source.lists[CHANGES]) if CHANGES in source.lists else _Changes()
    stretches = [*_list_stretches(folder, manifest)]
    kept = [_tell_kept(each) for each in known.incomplete_stretches]
    updates = sorted(changes.updates.values(), key=lambda update: update.at, reverse=True)
    return Archive(
        name=name,
        state=str(known.state),
        note=known.note.replace(str(folder), name),
        asked=[*_list_asked(known.job or {})],
        begun=known.begun,
        updated=known.brought_up_to_date or _find_text(manifest, "updated"),
        version=_find_text(manifest, "harvester"),
        photos=source.lines,
        claimed=known.expected,
        difference=known.difference,
        failed=known.failed,
        withdrawn=known.withdrawn,
        bytes=source.photos.bytes,
        calls=_count_calls(manifest),
        lists={name: count for name, count in known.lists.items() if name != "to_be_read"},
        stretches=join_stretches(stretches),
        kept_back=kept[:MOST_STRETCHES],
        more_kept_back=max(len(kept) - MOST_STRETCHES, 0),
        updates=updates[:MOST_UPDATES],
        more_updates=max(len(updates) - MOST_UPDATES, 0),
        members=dict(changes.members.most_common(_MOST_MEMBERS)),
        failures=count_failures(source.errors),
    )


def _read_facts(folder: Path) -> Mapping[str, Any]:
    """The manifest, be it sound or not: what of it is shown is said by other witnesses, too."""
    try:
        facts = orjson.loads((folder / MANIFEST).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _find_text(facts: Mapping[str, Any], name: str) -> str | None:
    found = facts.get(name)
    return found[:_LONGEST] if isinstance(found, str) else None


def _count_calls(facts: Mapping[str, Any]) -> int | None:
    run = facts.get("last_run")
    calls = run.get("calls") if isinstance(run, dict) else None
    return calls if isinstance(calls, int) else None


def _list_asked(job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in job.items():
        if value not in (None, "", [], {}):
            yield name.replace("_", " "), describe(value)[:_LONGEST]


def _list_stretches(folder: Path, facts: Mapping[str, Any]) -> Iterator[Stretch]:
    """By the checkpoint, which is newer than the manifest while a harvest is under way; else by the manifest."""
    if (folder / STATE).exists():
        with open_archive_to_read(folder) as state:
            for each in merge_stretches(state.stretches()):
                yield Stretch(
                    since=stamp(each.since),
                    until=stamp(each.until),
                    claimed=each.reported,
                    found=each.found,
                    is_whole=each.whole,
                    note=each.note[:_LONGEST],
                )
        return
    told = facts.get("coverage")
    for entry in told if isinstance(told, list) else ():
        with suppress(msgspec.ValidationError, TypeError):
            yield msgspec.convert({**entry, "claimed": entry.get("reported"), "is_whole": entry["whole"]}, Stretch)


def _tell_kept(stretch: IncompleteStretch) -> Stretch:
    return Stretch(
        since=stretch.after,
        until=stretch.before,
        claimed=stretch.claimed,
        found=stretch.found,
        is_whole=False,
        note=stretch.note[:_LONGEST],
    )


def join_stretches(stretches: Sequence[Stretch], *, most: int = MOST_STRETCHES) -> list[Stretch]:
    """At most so many stretches, oldest first: neighbours become one. What is kept back is told of the joined one."""
    ordered = sorted(stretches, key=lambda each: each.since)
    size = -(-len(ordered) // most) if ordered else 1
    return [_join(ordered[n : n + size]) for n in range(0, len(ordered), size)]


def _join(stretches: Sequence[Stretch]) -> Stretch:
    claims = [each.claimed for each in stretches if each.claimed is not None]
    return Stretch(
        since=stretches[0].since,
        until=max(each.until for each in stretches),
        claimed=sum(claims) if len(claims) == len(stretches) else None,
        found=sum(each.found for each in stretches),
        is_whole=all(each.is_whole for each in stretches),
        note=next((each.note for each in stretches if each.note), ""),
    )


class _Change(msgspec.Struct, gc=False):
    """A line of changes.ndjson, as far as it is counted."""

    at: str
    change: str
    members: list[str] = []
    license: Any = None


_read_change = msgspec.json.Decoder(_Change).decode


@dataclass(slots=True)
class _Changes:
    updates: dict[str, Update] = field(default_factory=dict)
    members: Counter[str] = field(default_factory=Counter)


def _read_changes(file: File) -> _Changes:
    """What updates have found. All lines of an update have the same time."""
    changes = _Changes()
    for number, line in enumerate(iterate_lines(file), 1):
        try:
            change = _read_change(line)
        except msgspec.DecodeError:
            raise damaged(file.path, number) from None
        _count_change(changes.updates.setdefault(change.at, Update(at=change.at)), change)
        changes.members.update(change.members)
    return changes


def _count_change(update: Update, change: _Change) -> None:
    name = change.change if change.change in ("added", "changed", "removed") else "other"
    setattr(update, name, getattr(update, name) + 1)
    update.licenses += change.license is not None


def count_failures(errors: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    """What could not be had for now: what was asked, why, and how often, most often first."""
    counts = Counter((_name_failed(error), tell_refusal(None, error.get("message"))) for error in errors)
    told = [(what, why, count) for (what, why), count in counts.most_common(_MOST_REASONS)]
    rest = counts.total() - sum(count for *_, count in told)
    return [*told, ("others", "", rest)] if rest else told


def _name_failed(error: Mapping[str, Any]) -> str:
    return next((str(error[name])[:80] for name in ("part", "list", "method") if error.get(name)), "photo")
