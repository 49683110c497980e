"""From the numbers of a record to the text that Prometheus reads. prometheus-client is imported when it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from harvester.errors import UsageError
from harvester.events import DURATIONS
from harvester.metrics.names import METRICS, Metric
from harvester.metrics.record import Record

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

_Labels = TypeVar("_Labels", bound=tuple[str, ...])
_BY_NAME = {metric.name: metric for metric in METRICS}
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def require_client(field: str) -> None:
    """UsageError, which names the option, where prometheus-client is missing."""
    try:
        import prometheus_client  # noqa: F401, PLC0415
    except ImportError:
        raise UsageError(
            'this needs prometheus-client, which is not there: pip install "flickr-harvester[metrics]".', field=field
        ) from None


def write_metrics(record: Record) -> bytes:
    """All metrics, in the text format 0.0.4."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class Numbers(Collector):
        def collect(self) -> Iterator[Family]:
            yield from collect(record)

    registry = CollectorRegistry()
    registry.register(Numbers())
    with record.lock:
        return generate_latest(registry)


def collect(record: Record) -> Iterator[Family]:
    """The metrics, each with its samples; a number that is not known is left out."""
    yield _count("harvester_api_calls_total", record.calls)
    yield _spread(record)
    yield _count("harvester_photos_written_total", {(): record.written})
    reading, quota = record.reading, record.quota
    left = reading.calls_left if reading else None
    yield _gauge("harvester_photos_expected", reading.expected if reading else None)
    yield _gauge("harvester_quota_calls_used", None if quota is None or left is None else quota.calls - left)
    yield _gauge("harvester_quota_calls_limit", quota.calls if quota else None)
    yield _count("harvester_wait_seconds_total", {(reason,): waited for reason, waited in record.waited.items()})
    yield _count("harvester_retries_total", {(kind,): count for kind, count in dict(record.retries).items()})
    yield _gauge("harvester_last_commit_timestamp_seconds", record.last_commit)
    yield from _tell_run(record)


def _count(name: str, values: Mapping[_Labels, float]) -> Family:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    metric = _BY_NAME[name]
    family = CounterMetricFamily(name, metric.meaning, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _gauge(name: str, value: float | None) -> Family:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    family = GaugeMetricFamily(name, _BY_NAME[name].meaning, labels=())
    if value is not None:
        family.add_metric((), value)
    return family


def _spread(record: Record) -> Family:
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415

    metric: Metric = _BY_NAME["harvester_api_call_duration_seconds"]
    counts, seconds = record.durations
    bounds = [*(str(bound) for bound in DURATIONS), "+Inf"]
    family = HistogramMetricFamily(metric.name, metric.meaning, labels=())
    family.add_metric((), buckets=list(zip(bounds, counts, strict=True)), sum_value=seconds)
    return family


def _tell_run(record: Record) -> Iterator[Family]:
    from prometheus_client.core import InfoMetricFamily  # noqa: PLC0415

    if record.info is not None:
        name = "harvester_run_info"
        yield InfoMetricFamily(name.removesuffix("_info"), _BY_NAME[name].meaning, value=record.info)
