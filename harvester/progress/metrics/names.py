"""The metrics of a run: their names, kinds and meanings. The documentation is generated from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. No label tells an id, a key or a name, so that their number stays small."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    labels: tuple[str, ...]
    meaning: str


METRICS = (
    Metric("harvester_api_calls_total", "counter", ("method", "outcome"), "Calls that came to an end."),
    Metric("harvester_api_call_duration_seconds", "histogram", (), "From sending a call to the end of its answer."),
    Metric("harvester_photos_written_total", "counter", (), "Photos that were written."),
    Metric("harvester_photos_expected", "gauge", (), "Photos that are claimed to match; absent until it is known."),
    Metric("harvester_quota_calls_used", "gauge", (), "Calls of the quota's window that are spent, by all processes."),
    Metric("harvester_quota_calls_limit", "gauge", (), "Calls that the quota allows in its window."),
    Metric("harvester_wait_seconds_total", "counter", ("reason",), "Waited: quota, outage, or pause (by a person)."),
    Metric("harvester_retries_total", "counter", ("kind",), "Calls that are made again, by what was wrong."),
    Metric("harvester_last_commit_timestamp_seconds", "gauge", (), "When photos were last written, to some seconds."),
    Metric("harvester_run_info", "info", ("version", "source", "detail"), "What runs: 1."),
)  # fmt: skip
"""All of them, by the names that a scrape shows."""
