"""Dashboard and alert rules name no metric and no label that no run tells; what a run tells is as promtool wants it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from harvester.events import DURATIONS
from harvester.progress.metrics.exposition import ARCHIVE, collect, write_metrics
from harvester.progress.metrics.names import METRICS
from harvester.progress.metrics.numbers import Numbers
from support.project import ROOT

GUIDE = ROOT / "docs" / "pages" / "guide"
DASHBOARD = json.loads((GUIDE / "grafana-dashboard.json").read_text("utf-8"))
RULES = yaml.safe_load((GUIDE / "harvester-alerts.yml").read_text("utf-8"))
TARGETS = {"job", "instance"}
"""Labels that Prometheus itself puts to what it scrapes."""
PARTS = ("_bucket", "_sum", "_count")
NUMBERS = Numbers(
    calls=[("flickr.photos.getInfo", "ok", 7), ("flickr.photos.search", "failed", 1)],
    within=[*range(len(DURATIONS) + 1)],
    seconds=12.5,
    written=5,
    expected=100,
    quota_used=8,
    quota_limit=3600,
    waited={"quota": 1.0, "outage": 0.0, "pause": 0.0},
    retries={"busy": 1},
    last_commit=1_764_000_000.0,
    info={"version": "1", "source": "search", "detail": "full"},
)


def known_labels() -> dict[str, set[str]]:
    """The labels of each name that a query may use."""
    found = {metric.name: {*metric.labels, *TARGETS, ARCHIVE} for metric in METRICS}
    for metric in METRICS:
        if metric.kind == "histogram":
            found |= {f"{metric.name}{part}": {*metric.labels, *TARGETS, ARCHIVE, "le"} for part in PARTS}
            del found[metric.name]
    return {**found, "up": TARGETS}


def read_queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (variable["query"]["query"] for variable in DASHBOARD["templating"]["list"][1:])
    for group in RULES["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.mark.parametrize("query", list(read_queries()))
def test_a_query_names_only_metrics_and_labels_that_are_there(query: str) -> None:
    known = known_labels()
    names = re.findall(r"\b(?:harvester_\w+|up)\b", query)
    assert names
    assert set(names) <= known.keys()
    for name, selector in re.findall(r"\b(harvester_\w+)\{([^}]*)\}", query):
        assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= known[name], query
    every = set.union(*(known[name] for name in names))
    for grouped in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", query):
        assert {label.strip() for label in grouped.split(",")} <= every, query
    assert query.count("(") == query.count(")")


def test_every_metric_is_on_the_dashboard() -> None:
    text = " ".join(read_queries())
    assert [metric.name for metric in METRICS if metric.name not in text] == []


def test_a_rule_is_one_that_prometheus_takes() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 5
    for rule in rules:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("info", "warning")


def test_panels_have_their_own_places() -> None:
    places: set[tuple[int, int]] = set()
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        own = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not own & places
        assert max(x for x, _ in own) < 24
        places |= own


@pytest.mark.parametrize("runs", [1, 3])
def test_the_text_is_as_promtool_wants_it(runs: int) -> None:
    """Its rules: help and type before the samples, counters end in _total, base units, no sample twice."""
    text = write_metrics(*[NUMBERS] * runs).decode()
    families = list(text_string_to_metric_families(text))
    assert len(families) == len(METRICS)
    for metric in METRICS:
        assert text.count(f"# HELP {metric.name} ") == text.count(f"# TYPE {metric.name} ") == 1
        assert re.fullmatch(r"[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not re.search(r"milli|minute|hour|_ms\b|percent|bytes_bytes|_(?:gauge|counter|histogram)", metric.name)
    samples = [(s.name, tuple(sorted(s.labels.items()))) for family in families for s in family.samples]
    assert len(samples) == len(set(samples))
    for family in families:
        for sample in family.samples:
            labels = set(sample.labels) - {"le"}
            own = next(m for m in METRICS if sample.name.removesuffix("_info").startswith(m.name.removesuffix("_info")))
            assert labels == {*own.labels, *([ARCHIVE] if runs > 1 else [])}
    first = [s for f in families for s in f.samples if s.labels.get(ARCHIVE, "1") == "1"]
    buckets = [sample.value for sample in first if sample.name.endswith("_bucket")]
    assert buckets == sorted(buckets)


def test_it_is_sound_in_openmetrics_too() -> None:
    class Shown(Collector):
        def collect(self) -> Iterator[Any]:
            return collect([NUMBERS])

    registry = CollectorRegistry()
    registry.register(Shown())
    families = list(parse_openmetrics(generate_latest(registry).decode()))  # type: ignore[no-untyped-call]
    assert len(families) == len(METRICS)
