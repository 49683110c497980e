"""The facts of a checkpoint: each has its name and type, and only those that differ are written."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from harvester.archive.checkpoint.facts import NO_FACTS, Depth, JobFacts, describe_kept, overlay, read_named
from harvester.archive.checkpoint.state import State
from harvester.errors import CannotWrite
from harvester.jobs.rotation import Rotation

NAMES = set(
    "arguments asked begun bounded changed_since claims deepen deepens difference doubted env_prefix expected finished "
    "closing fold folded harmed last_part rotation "
    "horizon incomplete_stretches job least limit login looked_up names notes publish refusals repair repaired reread "
    "signed spared stream unescape unread update update_begun updated withdrawn withheld".split()
)
"""The names in the table, which checkpoints of earlier versions have too."""
ALL = JobFacts(
    job={"source": "account", "user": "x"},
    asked={"source": "account", "account": {"user": "x"}},
    arguments={"user_id": "1@N01"},
    looked_up={"user_id": "1@N01"},
    names=[("user", "x", "1@N01", "X")],
    signed=True,
    login={"nsid": "1@N01", "username": "X"},
    begun="2026-01-01T00:00:00Z",
    limit=5,
    publish="s3://bucket/p",
    unescape=True,
    stream=False,
    horizon=1,
    bounded=True,
    expected=7,
    claims={"a": 1},
    difference={"claimed": 7, "there": 5},
    incomplete_stretches=[{"after": "a", "before": "b", "claimed": 2, "found": 1, "note": "n"}],
    reread=[{"since": 1, "until": 2, "reported": 2, "found": 1, "note": ""}],
    withheld={"count": 300, "since": 1},
    notes=["n"],
    refusals=[{"list": "contacts", "code": 1, "message": "no"}],
    unread=False,
    finished=True,
    updated="2026-01-02T00:00:00Z",
    merged_update="a",
    pending_merge={"time": "t", "files": {"photos.ndjson": (1, 1)}, "moves": [], "status": "complete", "facts": {}},
    update="a",
    update_begun="2026-01-02T00:00:00Z",
    changed_since=1,
    spared=True,
    wanted_depth=Depth(detail="full", extras=("exif",), lines=3, complete=True),
    target_depth=Depth(detail="full", extras=()),
    least_parts=["info"],
    repair={"moves": [], "files": [], "cuts": {"photos.ndjson": 1}, "status": "stopped", "facts": {}},
    repaired=True,
    harmed=["updates/a.ndjson"],
    doubted={"photos.ndjson": 1},
    rotation=Rotation(lines=5, packing="gzip"),
    closing=[("photos.ndjson.part", "photos.ndjson")],
    last_part=3,
    env_prefix="PARTNER",
    withdrawn=[{"id": "1", "withdrawn_at": "2026-01-03T00:00:00Z", "reason": "r"}],
)


def list_names(state: State) -> dict[str, str]:
    return dict(state.connection.execute("SELECT name, value FROM meta").fetchall())


def test_every_fact_is_read_as_it_was_written_under_the_name_of_earlier_versions(tmp_path: Path) -> None:
    assert all(getattr(ALL, field.name) is not None for field in fields(JobFacts))
    with State(tmp_path / "state.sqlite") as state:
        assert state.facts == NO_FACTS
        with state.changing():
            state.note(ALL)
        assert state.facts == ALL
        assert set(list_names(state)) == NAMES
        assert list_names(state)["deepen"] == '{"detail":"full","extras":["exif"],"lines":3,"complete":true}'


def test_only_facts_that_differ_are_written_and_others_stay(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        with state.changing():
            state.note(JobFacts(limit=5))
            state.connection.execute("INSERT INTO meta VALUES ('of a later version', '1')")
            before = state.connection.total_changes
            state.note(replace(state.facts, limit=5, expected=7))
            assert state.connection.total_changes == before + 1
        assert list_names(state) == {"limit": "5", "expected": "7", "of a later version": "1"}
        with state.changing():
            state.note(replace(state.facts, limit=None))
        assert state.facts == JobFacts(expected=7)


def test_what_is_asked_is_forgotten_but_for_where_records_go(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        with state.changing():
            state.note(ALL)
            state.forget()
        assert state.facts == JobFacts(stream=False)


def test_a_fact_of_another_type_is_damage(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        state.connection.execute("""INSERT INTO meta VALUES ('deepens', '{"detail": "most", "extras": []}')""")
        with pytest.raises(CannotWrite, match=r"is damaged \(deepens: "):
            _ = state.facts


def test_what_begins_no_variable_is_damage(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        state.connection.execute("""INSERT INTO meta VALUES ('env_prefix', '"a key\\n"')""")
        with pytest.raises(CannotWrite, match=r"is damaged \(env_prefix: "):
            _ = state.facts


def test_a_manifest_keeps_facts_from_which_they_are_restored() -> None:
    kept = read_named(describe_kept(ALL))
    assert kept == overlay(kept, kept)
    assert overlay(ALL, kept) == ALL
    assert (kept.wanted_depth, kept.least_parts, kept.stream) == (ALL.wanted_depth, ["info"], False)
    assert read_named({**describe_kept(ALL), "limit": "many"}) == replace(kept, limit=None)
