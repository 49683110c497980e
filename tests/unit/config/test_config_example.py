"""config.example.toml says what the code does: every setting, with its default, and nothing else."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from harvester.config.readers import SECRETS
from harvester.config.settings import Settings, load_config
from harvester.config.toml_file import JOB_TABLES, FlickrTable, JobTable, LimitsTable, NoticeTable
from harvester.jobs.model import SOURCES, Job, Search
from support.project import ROOT

EXAMPLE = ROOT / "config.example.toml"


def uncommented() -> str:
    """The file with all settings in force: `#name = …` and `#[table]` are settings, `# Text` is prose."""
    return re.sub(r"^#(?=[a-z_]+ = |\[)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    return tomllib.loads(uncommented())


def test_as_it_stands_it_changes_nothing(tmp_path: Path) -> None:
    config = load_config({}, config_path=EXAMPLE, environ={}, cwd=tmp_path)
    assert (config.settings, config.jobs) == (Settings(), {})


def test_every_setting_is_shown_with_its_default(tables: dict[str, Any]) -> None:
    assert set(tables) == {"flickr", "limits", "notice", "jobs"}
    assert tuple(tables["flickr"]) == FlickrTable.__struct_encode_fields__
    assert tuple(tables["limits"]) == LimitsTable.__struct_encode_fields__
    assert tuple(tables["notice"]) == NoticeTable.__struct_encode_fields__
    shown = {**tables["flickr"], **tables["limits"], **tables["notice"]}
    fields = [
        field for field in dataclasses.fields(Settings) if field.name not in ("direct", "env_prefix")
    ]  # of the demo, of jobs
    assert set(shown) == {field.name for field in fields}
    for field in fields:
        if field.name not in (*SECRETS, "on_complete", "on_trouble"):
            default = {"give_up_after": "never", "quota_ledger": "none"}.get(field.name, field.default)
            assert shown[field.name] == (default if isinstance(default, int) else str(default))


def test_every_kind_of_job_is_shown_with_all_its_fields(tables: dict[str, Any]) -> None:
    kinds = {job["source"]: set(job) for job in tables["jobs"].values()}
    assert set(kinds) == set(JOB_TABLES)
    common = set(JobTable.__struct_encode_fields__)
    for source, table in JOB_TABLES.items():
        own = set(table.__struct_encode_fields__) - common
        assert kinds[source] - common == own
    assert common <= kinds["search"]


def test_defaults_of_a_job_are_those_of_the_code(tables: dict[str, Any]) -> None:
    shown = tables["jobs"]["monkeys"]
    defaults = {field.name: field.default for kind in (Search, Job) for field in dataclasses.fields(kind)}
    for name in ("tag_mode", "media", "sort", "detail"):
        assert shown[name] == defaults[name]


BY_SHARDS = {"account": {"min_upload_date", "max_upload_date"}}
"""What shards, and Python, ask of a source and a job of the config file does not."""


def test_a_job_has_all_fields_of_its_source() -> None:
    common = set(JobTable.__struct_fields__)
    for name, source in SOURCES.items():
        fields = set(JOB_TABLES[name].__struct_fields__) - common - {"ids_from"}
        known = {field.name for field in dataclasses.fields(source)}  # type: ignore[arg-type]
        assert fields == known - BY_SHARDS.get(name, set())
    assert {field.name for field in dataclasses.fields(Job)} - {"source"} <= common


def test_with_everything_in_force_it_loads(tmp_path: Path) -> None:
    path = tmp_path / "harvester.toml"
    path.write_text(uncommented(), encoding="utf-8")
    config = load_config({}, config_path=path, environ={}, cwd=tmp_path)
    sources = {name: named.job.source.name for name, named in config.jobs.items()}
    assert sources == {
        "monkeys": "search",
        "postcards": "photos",
        "library": "account",
        "trip": "album",
        "clouds": "gallery",
        "lakes": "group",
        "liked": "favorites",
        "page": "search",
    }
    assert config.settings.quota == Settings().quota
