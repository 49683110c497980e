"""The numbers of an archive for Prometheus: those of its run, or, at rest, those that are known without one. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from harvester.progress.metrics.numbers import Numbers
from harvester.web.watch.facts import Facts


def measure(facts: Facts) -> Numbers:
    """The numbers of an archive."""
    numbers, report, quota = facts.run.numbers if facts.run else Numbers(), facts.contents.report, facts.quota
    if numbers.expected is None and report is not None:
        numbers = replace(numbers, expected=report.expected)
    if numbers.quota_limit is None and quota is not None:
        numbers = replace(numbers, quota_limit=quota.limit, quota_used=quota.limit - quota.left)
    return numbers
