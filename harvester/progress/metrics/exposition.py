"""From the numbers of runs to the text that Prometheus reads. prometheus-client is imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from harvester.errors import UsageError
from harvester.events import DURATIONS
from harvester.progress.metrics.names import METRICS, Metric
from harvester.progress.metrics.numbers import Numbers

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

_Add: TypeAlias = Callable[[Any, Numbers, list[str]], None]
"""Puts the samples of a run into a family, behind these values of its first labels."""
ARCHIVE = "archive"
"""The label that tells runs apart where several are told at once."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def require_client(field: str) -> None:
    """UsageError, which names the option, where prometheus-client is missing."""
    try:
        import prometheus_client  # noqa: F401, PLC0415
    except ImportError:
        raise UsageError(
            'this needs prometheus-client, which is not there: pip install "flickr-harvester[metrics]".', field=field
        ) from None


def write_metrics(*all_numbers: Numbers) -> bytes:
    """All metrics, in the text format 0.0.4. Of several runs each sample has a label `archive`: 1, 2, 3 …"""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class Shown(Collector):
        def collect(self) -> Iterator[Family]:
            yield from collect(all_numbers)

    registry = CollectorRegistry()
    registry.register(Shown())
    return generate_latest(registry)


def collect(all_numbers: Sequence[Numbers]) -> Iterator[Family]:
    """The metrics, each with its samples; a number that is not known is left out."""
    is_alone = len(all_numbers) == 1
    for metric in METRICS:
        family = _open_family(metric, () if is_alone else (ARCHIVE,))
        for number, numbers in enumerate(all_numbers, 1):
            _ADD[metric.name](family, numbers, [] if is_alone else [str(number)])
        if metric.kind != "info" or family.samples:
            yield family


def _open_family(metric: Metric, before: tuple[str, ...]) -> Family:
    from prometheus_client import core  # noqa: PLC0415

    kinds: dict[str, Callable[..., Family]] = {
        "counter": core.CounterMetricFamily,
        "gauge": core.GaugeMetricFamily,
        "histogram": core.HistogramMetricFamily,
        "info": core.InfoMetricFamily,
    }
    name = metric.name.removesuffix("_info")
    labels = () if metric.kind == "info" else metric.labels
    return kinds[metric.kind](name, metric.meaning, labels=[*before, *labels])


def _gauge(read: Callable[[Numbers], float | None]) -> _Add:
    def add(family: Any, numbers: Numbers, labels: list[str]) -> None:
        if (value := read(numbers)) is not None:
            family.add_metric(labels, value)

    return add


def _counts(read: Callable[[Numbers], Iterable[tuple[tuple[str, ...], float]]]) -> _Add:
    def add(family: Any, numbers: Numbers, labels: list[str]) -> None:
        for own, count in read(numbers):
            family.add_metric([*labels, *own], count)

    return add


def _add_durations(family: Any, numbers: Numbers, labels: list[str]) -> None:
    bounds = [*(str(bound) for bound in DURATIONS), "+Inf"]
    if len(numbers.within) == len(bounds):
        buckets = list(zip(bounds, numbers.within, strict=True))
        family.add_metric(labels, buckets=buckets, sum_value=numbers.seconds)


def _add_info(family: Any, numbers: Numbers, labels: list[str]) -> None:
    if numbers.info is not None:
        family.add_metric(labels, numbers.info)


_ADD: dict[str, _Add] = {
    "harvester_api_calls_total": _counts(lambda n: (((method, outcome), count) for method, outcome, count in n.calls)),
    "harvester_api_call_duration_seconds": _add_durations,
    "harvester_photos_written_total": _counts(lambda n: [((), n.written)]),
    "harvester_photos_expected": _gauge(lambda n: n.expected),
    "harvester_quota_calls_used": _gauge(lambda n: n.quota_used),
    "harvester_quota_calls_limit": _gauge(lambda n: n.quota_limit),
    "harvester_wait_seconds_total": _counts(lambda n: (((why,), seconds) for why, seconds in n.waited.items())),
    "harvester_retries_total": _counts(lambda n: (((kind,), count) for kind, count in n.retries.items())),
    "harvester_last_commit_timestamp_seconds": _gauge(lambda n: n.last_commit),
    "harvester_run_info": _add_info,
}
"""How each metric comes by its samples."""
